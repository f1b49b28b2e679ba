"""What can be told of a description without a grammar: its head nouns, and whether it means several things."""

from __future__ import annotations

from runtime.language.phrasebook import word_set
from runtime.language.phrases import words_in

_PLURAL_WORDS = word_set("plural_words")
_PLURAL_FORMS = words_in("mice men women people children feet teeth loaves halves")
_SINGULAR_IN_S = word_set("singular_in_s")
_RELATIONS = word_set("relations")
_SUBJECTS = words_in("i you we he she they ive weve youve theyve im youre theyre hes shes id")
_COLOURS = word_set("colours")


def head_nouns(expression: str) -> tuple[str, ...]:
    """The last word before each relation word and the end: ("jar", "apple") of "the red jar beside the apple"."""
    heads: list[str] = []
    previous = ""
    for word in [*expression.split(), "of"]:
        if word in _RELATIONS and previous and previous not in _RELATIONS and previous not in ("the", "a", "an"):
            heads.append(previous)
        previous = word
    return tuple(heads)


def is_plural(expression: str) -> bool:
    """Whether an expression asks for more than one thing.

    A counting word before its first noun, a noun in -s, or two things joined by "and" before any relation.
    """
    words = _named(expression.split())
    heads = head_nouns(" ".join(words))
    if not heads or words[0] in ("whichever", "whatever", "what", "whats"):
        return False
    before = words[: words.index(heads[0]) + 1]
    noun = heads[0]
    if noun == "glasses" and before[0] in ("my", "your", "his", "her"):
        return False
    if before[:1] == ["one"] or noun in ("pair", "one"):
        return any(word in _PLURAL_WORDS for word in before[:-1])
    ends_in_s = noun.endswith("s") and not noun.endswith("ss") and noun not in _SINGULAR_IN_S
    return ends_in_s or noun in _PLURAL_FORMS or any(word in _PLURAL_WORDS for word in before) or _joins_two(words)


def _named(words: list[str]) -> list[str]:
    """ "the thing" of "the thing you squeeze lemons with"."""
    for i in range(2, len(words)):
        if words[i] in _SUBJECTS:
            return words[:i]
    return words


def is_noun_phrase(words: str) -> bool:
    """Whether words without an article may still name a thing: "red mug on the left", "bottles"."""
    first, *rest = words.split() or [""]
    if not rest:
        return is_plural(first)
    return first in _COLOURS or (rest[0] in _RELATIONS and first not in _RELATIONS)


def _joins_two(words: list[str]) -> bool:
    for i, word in enumerate(words):
        if word == "and":
            return i > 0 and words[i - 1] not in _COLOURS and words[i - 1] not in _RELATIONS
        if word in _RELATIONS - {"of"}:
            return False
    return False

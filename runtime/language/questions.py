"""What a question asks after: "which mug is the biggest", "is the red mug on the table"."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.arguments import without_place
from runtime.language.nouns import head_nouns
from runtime.language.phrases import ARTICLES, DETERMINERS, PREPOSITIONS, words_in
from runtime.language.vocabulary import Vocabulary

RELATIVE_PRONOUNS = frozenset({"that", "which", "who", "whose", "thats"})
_PUT = words_in("put leave left keep store place stick hide")
_SINGLES = words_in("first last only second third")


def place_asked(rest: list[str]) -> tuple[list[str], str]:
    """What is looked for and in which room: "the pantry for the flour", "in the kitchen is the salt"."""
    for i in range(1, min(7, len(rest) - 1)):
        if rest[i] in ("do", "does", "did") and rest[i + 1] in ("we", "i", "you", "they", "he", "she"):
            opens = next((k for k in range(i + 2, len(rest)) if rest[k] in DETERMINERS), i + 2)
            return rest[opens:], without_place(["in", *rest[:i]])[1] or without_place(rest[:i])[1]
        if rest[i] in ("is", "are") and rest[i + 1] in DETERMINERS and RELATIVE_PRONOUNS.isdisjoint(rest[:i]):
            return rest[i + 1 :], without_place(["in", *rest[:i]])[1] or without_place(rest[:i])[1]
    if "for" in rest[1:]:
        cut = rest.index("for", 1)
        _, place = without_place(["in", *rest[:cut]])
        if place:
            return rest[cut + 1 :], place
        if PREPOSITIONS.at(rest) and rest[cut + 1 : cut + 2] and rest[cut + 1] in DETERMINERS:
            return without_place([*rest[cut + 1 :], *rest[:cut]])  # "under the sink for the plunger"
    if rest[:1] and rest[0] in ("i", "you", "we", "he", "she", "they", "anyone", "somebody"):
        opens = next((i for i in range(2, min(5, len(rest))) if rest[i] in DETERMINERS), 0)
        rest = rest[opens:]
    return without_place(rest)


def is_there(words: Sequence[str], vocabulary: Vocabulary | None) -> bool:
    """ "is the red mug on the table": a question for a thing that may be in view."""
    if words[0] not in ("is", "are") or len(words) < 4 or words[1] not in ARTICLES:
        return False
    heads = head_nouns(" ".join(words[1:]))
    seen = vocabulary is None or any(head in vocabulary for head in heads)
    return seen and any(PREPOSITIONS.at(words, i) for i in range(3, len(words)))


def which_asked(words: Sequence[str]) -> list[str]:
    """What a question that begins with "which" asks after; nothing where it asks for something else.

    "which shelf is the peanut butter on", "which mug is the biggest", "which box has the dice in it".
    """
    for i in range(2, min(6, len(words) - 1)):
        kind, rest = list(words[1:i]), list(words[i + 1 :])
        if words[i] in ("did", "do") and rest[1:2] and rest[1] in _PUT and PREPOSITIONS.before(rest, len(rest)):
            return rest[2:-1]  # "which drawer did you put the batteries in"
        if kind[0] == "one" and kind[1:2] != ["of"]:
            return []
        if words[i] in ("has", "have", "contains", "holds"):
            return ["the", *kind, "that", words[i], *rest]
        if words[i] not in ("is", "are"):
            continue
        if "of" in kind[:2]:
            return rest
        if rest[0] not in DETERMINERS:
            return ["the", *kind, *rest]  # "which pencil is closest to the lamp"
        if len(rest) in (2, 3) and rest[0] == "the" and not PREPOSITIONS.before(rest, len(rest)):
            return [*rest, *kind]
        while len(rest) > 1 and PREPOSITIONS.before(rest, len(rest)):
            rest.pop()
        return rest
    return []


def superlative_asked(words: Sequence[str]) -> list[str]:
    """The thing asked after in "what is the biggest thing on the table"."""
    start = words.index("the") if "the" in words[1:3] else len(words)
    if start + 2 >= len(words):
        return []
    return list(words[start:]) if words[start + 1].endswith("est") or words[start + 1] in _SINGLES else []

"""What stands around a command and says nothing of what is wanted: wake words, politeness, when and how."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import AFTER_ANSWER, ANSWERS, DETERMINERS, PEOPLE, PERSONAL, VERBS, WISHES, words_in

_BEFORE = phrasebook("opening")
_AFTER = phrasebook("closing")
_TAILS = phrasebook("tails")
"""What tells why, when or how to the end of the sentence."""
_ANYWHERE = word_set("anywhere")
_EXPLAINS = words_in("hes shes its theyre im were youre")
_NOT_EXPLAINED = word_set("not_explained")
"""A new sentence that gives a reason ("its cold"), and what makes it part of the one before."""
_AFTER_ITS = word_set("after_its")
"""After these "its" is "it is"."""
_NOT_NAMES = DETERMINERS | word_set("not_names")


def after_filler(text: str) -> str:
    """Words without greeting, wake word, politeness, time and manner around them; something is always left."""
    words = text.split()
    if answer_end(words) == len(words):
        return text
    if words[:2] != ["uh", "huh"]:
        words = words[_frame_before(words) :]
    words = _without_tail(words)
    end = len(words)
    while end > 0 and (shorter := _frame_after(words, end)) < end:
        end = shorter
    kept = words[:end] if end else words
    inner = [word for i, word in enumerate(kept) if not (word in _ANYWHERE and i > 0)] or kept
    return " ".join(inner).strip(" ,")


def _frame_before(words: Sequence[str]) -> int:
    """Where the command begins. The last word is never filler: "now" alone may be an answer to somebody."""
    start = 0
    while start < len(words) - 1:
        if words[start] == ",":
            start += 1
            continue
        found = _BEFORE.at(words, start)
        verb = VERBS.at(words, start)
        wish = WISHES.at(words, start)
        longest = max((end for _, end in filter(None, (verb, wish))), default=0)
        if found and found[1] > longest and found[1] < len(words) and not _is_noun(words, found[1]):
            start = found[1]
        elif not longest and _is_name(words, start):
            start += 1
        elif not longest and words[start + 1] == "robot" and words[start] not in _NOT_NAMES and start + 2 < len(words):
            start += 2
        else:
            break
    return start


def _is_noun(words: Sequence[str], end: int) -> bool:
    """Whether what looks like a wake word is a thing on the table: "robot on the left", "next to the mug"."""
    return (
        words[end - 1] in ("robot", "next", "first", "machine", "computer", "right", "man")
        and words[end] in words_in("on in next to beside by near with behind under is that which arm toy of from one")
    ) or (words[end - 1] in ("first", "next") and VERBS.at(words, end) is None and words[end] != ",")


def _is_name(words: Sequence[str], start: int) -> bool:
    """A word that we do not know before a comma, "please" or a verb is what the speaker calls the robot."""
    if words[start] in _NOT_NAMES or ANSWERS.at(words, start):
        return False
    follows = start + 1 + (words[start + 1] == ",")
    rest = words[follows:]
    asks = bool(rest) and (
        rest[0] == "please" or (rest[0] in ("can", "could", "would", "will") and rest[1:2] == ["you"])
    )
    if asks:
        return True
    verb = VERBS.at(words, follows)
    return bool(verb and verb[0] and len(words) > verb[1] and words[verb[1]] in DETERMINERS | {"me", "the"}) and (
        start > 0 or words[start + 1] == ","
    )


def _without_tail(words: Sequence[str]) -> list[str]:
    for start in range(2, len(words)):
        tail = _TAILS.at(words, start)
        goes_on = tail and words[start] == "after" and VERBS.at(words, tail[1])  # "after that turn it off"
        if (tail and not goes_on) or _explains(words, start):
            return list(words[:start])
    return list(words)


def _explains(words: Sequence[str], start: int) -> bool:
    """Whether a sentence of its own begins that gives a reason: "its cold", "grandma is sleeping"."""
    owner = start + (words[start] in ("the", "my", "our"))
    if (
        start > 2
        and owner + 1 < len(words)
        and words[owner] in PEOPLE | PERSONAL
        and words[owner + 1] in ("is", "are", "was")
    ):
        return words[start - 1] not in _NOT_EXPLAINED and VERBS.at(words, start - 1) is None
    before = words[start - 1] if words[start - 1] != "," else words[start - 2]
    follows = words[start + 1] if start + 1 < len(words) else ""
    switched = before in ("on", "off") and follows in _AFTER_ITS  # "turn it on its cold"
    if words[start] not in _EXPLAINS or (before in _NOT_EXPLAINED and not switched) or ANSWERS.before(words, start):
        return False
    return (
        words[start] != "its"
        or words[start - 1] == ","
        or follows in _AFTER_ITS
        or (follows.endswith("ing") and len(follows) > 5 and follows not in ("string", "spring"))
    )


def _frame_after(words: Sequence[str], end: int) -> int:
    if words[end - 1] == ",":
        return end - 1
    found = _AFTER.before(words, end)
    if (
        found
        and found[1] > 0
        and not (found[0] == "address" and words[found[1] - 1] in DETERMINERS | {"of", "with", "and"})
        and not _belongs(words, found[1], end)
    ):
        return found[1]
    if (
        end > 2
        and words[end - 2] == ","
        and words[end - 1] not in _NOT_NAMES
        and ANSWERS.before(words, end - 2) is None
    ):
        return end - 2  # a name
    return end


def _belongs(words: Sequence[str], start: int, end: int) -> bool:
    """Whether the closing words name a place or a thing after all: "on the right", "the one i said"."""
    return (words[start] == "right" and words[start - 1] in words_in("the to far on turn left and")) or (
        words[end - 1] in ("robot", "machine", "computer", "man", "first", "next")
        and words[start - 1]
        in DETERMINERS - {"one"} | words_in("toy red blue green small big on little white black yellow")
    )


def answer_end(words: Sequence[str]) -> int:
    """Where the yes or no that `words` begin with ends; 0 where they do not answer."""
    end = 0
    while found := ANSWERS.at(words, end):
        end = found[1]
        while end < len(words) and words[end] == ",":
            end += 1
        skipped = AFTER_ANSWER.at(words, end)
        if skipped and skipped[1] == len(words):
            end = skipped[1]
    if end in (0, len(words)):
        return end
    follows = (
        words[end] in DETERMINERS | words_in("not left right i its take pick grab give put thats im")
        or words[end - 1] == ","
    )
    return (
        end
        if (follows and words[0] not in ("right", "good", "great", "fine", "do", "go", "ok", "okay"))
        or words[end - 1] == ","
        else 0
    )

"""What people say between one request and the next: "and when youre done could you". One plain "and" for all of it."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrasebook import phrasebook
from runtime.language.phrases import VERBS, WISHES, words_in

_BETWEEN = phrasebook("between")
_JOINTS = words_in("and then so , also plus but oh afterwards next")
_DESCRIBES_AFTER = words_in("that how what if as which where who the one ones thing things i you")
"""After these "could you" and the like describe: "the one can you see it"."""


def plainly_joined(words: Sequence[str]) -> list[str]:
    """`words` with "and" in the place of whatever leads from one request to the next."""
    joined = list(words)
    i = 1
    while i < len(joined):
        end = _leads_over(joined, i)
        if end and (i > 3 or any(VERBS.at(joined, k) or WISHES.at(joined, k) for k in range(i))):
            joined[i:end] = ["and"]
        i += 1
    return joined


def _leads_over(words: Sequence[str], start: int) -> int:
    """Where the request begins that the words at `start` lead to; 0 where they lead to none."""
    end = _skipped(words, start)
    joint = end > start
    found = _BETWEEN.at(words, end)
    if not found or (not joint and (found[0] == "joint" or words[start - 1] in _DESCRIBES_AFTER)):
        return 0
    while found:
        end = _skipped(words, found[1])
        found = _BETWEEN.at(words, end)
    verb = VERBS.at(words, end)
    return end if verb and verb[0] else 0


def _skipped(words: Sequence[str], start: int) -> int:
    while start < len(words) and words[start] in _JOINTS:
        start += 1
    return start

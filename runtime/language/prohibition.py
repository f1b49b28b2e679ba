"""What a person says is not to be done: a robot that misses the "not" does the opposite of what was asked."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrasebook import word_set
from runtime.language.phrases import DETERMINERS, VERBS, WISHES

_NEGATIONS = tuple(
    tuple(phrase.split())
    for phrase in (
        *("do not", "must not", "should not", "may not", "can not", "not allowed to", "not supposed to", "not to"),
        *("no need to", "under no circumstances", "do knot", "dont", "donut", "never", "mustnt", "shouldnt", "cant"),
        *("cannot", "didnt", "neednt", "not", "don", "wont"),
    )
)
"""Longest first where one begins with another."""
_BETWEEN = word_set("after_not")
"""Adverbs and fillers between "dont" and its verb: "do not under any circumstances take"."""
_OTHERS = frozenset({"i", "we", "he", "she", "they", "who", "that", "which", "it"})
"""Somebody else who does not: "i cant find", "the mug that i never use", "if you dont mind"."""
_ACTIONS = ("pick", "place", "give", "move", "open", "close", "turn", "turn_on", "turn_off", "point")
_POLITE = ("why", "cant", "couldnt", "wont", "wouldnt")


def forbidding(text: str) -> str:
    """`text` with every prohibition in the one form "dont VERB ...", which `reading` understands; else as it was.

    "i told you not to pick up the knife" and "please never pick up the knife" are "dont pick up the knife".
    """
    words = text.split()
    if words[-1:] == ["dont"] and len(words) > 1 and VERBS.at(words):
        return " ".join(["dont", *words[:-1]])
    for start in range(len(words)):
        end = _negation_end(words, start)
        stops = VERBS.at(words, start)
        if stops and stops[0] == "stop":
            return text  # "wait dont pick it up", "dont move"
        if not end or _is_of_somebody_else(words, start, end):
            continue
        verb = end
        while verb < len(words) and words[verb] in _BETWEEN:
            verb += 1
        found = VERBS.at(words, verb)
        if found and found[0] in _ACTIONS and (words[found[1] : found[1] + 1] or verb == end):
            return " ".join([*_kept_before(words[:start]), "dont", *words[verb:]])
    return text


def _negation_end(words: Sequence[str], start: int) -> int:
    return next((start + len(item) for item in _NEGATIONS if tuple(words[start : start + len(item)]) == item), 0)


def _is_of_somebody_else(words: Sequence[str], start: int, end: int) -> bool:
    before = words[start - 1] if start else ""
    if before == "why" and list(words[end : end + 1]) == ["you"]:
        return True  # "why dont you open it" asks
    if before == "if" or list(words[end : end + 1]) in (["mind"], ["forget"], ["worry"]):
        return True
    if words[start] in _POLITE and list(words[end : end + 1]) == ["you"]:
        return True  # "cant you pick it up" asks
    if before in _OTHERS and list(words[end : end + 2]) != ["want", "you"]:
        return True
    if words[start] in ("donut", "don", "not") and start and words[start] != "not":
        return True  # a thing on the table
    return words[start] == "not" and end - start == 1  # "the mug that is not red"


def _kept_before(words: Sequence[str]) -> list[str]:
    """What is asked for before a prohibition: "pick up the banana but" of "... but dont touch the apple"."""
    asks = any((verb := VERBS.at(words, i)) and verb[0] and words[verb[1] : verb[1] + 1] for i in range(len(words)))
    asks = asks or any((wish := WISHES.at(words, i)) and wish[0] for i in range(len(words)))
    asks = asks and not DETERMINERS.isdisjoint(words)
    return list(words) if asks else []

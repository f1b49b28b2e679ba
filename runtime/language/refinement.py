"""New commands made of old ones: "the red one" with the noun it leaves out, "it" with the thing it means."""

from __future__ import annotations

import re
from dataclasses import replace

from runtime.datatypes import Command
from runtime.language.telling_apart import is_ranked
from runtime.language.wording import (
    ADJECTIVES,
    COLOURS,
    NUMBERS,
    ONES,
    OPENS_TAIL,
    PRONOUNS,
    NounPhrase,
    agreeing_tail,
    is_singled_out,
    join,
    one_noun,
    plural_of,
    singles_out,
)

POINTERS = (PRONOUNS - {"something", "anything", "everything"}) | {"that one", "this one", "the same one", "the one"}
"""Targets that name nothing and point at what was named before."""
_SEVERAL = frozenset({"all", "both", "these", "those", *NUMBERS[2:]})
_LAST_POINTER = re.compile(r"\b(?:it|that|this|them)$")
_LINK = re.compile(r"^(?:that|which) (?:is|are) |^thats ")


def merged(last: Command, new: Command, *, answers_question: bool) -> Command:
    """The last command, to be done as `new` says: its action, destination, recipient and place.

    "take the left one", said to "Which one?", chooses a thing to be put, given or moved; it takes nothing back.
    """
    chooses = new.action == "point" or (new.action == "pick" and last.action in ("place", "give", "move"))
    if answers_question and chooses and last.action != "none":
        return last
    return replace(
        last, action=new.action, destination=new.destination, recipient=new.recipient, place=new.place, reason=""
    )


def retargeted(command: Command, transcript: str, target: str, *, plural: bool) -> Command:
    """`command` for another thing; what was repaired or unknown in the old words is forgotten."""
    return replace(
        command,
        transcript=transcript,
        target=target,
        plural=plural,
        repairs=(),
        unknown=(),
        reason="",
        alternative=None,
    )


def is_fragment(words: str) -> bool:
    """Whether words say something of a thing that they need not name: "near the mug", "with a lid", "blue"."""
    first, *rest = words.split()
    adjectives = ADJECTIVES | ONES | frozenset(NUMBERS[2:])
    return (first in OPENS_TAIL and bool(rest)) or all(
        word in adjectives or singles_out(word) for word in (first, *rest)
    )


def refined(words: str, target: str, *, keep: bool) -> tuple[str, bool] | None:
    """Target and plural of a description without a noun of its own ("the red one", "near the mug", "not the red one").

    The noun is that of the old `target`; with `keep` its other words stay as well, so far as the new ones leave room.
    None where `words` name a thing by themselves.
    """
    negated = words.startswith("not ")
    phrase = NounPhrase.of(words.removeprefix("not "))
    if phrase.noun in ("both", "all"):
        return all_of(target, both=phrase.noun == "both"), True
    modifiers, tail, determiner = phrase.modifiers, phrase.tail, phrase.determiner
    if phrase.noun in NUMBERS[2:]:
        determiner = join(determiner or "the", phrase.noun)
    elif phrase.noun in ADJECTIVES or singles_out(phrase.noun):
        modifiers = (*modifiers, phrase.noun)
    elif not phrase.noun and tail and all(singles_out(word) for word in tail.split()):
        modifiers, tail = tuple(tail.split()), ""
    elif phrase.noun not in ONES | {""} or not (phrase.noun or tail):
        return None
    plural = phrase.noun == "ones" or any(word in _SEVERAL for word in determiner.split())
    noun = plural_of(one_noun(target)) if plural else one_noun(target)
    old = NounPhrase.of(target)
    kept = _kept(old, () if negated else modifiers, keep)
    stays = keep and not is_singled_out(old) and not old.joins_two
    old_tail = agreeing_tail(old.tail, several=plural) if stays else ""
    if not negated:
        # English says "big red glass jar".
        adjectives = sorted(
            (*modifiers, *kept), key=lambda word: 1 if word in COLOURS else 0 if word in ADJECTIVES else 2
        )
        return join(determiner or "the", *adjectives, noun, tail or old_tail), plural
    if bool(modifiers) == bool(tail):
        return None
    refused = " ".join(modifiers) or _LINK.sub("", tail)
    return join("the", *kept, noun, "that are not" if plural else "that is not", refused, old_tail), plural


def _kept(old: NounPhrase, new: tuple[str, ...], keep: bool) -> list[str]:
    """Words before the old noun that still hold: the first part of its name ("coffee mug"), with `keep` adjectives."""
    coloured = any(word in COLOURS for word in new)
    return [
        word
        for word in old.modifiers
        if not singles_out(word)
        and word not in new
        and (word not in ADJECTIVES or (keep and not (coloured and word in COLOURS)))
    ]


def pinpointed(target: str, detail: str) -> str:
    """The description of one candidate of many: "the jar on the left beside the apple", "the bigger jar"."""
    phrase = NounPhrase.of(target)
    kept = [word for word in phrase.modifiers if not singles_out(word)]
    tail = "" if is_singled_out(phrase) or phrase.joins_two else agreeing_tail(phrase.tail, several=False)
    if detail in ("bigger", "smaller"):
        return join("the", detail, *kept, one_noun(target), tail)
    if is_ranked(detail):
        rank, _, rest = detail.partition(" ")
        return join("the", rank, *kept, one_noun(target), rest, tail)
    return join("the", *kept, one_noun(target), detail, tail)


def all_of(target: str, *, both: bool) -> str:
    """The description of every thing that `target` might mean: "both jars beside the apple"."""
    phrase = NounPhrase.of(target)
    kept = [word for word in phrase.modifiers if not singles_out(word)]
    tail = "" if is_singled_out(phrase) or phrase.joins_two else agreeing_tail(phrase.tail, several=True)
    return join("both" if both else "all the", *kept, plural_of(one_noun(target)), tail)


def resolved(command: Command, referent: str, *, plural: bool) -> Command:
    """`command` with "it" and its like, as target or at the end of its destination, put into words."""
    if command.target in POINTERS:
        return replace(command, target=referent, plural=plural)
    return replace(command, destination=_LAST_POINTER.sub(referent, command.destination))

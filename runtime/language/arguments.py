"""What follows the verb: the thing, where to put it, who is to have it, and in which room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runtime.datatypes import Command
from runtime.language.nouns import is_plural
from runtime.language.phrasebook import word_set
from runtime.language.phrases import (
    ARTICLES,
    DETERMINERS,
    ENDS,
    PLACES,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVE,
    ends_relative,
    words_in,
)
from runtime.language.recipients import OWNED, recipient_of

_BEGINS_ROOM = words_in("the my your our her his their room next upstairs downstairs outside")
_POSTURES = words_in("upright flat straight sideways")
_TO_ROOM = words_in("from in at to into out of inside toward towards through over")
_SIDES = words_in("back front end top bottom middle centre center corner edge side left right")
_NUMBERS = words_in("one two three four five six seven eight nine ten eleven twelve")
_AFTER_ROOM = word_set("after_room")
_AFTER_TO = DETERMINERS | words_in("its you me us him her left right here there where one mine yours someone")
_AT_AN_END = {f"at the {very}{end}" for very in ("", "very ") for end in ("back", "front", "end", "top", "bottom")}
_STILL_DESCRIBES = _AT_AN_END | {"left", "there", "over there", "right there", "back there", "back", "up there"}
"""Ends of "the smallest cookie left", "the cup over there" where the thing is only given."""
_MOVED = words_in("put set placed moved brought took carried dropped threw gave sent went ran fell pushed slid rolled")
_KEEPS_PARTICLE = word_set("keeps_particle")
"""After these "down" and the like say more of the thing: "the cup you put down"."""
_LEADS = words_in("leads leading goes opens")
_REST = words_in("other others rest")
_NOT_OBJECTS = words_in("up down out over")
_IS = words_in("thats that which whos who is are")


def with_target(command: Command, rest: Sequence[str]) -> Command:
    """`command` with the thing named in `rest`, and with the room named there as its place."""
    rest = rest[1:] if list(rest[:1]) == ["me"] and rest[1:2] and rest[1] in DETERMINERS else rest  # "open me the jar"
    words, place = without_place(_without_particles(rest))
    target = tidy(_without_the_other(words))
    place = place or command.place
    if not target or target in _ONLY_WHERE:
        if place and command.action == "move":
            return replace(command, place=place)
        return replace(command, action="none", reason=f"'{command.action}' needs a thing; say which one")
    return replace(command, target=target, place=place, plural=is_plural(target))


def _without_the_other(words: Sequence[str]) -> Sequence[str]:
    """ "the left one" of "the left one not the right one"; but "the one thats not the biggest" is described by it."""
    for i in range(2, len(words) - 1):
        told_apart = words[i] == "not" and words[0] in _DEFINITE and words[i + 1] in _DEFINITE
        if told_apart and words[i - 1] not in _IS | words_in("that was its but or"):
            return words[: i - (words[i - 1] == "and")]
    return words


_ONLY_WHERE = words_in("under around up out over behind underneath inside")
"""What says where without a thing: "look around", "reach under"."""
_DEFINITE = words_in("the my your that this")


def _without_particles(rest: Sequence[str]) -> list[str]:
    """What is left of "pick the jar up" and "put down the jar"."""
    words = [word for word in rest if word != ","]
    if len(words) > 1 and words[0] in _NOT_OBJECTS and words[1] in DETERMINERS:
        del words[0]
    goes_on = words[-2:-1] and words[-2].endswith("ing") and bool(_IS.intersection(words[:-2]))  # "thats boiling over"
    goes_on = goes_on or ends_relative(words, len(words) - 1)
    if len(words) > 1 and words[-1] in _NOT_OBJECTS and words[-2] not in _KEEPS_PARTICLE and not goes_on:
        del words[-1]
    for i in range(1, len(words) - 1):  # "pick the jar up from the table", "put it down on the plate"
        if words[i] in ("up", "down") and words[i + 1] in ("that", "which", "thats"):
            return [*words[:i], *words[i + 1 :]]
        if (
            (words[i] in ("up", "down") or (words[i] == "out" and words[i + 1] == "on"))
            and words[i - 1] not in _KEEPS_PARTICLE
            and (PREPOSITIONS.at(words, i + 1) or words[i + 1] == "from")
            and words[i - 1] not in ("far", "way", "right", "further")
            and words[i + 1] != "against"
        ):
            return [*words[:i], *words[i + 1 :]]
    return words


def without_place(words: Sequence[str]) -> tuple[list[str], str]:
    """`words` without a part of a building and its preposition, and that part ("the kitchen")."""
    for start in range(len(words)):
        found = PLACES.at(words, start)
        found = found or _some_room(words, start)
        if start and words[start] == "to" and words[start - 1] in OWNED | _LEADS:
            continue  # "next to the shed", "the door that leads to the ward"
        if start and words[start] == "of" and words[start - 1] in _SIDES:
            continue  # "to the back of the shed"
        if found and words[found[1] - 1] == "room" and words[found[1] : found[1] + 1] and words[found[1]] in _NUMBERS:
            found = (found[0], found[1] + 1)  # "meeting room two"
        if not found or (found[1] < len(words) and words[found[1]] not in _AFTER_ROOM):
            continue  # "the kitchen table" is no room
        inside = list(words[start : found[1]])
        named = next((i for i, word in enumerate(inside) if word in _BEGINS_ROOM), 0)
        named = named or next(i for i, word in enumerate(inside) if word not in _TO_ROOM or i == len(inside) - 1)
        room = " ".join(inside[named:])
        while start > 0 and words[start - 1] in ("over", "down", "up", "out", "back", "away", "in"):
            start -= 1
        return [*words[:start], *words[found[1] :]], room
    return list(words), ""


def _some_room(words: Sequence[str], start: int) -> tuple[str, int] | None:
    """ "in the linen room": any room, by its name."""
    if words[start] not in words_in("from in at to into inside of") or words[start + 1 : start + 2] not in (
        ["the"],
        ["my"],
        ["our"],
    ):
        return None
    end = start + 4
    return ("room", end) if words[end - 1 : end] == ["room"] else None


def give(rest: Sequence[str], command: Command) -> Command:
    """ "me the jar", "the jar to me", "the jar to the man", "the jar to the table"."""
    words, place = without_place(_without_particles(rest))
    command = replace(command, place=place)
    who, words = recipient_of(words)
    who = who.removesuffix(" whos").removesuffix(" who is")  # "my brother who is (in the kitchen)"
    if len(words) > 2 and words[0] in ("back", "over") and words[1] in DETERMINERS:
        words = words[1:]  # "give me back my cup"
    return with_destination(words, replace(command, recipient=who or command.recipient), only_goals=True)


def with_destination(rest: Sequence[str], command: Command, *, only_goals: bool = False) -> Command:
    """ "the jar beside the apple on the tray": the last phrase says where, unless one says "into" or "onto".

    With several phrases either may say where; the first as destination is the alternative.
    """
    rest = _put_away(rest) if command.action == "place" else rest
    upright = (i for i in range(1, len(rest) - 1) if rest[i] in _POSTURES and PREPOSITIONS.at(rest, i + 1))
    if (posture := next(upright, 0)) and command.action == "place" and rest[posture - 1] not in RELATIVE:
        rest = [*rest[:posture], *rest[posture + 1 :]]  # "the bottle upright next to the mustard"
    down = next((i for i in range(1, len(rest) - 1) if rest[i] == "down" and PREPOSITIONS.at(rest, i + 1)), 0)
    words, place = without_place(_without_particles(rest))
    command = replace(command, place=place or command.place)
    opening = PREPOSITIONS.at(words) or ENDS.at(words)
    if command.action == "move" and opening:
        return replace(command, destination=tidy(words))
    cuts, goals = cuts_of(words)
    if only_goals:  # "the tablet back" is only given; "the smallest cookie left" stays whole
        if words[-1:] == ["back"] and words[-2:-1] not in (["the"], ["very"]):
            words, goals = words[:-1], goals[:-1]
        cuts = goals = [
            cut
            for cut in goals
            if " ".join(words[cut:]) not in _STILL_DESCRIBES
            and words[cut] not in ("off", "out", "upside", "face")
            and not (words[cut] == "over" and words[cut + 1 : cut + 2] not in (["to"], ["here"]))
        ]

    def cut_at(cut: int) -> Command:
        return with_target(replace(command, destination=tidy(words[cut:])), words[:cut])

    if goals:
        return cut_at(goals[0])
    if cuts[:1] == [1] and words[0] in PRONOUNS and not only_goals:
        return cut_at(1)  # "it on the stone next to the sink"
    if command.action == "place" and down in cuts and list(words[:down]) == list(rest[:down]):
        return cut_at(down)  # "the lantern down on the ledge below the window"
    if not cuts and command.action in ("place", "move"):
        cuts = [i for i in range(1, len(words) - 2) if words[i] == "with" and words[i + 2] in _REST]
        cuts = cuts or [i for i in range(2, len(words) - 1) if words[i] == "facing"]
    if not cuts:
        return with_target(command, words)
    chosen = cut_at(cuts[-1])
    return replace(chosen, alternative=cut_at(cuts[0])) if len(cuts) > 1 else chosen


def _put_away(rest: Sequence[str]) -> list[str]:
    """ "the dishes (away) in the cupboard", "the can (away)"; but "away from the edge" says where."""
    return [word for word, follows in zip(rest, [*rest[1:], ""], strict=False) if word != "away" or follows == "from"]


def cuts_of(words: Sequence[str]) -> tuple[list[int], list[int]]:
    """Where a destination may begin, and where one must."""
    cuts: list[int] = []
    goals: list[int] = []
    within: list[int] = []
    ended = False
    i = 1
    while i < len(words):
        if words[i] in ("upside", "face") and words[i + 1 : i + 2] in (["down"], ["up"]) and words[i - 1] in RELATIVE:
            i += 2  # "the cup thats upside down", "the card lying face down"
            continue
        if ends_relative(words, i):
            i += 1  # "off" of "the mug whose handle broke off (into the box)"
            ended = True
            continue
        ended, after_relative = False, ended
        ending = ENDS.at(words, i)
        found = PREPOSITIONS.at(words, i)
        if ending and ending[1] == len(words) and words[i - 1] not in RELATIVE | ARTICLES | {"on", "to", "in", "at"}:
            cuts.append(i)
            goals.append(i)
            break
        if not found or (found[1] == len(words) and found[1] == i + 1):
            i += 1
            continue
        if words[i] == "to" and found[1] == i + 1 and words[i + 1] not in _AFTER_TO:
            i = found[1]  # "a cloth to wipe the table"
            continue
        if words[i - 1] in ("belonging", "belongs", "made") or _compares(words, i):
            i = found[1]
            continue
        goal = found[0] == "goal"
        if i > 2 and not (after_relative and goal) and _in_relative_clause(words, i, goal=goal):
            within += [i] if found[1] < len(words) and (words[i - 2] == "just" or found[0] == "goal") else []
            i = found[1]
            continue
        ends_clause = after_relative and found[0] == "goal"  # "the cup i drank from into the sink"
        if (
            i == 1
            or ends_clause
            or not (
                (words[i - 1] in RELATIVE and words[i - 2] not in ARTICLES)
                or words[i - 2 : i] in (["the", "one"], ["the", "ones"])
            )
        ):
            cuts.append(i)
            if found[0] == "goal":
                goals.append(i)
        i = found[1]
    return cuts or within, goals


def _compares(words: Sequence[str], i: int) -> bool:
    """ "the cup that is the farthest away from the lamp", "the one thats the nearest one to the door"."""
    if words[i] == "away" and words[i - 1] in _MOST_DISTANT:
        return True
    one = words[i - 1] in ("one", "ones") and words[i - 2] in _MOST_DISTANT
    return one and words[i] in ("to", "from") and i > 3 and bool(_IS.intersection(words[i - 4 : i - 2]))


_MOST_DISTANT = words_in("closest nearest farthest furthest")


def _in_relative_clause(words: Sequence[str], i: int, *, goal: bool) -> bool:
    """Whether the preposition at `i` belongs to the verb of a relative clause: "the toy that fell off the table"."""
    if goal and words[i - 2] == "just" and words[i - 1] not in _MOVED:
        return False  # "the cup you just washed to the table"
    if words[i - 2] in ("that", "which", "who"):
        return words[i - 1] not in DETERMINERS
    subject = words[i - 2] in ("i", "you", "we", "he", "she", "they", "just") or words[i - 1] in ("stuck", "full")
    return subject and words[i - 3] not in ("and", "then")


def tidy(words: Sequence[str]) -> str:
    """Words with single spaces, without commas."""
    return " ".join(word for word in words if word != ",")

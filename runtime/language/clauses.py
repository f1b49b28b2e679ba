"""Clauses: where a sentence falls into commands, and what one clause asks to be done with what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from runtime.datatypes import Action, Command
from runtime.language.framing import after_filler, answer_end
from runtime.language.nouns import head_nouns, is_noun_phrase, is_plural
from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import (
    AFTER_ANSWER,
    ANSWERS,
    DETERMINERS,
    ENDS,
    FURNITURE,
    NOUNS_TOO,
    PEOPLE,
    PERSONAL,
    PLACES,
    PREPOSITIONS,
    RELATIVE,
    TITLES,
    VERBS,
    WISHES,
    words_in,
)
from runtime.language.vocabulary import Vocabulary

_JOINTS = word_set("joints")
_ARTICLES = DETERMINERS - word_set("articles")
_OPENS_OBJECT = DETERMINERS | words_in("me us him up down out off on over back away to in here")
_NO_VERB_AFTER = word_set("no_verb_after")
_NOT_OBJECTS = words_in("up down out over")
_QUESTION_ENDS = word_set("question_ends")


def split_clauses(words: Sequence[str]) -> Iterator[list[str]]:
    """The words of each command, filler removed, answers ("no") apart from their corrections."""
    start = 0
    for end, begin in [*_joints(words), (len(words), len(words))]:
        for part in _after_answer(words[start:end]):
            yield from _gapped(part)
        start = begin


def _joints(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(end of one clause, begin of the next): "and" before a verb, or a verb that cannot belong to the words before."""
    first = VERBS.at(words)
    i = max(1, first[1] if first else 1)
    stopping = bool(first and first[0] == "stop")
    while i < len(words):
        j = i
        while j < len(words) and words[j] in _JOINTS:
            j += 1
        if j > i and j < len(words) and _opens_clause(words, j, joined=True):
            yield i, j
            i = j + 1
        elif j == i and not stopping and _breaks_off(words, i):
            end = i
            while end > 1 and words[end - 1] in ("go", "please", "so", "now", "just", "then", ","):
                end -= 1
            yield end, i
            verb = VERBS.at(words, i)
            i = verb[1] if verb else i + 1
        else:
            i = max(j, i + 1)


def _breaks_off(words: Sequence[str], i: int) -> bool:
    """Whether a new request begins here unannounced: "the mug put it on the tray", "the lamp could you turn it off"."""
    if words[i] in ("could", "can", "would", "will") and words[i + 1 : i + 2] == ["you"] and i + 2 < len(words):
        return words[i - 1] not in ("that", "how", "what", "if", "as", "you", "i")
    return words[i - 1] not in _NO_VERB_AFTER and _opens_clause(words, i, joined=False)


def _opens_clause(words: Sequence[str], start: int, *, joined: bool) -> bool:
    if joined and WISHES.at(words, start):
        return True
    verb = VERBS.at(words, start)
    if not verb or not verb[0]:
        return False
    action, end = verb
    follows = words[end] if end < len(words) else ""
    if (
        not joined
        and action == "point"
        and words[start] in ("where", "wheres")
        and end == len(words) - 1
        and follows in ("it", "that", "they")
    ):
        return True
    if not joined and (
        (words[start].endswith("ing") and words[start] != "bring")
        or (action == "point" and words[start] not in ("find", "show", "locate"))
    ):
        return False
    if words[start] in ("turn", "go", "come", "move", "drive") and follows in (
        "left",
        "right",
        "around",
        "back",
        "here",
        "forward",
    ):
        return True
    if action == "stop":
        return joined and end == len(words)
    if joined and words[start] not in NOUNS_TOO and end - start > 0:
        return action != "move" or follows in _OPENS_OBJECT or not follows
    return (
        follows in _OPENS_OBJECT and (joined or follows in DETERMINERS | {"me", "us"}) and words[start] not in ("to",)
    )


def _after_answer(part: Sequence[str]) -> Iterator[list[str]]:
    """Split "no, the left one" into its answer and its correction; drop filler and empty parts."""
    words = list(part)
    while words and words[0] == ",":
        del words[0]
    end = answer_end(words)
    if not end:
        words = after_filler(" ".join(words)).split()
        end = answer_end(words)
    if end and end < len(words):
        yield words[:end]
        rest = _correction(words[end:])
        while rest and (rest[0] == "," or AFTER_ANSWER.at(rest)):
            skipped = AFTER_ANSWER.at(rest)
            rest = rest[skipped[1] if skipped else 1 :]
        words = after_filler(" ".join(rest)).split() if rest else []
    if words:
        yield words


def _gapped(words: list[str]) -> Iterator[list[str]]:
    """Two commands where the second has no verb of its own: "put the cow in the barn and the pig behind it"."""
    verb = VERBS.at(words)
    for i in range(verb[1] + 1 if verb else len(words), len(words) - 1):
        if words[i] == "then" and words[i + 1] in _ARTICLES and verb:
            yield words[:i]
            yield [*words[: verb[1]], *words[i + 1 :]]
            return
    if verb and verb[0] in ("place", "move", "turn"):
        for i in range(verb[1] + 2, len(words) - 2):
            if words[i] != "and" or words[i + 1] not in _ARTICLES:
                continue
            if verb[0] == "turn":
                gapped = words[i - 1] in ("on", "off") and words[-1] in ("on", "off")
            else:
                before, after = words[verb[1] : i], words[i + 1 :]
                gapped = bool(_cuts(before)[0] and _cuts(after)[0]) and "between" not in before
            if gapped:
                yield words[:i]
                yield [*words[: verb[1]], *words[i + 1 :]]
                return
    yield words


def _correction(rest: list[str]) -> list[str]:
    """What is asked for instead: the hammer of "thats a wrench i meant the hammer", "not the wrench the hammer"."""
    while rest and rest[0] == ",":
        rest = rest[1:]
    if (
        rest
        and rest[0] in ("thats", "its", "that", "this", "it", "those", "these", "theyre")
        and (rest[0] in ("thats", "its", "theyre") or rest[1:2] in (["is"], ["are"], ["was"]))
    ):
        for i in range(1, len(rest)):
            if (
                rest[i] == "i"
                and rest[i + 1 : i + 2]
                and rest[i + 1] in ("meant", "mean", "want", "wanted", "said", "need", "asked")
            ):
                return rest[i + 2 + (rest[i + 1] == "asked") :]
        return []
    if rest[:1] == ["not"]:
        for i in range(len(rest) - 1, 2, -1):
            if rest[i] in _ARTICLES and not (
                PREPOSITIONS.before(rest, i) or rest[i - 1] in RELATIVE | {"and", "or", "of", "with"}
            ):
                return rest[i:]
    return rest


def parse_clause(words: Sequence[str], transcript: str, vocabulary: Vocabulary | None = None) -> Command:
    """One command out of the words of one clause, filler removed; `vocabulary` helps to tell a bare name from talk."""
    if answer_end(words) == len(words):
        found = ANSWERS.at(words)
        return Command(transcript, "confirm" if found and found[0] == "confirm" else "deny")
    wish = WISHES.at(words)
    if wish:
        return _give(words[wish[1] :], Command(transcript, "give", recipient="me"))
    verb = VERBS.at(words)
    if words[0] == "let" and "have" in words[2:]:
        have = words.index("have", 2)
        return _with_target(Command(transcript, "give", recipient=_tidy(words[1:have])), words[have + 1 :])
    if words[0] == "which" and (asked := _which(words)):
        return _with_target(Command(transcript, "point"), asked)
    if not verb or not verb[0]:
        return _no_action(words, transcript, vocabulary)
    kind, rest = verb[0], list(words[verb[1] :])
    if kind == "stop" or (list(words) == ["leave", "it"]):
        return Command(transcript, "stop")
    if kind == "drive" and not (rest and rest[0] in DETERMINERS):
        return _drive(rest, transcript)
    if kind == "drive":
        kind = "move"
    if kind == "turn":
        return _turn(rest, transcript)
    if kind == "turn_off" and rest[:2] == ["the", "power"] and len(rest) > 3:
        rest = rest[3:]
    command = Command(transcript, cast(Action, kind))
    if kind == "give" or ((kind in ("pick", "place", "move") or words[0] == "find") and _for_somebody(rest)):
        return _give(rest, replace(command, action="give"))
    if rest and (ending := _ENDINGS.before(rest, len(rest))) and kind in ("pick", "move", "close", "open", "place"):
        return _with_target(Command(transcript, cast(Action, ending[0])), rest[: ending[1]])
    if kind in ("place", "move"):
        return _with_destination(rest, command)
    if kind == "point":
        if words[0] in ("show", "showing"):
            who, rest = _recipient(rest)
            command = replace(command, recipient=who)
        while len(rest) > 1 and rest[-1] in _QUESTION_ENDS:
            rest.pop()
        rest, place = _without_place(rest)
        command = replace(command, place=place)
        while len(rest) > 1 and rest[0] in ("at", "for", "of", "is", "are", "where", "which", "around", "out"):
            rest = rest[1:]
    return _with_target(command, rest)


_ENDINGS = phrasebook("endings")
"""What the last word may turn a verb into: "push the drawer shut", "get the lamp turned on", "shut everything off"."""


def _which(words: Sequence[str]) -> list[str]:
    """ "which shelf is the peanut butter on": what is asked after."""
    for i in range(1, min(5, len(words))):
        if words[i] in ("is", "are") and i + 1 < len(words) and words[i + 1] in DETERMINERS:
            asked = list(words[i + 1 :])
            while len(asked) > 1 and PREPOSITIONS.before(asked, len(asked)):
                asked.pop()
            return asked
    return []


def _for_somebody(rest: Sequence[str]) -> bool:
    """ "grab me the mug", "toss the ball to me"."""
    if len(rest) < 2 or PREPOSITIONS.at(rest):
        return False
    who, _ = _recipient(list(rest))
    begins = bool(who) and rest[: len(who.split())] == who.split()
    if begins:
        return rest[0] in PERSONAL or not PEOPLE.isdisjoint(who.split())
    if who and rest[-1 - len(who.split())] == "to" and not PEOPLE.isdisjoint(who.split()[:3]):
        return True
    return (
        rest[-2] in ("to", "for")
        and rest[-1] in PERSONAL
        and rest[-3:-2][0] not in ("closer", "nearer", "next", "close", "belongs")
    )


def _no_action(words: Sequence[str], transcript: str, vocabulary: Vocabulary | None) -> Command:
    reason = "no action that I know is named"
    target = _tidy(words)
    heads = head_nouns(target)
    named = bool(heads) and vocabulary is not None and heads[0] in vocabulary and target.split()[0] in vocabulary
    if target.split()[-1:] in (["on"], ["off"]) and len(target.split()) > 1 and target.split()[0] not in _FINITE:
        action: Action = "turn_on" if target.endswith("on") else "turn_off"
        return _with_target(Command(transcript, action), target.split()[:-1])
    if not (named or _describes(target.split())) or any(word in _FINITE for word in target.split()[:2]):
        return Command(transcript, "none", reason=reason)
    return Command(transcript, "none", target, plural=is_plural(target), reason=reason)


def topic_of(words: Sequence[str]) -> Command | None:
    """What a remark is about, for the "it" of the command after it: "there should be a screwdriver in the shed"."""
    for start in range(1, len(words) - 1):
        if words[start] not in _ARTICLES | {"that"} or words[start + 1] in _FINITE:
            continue
        end = next((i for i in range(start + 2, len(words)) if words[i] in _FINITE | {",", "shut"}), len(words))
        return _with_target(Command("", "point"), words[start:end])
    return None


_OPENS_DESCRIPTION = (DETERMINERS - words_in("it them everything something anything")) | word_set("opens_description")
_FINITE = word_set("finite")


def _describes(words: Sequence[str]) -> bool:
    """Whether words without a verb that we know may still name a thing."""
    outside: list[str] = []
    for word in words:
        if word in ("that", "which", "who", "thats", "where", "what") and outside:
            break
        if word in ("i", "you", "we", "he", "she", "they") and len(outside) > 1:
            break
        outside.append(word)
    if not outside or any(word in _FINITE for word in outside):
        return False
    return outside[0] in _OPENS_DESCRIPTION or is_noun_phrase(" ".join(words))


def _with_target(command: Command, rest: Sequence[str]) -> Command:
    """`command` with the thing named in `rest`, and with the room named there as its place."""
    words, place = _without_place(_without_particles(rest))
    target = _tidy(words)
    place = place or command.place
    if not target:
        if place:
            return replace(command, place=place)
        return replace(command, action="none", reason=f"'{command.action}' needs a thing; say which one")
    return replace(command, target=target, place=place, plural=is_plural(target))


def _without_particles(rest: Sequence[str]) -> list[str]:
    """What is left of "pick the jar up" and "put down the jar"."""
    words = [word for word in rest if word != ","]
    if len(words) > 1 and words[0] in _NOT_OBJECTS and words[1] in DETERMINERS:
        del words[0]
    if len(words) > 1 and words[-1] in ("up", "over", "down", "out"):
        del words[-1]
    for i in range(1, len(words) - 1):  # "pick the jar up from the table", "put it down on the plate"
        if words[i] in ("up", "down") and words[i + 1] in ("that", "which", "thats"):
            return [*words[:i], *words[i + 1 :]]
        if (
            words[i] in ("up", "down")
            and PREPOSITIONS.at(words, i + 1)
            and words[i - 1] not in ("far", "way", "right", "further")
        ):
            return [*words[:i], *words[i + 1 :]]
    return words


def _without_place(words: Sequence[str]) -> tuple[list[str], str]:
    for start in range(len(words)):
        found = PLACES.at(words, start)
        found = found or _some_room(words, start)
        if not found or (found[1] < len(words) and words[found[1]] in FURNITURE):
            continue
        inside = list(words[start : found[1]])
        owner = next((i for i, word in enumerate(inside) if word in words_in("the my your our her his their")), 0)
        room = inside[owner:] if found[0] == "room" else inside[-1:] if inside[-1] != "door" else inside[-2:]
        while start > 0 and words[start - 1] in ("over", "down", "up", "out", "back", "away"):
            start -= 1
        return [*words[:start], *words[found[1] :]], " ".join(room)
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


def _give(rest: Sequence[str], command: Command) -> Command:
    """ "me the jar", "the jar to me", "the jar to the man", "the jar to the table"."""
    words, place = _without_place(_without_particles(rest))
    command = replace(command, place=place)
    who, words = _recipient(words)
    return _with_destination(words, replace(command, recipient=who or command.recipient), only_goals=True)


def _recipient(words: list[str]) -> tuple[str, list[str]]:
    """To whom, without its preposition, and the words that remain."""
    if not words:
        return "", words
    opens = DETERMINERS | words_in("red blue green yellow black white big small left right back")
    if words[0] in PERSONAL and (len(words) == 1 or words[0] in ("me", "us") or words[1] in opens - {"all", "both"}):
        return words[0], words[1:]
    for end in range(1, min(5, len(words) - 1)):
        named = (
            words[0] not in DETERMINERS | RELATIVE | words_in("of for with on in to at back over up down both all her")
            and (end == 1 or (end == 2 and words[0] in TITLES))
            and words[end] in words_in("the a an that this my your some both his her where which")
        )
        person = (
            words[0] in ("the", "my", "that", "this", "your", "our", "his", "her", "their") and words[end - 1] in PEOPLE
        )
        if named or (person and words[end] in opens):
            return " ".join(words[:end]), words[end:]
        if (person and PREPOSITIONS.at(words, end)) or (
            person and words[end : end + 2] in (["over", "there"], ["over", "here"])
        ):
            stop = next(
                (
                    i
                    for i in range(end + 2, len(words) - 1)
                    if words[i] in _ARTICLES and not PREPOSITIONS.before(words, i)
                ),
                0,
            )
            if stop:
                return " ".join(words[:stop]), words[stop:]
    for start in range(len(words) - 2, 0, -1):
        if words[start] not in ("to", "for"):
            continue
        whom = words[start + 1 :]
        if _is_person(whom):
            before = words[:start]
            while before and before[-1] in ("over", "back", "up"):
                before.pop()
            return " ".join(whom), before
    return "", words


def _is_person(words: Sequence[str]) -> bool:
    if len(words) == 1:
        return words[0] in PERSONAL or (
            words[0] not in DETERMINERS | words_in("left right here there go use you") and words[0].isalpha()
        )
    heads = [i for i, word in enumerate(words[:5]) if word in PEOPLE]
    if words[0] not in words_in("the my that this your our his her their") or not heads:
        return False
    return (
        heads[0] == len(words) - 1
        or bool(PREPOSITIONS.at(words, heads[0] + 1))
        or words[heads[0] + 1] in words_in("who with in wearing that sitting standing over")
    )


def _with_destination(rest: Sequence[str], command: Command, *, only_goals: bool = False) -> Command:
    """ "the jar beside the apple on the tray": the last phrase says where, unless one says "into" or "onto".

    With several phrases either may say where; the first as destination is the alternative.
    """
    words, place = _without_place(_without_particles(rest))
    command = replace(command, place=place or command.place)
    opening = PREPOSITIONS.at(words) or ENDS.at(words)
    if command.action == "move" and opening and (opening[0] == "goal" or opening[1] == len(words)):
        return replace(command, destination=_tidy(words))
    cuts, goals = _cuts(words)
    if only_goals:
        cuts = goals

    def cut_at(cut: int) -> Command:
        return _with_target(replace(command, destination=_tidy(words[cut:])), words[:cut])

    if goals:
        return cut_at(goals[0])
    if not cuts:
        return _with_target(command, words)
    chosen = cut_at(cuts[-1])
    return replace(chosen, alternative=cut_at(cuts[0])) if len(cuts) > 1 else chosen


def _cuts(words: Sequence[str]) -> tuple[list[int], list[int]]:
    """Where a destination may begin, and where one must."""
    cuts: list[int] = []
    goals: list[int] = []
    i = 1
    while i < len(words):
        ending = ENDS.at(words, i)
        found = PREPOSITIONS.at(words, i)
        if ending and ending[1] == len(words) and words[i - 1] not in RELATIVE | _ARTICLES | {"on", "to", "in", "at"}:
            cuts.append(i)
            goals.append(i)
            break
        if not found or (found[1] == len(words) and found[1] == i + 1):
            i += 1
            continue
        if i == 1 or not (words[i - 1] in RELATIVE or words[i - 2 : i] in (["the", "one"], ["the", "ones"])):
            cuts.append(i)
            if found[0] == "goal":
                goals.append(i)
        i = found[1]
    return cuts, goals


def _drive(rest: Sequence[str], transcript: str) -> Command:
    """Where the robot itself goes: "to the kitchen", "here", "back"."""
    _, room = _without_place(rest)
    if room:
        return Command(transcript, "move", place=room)
    return Command(transcript, "move", destination=_tidy(rest)) if rest else Command(transcript, "move", place="here")


def _turn(rest: Sequence[str], transcript: str) -> Command:
    """ "the lamp on", "the cup around"."""
    for i in range(len(rest) - 1, 0, -1):
        ends = i == len(rest) - 1 or rest[i + 1] in ("in", "for", "on")
        if rest[i] in ("on", "off", "down") and ends:
            action: Action = "turn_on" if rest[i] == "on" else "turn_off"
            return _with_target(Command(transcript, action), [*rest[:i], *rest[i + 1 :]])
    if rest and rest[0] in ("around", "left", "right", "back"):
        return Command(transcript, "move", destination=_tidy(rest))
    return _with_destination(rest, Command(transcript, "move"))


def _tidy(words: Sequence[str]) -> str:
    """Words with single spaces, without commas."""
    return " ".join(word for word in words if word != ",")

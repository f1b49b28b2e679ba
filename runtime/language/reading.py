"""What one clause asks to be done, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from runtime.datatypes import Action, Command
from runtime.language.arguments import (
    OWNED,
    cuts_of,
    give,
    recipient_of,
    tidy,
    with_destination,
    with_target,
    without_place,
)
from runtime.language.framing import answer_end
from runtime.language.nouns import head_nouns, is_noun_phrase, is_plural
from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import (
    ANSWERS,
    ARTICLES,
    DETERMINERS,
    PEOPLE,
    PERSONAL,
    PREPOSITIONS,
    VERBS,
    WISHES,
    words_in,
)
from runtime.language.vocabulary import Vocabulary

_RELATIVE_PRONOUNS = frozenset({"that", "which", "who", "whose", "thats"})
_FORBIDDEN = "this says what not to do; say what to do instead"
_NO_ACTION = "no action that I know is named"
_QUESTION_ENDS = word_set("question_ends")
_ENDINGS = phrasebook("endings")
_STATES = phrasebook("states")
"""What the last word may turn a verb into: "push the drawer shut", "get the lamp turned on", "shut everything off"."""


def _place_asked(rest: list[str]) -> tuple[list[str], str]:
    """What is looked for and in which room: "the pantry for the flour", "in the kitchen is the salt"."""
    for i in range(1, min(7, len(rest) - 1)):
        if rest[i] in ("do", "does", "did") and rest[i + 1] in ("we", "i", "you", "they", "he", "she"):
            opens = next((k for k in range(i + 2, len(rest)) if rest[k] in DETERMINERS), i + 2)
            return rest[opens:], without_place(["in", *rest[:i]])[1] or without_place(rest[:i])[1]
        if rest[i] in ("is", "are") and rest[i + 1] in DETERMINERS and rest[i - 1] not in _RELATIVE_PRONOUNS:
            return rest[i + 1 :], without_place(["in", *rest[:i]])[1] or without_place(rest[:i])[1]
    if "for" in rest[1:]:
        cut = rest.index("for", 1)
        _, place = without_place(["in", *rest[:cut]])
        if place:
            return rest[cut + 1 :], place
    if rest[:1] and rest[0] in ("i", "you", "we", "he", "she", "they", "anyone", "somebody"):
        opens = next((i for i in range(2, min(5, len(rest))) if rest[i] in DETERMINERS), 0)
        rest = rest[opens:]
    return without_place(rest)


def _is_there(words: Sequence[str], vocabulary: Vocabulary | None) -> bool:
    """ "is the red mug on the table": a question for a thing that may be in view."""
    if words[0] not in ("is", "are") or len(words) < 4 or words[1] not in ARTICLES:
        return False
    heads = head_nouns(" ".join(words[1:]))
    seen = vocabulary is None or any(head in vocabulary for head in heads)
    return seen and any(PREPOSITIONS.at(words, i) for i in range(3, len(words)))


def _which(words: Sequence[str]) -> list[str]:
    """What a question that begins with "which" asks after; nothing where it asks for something else.

    "which shelf is the peanut butter on", "which mug is the biggest", "which box has the dice in it".
    """
    for i in range(2, min(6, len(words) - 1)):
        kind, rest = list(words[1:i]), list(words[i + 1 :])
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


def _superlative(words: Sequence[str]) -> list[str]:
    """The thing asked after in "what is the biggest thing on the table"."""
    start = words.index("the") if "the" in words[1:3] else len(words)
    if start + 2 >= len(words):
        return []
    return list(words[start:]) if words[start + 1].endswith("est") or words[start + 1] in _SINGLES else []


_SINGLES = words_in("first last only second third")


def _needs(words: Sequence[str]) -> tuple[str, int] | None:
    """Who wants something and where that begins: "my brother needs the stapler", "she would like her cup"."""
    for i in range(1, min(8, len(words) - 1)):
        end = i + 1
        if words[i : i + 2] == ["would", "like"]:
            end = i + 2
        elif words[i] not in ("needs", "wants", "want", "need", "like"):
            continue
        elif words[i] == "like" and words[i - 1] not in _WOULD:
            return None
        if end >= len(words) or words[end] not in DETERMINERS or words[end] == "to":
            return None
        subject = list(words[:i])
        who = _WOULD.get(subject[0], _AS_OBJECT.get(subject[0], "")) if len(subject) == 1 else ""
        known = not PEOPLE.isdisjoint(subject[:3]) or subject[-1] in PERSONAL
        unknown = subject[0] == "the" and words[end] == "the" and len(subject) == 2
        if who or known or unknown:
            return who or tidy(subject), end
        return None
    return None


_WOULD = {"hed": "him", "shed": "her", "theyd": "them"}
_AS_OBJECT = {"he": "him", "she": "her", "they": "them", "everybody": "everybody", "someone": "someone"}


def _for_somebody(rest: Sequence[str]) -> bool:
    """ "grab me the mug", "toss the ball to me"."""
    if len(rest) < 2 or PREPOSITIONS.at(rest):
        return False
    who, _ = recipient_of(list(rest))
    begins = bool(who) and rest[: len(who.split())] == who.split()
    if begins:
        return rest[0] in PERSONAL or not PEOPLE.isdisjoint(who.split())
    if who and rest[-1 - len(who.split())] in ("to", "for") and not PEOPLE.isdisjoint(who.split()[:3]):
        return True
    return rest[-2] in ("to", "for") and rest[-1] in PERSONAL and rest[-3] not in OWNED


def _no_action(words: Sequence[str], transcript: str, vocabulary: Vocabulary | None) -> Command:
    answer = ANSWERS.at(words) if words[0] in _PLAIN_ANSWERS else None
    if answer and ARTICLES.isdisjoint(words):  # "no no no youve got it all wrong"
        return Command(transcript, "confirm" if answer[0] == "confirm" else "deny")
    reason = _NO_ACTION
    target = tidy(words)
    heads = head_nouns(target)
    named = bool(heads) and vocabulary is not None and heads[0] in vocabulary and target.split()[0] in vocabulary
    if target.split()[-1:] in (["on"], ["off"]) and 1 < len(target.split()) < 4 and target.split()[0] not in _FINITE:
        action: Action = "turn_on" if target.endswith("on") else "turn_off"
        return with_target(Command(transcript, action), target.split()[:-1])
    spoken = VERBS.at(words)
    unfinished = target.split()[-1] in _UNFINISHED or target in _NOT_THINGS
    told = target.split()[1:2] and target.split()[1] in PEOPLE and not _HANDLED.isdisjoint(target.split()[2:3])
    if (spoken and not spoken[0]) or unfinished or told:
        return Command(transcript, "none", reason=reason)
    if not (named or _describes(target.split())) or any(word in _FINITE for word in _outside(target.split())):
        return Command(transcript, "none", reason=reason)
    _, goals = cuts_of(target.split())
    if goals and target.split()[goals[0]] in ("into", "onto"):  # "the screws into the tin"
        return with_destination(target.split(), Command(transcript, "place"))
    return Command(transcript, "none", target, plural=is_plural(target), reason=reason)


_BELONGS = ("goes", "belongs")
_SHOULD = words_in("should needs has must ought")


def _belongs_somewhere(words: Sequence[str], transcript: str) -> Command | None:
    """ "the cup goes in the box", "that needs to go on the shelf"."""
    if words[0] not in DETERMINERS:
        return None
    for i in range(1, min(14, len(words) - 2)):
        end = i + 1
        if words[i - 1] in _RELATIVE_PRONOUNS:
            continue
        if words[i] in _SHOULD:
            end += words[i + 1] == "to"
            end += words[end] in ("go", "be", "stay")
            if end < i + 2 or words[end - 1] == "to":
                return None
        elif words[i] not in _BELONGS:
            continue
        if PREPOSITIONS.at(words, end):
            command = Command(transcript, "place", destination=tidy(words[end:]))
            return with_target(command, words[:i])
    return None


def topic_of(words: Sequence[str]) -> Command | None:
    """What a remark is about, for the "it" of the command after it: "there should be a screwdriver in the shed"."""
    for start in range(len(words) - 1):
        if words[start] not in ARTICLES | {"that", "this", "these", "those"} or words[start + 1] in _FINITE | ARTICLES:
            continue
        if words[start + 1] in PEOPLE and words[start + 2 : start + 3] and words[start + 2] in _HANDLED:
            continue  # "the baby dropped her spoon"
        ends = (
            i
            for i in range(start + 2, len(words))
            if not PREPOSITIONS.before(words, i) and words[i] in _FINITE | _RELATIVE_PRONOUNS | _ENDS_TOPIC
        )
        end = next(ends, len(words))
        if end < len(words) and words[end] in _RELATIVE_PRONOUNS:
            end = len(words)  # the remark ends with what it says of the thing
        return with_target(Command("", "point"), words[start:end])
    return None


def _describes(words: Sequence[str]) -> bool:
    """Whether words without a verb that we know may still name a thing."""
    return words[0] in _OPENS_DESCRIPTION or is_noun_phrase(" ".join(words))


_ENDS_TOPIC = words_in("shut it they rolled slipped fell") | {","}
_PLAIN_ANSWERS = words_in("no nope nah yes yeah yep yup sure absolutely definitely")
_HANDLED = words_in("dropped lost forgot left broke spilled made bought ate took threw put wants needs likes cant")
_UNFINISHED = word_set("unfinished")
_NOT_THINGS = word_set("not_things")


def _outside(words: Sequence[str]) -> list[str]:
    """`words` up to a relative clause: "the mug" of "the mug that is red", "the ball" of "the ball i threw"."""
    for i, word in enumerate(words):
        if i and word in ("that", "which", "who", "thats", "where", "what"):
            return list(words[:i])
        if i > 1 and word in ("i", "you", "we", "he", "she", "they"):
            return list(words[:i])
    return list(words)


_OPENS_DESCRIPTION = (DETERMINERS - words_in("it them everything something anything")) | word_set("opens_description")
_FINITE = word_set("finite")


def parse_clause(words: Sequence[str], transcript: str, vocabulary: Vocabulary | None = None) -> Command:
    """One command out of the words of one clause, filler removed; `vocabulary` helps to tell a bare name from talk."""
    if answer_end(words) == len(words):
        found = ANSWERS.at(words)
        return Command(transcript, "confirm" if found and found[0] == "confirm" else "deny")
    wish = WISHES.at(words)
    if wish and (not wish[0] or (words[wish[1] : wish[1] + 1] and words[wish[1]].endswith("ing"))):
        return Command(transcript, "none", reason=_NO_ACTION)
    if wish:
        us = "we" in words[: wish[1]]
        return give(words[wish[1] :], Command(transcript, "give", recipient="us" if us else "me"))
    if needs := _needs(words):
        named = Command(transcript, "give", recipient=needs[0])
        return with_destination(words[needs[1] :], named, only_goals=True)
    verb = VERBS.at(words)
    if words[0] == "let" and "have" in words[2:]:
        have = words.index("have", 2)
        return with_target(Command(transcript, "give", recipient=tidy(words[1:have])), words[have + 1 :])
    if _is_there(words, vocabulary):
        return with_target(Command(transcript, "point"), words[1:])
    if list(words[:2]) == ["make", "sure"] and (state := _STATES.before(words, len(words))):
        return with_target(Command(transcript, cast(Action, state[0])), words[2 : state[1]])
    if list(words[:2]) in (["what", "is"], ["whats", "the"]) and (best := _superlative(words)):
        return with_target(Command(transcript, "point"), best)
    forbids = words[0] == "dont" or list(words[:2]) == ["do", "not"]
    if forbids and (not verb or words[verb[1] : verb[1] + 1]):
        return Command(transcript, "none", reason=_FORBIDDEN)
    if placed := _belongs_somewhere(words, transcript):
        return placed
    if words[0] == "which" and (asked := _which(words)):
        return with_target(Command(transcript, "point"), asked)
    if list(words) in (["let", "go"], ["let", "it", "go"], ["release"]):
        return Command(transcript, "place", "it")
    if not verb or not verb[0]:
        return _no_action(words, transcript, vocabulary)
    kind, rest = verb[0], list(words[verb[1] :])
    if kind == "place" and rest[-1:] == ["alone"]:
        return Command(transcript, "none", reason=_FORBIDDEN)
    if kind == "stop" and rest[:1] and rest[0] in ("at", "by", "beside", "near") and len(rest) > 1:
        return _drive(rest, transcript)
    if kind == "stop" or (list(words) == ["leave", "it"]):
        return Command(transcript, "stop")
    if words[0] == "back":
        return Command(transcript, "move", destination=tidy(words))
    if words[0] == "get" and words[1:2] == ["out"] and words[2:3] == ["of"]:
        return _drive(words[1:], transcript)
    if words[0] in ("get", "getting") and rest and rest[0] in _AWAY:
        return _drive(rest, transcript)
    if kind == "move" and not rest and len(words) > 1:
        return Command(transcript, "move", destination=tidy(words[1:]))  # "roll over"
    if kind == "move" and rest and rest[0] in _AHEAD and (len(rest) == 1 or rest[1] in _HOW_FAR):
        return Command(transcript, "move", destination=tidy(rest))
    if kind == "drive" and not (rest and rest[0] in DETERMINERS):
        return _drive(rest, transcript)
    if kind == "drive":
        kind = "move"
    if kind == "place" and rest[-1:] == ["on"] and 1 < len(rest) < 5 and not _RELATIVE_PRONOUNS & set(rest):
        return with_target(Command(transcript, "turn_on"), rest[:-1])
    if list(words[:2]) == ["put", "on"] and rest[:1] == ["on"] and len(rest) > 1:
        return with_target(Command(transcript, "turn_on"), rest[1:])
    if kind == "turn":
        return _turn(rest, transcript)
    if kind == "turn_off" and rest[:2] == ["the", "power"] and len(rest) > 3:
        rest = rest[3:]
    command = Command(transcript, cast(Action, kind))
    if kind == "give" or ((kind in ("pick", "place", "move") or words[0] == "find") and _for_somebody(rest)):
        return give(rest, replace(command, action="give"))
    if (
        _RELATIVE_PRONOUNS.isdisjoint(rest)
        and (ending := _ENDINGS.before(rest, len(rest)))
        and kind in ("pick", "move", "close", "open", "place")
    ):
        return with_target(Command(transcript, cast(Action, ending[0])), rest[: ending[1]])
    if kind in ("place", "move"):
        return with_destination(rest, command)
    if kind == "pick" and len(rest) > 3 and rest[-2] in ("off", "from") and rest[-1] in PERSONAL and rest[-3] != "away":
        rest = rest[:-2]
    if kind == "point":
        if words[0] in ("show", "showing"):
            who, rest = recipient_of(rest)
            command = replace(command, recipient=who)
        while len(rest) > 1 and rest[-1] in _QUESTION_ENDS:
            rest.pop()
        rest, place = _place_asked(rest)
        command = replace(command, place=place)
        if rest[:1] == ["you"] and len(rest) < 4:
            return _no_action(words, transcript, vocabulary)
        while len(rest) > 1 and rest[0] in ("at", "for", "of", "is", "are", "where", "which", "around", "out"):
            rest = rest[1:]
    return with_target(command, rest)


_AFTER_SWITCH = words_in("in for on before after its it im hes shes theyre i we nobody so because please") | {","}
_NO_MORE = (["and", "then"], ["and", "leave"])
_AWAY = words_in("closer nearer away back over out off down")
_AHEAD = words_in("forward forwards back backward backwards left right up down closer away ahead straight")
_HOW_FAR = words_in("one two three four five six ten twenty a to from towards toward until and ahead")


def _drive(rest: Sequence[str], transcript: str) -> Command:
    """Where the robot itself goes: "to the kitchen", "here", "back"."""
    _, room = without_place(rest)
    if room:
        return Command(transcript, "move", place=room)
    return Command(transcript, "move", destination=tidy(rest)) if rest else Command(transcript, "move", place="here")


def _turn(rest: Sequence[str], transcript: str) -> Command:
    """ "the lamp on", "the cup around"."""
    if rest[:1] and rest[0] in ("it", "that", "them") and rest[1:2] and rest[1] in ("on", "off"):
        return with_target(Command(transcript, "turn_on" if rest[1] == "on" else "turn_off"), rest[:1])
    for i in range(len(rest) - 1, 0, -1):
        ends = i == len(rest) - 1 or rest[i + 1] in _AFTER_SWITCH or rest[i + 1 : i + 3] in _NO_MORE
        if rest[i] in ("on", "off", "down") and rest[i - 1] != "upside" and ends:
            action: Action = "turn_on" if rest[i] == "on" else "turn_off"
            beyond = [] if rest[i + 1 : i + 2] == ["and"] else rest[i + 1 :]
            return with_target(Command(transcript, action), [*rest[:i], *beyond])
    if rest and rest[0] in ("around", "left", "right", "back"):
        return Command(transcript, "move", destination=tidy(rest))
    return with_destination(rest, Command(transcript, "move"))

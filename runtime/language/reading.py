"""What one clause asks to be done, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from runtime.datatypes import Action, Command
from runtime.language.arguments import (
    cuts_of,
    give,
    tidy,
    with_destination,
    with_target,
    without_place,
)
from runtime.language.framing import answer_end
from runtime.language.movement import AHEAD, AWAY, HOW_FAR, drive, turn
from runtime.language.nouns import head_nouns, is_noun_phrase, is_plural
from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import (
    ANSWERS,
    ARTICLES,
    DETERMINERS,
    ENDS,
    PEOPLE,
    PERSONAL,
    PREPOSITIONS,
    VERBS,
    WISHES,
    ends_relative,
    words_in,
)
from runtime.language.questions import (
    RELATIVE_PRONOUNS,
    is_there,
    place_asked,
    superlative_asked,
    which_asked,
)
from runtime.language.recipients import OWNED, recipient_of
from runtime.language.vocabulary import Vocabulary

_FORBIDDEN = "this says what not to do; say what to do instead"
_NO_ACTION = "no action that I know is named"
_QUESTION_ENDS = word_set("question_ends")
_ENDINGS = phrasebook("endings")
_STATES = phrasebook("states")
"""What the last word may turn a verb into: "push the drawer shut", "get the lamp turned on", "shut everything off"."""


def _needs(words: Sequence[str]) -> tuple[str, int] | None:
    """Who wants something and where that begins: "my brother needs the stapler", "she would like her cup"."""
    for i in range(1, min(8, len(words) - 1)):
        end = i + 1
        if words[i : i + 2] == ["would", "like"] or words[i : i + 2] == ["asked", "for"]:
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
        unknown = unknown or (i == 1 and words[i] not in ("want", "need", "like") and subject[0] not in _NO_NAMES)
        if who or known or unknown:
            return who or tidy(subject), end
        return None
    return None


_NO_NAMES = DETERMINERS | word_set("not_names") | words_in("it what who which there here nobody nothing everything")
_WOULD = {"hed": "him", "shed": "her", "theyd": "them"}
_AS_OBJECT = {"he": "him", "she": "her", "they": "them", "everybody": "everybody", "someone": "someone"}


def _is_wished(words: Sequence[str]) -> list[str]:
    """ "the longer screwdriver" of "the longer screwdriver is what i need"; nothing where no wish ends the words."""
    for i in range(2, len(words) - 3 if words[0] in ARTICLES else 0):
        if list(words[i : i + 2]) == ["is", "what"] or list(words[i : i + 3]) == ["is", "the", "one"]:
            wish = WISHES.at([*words[i + 2 + (words[i + 1] == "the") :], "it"])
            return list(words[:i]) if wish and wish[1] == len(words) - i - 2 - (words[i + 1] == "the") else []
    return []


def _for_somebody(rest: Sequence[str]) -> bool:
    """ "grab me the mug", "toss the ball to me"."""
    rest, _ = without_place(rest)
    if len(rest) < 2 or PREPOSITIONS.at(rest):
        return False
    who, _ = recipient_of(list(rest))
    begins = bool(who) and rest[: len(who.split())] == who.split()
    if begins:
        return rest[0] in PERSONAL or not PEOPLE.isdisjoint(who.split())
    if who and rest[-1 - len(who.split())] in ("to", "for") and not PEOPLE.isdisjoint(who.split()[:3]):
        return True
    return rest[-2] in ("to", "for") and rest[-1] in PERSONAL and OWNED.isdisjoint(rest[-3:-2])


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
    ended = ends_relative(target.split(), len(target.split()) - 1)  # "the glass i drank from"
    unfinished = (target.split()[-1] in _UNFINISHED and not ended) or target in _NOT_THINGS
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
_STAYS = words_in("go be sit stay stand lie sleep live ride")
_SHOULD = words_in("should needs need has have must ought")


def _belongs_somewhere(words: Sequence[str], transcript: str) -> Command | None:
    """ "the cup goes in the box", "that needs to go on the shelf"."""
    if words[0] in ("can", "could", "may", "should") and words[1:2] and words[1] in ARTICLES and "go" in words[3:-1]:
        words = ["goes" if word == "go" else word for word in words[1:]]  # "can the dinosaur go in the cave"
    if words[0] not in DETERMINERS:
        return None
    for i in range(1, min(14, len(words) - 1)):
        end = i + 1
        if words[i - 1] in RELATIVE_PRONOUNS:
            continue
        if words[i] in _SHOULD:
            end += words[i + 1] == "to"
            end += words[end] in ("go", "be", "stay")
            if end < i + 2 or words[end - 1] == "to" or list(words[i : i + 2]) == ["must", "be"]:
                return None
        elif list(words[i : i + 2]) == ["wants", "to"] and words[i + 2] in _STAYS and PEOPLE.isdisjoint(words[:i]):
            end = i + 3  # "the teddy wants to sit on the chair"
        elif words[i] not in _BELONGS:
            continue
        if PREPOSITIONS.at(words, end) or ENDS.at(words, end):
            command = Command(transcript, "place", destination=tidy(words[end:]))
            again = i > 4 and list(words[i - 2 : i]) in (["that", "one"], ["this", "one"])  # "the mug, that one goes"
            return with_target(command, words[: i - 2 * again])
    return None


def topic_of(words: Sequence[str]) -> Command | None:
    """What a remark is about, for the "it" of the command after it: "there should be a screwdriver in the shed"."""
    told = PREPOSITIONS.at(words) and [i + 1 for i in range(1, len(words) - 2) if words[i] in _TELLS_OF]
    for start in range(told[0] if told else 0, len(words) - 1):
        if words[start] not in ARTICLES | {"that", "this", "these", "those"} or words[start + 1] in _FINITE | ARTICLES:
            continue
        if words[start + 1] in PEOPLE and words[start + 2 : start + 3] and words[start + 2] in _HANDLED:
            continue  # "the baby dropped her spoon"
        ends = (
            i
            for i in range(start + 2, len(words))
            if not PREPOSITIONS.before(words, i) and words[i] in _FINITE | RELATIVE_PRONOUNS | _ENDS_TOPIC
        )
        end = next(ends, len(words))
        if end < len(words) and words[end] in RELATIVE_PRONOUNS:
            end = len(words)  # the remark ends with what it says of the thing
        elif words[end - 1] in _LEFT_SO and end - start > 2:
            end -= 1  # "(somebody left) the freezer open"
        return with_target(Command("", "point"), words[start:end])
    return None


def _describes(words: Sequence[str]) -> bool:
    """Whether words without a verb that we know may still name a thing."""
    return words[0] in _OPENS_DESCRIPTION or is_noun_phrase(" ".join(words))


_TELLS_OF = words_in("is are theres find see")
"""What comes before the thing where a sentence begins with the place: "under the bed is a ball"."""
_ENDS_TOPIC = words_in("still shut it they rolled slipped fell somewhere") | {","}
_LEFT_SO = words_in("open on off running unlocked")
_PLAIN_ANSWERS = words_in("no nope nah yes yeah yep yup sure absolutely definitely")
_HANDLED = words_in("dropped lost forgot left broke spilled made bought ate took threw put wants needs likes cant")
_UNFINISHED = word_set("unfinished")
_NOT_THINGS = word_set("not_things")


def _outside(words: Sequence[str]) -> list[str]:
    """`words` up to a relative clause: "the mug" of "the mug that is red", "the ball" of "the ball i threw"."""
    for i, word in enumerate(words):
        if i and word in ("that", "which", "who", "thats", "where", "what", "whose"):
            return list(words[:i])
        if i > 1 and (word in _WHO_DOES or (word.endswith("ing") and len(word) > 5)):
            return list(words[:i])
        if i > 1 and word in ("the", "my") and not PREPOSITIONS.before(words, i) and words[i - 1] not in ("and", "of"):
            return list(words[:i])  # "the mug the cat is sitting on"
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
        us = not _WE.isdisjoint(words[: wish[1]])
        return give(words[wish[1] :], Command(transcript, "give", recipient="us" if us else "me"))
    if wished := _is_wished(words):
        return give(wished, Command(transcript, "give", recipient="me"))
    if needs := _needs(words):
        named = Command(transcript, "give", recipient=needs[0])
        return with_destination(words[needs[1] :], named, only_goals=True)
    verb = VERBS.at(words)
    if words[0] in ("let", "can", "could", "may") and words[1:2] and words[1] in _OTHERS and "have" in words[2:6]:
        have = words.index("have", 2)
        return with_target(Command(transcript, "give", recipient=tidy(words[1:have])), words[have + 1 :])
    if words[0] == "leave" and "with" in words[2:-1] and _for_somebody(left := _with_as_to(words[1:])):
        return give(left, Command(transcript, "give"))
    if is_there(words, vocabulary):
        return with_target(Command(transcript, "point"), words[1:])
    if list(words[:2]) == ["make", "sure"] and (state := _STATES.before(words, len(words))):
        return with_target(Command(transcript, cast(Action, state[0])), words[2 : state[1]])
    if list(words[:2]) in (["what", "is"], ["whats", "the"]) and (best := superlative_asked(words)):
        return with_target(Command(transcript, "point"), best)
    forbids = words[0] == "dont" or list(words[:2]) == ["do", "not"]
    if forbids and (not verb or words[verb[1] : verb[1] + 1]):
        return Command(transcript, "none", reason=_FORBIDDEN)
    if placed := _belongs_somewhere(words, transcript):
        return placed
    if words[0] == "which" and (asked := which_asked(words)):
        return with_target(Command(transcript, "point"), asked)
    if list(words) in (["let", "go"], ["let", "it", "go"], ["release"]):
        return Command(transcript, "place", "it")
    if list(words[:3]) == ["get", "out", "of"] and words[3:]:
        return drive(words[1:], transcript)
    if not verb or not verb[0]:
        return _no_action(words, transcript, vocabulary)
    kind, rest = verb[0], list(words[verb[1] :])
    if kind == "place" and rest[-1:] == ["alone"]:
        return Command(transcript, "none", reason=_FORBIDDEN)
    if kind == "stop" and rest[:1] and rest[0] in ("at", "by", "beside", "near") and len(rest) > 1:
        return drive(rest, transcript)
    if kind == "stop" or (list(words) == ["leave", "it"]):
        return Command(transcript, "stop")
    if words[0] == "back":
        return Command(transcript, "move", destination=tidy(words))
    if words[0] in ("get", "getting") and rest and rest[0] in AWAY:
        return drive(rest, transcript)
    if kind == "move" and not rest and len(words) > 1:
        return Command(transcript, "move", destination=tidy(words[1:]))  # "roll over"
    if kind == "move" and rest and rest[0] in AHEAD and (len(rest) == 1 or rest[1] in HOW_FAR):
        return Command(transcript, "move", destination=tidy(rest))
    if kind == "move" and rest[:1] == ["yourself"]:
        return drive(rest[1:], transcript)
    if kind == "drive" and (words[verb[1] - 1] == "into" or not (rest and rest[0] in DETERMINERS)):
        if words[verb[1] - 1] == "into":
            rest = ["into", *rest]  # "pop into the kitchen"
        if not rest and words[1:] and words[-1] in AWAY | AHEAD:
            return Command(transcript, "move", destination=tidy(words[1:]))  # "scoot over"
        return drive(rest, transcript)
    if kind == "drive":
        kind = "move"
    covers = rest[-2:-1] and rest[-2] in _COVERS  # "put the lid on" closes nothing that we know
    if kind == "place" and rest[-1:] == ["on"] and covers:
        return with_target(Command(transcript, "place", destination="on"), rest[:-1])
    if kind == "place" and rest[-1:] == ["on"] and 1 < len(rest) < 5 and not RELATIVE_PRONOUNS & set(rest):
        return with_target(Command(transcript, "turn_on"), rest[:-1])
    if list(words[:2]) == ["put", "on"] and rest[:1] == ["on"] and len(rest) > 1:
        return with_target(Command(transcript, "turn_on"), rest[1:])
    if kind == "turn":
        return turn(rest, transcript)
    if kind == "turn_off" and rest[:2] == ["the", "power"] and len(rest) > 3:
        rest = rest[3:]
    command = Command(transcript, cast(Action, kind))
    if kind == "give" or ((kind in ("pick", "place", "move") or words[0] == "find") and _for_somebody(rest)):
        return give(rest, replace(command, action="give"))
    if words[0] == "get" and rest[-1:] == ["way"] and "out" in rest[1:]:
        return with_destination(rest, replace(command, action="move"))  # "get the toy out of the way"
    if words[0] == "take" and _taken_somewhere(rest):
        rest = [word for word in rest if word != "across"]
        return with_destination(rest, replace(command, action="move"), only_goals=True)
    if (
        (RELATIVE_PRONOUNS | {"where", "whichever", "whatever"}).isdisjoint(rest)
        and (ending := _ENDINGS.before(rest, len(rest)))
        and kind in ("pick", "move", "close", "open", "place")
        and not (words[0] == "take" and ending[0] == "turn_off")  # "take the lid off"
    ):
        return with_target(Command(transcript, cast(Action, ending[0])), rest[: ending[1]])
    if kind in ("place", "move"):
        return with_destination(rest, command)
    if words[0] == "take" and len(rest) > 1 and rest[-1] in ("away", "off") and not ends_relative(rest, len(rest) - 1):
        rest = rest[:-1]
    if kind == "pick" and len(rest) > 3 and rest[-2] in ("off", "from") and rest[-1] in PERSONAL and rest[-3] != "away":
        rest = rest[:-2]
    if kind == "point":
        if words[0] in ("show", "showing"):
            who, rest = recipient_of(rest)
            command = replace(command, recipient=who)
        while len(rest) > 1 and rest[-1] in _QUESTION_ENDS and not ends_relative(rest, len(rest) - 1):
            rest.pop()
        rest, place = place_asked(rest)
        command = replace(command, place=place)
        if rest[:1] == ["you"] and len(rest) < 4:
            return _no_action(words, transcript, vocabulary)
        while len(rest) > 1 and rest[0] in ("at", "for", "of", "is", "are", "where", "which", "around", "out"):
            rest = rest[1:]
    return with_target(command, rest)


_WHO_DOES = words_in("i you we he she they im youre hes shes were theyre ive youve weve theyve id youd")
_COVERS = words_in(
    "lid cap cover top hat coat jacket apron glove gloves shoes boots scarf helmet sweater label sticker"
)


def _taken_somewhere(rest: Sequence[str]) -> bool:
    """ "(take) the saw over to the bench", but neither "the plate to the left of the sink" nor "the lid out of it"."""
    _, goals = cuts_of(rest)
    goal = list(rest[goals[0] :]) if goals else []
    to = next((i for i in range(min(2, len(goal))) if goal[i] == "to"), None)
    named = [] if to is None or goal[to + 1 : to + 2] != ["the"] else goal[to + 2 :]
    return bool(named) and named[0] not in ("left", "right", "very")


_OTHERS = DETERMINERS | PERSONAL | {"me", "us"}


_WE = words_in("we were wed well")


def _with_as_to(words: Sequence[str]) -> list[str]:
    """ "the flowers to the lady" for "(leave) the flowers with the lady"."""
    last = len(words) - 1 - list(reversed(words)).index("with")
    return [*words[:last], "to", *words[last + 1 :]]

"""The state of a dialogue, and the turns in which a person chooses, confirms or refuses candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from runtime.datatypes import Box, Candidate, Command
from runtime.language.fitting import Choice, fitting
from runtime.language.refinement import all_of, pinpointed, retargeted
from runtime.language.replies import Answer
from runtime.language.selection import Selection, read_selection
from runtime.language.speech import is_list
from runtime.language.telling_apart import along, tell_apart, the_one
from runtime.language.wording import NounPhrase, listed, number_word, one_noun, singular_of


@dataclass(frozen=True, eq=False)
class Dialogue:
    """What was said so far; `Dialogue()` is the start.

    `command` is the last one acted on, `candidates` what it could mean, from left to right, `described` how each was
    told from the others ("on the left"; empty where it was not), `landmarks` the boxes of named things beside them.
    While a question is `open`, `asked` are the indices of the candidates it is about: one for "Do you mean the one on
    the right?", none where every candidate was refused. `taken` are those chosen, the last at the end, and `refused`
    those that were not meant.
    """

    command: Command | None = None
    candidates: tuple[Candidate, ...] = ()
    described: tuple[str, ...] = ()
    landmarks: Mapping[str, Box] = field(default_factory=dict)
    open: bool = False
    asked: tuple[int, ...] = ()
    taken: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Turn:
    """What a reply leads to. At most one of `chosen` and `command` is there.

    `state` is to be handed on; `say` is to be spoken, or empty. `chosen` is the candidate that the reply picks, to do
    `state.command` with. `command` is the next one to segment; it names no thing where the robot is to drive. "stop"
    ends the dialogue and says so; halting what already moves is the caller's.
    """

    state: Dialogue
    say: str = ""
    chosen: Candidate | None = None
    command: Command | None = None


def question(state: Dialogue) -> str:
    """The open question in few words; what to do next where none is open."""
    if state.command is None:
        return "What should I look for?"
    if len(state.asked) == 1:
        detail = state.described[state.asked[0]]
        return f"Do you mean {the_one(detail) if detail else 'the other one'}?"
    if len(state.asked) > 1:
        details = [state.described[index] for index in state.asked]
        return (
            f"Which one, {listed([the_one(detail) for detail in details], 'or')}?" if is_list(details) else "Which one?"
        )
    if state.open:
        return f"Which {one_noun(state.command.target)} do you mean?"
    return "What should I do?"


def ask_again(state: Dialogue) -> Turn:
    """For a reply that cannot be used."""
    return Turn(state, question(state) if state.open else f"Sorry, I did not understand. {question(state)}")


def confirmed(state: Dialogue) -> Turn:
    """ "yes": the one candidate that was offered or seen, where there is just one."""
    settled_state = settled(state)
    if settled_state is not state:
        return _chosen(state, settled_state.taken[-1])
    if state.open or state.command is None:
        return ask_again(state) if state.open else Turn(state, question(state))
    return Turn(state, "Okay.")


def settled(state: Dialogue) -> Dialogue:
    """The state with the one candidate taken that "yes" can mean; the same object where there is none, or several."""
    if state.open:
        possible = state.asked
    else:
        possible = tuple(range(len(state.candidates))) if not state.taken else ()
    return _with_taken(state, possible[0]) if len(possible) == 1 else state


def refused(state: Dialogue, *, everything: bool = False) -> Turn:
    """ "no": not what was offered or taken last; of the others, if any, one is offered or several asked about."""
    if state.command is None:
        return Turn(state, "Okay.")
    if everything or (state.open and len(state.asked) != 1):
        wrong = tuple(range(len(state.candidates)))
    else:
        wrong = state.asked or state.taken[-1:] or tuple(range(len(state.candidates)))
    state = replace(
        state,
        taken=tuple(index for index in state.taken if index not in wrong),
        refused=(*state.refused, *(index for index in wrong if index not in state.refused)),
    )
    return _asked(state, _others(state), "Okay, not that one." if len(wrong) == 1 else "Okay.")


def select(state: Dialogue, words: str, answer: Answer, transcript: str, *, named: bool = False) -> Turn | None:
    """The turn for a reply that is wholly about which candidates are meant; None where it is not.

    `named`: the words come from a command with a noun of its own, which chooses only where it says which.
    """
    target = state.command.target if state.command else ""
    selection = read_selection(_without_tail(words, target), _own_words(target), state.landmarks)
    if not state.candidates:
        return ask_again(state) if selection and selection.quantity in ("any", "other", "several") else None
    says_which = selection and (selection.wanted or selection.unwanted or selection.quantity != "one")
    if selection is None or (named and not says_which):
        return None
    everyone = tuple(range(len(state.candidates)))
    pool = everyone if answer == "no" or len(state.asked) < 2 else state.asked
    if selection.quantity == "several":
        return Turn(state, f"One at a time, please. {question(state)}")
    if not says_which:
        return _pointed_at(state, pool, answer)
    if selection.quantity == "other":
        return _other(state, selection)
    if selection.quantity in ("both", "all") and not selection.unwanted:
        return _every_one(state, selection, pool, transcript)
    if len(state.candidates) == 1 and answer != "yes" and selection.quantity == "one":
        return None  # "the left one", where only one was seen, is another one
    return _fitted(state, selection, pool, answer)


def _fitted(state: Dialogue, selection: Selection, pool: Sequence[int], answer: Answer) -> Turn | None:
    """Chooses the one that fits; asks where none or several do."""
    choice = Choice(state.candidates, state.described, state.landmarks)
    fit = fitting(selection, pool, choice)
    if selection.by_landmark and len(fit) != 1:
        return None
    if selection.quantity == "any" and fit:
        fit = [max(fit, key=lambda index: along(state.candidates[index]))]  # the nearest is easiest to reach
    if answer == "no":
        state = replace(state, taken=state.taken[:-1])
    if selection.mirrored and len(fit) == 1:
        return _asked(state, fit, "I go by left and right as I see them.")
    if not fit:  # "the fourth", when two of four were asked about
        everyone = fitting(selection, range(len(state.candidates)), choice)
        fit = everyone if len(everyone) == 1 else []
    if len(fit) == 1:
        return _chosen(state, fit[0])
    if not fit:
        return _asked(state, pool, "None of them fits that.")
    if len(fit) == len(pool):
        return _asked(state, fit, "That fits both." if len(fit) == 2 else "That fits all of them.")
    return _asked(state, fit, f"{number_word(len(fit)).capitalize()} of them fit that.")


def _pointed_at(state: Dialogue, pool: Sequence[int], answer: Answer) -> Turn:
    """ "that one", or the noun alone: nobody sees where a person points, so it chooses only where there is one."""
    if answer == "no":
        return refused(state)
    if state.taken and not state.open:
        return Turn(state, "Okay.")
    only = state.asked if len(state.asked) == 1 else pool
    return _chosen(state, only[0]) if len(only) == 1 else _asked(state, pool, "")


def _other(state: Dialogue, selection: Selection) -> Turn | None:
    """ "the other one": of those not yet chosen or refused."""
    offered = state.asked if len(state.asked) == 1 else ()
    others = [index for index in _others(state) if index not in offered]
    noun = one_noun(state.command.target) if state.command else "one"
    if not others or len(state.candidates) == 1:
        return Turn(state, f"I see no other {noun}.")
    if not (state.taken or state.refused or offered):  # other than which?
        return _asked(state, others, "")
    if len(others) > 1 and not (selection.wanted or selection.unwanted):
        return _asked(state, others, "")
    return _fitted(state, selection, others, "")


def _every_one(state: Dialogue, selection: Selection, pool: Sequence[int], transcript: str) -> Turn | None:
    """ "both": all at once is a plural, to be segmented as one."""
    if state.command is None or selection.wanted:
        return None
    both = selection.quantity == "both"
    if len(pool) == 1:
        return Turn(state, f"I see only one {one_noun(state.command.target)}.")
    if both and len(pool) > 2:
        return _asked(state, pool, f"I see {number_word(len(pool))}.")
    target = all_of(state.command.target, both=both)
    return Turn(state, command=retargeted(state.command, transcript, target, plural=True))


def _asked(state: Dialogue, indices: Sequence[int], first: str) -> Turn:
    """Asks about some candidates; about none, for another description."""
    described = list(state.described)
    if len(indices) > 1 and not is_list([described[index] for index in indices]):  # among themselves they may differ
        candidates = [state.candidates[index] for index in indices]
        details = tell_apart(candidates, state.landmarks, state.command.target if state.command else "")
        if is_list(details):
            for index, detail in zip(indices, details, strict=True):
                described[index] = detail
    state = replace(state, open=True, asked=tuple(indices), described=tuple(described))
    return Turn(state, f"{first} {question(state)}".strip())


def _chosen(state: Dialogue, index: int) -> Turn:
    return Turn(_with_taken(state, index), f"Okay, {the_one(state.described[index])}.", chosen=state.candidates[index])


def _with_taken(state: Dialogue, index: int) -> Dialogue:
    taken = (*(other for other in state.taken if other != index), index)
    left = tuple(other for other in state.refused if other != index)
    return replace(state, open=False, asked=(), taken=taken, refused=left)


def _others(state: Dialogue) -> list[int]:
    """Candidates neither taken nor refused."""
    return [index for index in range(len(state.candidates)) if index not in (*state.taken, *state.refused)]


def referent(state: Dialogue) -> tuple[str, bool]:
    """What "it" or "them" means, as a description, and whether it is several things."""
    if state.command is None:
        return "", False
    target = state.command.target
    if not state.taken or len(state.candidates) == 1:
        return target, state.command.plural
    details = tell_apart(state.candidates, state.landmarks, target)
    return pinpointed(target, details[state.taken[-1]]), False


def _own_words(target: str) -> frozenset[str]:
    """Words of the description that a reply may repeat without saying anything new."""
    phrase = NounPhrase.of(target)
    return frozenset({*phrase.modifiers, phrase.noun, singular_of(phrase.noun)} - {""})


def _without_tail(words: str, target: str) -> str:
    """ "the left jar beside the apple" without what was said of every jar already."""
    tail = NounPhrase.of(target).tail
    return words.removesuffix(f" {tail}") if tail else words

"""What to say to an answer, and what the person's reply to it means: pure functions over a `Dialogue`.

    state, say = after_answer(Dialogue(), answer)  # "I see two jars: one on the left and one on the right. Which one?"
    turn = after_reply(state, "the left one")  # turn.chosen is the left candidate; go on with turn.state

Left and right are the camera's. Ordinals count from the left unless another side is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from runtime.datatypes import Box, Command, Segmentation, Verdict
from runtime.language.choosing import (
    Dialogue,
    Turn,
    ask_again,
    confirmed,
    question,
    referent,
    refused,
    select,
    settled,
)
from runtime.language.commands import MAX_CHARACTERS, parse_command
from runtime.language.refinement import POINTERS, is_fragment, merged, refined, resolved, retargeted
from runtime.language.repair import by_ear
from runtime.language.replies import Answer, leading_answer, means_cancel
from runtime.language.speech import speak
from runtime.language.telling_apart import tell_apart
from runtime.language.vocabulary import words_of
from runtime.language.wording import one_noun

__all__ = ["Dialogue", "Turn", "after_answer", "after_reply", "speak"]

_ACTIONS_OF_ANSWERS = ("none", "confirm", "deny")
_QUESTIONS = frozenset({"which", "what", "how", "who", "why", "when", "say", "repeat", "pardon"})


def after_answer(state: Dialogue, answer: Segmentation, *, landmarks: Mapping[str, Box] = {}) -> tuple[Dialogue, str]:
    """The state after `answer`, and what to say of it (see `speak`).

    Where a closer description of a thing asked about ("the red one") finds nothing, the question stays open.
    """
    said = speak(answer, landmarks=landmarks)
    command = answer.command
    if answer.verdict is Verdict.NOT_FOUND and state.open and state.asked and state.command is not None:
        narrows = command.target != state.command.target and one_noun(command.target) == one_noun(state.command.target)
        if narrows:
            return state, f"{said} {question(state)}"
    ambiguous = answer.verdict is Verdict.AMBIGUOUS
    asked = ambiguous or answer.verdict is Verdict.UNSURE
    # Things that could not be cut apart are no candidate for "yes".
    candidates = () if ambiguous and len(answer.candidates) < 2 else answer.candidates
    return (
        Dialogue(
            command=command,
            candidates=candidates,
            described=tell_apart(candidates, landmarks, command.target),
            landmarks=dict(landmarks),
            open=asked,
            asked=tuple(range(len(candidates))) if asked else (),
        ),
        said,
    )


def after_reply(state: Dialogue, transcript: str) -> Turn:
    """What `transcript`, any text, means after what was said so far. Silence changes nothing."""
    heard: object = transcript  # a recogniser's answer, which may be None
    if not isinstance(heard, str) or not transcript.strip():
        return Turn(state)
    if len(transcript) > MAX_CHARACTERS:
        return Turn(state, f"That was too long. {question(state)}")
    answer, rest = leading_answer(transcript, to_question=state.open)
    rest = by_ear(rest)
    words = " ".join(words_of(rest))
    if means_cancel(words) or means_cancel(" ".join(words_of(transcript))):
        return Turn(Dialogue(), "Okay.")
    if not words:
        if answer == "yes":
            return confirmed(state)
        return refused(state, everything=answer == "neither") if answer else ask_again(state)
    return _understood(state, answer, rest, words, transcript)


def _understood(state: Dialogue, answer: Answer, text: str, words: str, transcript: str) -> Turn:
    """A reply beyond yes and no: a choice, a command, a description, or nothing that can be used."""
    turn = select(state, words, answer, transcript)
    if turn is not None:
        return turn
    commands = parse_command(text)
    if any(command.action == "stop" for command in commands):
        return Turn(Dialogue(), "Okay.")
    acts = [replace(command, transcript=transcript) for command in commands]
    acts = [command for command in acts if command.action not in _ACTIONS_OF_ANSWERS]
    if acts:
        turn = _act(state, acts[0], answer)
        return replace(turn, say=f"{turn.say} Then tell me the rest.".strip()) if len(acts) > 1 else turn
    descriptions = [command for command in commands if command.action == "none" and command.target]
    if descriptions and descriptions[-1].target != words:  # the parser knows what people say and take back
        words = descriptions[-1].target
        turn = select(state, words, answer, transcript)
        if turn is not None:
            return turn
    last = state.command
    if words.split()[0] in _QUESTIONS or not (descriptions or is_fragment(words)):
        return _answered(state, commands[0])
    closer = refined(words, last.target, keep=_narrows(state, answer)) if last else None
    if last and closer:
        return _look_for(state, retargeted(last, transcript, closer[0], plural=closer[1]))
    if descriptions:
        named = descriptions[-1]
        if last is None:
            nameless = one_noun(named.target) == "one"
            return ask_again(state) if nameless else _look_for(state, replace(named, transcript=transcript))
        command = retargeted(last, transcript, named.target, plural=named.plural)
        return _look_for(state, replace(command, repairs=named.repairs, unknown=named.unknown))
    return ask_again(state)


def _answered(state: Dialogue, command: Command) -> Turn:
    """A yes or no in words that only the parser knows; else a question, or noise."""
    if command.action == "confirm":
        return confirmed(state)
    return refused(state) if command.action == "deny" else ask_again(state)


def _act(state: Dialogue, new: Command, answer: Answer) -> Turn:
    """A reply with an action of its own: on "it", on one of the candidates, or on something new."""
    last = state.command
    if not new.target:
        return Turn(Dialogue(), command=new)
    if last is None:
        if new.target in POINTERS:
            return Turn(state, f"I do not know what '{new.target}' is. What should I look for?")
        return _look_for(Dialogue(), new)
    as_said = replace(state, command=merged(last, new, answers_question=state.open))
    if new.target in POINTERS and (state.open and len(state.asked) != 1):
        return ask_again(as_said)
    state = settled(state)
    target, plural = referent(state)
    if new.target in POINTERS:
        return Turn(state, command=resolved(new, target, plural=plural))
    nameless = refined(new.target, last.target, keep=_narrows(state, answer))
    if nameless or state.open:
        turn = select(as_said, new.target, answer, new.transcript, named=not nameless)
        if turn is not None:
            return turn
    if nameless and as_said.command:
        return _look_for(as_said, retargeted(as_said.command, new.transcript, nameless[0], plural=nameless[1]))
    return _look_for(Dialogue(), resolved(new, target, plural=plural))


def _narrows(state: Dialogue, answer: Answer) -> bool:
    """Whether a description answers an open question, rather than correct a command or replace what was refused."""
    return state.open and answer != "no" and not state.refused


def _look_for(state: Dialogue, command: Command) -> Turn:
    """A command to segment. An open question stays so, in case that nothing is found."""
    return Turn(state if state.open else Dialogue(command=command), command=command)

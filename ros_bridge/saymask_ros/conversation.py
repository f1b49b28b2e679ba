"""What the robot looks for, what was said about it, and what a person must hear: the dialogue over many frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runtime.datatypes import Candidate, Command, Segmentation, Verdict
from runtime.language.choosing import Dialogue, question
from runtime.language.commands import parse_command
from runtime.language.dialogue import after_answer, after_reply, speak
from runtime.language.nouns import head_nouns, is_plural
from runtime.language.refinement import POINTERS, resolved
from runtime.language.repair import Repairer
from runtime.language.vocabulary import Vocabulary
from saymask_ros.following import Gist, SteadyAnswer, follow

_FOUND, _NO_COMMAND = (Verdict.FOUND.value, 1), "no command has come; say what to look for"
_LOST: Gist = ("LOST", 0)
"""Things are seen, and the one that was chosen is not among them."""


class Conversation:
    """One person's command, followed over the answers to many frames. Not for several threads at once.

    `command` is what the next frame is segmented for, None where nothing is looked for, and then `idle_reason` says
    why. `commands` counts up whenever another thing is looked for, `turns` whenever anything that a person said makes
    an answer that is under way out of date.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.command: Command | None = None
        self.idle_reason = _NO_COMMAND
        self.commands = 0
        self.turns = 0
        self._vocabulary = vocabulary
        self._repairer = Repairer(vocabulary)
        self._dialogue = Dialogue()
        self._steady = SteadyAnswer()
        self._heard_ns = 0
        self._apologised = False

    @property
    def question_open(self) -> bool:
        """Whether a person was asked something and has not answered."""
        return self._dialogue.open

    def hear_command(self, transcript: str, now_ns: int) -> str:
        """What to say to a transcript, any text: a command of its own, or else whatever it means as a reply."""
        if not self._dialogue.open:
            said = parse_command(transcript, self._vocabulary)
            acts = [command for command in said if command.action not in ("none", "confirm", "deny")]
            if acts and not any(command.action == "stop" for command in acts) and _stands_alone(acts[0]):
                self._look_for(acts[0], Dialogue(command=acts[0]), now_ns)
                return "Then tell me the rest." if any(act.target != acts[0].target for act in acts) else ""
        return self.hear_reply(transcript, now_ns)

    def hear_reply(self, transcript: str, now_ns: int) -> str:
        """What to say to a transcript, any text, after what was said so far. Silence changes nothing."""
        turn = after_reply(self._dialogue, transcript)
        if turn.command is not None:
            self._look_for(self._in_known_words(turn.command), turn.state, now_ns)
            return turn.say
        if turn.state is not self._dialogue:
            self.turns += 1
            self._dialogue = turn.state
            if turn.state.command is None and self.command:
                self._end("the last command was called off; say what to look for")
            elif turn.state.command is not self.command:  # "give me the left one": the same thing for another purpose
                self.command = turn.state.command
                self.commands += 1
            asked = (Verdict.AMBIGUOUS.value, len(turn.state.candidates))
            self._steady.restart(_FOUND if turn.chosen else self._steady.told or (asked if self.command else None))
        if turn.say:
            self._heard_ns = now_ns
        return turn.say

    def expire(self, now_ns: int, timeout_ns: int) -> None:
        """End a command about which nothing was said for `timeout_ns`; 0: never. Says nothing: it was long ago."""
        if now_ns < self._heard_ns:  # the clock was set back
            self._heard_ns = now_ns
        if self.command and 0 < timeout_ns < now_ns - self._heard_ns:
            self._end(f"the last command timed out after {timeout_ns / 1e9:g} s; say it again")

    def see(self, answer: Segmentation, now_ns: int, settle_ns: int) -> tuple[Segmentation, str]:
        """What an answer comes to after what was agreed on, and what to say about it, mostly nothing.

        After "the left one" it is the left one alone, wherever it moves, or NOT_FOUND while it cannot be told which of
        the things seen that is. While a question is open a thing that is seen is AMBIGUOUS, not FOUND.
        """
        followed = follow(self._dialogue.candidates, answer.candidates)
        pairs = zip(self._dialogue.candidates, followed, strict=True)
        self._dialogue = replace(self._dialogue, candidates=tuple(new or old for old, new in pairs))
        seen, gist = self._as_agreed(answer)
        if not self._steady.is_news(gist, now_ns, settle_ns):
            return seen, ""
        said = self._tell(answer, seen, gist)
        return self._as_agreed(answer)[0], said

    def apologise(self, reason: str) -> str:
        """What to say where a frame could not be answered: once for a command, nothing where others were answered."""
        if self._apologised or self._steady.told is not None:
            return ""
        self._apologised = True
        return f"Sorry, I cannot do that: {reason}" if reason else "Sorry, something went wrong."

    def _look_for(self, command: Command, state: Dialogue, now_ns: int) -> None:
        self._end("" if command.target else f"'{command.transcript}' names nothing to look for")
        self.command = command if command.target else None
        self._dialogue, self._heard_ns = state, now_ns

    def _end(self, reason: str) -> None:
        self.command, self._dialogue, self.idle_reason = None, Dialogue(), reason
        self.commands += 1
        self.turns += 1
        self._apologised = False
        self._steady.restart()

    def _chosen(self) -> Candidate | None:
        """The one thing that a person chose or confirmed, where it was last seen."""
        state = self._dialogue
        return state.candidates[state.taken[-1]] if state.taken and not state.open else None

    def _as_agreed(self, answer: Segmentation) -> tuple[Segmentation, Gist]:
        several = answer.verdict is Verdict.AMBIGUOUS or answer.command.plural
        gist = (answer.verdict.value, len(answer.candidates) if several else len(answer.candidates[:1]))
        chosen = self._chosen()
        if answer.verdict is Verdict.NOT_FOUND:
            return answer, gist
        if chosen is None:
            asked = self._dialogue.open and answer.verdict is Verdict.FOUND
            return (replace(answer, verdict=Verdict.AMBIGUOUS) if asked else answer), gist
        uncut = answer.verdict is Verdict.AMBIGUOUS and len(answer.candidates) < 2
        if uncut or not any(chosen is item for item in answer.candidates):
            return _with_nothing(answer), _LOST
        return _with_one(answer, chosen), _FOUND

    def _tell(self, answer: Segmentation, seen: Segmentation, gist: Gist) -> str:
        if gist == _LOST:  # another of the kind is no substitute for the one that was chosen
            state, _ = after_answer(Dialogue(), answer)
            self._dialogue = replace(state, open=True, asked=tuple(range(len(state.candidates))))
            self._steady.told = self._as_agreed(answer)[1]
            return f"I lost sight of it. {question(self._dialogue)}"
        if self._chosen() is not None:
            return speak(seen)
        closer = self.command is not self._dialogue.command  # as a reply to the question that is open
        before = self._dialogue if closer else Dialogue()
        self._dialogue, said = after_answer(before, answer)
        if self._dialogue is before and before.command:  # nothing fits the closer words, so the question stays
            self._steady.told = (Verdict.AMBIGUOUS.value, len(before.candidates))
        self.command = self._dialogue.command
        return said

    def _in_known_words(self, command: Command) -> Command:
        """A command of the dialogue, which knows no vocabulary, in the words of the model's."""
        if not command.target or command.target in POINTERS:
            return command
        repairs: list[tuple[str, str]] = []
        named = self._repairer.description(command.target, repairs)
        return replace(
            command,
            target=named.text or command.target,
            plural=is_plural(named.text) if repairs else command.plural,
            unknown=named.unknown,
            stand_ins=named.stand_ins,
            repairs=(*command.repairs, *repairs),
        )


def _stands_alone(command: Command) -> bool:
    """Whether a command can be understood without what was said before it: it names its thing, and no "it" besides."""
    named = command.target and command.target not in POINTERS and resolved(command, "", plural=False) == command
    noun = next(iter(head_nouns(command.target)), "") if named else ""
    return bool(noun) and (noun not in ("one", "ones") or any(said == noun for said, _ in command.stand_ins))


def _with_one(answer: Segmentation, thing: Candidate) -> Segmentation:
    return replace(
        answer, verdict=Verdict.FOUND, mask=thing.mask, candidates=(thing,), box=thing.box, centroid=thing.centroid
    )


def _with_nothing(answer: Segmentation) -> Segmentation:
    return replace(
        answer,
        verdict=Verdict.NOT_FOUND,
        mask=np.zeros_like(answer.mask),
        candidates=(),
        box=None,
        centroid=None,
    )

"""From what a person said to what a robot should do, and to the words that say with which thing.

By hand rather than by grammar: a spoken command is a verb that we know, in a frame of polite filler, around noun
phrases that we pass on unread. `parse_command` never raises; what it cannot read is a command of action "none".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from runtime.datatypes import Action, Command
from runtime.language.phrases import (
    ANSWERS,
    BEFORE,
    JOINTS,
    NAVIGATION,
    PARTICLES,
    PLACES_INTO,
    PREPOSITIONS,
    PRONOUNS,
    RECIPIENT,
    VERBS,
    after_filler,
    is_plural,
)

MAX_CHARACTERS = 512
"""Nobody says more to a robot in one breath; longer transcripts are a fault upstream."""

_NOT_WORDS = re.compile(r"[^a-z0-9,.;!?]+")
_CLAUSE_END = re.compile(r"\s*[.;!?]+\s*")


def parse_command(transcript: str) -> list[Command]:
    """Cut a transcript into commands, in the order in which they were said; at least one, never an exception.

    Action "none" comes with a `reason`, and with a `target` where the words may still describe a thing ("the red
    one"). "it" and its like mean the target before them. Transcripts of more than 512 characters are refused.
    """
    heard: object = transcript  # a recogniser's answer, which may be None
    if not isinstance(heard, str):
        return [Command("", "none", reason=f"expected a transcript as text, got {type(heard).__name__}")]
    if len(transcript) > MAX_CHARACTERS:
        reason = f"the transcript has {len(transcript)} characters, at most {MAX_CHARACTERS} are read; say it shorter"
        return [Command(transcript[:MAX_CHARACTERS], "none", reason=reason)]
    commands: list[Command] = []
    for clause in _clauses(transcript):
        command = _parse_clause(clause, transcript)
        if command.target in PRONOUNS:
            named = [earlier for earlier in commands if earlier.target]
            if named:
                command = replace(command, target=named[-1].target, plural=named[-1].plural)
        commands.append(command)
    return commands or [Command(transcript, "none", reason="the transcript holds no word (a-z, 0-9); say what to do")]


def _clauses(transcript: str) -> Iterator[str]:
    """Parts that each hold one command, as lower-case words and commas."""
    text = unicodedata.normalize("NFKC", transcript).lower().replace("\u2019", "").replace("'", "")
    text = re.sub(r"\s*,[\s,]*", " , ", _NOT_WORDS.sub(" ", text))
    for sentence in map(after_filler, _CLAUSE_END.split(text)):
        start = 0
        for joint in JOINTS.finditer(sentence):
            yield from _after_answer(sentence[start : joint.start()])
            start = joint.end()
        yield from _after_answer(sentence[start:])


def _after_answer(part: str) -> Iterator[str]:
    """Split "no, the left one" into its answer and its correction; drop filler and empty parts."""
    words = after_filler(part)
    answer = ANSWERS.match(words)
    if answer and answer.end() < len(words):
        yield answer.group().strip(" ,")
        words = after_filler(words[answer.end() :])
    if words:
        yield words


def _parse_clause(words: str, transcript: str) -> Command:
    """One command out of the words of one clause, filler removed."""
    answer = ANSWERS.fullmatch(words)
    if answer:
        return Command(transcript, "confirm" if answer.lastgroup == "confirm" else "deny")
    verb = VERBS.match(words)
    if not verb:
        reason = "no action that I know is named"
        return Command(transcript, "none", _tidy(words), plural=is_plural(words), reason=reason)
    action: Action = verb.lastgroup  # type: ignore[assignment]  # the pattern's groups are named by the actions
    rest = _tidy(words[verb.end() :])
    if action == "stop":
        return Command(transcript, "stop")
    if action == "give":
        return _give(rest, transcript)
    if action == "place":
        return _place(rest, transcript)
    if action == "move":
        return _move(rest, transcript)
    return _with_target(Command(transcript, action), PARTICLES.sub("", rest))


def _with_target(command: Command, target: str) -> Command:
    target = _tidy(target)
    if not target:
        return replace(command, action="none", reason=f"'{command.action}' needs a thing; say which one")
    return replace(command, target=target, plural=is_plural(target))


def _give(rest: str, transcript: str) -> Command:
    """ "me the jar", "the jar to me", "the jar to the man"."""
    recipient = RECIPIENT.search(rest)
    if not recipient:
        return _with_target(Command(transcript, "give"), rest)
    target = rest[recipient.end() :] if recipient.start() == 0 else rest[: recipient.start()]
    return _with_target(
        Command(transcript, "give", recipient=recipient.group("who") or recipient.group("whom")), target
    )


def _place(rest: str, transcript: str) -> Command:
    """ "the jar beside the apple on the tray": the last phrase says where, unless one says "into" or "onto".

    With several phrases either may say where; the first as destination is the alternative.
    """
    rest = PARTICLES.sub("", rest)
    cuts = [match.start() for match in PREPOSITIONS.finditer(rest) if match.start() > 0]
    if not cuts:
        return _with_target(Command(transcript, "place"), rest)
    into = [cut for cut in cuts if PLACES_INTO.match(rest, cut)]

    def cut_at(cut: int) -> Command:
        return _with_target(Command(transcript, "place", destination=_tidy(rest[cut:])), rest[:cut])

    if into:
        return cut_at(into[0])
    command = cut_at(cuts[-1])
    return replace(command, alternative=cut_at(cuts[0])) if len(cuts) > 1 else command


def _move(rest: str, transcript: str) -> Command:
    """ "the jar to the left" moves a thing; "to the kitchen" moves the robot."""
    navigation = NAVIGATION.match(rest)
    if navigation:
        return Command(transcript, "move", place=_tidy(rest[navigation.end() :]) or "here")
    goal = BEFORE.search(rest)
    if not goal or goal.start() == 0:
        return _with_target(Command(transcript, "move"), rest)
    return _with_target(Command(transcript, "move", destination=_tidy(rest[goal.start() :])), rest[: goal.start()])


def _tidy(words: str) -> str:
    """Words with single spaces, without commas at the ends."""
    return " ".join(words.replace(",", " ").split())

"""Where the robot itself goes, and what is turned: "over to the window", "the lamp on"."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.datatypes import Action, Command
from runtime.language.arguments import tidy, with_destination, with_target, without_place
from runtime.language.phrases import words_in

_AFTER_SWITCH = words_in(
    "in for on before after its it im hes shes theyre i we nobody so because please that thats which whose"
) | {","}
_NO_MORE = (["and", "then"], ["and", "leave"])
AWAY = words_in("closer nearer away back over out off down")
AHEAD = words_in("along aside forward forwards back backward backwards left right up down closer away ahead straight")
HOW_FAR = words_in("one two three four five six ten twenty a to from towards toward until and ahead")


def drive(rest: Sequence[str], transcript: str) -> Command:
    """Where the robot itself goes: "to the kitchen", "here", "back"."""
    _, room = without_place(rest)
    if room:
        return Command(transcript, "move", place=room)
    return Command(transcript, "move", destination=tidy(rest)) if rest else Command(transcript, "move", place="here")


def turn(rest: Sequence[str], transcript: str) -> Command:
    """ "the lamp on", "the cup around"."""
    if rest[:1] and rest[0] in ("it", "that", "them") and rest[1:2] and rest[1] in ("on", "off"):
        return with_target(Command(transcript, "turn_on" if rest[1] == "on" else "turn_off"), rest[:1])
    for i in range(len(rest) - 1, 0, -1):
        ends = i == len(rest) - 1 or rest[i + 1] in _AFTER_SWITCH or rest[i + 1 : i + 3] in _NO_MORE
        ends = ends or rest[i + 1 : i + 3] in (["the", "one"], ["the", "ones"])  # "the lamp on the one by the bed"
        if rest[i] in ("on", "off", "down") and rest[i - 1] != "upside" and ends:
            action: Action = "turn_on" if rest[i] == "on" else "turn_off"
            beyond = [] if rest[i + 1 : i + 2] == ["and"] else rest[i + 1 :]
            return with_target(Command(transcript, action), [*rest[:i], *beyond])
    if rest and rest[0] in ("around", "left", "right", "back"):
        return Command(transcript, "move", destination=tidy(rest))
    return with_destination(rest, Command(transcript, "move"))

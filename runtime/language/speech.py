"""What to say to an answer: whether the thing is there, which things it could be, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runtime.datatypes import Box, Segmentation, Verdict
from runtime.language.telling_apart import a_one, tell_apart
from runtime.language.wording import NUMBERS, NounPhrase, counted, listed, seen, unseen

SURE = 0.5
"""Calibrated confidence below which doubt is spoken: such an answer is more likely wrong than right."""
MOST_LISTED = 4
"""Nobody keeps a longer spoken list in mind."""


def speak(answer: Segmentation, *, landmarks: Mapping[str, Box] = {}) -> str:
    """What to say of `answer`, in one to three short sentences; a question at the end where it is AMBIGUOUS or UNSURE.

    Only what the camera shows is claimed, never that anything moves. `landmarks`: boxes (camera pixels) of named things
    that may tell candidates apart ("one beside the mug"). Left and right are the camera's.
    """
    target, unknown = answer.command.target, answer.command.unknown
    unsure = answer.confidence < SURE
    if answer.verdict is Verdict.NOT_FOUND:
        said = f"I don't see {unseen(target)}{', but I am not sure' if unsure else ''}."
        if unknown:  # the note warns of a wrong thing, and there is none
            quoted = listed([f"'{word}'" for word in unknown], "or")
            return f"{said} I do not know the word{'s' if len(unknown) > 1 else ''} {quoted}."
        return f"{said} {answer.note}".strip()
    i_see = "I think I see" if unsure or unknown else "I see"
    doubt = ", but I am not sure" if unsure and not unknown else ""
    if answer.verdict is Verdict.UNSURE:
        said = f"I think I see {seen(target)}, but I am not sure."
        return " ".join(part for part in (said, answer.note, "Do you mean that one?") if part)
    if answer.verdict is Verdict.FOUND:
        return f"{i_see} {_found(answer)}{doubt}. {answer.note}".strip()
    details = tell_apart(answer.candidates, landmarks, target)
    said = f"{i_see} {_choice(target, details)}{'' if is_list(details) else doubt}."
    return " ".join(part for part in (said, answer.note, "Which one?") if part)


def is_list(details: Sequence[str]) -> bool:
    """Whether a list of these details would tell a listener which is which."""
    return 2 <= len(details) <= MOST_LISTED and all(details) and len(set(details)) == len(details)


def _found(answer: Segmentation) -> str:
    command, count = answer.command, len(answer.candidates)
    if not command.plural or not count:
        return seen(command.target)
    phrase = NounPhrase.of(command.target)
    if phrase.joins_two:
        return seen(command.target) if count > 1 else f"only one of these: {seen(command.target)}"
    only = "only " if count < _number_asked(phrase.determiner) else ""
    return only + counted(command.target, count)


def _number_asked(determiner: str) -> int:
    """How many things "both", "the three" or "all four" ask for; 0 where no number is said."""
    numbers = [
        2 if word == "both" else NUMBERS.index(word) for word in determiner.split() if word in ("both", *NUMBERS)
    ]
    return max(numbers, default=0)


def _choice(target: str, details: Sequence[str]) -> str:
    if len(details) < 2:
        return f"more than {counted(target, 1)}"
    listing = f": {listed([a_one(detail) for detail in details])}" if is_list(details) else ""
    return counted(target, len(details)) + listing

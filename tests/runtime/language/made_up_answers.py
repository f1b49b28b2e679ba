"""Made-up answers of the segmenter, with real masks, for what is said of them and replied to them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runtime.datatypes import Action, Box, Candidate, Command, Segmentation, Verdict
from runtime.language.dialogue import Dialogue, Turn, after_answer

LEFT, MIDDLE, RIGHT = (20, 100, 60, 160), (120, 100, 160, 160), (220, 100, 260, 160)
FRONT, BACK = (100, 150, 140, 210), (105, 50, 145, 110)
FRONT_LEFT, BACK_LEFT = (20, 150, 60, 210), (24, 40, 64, 100)
SMALL_LEFT, BIG_RIGHT = (20, 120, 50, 160), (200, 60, 270, 160)
TWO, THREE = (LEFT, RIGHT), (LEFT, MIDDLE, RIGHT)
CORNERED = (FRONT_LEFT, BACK_LEFT, RIGHT)
SIX = tuple((50 * index, 100, 50 * index + 30, 160) for index in range(6))
"""All from left to right, as candidates come."""
MUG: Mapping[str, Box] = {"the mug": (270, 110, 300, 160)}
"""Beside RIGHT."""


def candidate(box: Box) -> Candidate:
    """A box-shaped thing in a picture of 320x240."""
    x0, y0, x1, y1 = box
    mask = np.zeros((240, 320), np.bool_)
    mask[y0:y1, x0:x1] = True
    return Candidate(mask, box, ((x0 + x1) / 2, (y0 + y1) / 2), int(np.count_nonzero(mask)))


def pick(target: str = "the jar", *, plural: bool = False, action: Action = "pick", **fields: str) -> Command:
    """A command; `fields` are destination, recipient or place."""
    return Command(f"{action} {target}", action, target, plural=plural, **fields)  # type: ignore[arg-type]


def answer_to(command: Command, *boxes: Box, verdict: Verdict | None = None, confidence: float = 0.9) -> Segmentation:
    """An answer with these candidates; without a verdict the one that so many mean."""
    candidates = tuple(sorted(map(candidate, boxes), key=lambda item: item.centroid))
    likely = Verdict.FOUND if len(candidates) == 1 or command.plural else Verdict.AMBIGUOUS
    mask = np.logical_or.reduce([np.zeros((240, 320), np.bool_), *(item.mask for item in candidates)])
    return Segmentation(
        mask=mask,
        verdict=verdict or (likely if candidates else Verdict.NOT_FOUND),
        confidence=confidence,
        candidates=candidates,
        box=None,
        centroid=None,
        command=command,
        stamp_ns=0,
        camera_frame="",
        count_probabilities=(0.0, 0.0, 1.0),
        raw_mask=mask,
    )


def asked(*boxes: Box, command: Command | None = None, landmarks: Mapping[str, Box] = {}) -> Dialogue:
    """The state after an answer with these candidates."""
    state, _ = after_answer(Dialogue(), answer_to(command or pick(), *boxes), landmarks=landmarks)
    return state


def index_of(turn: Turn) -> int:
    """Which candidate was chosen, by identity."""
    assert turn.chosen is not None and turn.command is None, turn.say
    (index,) = (i for i, item in enumerate(turn.state.candidates) if item is turn.chosen)
    return index


def next_command(turn: Turn) -> Command:
    """What is to be looked for next."""
    assert turn.command is not None and turn.chosen is None, turn.say
    return turn.command

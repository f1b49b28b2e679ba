"""What a session is told, what it delivers, and what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from runtime.datatypes import Frame, Grasp, Segmentation
from runtime.errors import SaymaskError

COUNTS = (
    "received",
    "answered",
    "dropped",
    "idle",
    "late",
    "superseded",
    "failed",
    "malformed_image",
    "malformed_depth",
    "malformed_camera_info",
    "malformed_text",
    "depth_received",
    "depth_refused",
    "grasps",
    "grasp_failed",
    "undelivered",
)
"""What `SessionStatus.counts` holds. Of `received` images each is in the end one of: `answered`; `dropped` (a newer one
came while the segmenter was busy); `idle` (a newer one came while there was nothing to look for); `late` (came behind a
newer one); `superseded` (the command changed meanwhile); `failed` (the segmenter raised); `malformed_image`; or it
waits still or is in hand. `depth_refused`: answers without a grasp because no depth image fitted; `grasp_failed`:
because the one that did was of another size or held too little; `undelivered`: `deliver` raised."""


@dataclass(frozen=True)
class SessionSettings:
    """What may be changed while a session runs; all in seconds.

    `command_timeout_s`: a command ends so long after the last word that was said about it, 0: never.
    `depth_tolerance_s`: largest difference between the stamps of an image and its depth. `max_depth_age_s`: largest
    difference between the times at which the two came; also, how long a depth camera may be silent before nobody waits
    for it. `max_image_age_s`: an image that came longer ago is not answered any more. `depth_wait_s`: how long an
    answer may be held back for a depth image that is still to come. `settle_s`: how long another answer must hold
    before it is spoken. Raises SaymaskError for a value that is negative or not a number.
    """

    command_timeout_s: float = 60.0
    depth_tolerance_s: float = 0.02
    max_depth_age_s: float = 0.5
    max_image_age_s: float = 1.0
    depth_wait_s: float = 0.05
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value <= _LONGEST_S:  # a NaN is neither
                raise SaymaskError(f"{item.name} must be 0..{_LONGEST_S:g} seconds, got {value}")


_LONGEST_S = 1e6
"""Eleven days; in nanoseconds far inside 64 bits."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The answer to one image. Stamp and frame are the image's own, in `segmentation`.

    `segmentation` is what the person and the robot agreed on: after "the left one" the left one alone, and while a
    question is open never FOUND. `grasp` is None where the verdict is not FOUND or depth lacks; `no_grasp` says why.
    `age_ns`: from the arrival of the image to its answer, by the session's clock.
    """

    frame: Frame
    segmentation: Segmentation
    grasp: Grasp | None
    no_grasp: str
    age_ns: int


@dataclass(frozen=True)
class Speech:
    """Something to be spoken to the person, once."""

    text: str


Event = Outcome | Speech


@dataclass(frozen=True)
class SessionStatus:
    """A session at one moment, for diagnostics.

    `reasons`: why no answers come, most important first; empty where they do. `no_grasp`: why the last answer came
    without a grasp, "" where it had one. `command`: what is looked for, "" where nothing is; `question_open`: whether
    a person was asked something. `counts`: see COUNTS. Ages are since arrival, None where nothing came yet.
    `inference_ms`: the segmenter's time for the last answer. `last_error`: the last fault, whenever that was.
    """

    reasons: tuple[str, ...]
    no_grasp: str
    command: str
    question_open: bool
    counts: Mapping[str, int]
    image_age_ns: int | None
    depth_age_ns: int | None
    has_camera_info: bool
    inference_ms: float | None
    last_error: str

"""The values that travel between camera, language, network and robot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError

Mask = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels; x1 and y1 exclusive."""

SMALLEST_SIDE, LARGEST_SIDE = 32, 4096
"""Pixels: a smaller frame shows nothing to choose from, a larger one costs a robot its memory."""

Channels = Literal["rgb", "bgr"]
Precision = Literal["fp16", "fp32"]
Action = Literal[
    "pick", "place", "give", "point", "move", "open", "close", "turn_on", "turn_off", "stop", "confirm", "deny", "none"
]


class Verdict(str, Enum):
    """Whether there is one thing (for a plural: at least one) that the words mean.

    UNSURE is a FOUND that is wrong too often to act on: one thing is offered, to be confirmed first.
    """

    FOUND = "FOUND"
    UNSURE = "UNSURE"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera in pixels: u = fx x / z + cx, pixel centres at whole numbers + 0.5 (as in training.scenes).

    `size`: height and width of its pictures, None where that is not known.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    size: tuple[int, int] | None = None

    def check_fits(self, height: int, width: int) -> None:
        """Raise SaymaskError where a picture of `height` and `width` is known not to be of this camera."""
        if self.size and self.size != (height, width):
            told = f"{self.size[1]}x{self.size[0]}"
            raise SaymaskError(
                f"intrinsics (camera_info) are of {told} pixels, the picture {width}x{height}; use its own camera_info"
            )


@dataclass(frozen=True, eq=False)
class Frame:
    """One camera picture. `Frame.from_array` takes pictures as cameras give them.

    `image` uint8 (h, w, 3) RGB, contiguous, each side 32..4096 pixels; `stamp_ns` and `camera_frame` are the camera's
    own and travel to the answer untouched; `depth_m` float32 (h, w), metres along the optical axis, 0 or NaN where
    there is no reading. A frame is a key: the segmenter encodes each Frame object once, so its pixels must not be
    written to afterwards. Raises SaymaskError where anything else is given.
    """

    image: npt.NDArray[np.uint8]
    stamp_ns: int = 0
    camera_frame: str = ""
    depth_m: npt.NDArray[np.float32] | None = None
    intrinsics: Intrinsics | None = None

    def __post_init__(self) -> None:
        image: object = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise SaymaskError(f"a Frame holds uint8 (height, width, 3) RGB, got {_kind(image)}; use Frame.from_array")
        height, width = image.shape[:2]
        if not (SMALLEST_SIDE <= height <= LARGEST_SIDE and SMALLEST_SIDE <= width <= LARGEST_SIDE):
            raise SaymaskError(
                f"the picture is {width}x{height} pixels, each side must be {SMALLEST_SIDE}..{LARGEST_SIDE}; resize it"
            )
        depth = self.depth_m
        if depth is not None and (depth.dtype != np.float32 or depth.shape != (height, width)):
            raise SaymaskError(f"depth_m must be float32 {(height, width)} in metres, got {_kind(depth)}")
        if self.intrinsics:
            self.intrinsics.check_fits(height, width)

    @staticmethod
    def from_array(
        array: npt.ArrayLike,
        channels: Channels = "rgb",
        *,
        stamp_ns: int = 0,
        camera_frame: str = "",
        depth_m: npt.NDArray[np.float32] | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> Frame:
        """A Frame from uint8 (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), of any memory layout.

        `channels` is the order of the colours: "rgb" (the default; with four channels RGBA) or "bgr" (OpenCV's own;
        BGRA). Alpha is dropped. An RGB array that is contiguous is not copied. Raises SaymaskError for another dtype
        (floats with or without NaN), shape, size or order.
        """
        if channels not in ("rgb", "bgr"):
            raise SaymaskError(f'channels must be "rgb" or "bgr", got {channels!r}')
        if array is None:  # what cv2.imread gives for a file that it cannot read
            raise SaymaskError("no picture (None); does the file exist, and is it a picture?")
        try:
            image = np.asarray(array)
        except ValueError as error:
            raise SaymaskError(
                f"expected a picture as uint8 (height, width[, 1, 3 or 4]), got {_kind(array)}"
            ) from error
        if image.dtype != np.uint8:
            hint = "; scale it to 0..255 and convert with .astype(np.uint8)" if image.dtype.kind in "fiub" else ""
            raise SaymaskError(f"expected a picture as uint8 0..255, got {_kind(image)}{hint}")
        if image.ndim == 2:
            image = image[:, :, None]
        if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
            raise SaymaskError(f"expected a picture of (height, width[, 1, 3 or 4]), got {_kind(np.asarray(array))}")
        image = np.broadcast_to(image, (*image.shape[:2], 3)) if image.shape[2] == 1 else image[:, :, :3]
        if channels == "bgr":
            image = image[:, :, ::-1]
        return Frame(np.ascontiguousarray(image), stamp_ns, camera_frame, depth_m, intrinsics)


def _kind(value: object) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


@dataclass(frozen=True)
class Command:
    """What a person wants done, cut out of a transcript.

    `target` is the referring expression of the thing meant ("the jar beside the apple", empty where none is named);
    `destination` says where to put it, with its preposition ("in the bowl"); `recipient` to whom ("me"); `place` where
    to drive ("the kitchen"). `plural`: all things of that description are meant. `repairs` are (heard, meant) pairs of
    words put right; `stand_ins` are (said, read) pairs: words of the target that the network reads as a broader one
    ("kettle" as "pot"); `unknown` the words of the target that the model does not know. `reason` says why the action is
    "none". `alternative` is the other reading of an ambiguous sentence.
    """

    transcript: str
    action: Action
    target: str = ""
    destination: str = ""
    recipient: str = ""
    place: str = ""
    plural: bool = False
    repairs: tuple[tuple[str, str], ...] = ()
    stand_ins: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    reason: str = ""
    alternative: Command | None = None


@dataclass(frozen=True, eq=False)
class Tokens:
    """Expressions as the text encoder reads them.

    `ids` int64 (N, max_words), 0 where there is no word; `lengths` int64 (N,), 1..max_words; `unknown`: for each
    expression the words, in order and once each, that the vocabulary lacks (their id is 1).
    """

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    unknown: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Features:
    """Named tensors of one backend, wherever it keeps them; only that backend reads them.

    `generation` says which use of the backend's memory they belong to: a backend that reuses or has freed that memory
    refuses the handle. `milliseconds` is what computing them took, by the backend's own clock.
    """

    tensors: Mapping[str, Any]
    owner: object
    generation: int
    milliseconds: float


class TextFeatures(Features):
    """What the text encoder made of one expression."""


class ImageFeatures(Features):
    """What the image encoder made of one frame."""


@dataclass(frozen=True, eq=False)
class MaskLogits:
    """The network's answers to N expressions on one frame, in host memory.

    `mask` float32 (N, h, w) over the letterboxed picture; `count` float32 (N, 3): none, one, several; None where the
    network does not count. `centre_offsets` float32 (2, gh, gw), None where the network has none: from each cell
    (dx, dy) to the centre of the visible part of the object it lies on, as a share of the letterboxed width and height.
    """

    mask: npt.NDArray[np.float32]
    count: npt.NDArray[np.float32] | None
    centre_offsets: npt.NDArray[np.float32] | None
    milliseconds: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """One thing that the words could mean: `mask` bool (h, w) and its `box`, `centroid` and `area` in camera pixels."""

    mask: Mask
    box: Box
    centroid: tuple[float, float]
    area: int


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The answer to one expression on one frame.

    `mask` bool (h, w) in camera pixels, nowhere true when NOT_FOUND; `box` and `centroid` (x, y; pixel centres at
    whole numbers + 0.5) are the mask's, None when NOT_FOUND. `confidence` 0..1 that the verdict and its mask are right.
    `candidates`: the things that the mask is made of, from left to right: two or more as a rule when AMBIGUOUS, each
    thing of a plural, one otherwise. `count_probabilities` (none, one, several) and `raw_mask` are the network's
    before the verdict. `note` tells a person about words that the model does not know. `timings_ms`: text_encoder,
    preprocess, image_encoder, mask_decoder, postprocess, total; 0 for what was cached, shared for what was batched.
    """

    mask: Mask
    verdict: Verdict
    confidence: float
    candidates: tuple[Candidate, ...]
    box: Box | None
    centroid: tuple[float, float] | None
    command: Command
    stamp_ns: int
    camera_frame: str
    count_probabilities: tuple[float, float, float]
    raw_mask: Mask
    note: str = ""
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything but the pixels, for a last line of JSON or a log. Boxes and centroids in camera pixels."""
        return {
            "verdict": self.verdict.value,
            "confidence": round(self.confidence, 4),
            "box": self.box,
            "centroid": _rounded(self.centroid),
            "area": int(np.count_nonzero(self.mask)),
            "candidates": [
                {"box": item.box, "centroid": _rounded(item.centroid), "area": item.area} for item in self.candidates
            ],
            "action": self.command.action,
            "target": self.command.target,
            "destination": self.command.destination,
            "recipient": self.command.recipient,
            "plural": self.command.plural,
            "unknown": list(self.command.unknown),
            "repairs": [list(pair) for pair in self.command.repairs],
            "stand_ins": [list(pair) for pair in self.command.stand_ins],
            "note": self.note,
            "count_probabilities": [round(value, 4) for value in self.count_probabilities],
            "timings_ms": {stage: round(value, 3) for stage, value in self.timings_ms.items()},
        }


def _rounded(point: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if point is None else (round(point[0], 1), round(point[1], 1))


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a graph: numpy dtype name, and sizes, where a name stands for a free one ("N", "T")."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class GraphSpec:
    """One ONNX graph of a bundle."""

    file: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


CONFIDENCE_KINDS = ("found", "plural", "ambiguous", "absent")
"""Answers whose confidence is calibrated apart: one thing, all that were asked for, a choice, none."""


@dataclass(frozen=True)
class ModelSpec:
    """What `model.json` says. Sizes are (height, width).

    `half_graphs`: the strongly typed FP16 twins of image_encoder and mask_decoder, empty where the bundle has none;
    features that only the decoder reads are float16 between them, everything else at their boundary is as in `graphs`.
    `engine_gate`: mask_iou_mean (least) and overall_iou_change (largest), which an FP16 engine must keep to.
    `thresholds`: mask_logit, absent_probability, ambiguous_probability, piece_share, found_confidence; `calibration`:
    count_temperature, mask_temperature, evidence_weight, evidence_offset, and a slope and an offset for each of
    `CONFIDENCE_KINDS` ("found_slope"); all read by runtime/vision/postprocess.py. `files`: SHA-256 of every other file
    of the bundle.
    """

    name: str
    architecture: str
    image_size: tuple[int, int]
    pad_value: int
    logit_size: tuple[int, int]
    max_words: int
    graphs: Mapping[str, GraphSpec]
    half_graphs: Mapping[str, GraphSpec]
    engine_gate: Mapping[str, float]
    thresholds: Mapping[str, float]
    calibration: Mapping[str, float]
    vocabulary_sha256: str
    files: Mapping[str, str]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Any]

    def graph(self, name: str, precision: Precision = "fp32") -> GraphSpec:
        """A graph, or in "fp16" its twin; the text encoder's is always the FP32 one.

        Raises SaymaskError where the bundle has no twins.
        """
        if precision == "fp32" or name == "text_encoder":
            return self.graphs[name]
        if name not in self.half_graphs:
            raise SaymaskError(f"the model {self.name} has no FP16 {name}; export it again, or use precision fp32")
        return self.half_graphs[name]


@dataclass(frozen=True)
class Grasp:
    """Where a gripper takes hold, in metres in the camera's optical frame (x right, y down, z forward; REP-103).

    `axis` and `approach` are unit vectors: along the thing's longest side, and the way the gripper comes.
    """

    point_m: tuple[float, float, float]
    axis: tuple[float, float, float]
    width_m: float
    approach: tuple[float, float, float]
    camera_frame: str
    stamp_ns: int

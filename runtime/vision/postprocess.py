"""From the network's numbers to an answer in camera pixels: mask, verdict, confidence and the things it is made
of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import Box, Candidate, Mask, Verdict
from runtime.errors import SaymaskError
from runtime.vision.instances import split_costs
from runtime.vision.preprocess import Letterbox

Map = npt.NDArray[np.float32]
_EVIDENCE_CELLS = 50
_LEAST_CONFIDENCE = 1e-6


@dataclass(frozen=True, eq=False)
class Answer:
    """What `interpret` makes of one expression's logits; the fields are those of `Segmentation`."""

    mask: Mask
    verdict: Verdict
    confidence: float
    candidates: tuple[Candidate, ...]
    count_probabilities: tuple[float, float, float]
    raw_mask: Mask


def unletterbox_logits(logits: Map, place: Letterbox, region: Box | None = None) -> Map:
    """Carry a float32 (h, w) grid over the padded picture back to the source's pixels, linearly.

    `region` of the source, all of it by default. Cells of the padding are cut off first, so that they do not bleed into
    the picture.
    """
    rows, columns = grid_window(logits.shape, place)
    inside = np.ascontiguousarray(logits[rows, columns])
    x0, y0, x1, y1 = region or (0, 0, place.source[1], place.source[0])
    (step_x, first_x), (step_y, first_y) = _steps(logits.shape, place)
    matrix = np.array([[step_x, 0, first_x + x0 * step_x], [0, step_y, first_y + y0 * step_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return _float(cv2.warpAffine(inside, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _steps(shape: tuple[int, ...], place: Letterbox) -> tuple[tuple[float, float], tuple[float, float]]:
    """For x and y: how many cells of the window a source pixel is wide, and the cell of the first pixel's centre.

    Both count from the middle of their first cell.
    """
    rows, columns = grid_window(shape, place)
    scale_y, scale_x = shape[0] / place.padded[0], shape[1] / place.padded[1]
    step_x, step_y = place.inner[1] * scale_x / place.source[1], place.inner[0] * scale_y / place.source[0]
    first_x = place.left * scale_x - columns.start + step_x / 2 - 0.5
    first_y = place.top * scale_y - rows.start + step_y / 2 - 0.5
    return (step_x, first_x), (step_y, first_y)


def _reach(inside: Mask, shape: tuple[int, ...], place: Letterbox) -> Box:
    """The source pixels that a cell of `inside`, bool over the window of a grid of `shape`, can lift.

    Linear interpolation reaches one cell further; beyond, no pixel can be above a threshold that no cell is above.
    """
    x, y, width, height = cv2.boundingRect(inside.view(np.uint8))
    if not width:
        return 0, 0, 1, 1  # no cell, so none of this is lifted either
    bounds = []
    for (step, first), low, high, size in zip(
        _steps(shape, place), (x, y), (x + width, y + height), place.source[::-1], strict=True
    ):
        bounds.append((max(0, int((low - 1 - first) / step)), min(size, int((high - first) / step) + 2)))
    (x0, x1), (y0, y1) = bounds
    return x0, y0, x1, y1


def grid_window(shape: tuple[int, ...], place: Letterbox) -> tuple[slice, slice]:
    """Rows and columns of a grid (h, w) over the padded picture whose cells see some of the source."""
    scale_y, scale_x = shape[0] / place.padded[0], shape[1] / place.padded[1]
    top, left = int(place.top * scale_y), int(place.left * scale_x)
    bottom = int(np.ceil((place.top + place.inner[0]) * scale_y))
    right = int(np.ceil((place.left + place.inner[1]) * scale_x))
    return slice(top, bottom), slice(left, right)


def interpret(
    logits: Map,
    count_logits: Map | None,
    centre_offsets: Map | None,
    place: Letterbox,
    *,
    thresholds: Mapping[str, float],
    calibration: Mapping[str, float],
    plural: bool,
) -> Answer:
    """Make an answer of an expression's `logits` float32 (h, w) and `count_logits` (3,) or (4,) and a frame's
    `centre_offsets`.

    Where one thing was asked for and the network does not count several, the weaker pieces of its mask are left out
    first (`piece_share`; see `strongest_pieces`). NOT_FOUND where "none" is more likely than `absent_probability`, or
    the mask is empty; AMBIGUOUS where one thing was asked for and "several" is more likely than
    `ambiguous_probability` (a network that does not count never says so); else FOUND, where a single thing was asked
    for and the mask lies on several, with the one it lies on most; UNSURE where a single thing was asked for and the
    confidence is below `found_confidence`.
    Confidence is the probability of that verdict, times the mean probability of the mask's cells where there is a
    mask; of one thing that is found, where a fourth logit tells how likely the mask is wrong, that it is right. Slope
    and offset of the calibration carry it to the share of such answers that were right on the validation set.

    Raises SaymaskError where the network's numbers are not finite.
    """
    numbers = (logits, count_logits, centre_offsets)
    if not all(array is None or np.isfinite(array).all() for array in numbers):
        raise SaymaskError("the network answered NaN or infinity; check the model with its self-check samples")
    cells = logits[grid_window(logits.shape, place)]
    probability = _sigmoid(cells / calibration["mask_temperature"])
    none, one, several, trusted = _counts(count_logits, cells, calibration, float(probability.max()))
    counts = (none, one, several)
    if count_logits is not None and not plural and several <= thresholds["ambiguous_probability"]:
        cells = strongest_pieces(cells, thresholds["mask_logit"], thresholds["piece_share"])
        logits = logits.copy()
        logits[grid_window(logits.shape, place)] = cells
    inside = np.ascontiguousarray(cells > thresholds["mask_logit"])
    region = _reach(inside, logits.shape, place)
    full = unletterbox_logits(logits, place, region)
    lifted = full > thresholds["mask_logit"]
    raw_mask = _in_source(lifted, region, place)
    if none > thresholds["absent_probability"] or not lifted.any():
        sure = scaled_confidence(none, "absent", calibration)
        return Answer(np.zeros_like(raw_mask), Verdict.NOT_FOUND, sure, (), counts, raw_mask)
    ambiguous = not plural and several > thresholds["ambiguous_probability"]
    verdict = Verdict.AMBIGUOUS if ambiguous else Verdict.FOUND
    pieces = [lifted]
    # Without offsets a mask is cut by its shape alone: good enough to offer a choice, not to throw a part away.
    if ambiguous or plural or centre_offsets is not None:
        grid = np.zeros(logits.shape, np.bool_)
        grid[grid_window(logits.shape, place)] = inside
        pieces = _cut(lifted, split_costs(grid, centre_offsets, place.padded), place, region)
    if len(pieces) > 1 and not (ambiguous or plural):
        # One thing was asked for and one was counted: the one with most evidence, not the specks on others.
        pieces = [max(pieces, key=lambda piece: float(full[piece].sum()))]
    candidates = tuple(sorted((_candidate(piece, region, place) for piece in pieces), key=lambda item: item.centroid))
    mask = _in_source(np.logical_or.reduce(pieces), region, place)
    # For a plural, "one" and "several" are both a yes.
    answered = several if ambiguous else 1 - none if plural else one
    chosen = probability[inside]
    confidence = answered * (float(chosen.mean()) if chosen.size else 0.5)
    if verdict is Verdict.FOUND and not plural and trusted is not None:
        confidence = trusted
    kind = "ambiguous" if ambiguous else "plural" if plural else "found"
    confidence = scaled_confidence(confidence, kind, calibration)
    if verdict is Verdict.FOUND and not plural and confidence < thresholds["found_confidence"]:
        verdict = Verdict.UNSURE
    return Answer(mask, verdict, confidence, candidates, counts, raw_mask)


def scaled_confidence(confidence: float, kind: str, calibration: Mapping[str, float]) -> float:
    """`confidence` of one of `CONFIDENCE_KINDS` on the scale of a logistic curve (Platt 1999, equation 2)."""
    odds = np.clip(confidence, _LEAST_CONFIDENCE, 1 - _LEAST_CONFIDENCE)
    logit = calibration[f"{kind}_slope"] * np.log(odds / (1 - odds)) + calibration[f"{kind}_offset"]
    return float(1 / (1 + np.exp(-logit)))


def strongest_pieces(cells: Map, threshold: float, share: float) -> Map:
    """Logits (h, w) without the pieces above `threshold` that hold less than `share` of the strongest one's evidence.

    One thing shows as one piece, as a rule; the others are specks on things that look like it. Evidence is the sum of a
    piece's logits above the threshold.
    """
    inside = cells > threshold
    count, pieces = cv2.connectedComponents(inside.view(np.uint8))
    if count <= 2:
        return cells
    evidence = np.bincount(pieces.ravel(), weights=(cells - threshold).ravel(), minlength=count)
    weak = evidence < share * evidence[1:].max()
    weak[0] = False
    return np.where(weak[pieces], np.minimum(cells, threshold) - 1, cells).astype(np.float32)


def _cut(mask: Mask, costs: list[Map], place: Letterbox, region: Box) -> list[Mask]:
    """Give each pixel of the mask over `region` to the thing that is cheapest there; things without a pixel vanish."""
    if len(costs) < 2:
        return [mask]
    best = unletterbox_logits(costs[0], place, region)
    owner = np.zeros(mask.shape, np.uint8)
    for index, cost in enumerate(costs[1:], start=1):
        full = unletterbox_logits(cost, place, region)
        owner[full < best] = index
        best = np.minimum(best, full)
    owned = [mask & (owner == index) for index in range(len(costs))]
    return [item for item in owned if item.any()]


def _candidate(piece: Mask, region: Box, place: Letterbox) -> Candidate:
    (x0, y0, x1, y1), (x, y), area = measure(piece)
    left, top = region[:2]
    box = (x0 + left, y0 + top, x1 + left, y1 + top)
    return Candidate(_in_source(piece, region, place), box, (x + left, y + top), area)


def _in_source(piece: Mask, region: Box, place: Letterbox) -> Mask:
    """A mask over `region` as one over the whole picture."""
    mask = np.zeros(place.source, np.bool_)
    x0, y0, x1, y1 = region
    mask[y0:y1, x0:x1] = piece
    return mask


def measure(mask: Mask) -> tuple[Box, tuple[float, float], int]:
    """Box, centroid (x, y; pixel centres at whole numbers + 0.5) and area of a bool (h, w) mask that is not empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    # The moments of the box alone: most of a frame is empty.
    moments = cv2.moments(mask[y : y + height, x : x + width].view(np.uint8), binaryImage=True)
    area = moments["m00"]
    centroid = (x + moments["m10"] / area + 0.5, y + moments["m01"] / area + 0.5)
    return (x, y, x + width, y + height), centroid, int(area)


def _counts(
    logits: Map | None, cells: Map, calibration: Mapping[str, float], presence: float
) -> tuple[float, float, float, float | None]:
    """Probabilities of none, one and several, and of "one, and the mask is it" where the network tells.

    Without a head that counts, presence is the most certain pixel's.
    """
    if logits is None:
        return 1 - presence, presence, 0.0, None
    scores = weigh_evidence(logits[None], np.array([mask_evidence(cells)]), calibration)[0]
    scores = np.exp(scores - scores.max())
    none, one, several, *mistaken = (scores / scores.sum()).tolist()
    return (none, one + mistaken[0], several, one) if mistaken else (none, one, several, None)


def mask_evidence(cells: Map) -> float:
    """How sure the mask is where it is surest: the mean of the 50 highest of the logits (h, w)."""
    highest = min(_EVIDENCE_CELLS, cells.size)
    return float(np.partition(cells, -highest, axis=None)[-highest:].mean())


def weigh_evidence(
    logits: npt.NDArray[np.floating], evidence: npt.NDArray[np.float64], calibration: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    """Calibrated count logits (N, 3): a sure mask (`evidence` (N,)) speaks against "none", and all are cooled."""
    weighed = logits.astype(np.float64)
    weighed[:, 0] -= calibration["evidence_weight"] * (evidence - calibration["evidence_offset"])
    return weighed / calibration["count_temperature"]


def _sigmoid(x: Map) -> Map:
    return _float(1 / (1 + np.exp(-np.clip(x, -60, 60))))


def _float(array: npt.ArrayLike) -> Map:
    return np.asarray(array, np.float32)

"""How masks are compared, in plain numpy. Training, the benchmarks and the robot's engine gate score by these.

overall IoU and precision@X follow Hu et al. 2016 (arXiv 1603.06180), section 4: cumulative intersection over
cumulative union, and the share of expressions whose IoU is at least X. Masks are compared at the camera's resolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BACKGROUND = -1
"""Value of a map of instances where there is no object."""


def overlap(
    mask: npt.NDArray[np.bool_], instances: npt.NDArray[np.int8], referents: Sequence[int]
) -> tuple[int, int, bool]:
    """Intersection and union in pixels of a bool (h, w) mask with the referents, and whether a referent was chosen.

    `instances` int8 (h, w) holds object indices, -1 for background. Chosen: among the objects, the one under most of
    the mask's pixels is a referent. An empty mask chooses nothing.
    """
    truth = np.isin(instances, list(referents)) if referents else np.zeros_like(mask)
    covered = instances[mask]
    covered = covered[covered != BACKGROUND]
    chosen = bool(covered.size) and int(np.bincount(covered).argmax()) in referents
    return int((mask & truth).sum()), int((mask | truth).sum()), chosen


def mask_iou(mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape; empty against empty counts 1."""
    union = np.count_nonzero(mask | other)
    return np.count_nonzero(mask & other) / union if union else 1.0


def overall_iou(intersections: Sequence[int], unions: Sequence[int]) -> float:
    """Cumulative intersection over cumulative union; nan without pixels."""
    total = sum(unions)
    return sum(intersections) / total if total else float("nan")


def precision_at(ious: Sequence[float], level: float) -> float:
    """Share of `ious` at or above `level`; nan for none."""
    return float(np.mean(np.asarray(ious) >= level)) if len(ious) else float("nan")

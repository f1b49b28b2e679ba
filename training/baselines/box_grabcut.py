"""Localisation, then foreground segmentation: the box that the stage-1 network likes best, whole or cut by GrabCut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.baselines import Masks
from training.baselines.region_scores import RegionScorer
from training.baselines.region_tree import mask_box, segment_proposals

_ITERATIONS = 5
_SMALLEST_BOX = 4  # pixels a side, below which there is nothing to fit colour models to


class BestBox:
    """The best of the boxes around about a hundred proposals; its foreground is all of it, or what GrabCut says."""

    def __init__(self, checkpoint: Path, *, grabcut: bool) -> None:
        """Raises SaymaskError for a bad checkpoint."""
        self._scorer = RegionScorer(checkpoint)
        self._grabcut = grabcut

    def masks(self, image: npt.NDArray[np.uint8], texts: Sequence[str]) -> Masks:
        """One mask bool (h, w) per expression about `image` uint8 (h, w, 3) RGB."""
        proposals = segment_proposals(image)
        best = self._scorer.scores(image, proposals, texts, grey=False).argmax(1)
        fill = grabcut if self._grabcut else whole_box
        filled = {index: fill(image, mask_box(proposals[index])) for index in set(best.tolist())}
        return [filled[index] for index in best.tolist()]


def whole_box(image: npt.NDArray[np.uint8], box: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    """Mask bool (h, w) of all pixels of `box` (xmin, ymin, xmax, ymax), the last two exclusive."""
    mask = np.zeros(image.shape[:2], bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def grabcut(image: npt.NDArray[np.uint8], box: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    """The foreground that GrabCut (Rother et al. 2004) finds in `box` of `image` uint8 (h, w, 3): mask bool (h, w).

    The whole box where it cannot start (a tiny box, or no background outside it) or finds nothing.
    """
    xmin, ymin, xmax, ymax = box
    inside = whole_box(image, box)
    if min(xmax - xmin, ymax - ymin) < _SMALLEST_BOX or inside.all():
        return inside
    labels = np.zeros(image.shape[:2], np.uint8)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its first clusters are random
    rectangle = (xmin, ymin, xmax - xmin, ymax - ymin)
    cv2.grabCut(
        np.ascontiguousarray(image), labels, rectangle, background, foreground, _ITERATIONS, cv2.GC_INIT_WITH_RECT
    )
    mask: npt.NDArray[np.bool_] = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return mask if mask.any() else inside

"""Classification over segmentation proposals: the proposal whose box the stage-1 network likes best is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.baselines import Masks
from training.baselines.region_scores import RegionScorer
from training.baselines.region_tree import segment_proposals


class BestProposal:
    """One of about a hundred proposals per expression; see training/baselines/region_tree.py.

    The network sees a proposal's box with the background greyed, or two proposals of one box could not be told apart.
    """

    def __init__(self, checkpoint: Path) -> None:
        """Raises SaymaskError for a bad checkpoint."""
        self._scorer = RegionScorer(checkpoint)

    def masks(self, image: npt.NDArray[np.uint8], texts: Sequence[str]) -> Masks:
        """One mask bool (h, w) per expression about `image` uint8 (h, w, 3) RGB."""
        proposals = segment_proposals(image)
        best = self._scorer.scores(image, proposals, texts, grey=True).argmax(1)
        return [proposals[index] for index in best]

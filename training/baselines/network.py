"""Networks that score pixels, as predictors: per-word segmentation, and any other checkpoint's own masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.postprocess import unletterbox_logits
from training.baselines import Masks
from training.checkpoint import load_checkpoint
from training.evaluate import predict
from training.models.per_word import PerWordSegmenter


class NetworkPredictor:
    """The pixels whose logit, carried back to the camera's resolution, is above a threshold."""

    def __init__(self, checkpoint: Path, threshold: float = 0.0) -> None:
        """Raises SaymaskError for a checkpoint that cannot be read."""
        self.model, self.metadata = load_checkpoint(checkpoint)
        self.vocabulary = Vocabulary.from_json(self.metadata["vocabulary"])
        self.threshold = threshold

    def masks(self, image: npt.NDArray[np.uint8], texts: Sequence[str]) -> Masks:
        """One mask bool (h, w) per expression about `image` uint8 (h, w, 3) RGB."""
        prediction = predict(self.model, self.vocabulary, image, texts)
        return [unletterbox_logits(logits, prediction.place) > self.threshold for logits in prediction.mask_logits]


def open_per_word(checkpoint: Path, combine: str) -> NetworkPredictor:
    """The per-word baseline, its words combined by "average" or "intersection".

    The threshold is the one that training/baselines/fit_threshold.py stored for that combination. Raises SaymaskError
    for another network's checkpoint and one without that threshold.
    """
    predictor = NetworkPredictor(checkpoint)
    if not isinstance(predictor.model, PerWordSegmenter):
        found = predictor.metadata["architecture"]
        raise SaymaskError(f"{checkpoint}: a checkpoint of {found!r}, expected one of 'per_word'")
    thresholds = predictor.metadata.get("combinations", {})
    if combine not in thresholds:
        raise SaymaskError(
            f"{checkpoint}: no threshold for {combine!r}; run python training/baselines/fit_threshold.py"
        )
    predictor.model.combine = combine
    predictor.threshold = thresholds[combine]
    return predictor

"""Mask logits that are calibrated already: the fitted temperature becomes a part of the exported graph.

Logits of an uncalibrated network run to 80, where float32 itself is coarser than the gate allows between runtimes; what
they mean as probabilities needs no such range.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from training.models import ReferringSegmenter
from training.models.base import Features


class CooledMasks(ReferringSegmenter):
    """`model` with its mask logits divided by `temperature`."""

    def __init__(self, model: ReferringSegmenter, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.spec = model.spec

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        return self.model.encode_text(token_ids, lengths)

    def encode_image(self, pixels: Tensor) -> Features:
        return self.model.encode_image(pixels)

    def decode(self, image: Features, text: Features) -> Features:
        """As the base class says."""
        outputs = self.model.decode(image, text)
        return {**outputs, "mask_logits": outputs["mask_logits"] / self.temperature}


def cooled_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """The same thresholds and calibration, told of the cooled logits."""
    calibration, thresholds = dict(metadata["calibration"]), dict(metadata["thresholds"])
    temperature = calibration["mask_temperature"]
    thresholds["mask_logit"] /= temperature
    calibration["evidence_weight"] *= temperature
    calibration["evidence_offset"] /= temperature
    calibration["mask_temperature"] = 1.0
    return {**metadata, "calibration": calibration, "thresholds": thresholds}

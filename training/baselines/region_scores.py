"""The stage-1 network as a classifier of boxes: how well each expression describes what is in each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.preprocess import PAD_VALUE
from training.baselines.region_tree import mask_box
from training.checkpoint import load_checkpoint
from training.data.regions import crop_region, relative_box
from training.models.text_objseg import TextObjsegSegmenter

_CROPS_AT_ONCE = 4  # what stays in a core's cache: twice as fast as 25 on the CPU


class RegionScorer:
    """Runs a region-stage checkpoint of training/models/text_objseg.py over the boxes of an image."""

    def __init__(self, checkpoint: Path) -> None:
        """Raises SaymaskError for a checkpoint that cannot be read or is of another network."""
        model, metadata = load_checkpoint(checkpoint)
        if not isinstance(model, TextObjsegSegmenter):
            found = metadata["architecture"]
            raise SaymaskError(f"{checkpoint}: a {found!r} network, expected 'text_objseg' after its region stage")
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model = model
        self.vocabulary = Vocabulary.from_json(metadata["vocabulary"])

    @torch.inference_mode()
    def scores(
        self, image: npt.NDArray[np.uint8], masks: npt.NDArray[np.bool_], texts: Sequence[str], *, grey: bool
    ) -> npt.NDArray[np.float32]:
        """Logits float32 (E, K) of E expressions for the boxes around K `masks` bool (K, h, w).

        `grey`: what a box holds beside its mask is painted over.
        """
        tokens = self.vocabulary.encode(texts, self.model.spec.max_words)
        text = self.model.encode_text(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.lengths))
        columns = []
        for start in range(0, len(masks), _CROPS_AT_ONCE):
            features = self._features(image, masks[start : start + _CROPS_AT_ONCE], grey)
            pairs = [
                self.model.score_region_features(features, row.expand(len(features), -1)) for row in text["sentence"]
            ]
            columns.append(torch.stack(pairs))
        scores: npt.NDArray[np.float32] = torch.cat(columns, 1).float().numpy()
        return scores

    def _features(self, image: npt.NDArray[np.uint8], masks: npt.NDArray[np.bool_], grey: bool) -> torch.Tensor:
        boxes = [mask_box(mask) for mask in masks]
        shown = [np.where(mask[..., None], image, np.uint8(PAD_VALUE)) if grey else image for mask in masks]
        crops = np.stack([crop_region(picture, box) for picture, box in zip(shown, boxes, strict=True)])
        places = np.stack([relative_box(box, (image.shape[0], image.shape[1])) for box in boxes])
        return self.model.encode_regions(torch.from_numpy(crops), torch.from_numpy(places))

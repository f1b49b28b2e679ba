"""Per-word segmentation, a baseline of Hu et al. 2016 (arXiv 1603.06180): one score map for each frequent word.

Written from the paper's description: an FCN-32s (Long, Shelhamer and Darrell 2015, arXiv 1411.4038) with one output
channel per word, trained with a multi-label logistic loss. What an expression means is put together from the score
maps of its words alone; their order and their grammar are lost, and that is the point of the comparison.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runtime.errors import SaymaskError
from training.losses import weighted_logistic
from training.models.base import Features, NetworkSpec, ReferringSegmenter
from training.models.text_objseg import STRIDE, image_features

LOGIT_STRIDE = 4
COMBINATIONS = ("average", "intersection")
NO_WORD_LOGIT = -10.0
"""Score of every pixel for an expression that holds none of the words: nothing is said, nothing is meant."""

_LOSS_STRIDE = 8  # finer would say the same of score maps of stride 32, at four times the cost
_PRIOR = 0.01  # share of positive pixels that the score layer starts from (Lin et al. 2017, arXiv 1708.02002, 4.1)


class PerWordSegmenter(ReferringSegmenter):
    """Score maps of W words at stride 32, interpolated to stride 4, combined over the words of an expression.

    Text features: `words` (N, W), 1 where the expression holds the word. Image features: `word_maps`
    (B, W, H / 4, W / 4). `combine` is "average" (mean of the logits) or "intersection" (their minimum: a pixel stays
    where every word claims it). The weights do not depend on it, so one checkpoint serves both.
    """

    row_of_token: Tensor

    def __init__(
        self,
        *,
        vocabulary_size: int,
        word_ids: Sequence[int],
        backbone: str = "vgg16",
        image_size: tuple[int, int] = (512, 512),
        combine: str = "average",
        image_channels: int = 1000,
        fc_width: int = 4096,
        max_words: int = 20,
    ) -> None:
        """`word_ids` are the words' token ids, see training/baselines/per_word.py.

        Raises SaymaskError for a size, a backbone, a combination or a word that cannot be.
        """
        super().__init__()
        height, width = image_size
        if height % STRIDE or width % STRIDE:
            raise SaymaskError(f"image_size {image_size}: expected multiples of {STRIDE}")
        if combine not in COMBINATIONS:
            raise SaymaskError(f"unknown combination {combine!r}, expected one of {list(COMBINATIONS)}")
        if not word_ids or len(set(word_ids)) < len(word_ids) or not all(1 < i < vocabulary_size for i in word_ids):
            raise SaymaskError(f"word_ids: expected different token ids of 2..{vocabulary_size - 1}, at least one")
        logit_size = (height // LOGIT_STRIDE, width // LOGIT_STRIDE)
        self.spec = NetworkSpec(
            image_size, logit_size, max_words, vocabulary_size, conv_transpose_nodes=0, lstm_nodes=0
        )
        self.combine = combine
        self.image = image_features(backbone, image_channels=image_channels, fc_width=fc_width)
        self.score = nn.Conv2d(self.image.channels, len(word_ids), 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.constant_(self.score.bias, math.log(_PRIOR / (1 - _PRIOR)))  # type: ignore[arg-type]
        rows = torch.zeros(vocabulary_size, len(word_ids))
        rows[list(word_ids), range(len(word_ids))] = 1
        self.register_buffer("row_of_token", rows, persistent=False)

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        inside = torch.arange(token_ids.shape[1], device=token_ids.device) < lengths[:, None]
        each = F.embedding(token_ids, self.row_of_token) * inside[..., None].to(self.row_of_token.dtype)
        return {"words": each.amax(1)}

    def encode_image(self, pixels: Tensor) -> Features:
        return {"word_maps": self._word_maps(pixels, LOGIT_STRIDE)}

    def _word_maps(self, pixels: Tensor, stride: int) -> Tensor:
        scores = self.score(F.relu(self.image(pixels)))
        return F.interpolate(scores, scale_factor=STRIDE // stride, mode="bilinear", align_corners=False)

    def decode(self, image: Features, text: Features) -> Features:
        words, maps = text["words"][:, :, None, None], image["word_maps"]
        if self.combine == "average":
            combined = (words * maps).sum(1) / words.sum(1).clamp_min(1)
        else:
            # 1e4 stays finite in FP16 and is above every score.
            combined = (maps + (1 - words) * 1e4).amin(1)
        some = words.amax(1)
        return {"mask_logits": combined * some + NO_WORD_LOGIT * (1 - some)}

    def loss_terms(self, batch: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor]:
        """Multi-label logistic loss: summed over the words, averaged over pixels and images.

        A word's target is what any expression of the image that holds the word refers to; a word that no expression
        of the image holds is to be nowhere.
        """
        logits = self._word_maps(batch["pixels"], _LOSS_STRIDE).float()
        words = self.encode_text(batch["token_ids"], batch["lengths"])["words"]
        masks = F.avg_pool2d(batch["masks"][:, None], _LOSS_STRIDE // LOGIT_STRIDE)[:, 0]
        targets = word_targets(words, masks, len(logits))
        per_word = weighted_logistic(
            logits.flatten(0, 1),
            targets.flatten(0, 1),
            foreground=weights["alpha_foreground"],
            background=weights["alpha_background"],
        )
        loss = per_word.sum() / len(logits)
        return {"logistic": loss, "loss": loss}


def word_targets(words: Tensor, masks: Tensor, images: int) -> Tensor:
    """What each word refers to in each image: (images, W, h, w) from `words` (N, W) and `masks` (N, h, w).

    The N expressions follow each other by image, equally many for each.
    """
    expressions, rows = words.nonzero(as_tuple=True)
    places = expressions // (len(words) // images) * words.shape[1] + rows
    targets = masks.new_zeros(images * words.shape[1], masks[0].numel())
    covered = masks.flatten(1)[expressions]
    targets.scatter_reduce_(0, places[:, None].expand_as(covered), covered, "amax")
    return targets.view(images, words.shape[1], *masks.shape[1:])

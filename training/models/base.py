"""What every referring-segmentation network of this project promises to training, export and the runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Features = dict[str, Tensor]
"""Named tensors; the names become the inputs and outputs of the exported graphs."""

PER_IMAGE = ("centre_offsets", "word_logits")
"""Image features with a loss of their own, which no expression reads."""


@dataclass(frozen=True)
class NetworkSpec:
    """Fixed sizes of a network.

    Sizes are (height, width) in pixels.     `conv_transpose_nodes` and `lstm_nodes` are what the exported graphs
    together must hold: the export gate counts     them.
    """

    image_size: tuple[int, int]
    logit_size: tuple[int, int]
    max_words: int
    vocabulary_size: int
    conv_transpose_nodes: int
    lstm_nodes: int = 1


class ReferringSegmenter(nn.Module, ABC):
    """Three passes that the robot runs at three different rates: once a command, once a frame, once a pair of
    both."""

    spec: NetworkSpec

    @abstractmethod
    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        """Encode `token_ids` int64 (N, T), padded with 0, of true `lengths` int64 (N,) in 1..T."""

    @abstractmethod
    def encode_image(self, pixels: Tensor) -> Features:
        """Encode `pixels` uint8 (B, H, W, 3) RGB, already letterboxed; normalisation happens inside."""

    @abstractmethod
    def decode(self, image: Features, text: Features) -> Features:
        """Join features of N expressions with those of one image (batch 1) or of N images.

        Returns "mask_logits" float (N, h, w) and, where the network has the head, "count_logits" (N, 3): none, one,
        several; or (N, 4), where "one" means that the mask is it, and the last that it is not.
        """

    def decode_together(self, image: Features, text: Features) -> Features:
        """`decode` for B images with N / B expressions each, those of one image following each other.

        What no expression reads, as "centre_offsets", comes through once per image.
        """
        repeats = len(next(iter(text.values()))) // len(next(iter(image.values())))
        per_expression = {n: t.repeat_interleave(repeats, 0) for n, t in image.items() if n not in PER_IMAGE}
        outputs = self.decode(per_expression, text)
        return outputs | {n: t for n, t in image.items() if n in PER_IMAGE}

    def loss_terms(self, batch: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor] | None:
        """A network's own losses by name and their sum as "loss", where those of training/losses.py do not fit.

        `batch` as training.data.rendered.TrainingBatches describes it. None: they fit.
        """
        return None


def coordinate_channels(height: int, width: int) -> Tensor:
    """Float32 (1, 2, height, width): x then y of each cell's centre, from -1 to +1 as in Hu et al.

    2016, section 3.2.
    """
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack([x, y])[None]

"""The network of 2016: "Segmentation from Natural Language Expressions" by Hu, Rohrbach and Darrell, arXiv 1603.06180.

Written from the paper's description. A fully convolutional backbone gives D_im = 1000 channels at stride 32, an LSTM
gives 1000 numbers for the sentence; both are L2-normalised, the sentence is tiled over the map, coordinates join, two
1x1 convolutions classify each cell and one deconvolution brings the scores back to the image's resolution.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runtime.errors import SaymaskError
from training.models.backbones import VGG16, MobileNetV2
from training.models.base import Features, NetworkSpec, ReferringSegmenter, coordinate_channels
from training.models.text_encoder import TextEncoder

STRIDE = 32
BACKBONES = ("vgg16", "mobilenet_v2")

# Mean and deviation of ImageNet's RGB on 0..255, which torchvision's VGG-16 was trained with
_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)
_SMALLEST_NORMAL_HALF = 2.0**-14
_UNIT_LENGTH_STD = 0.4
"""Of the first weights on the L2-normalised channels. One run of 300 steps each: the lowest validation loss of about
0.03, 0.15, 0.4 and 1."""


def l2_normalise(x: Tensor) -> Tensor:
    """Scale `x` (N, C, ...) to length 1 along C; an all-zero vector stays zero. Safe in FP16.

    Squares of FP16 values beyond 255 overflow, and so does a sum of C = 1000 squares beyond 8. Divided by the largest
    magnitude first, the sum lies between 1 and C. The usual floor of 1e-12 would be 0 in FP16.
    """
    x = x / x.abs().amax(1, keepdim=True).clamp_min(_SMALLEST_NORMAL_HALF)
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / length.clamp_min(_SMALLEST_NORMAL_HALF)


def cell_coordinates(height: int, width: int, channels: int) -> Tensor:
    """Float32 (1, channels, height, width), positions from -1 (left, top edge) to +1 (right, bottom edge).

    2 channels, as the paper says: x, y of the cell's centre. 8, as its published code has: x, y of the cell's minimum,
    centre and maximum, then the cell's width and height as fractions of the map's.
    """
    if channels == 2:
        return coordinate_channels(height, width)
    left = torch.arange(width).float().expand(height, width) * 2 / width - 1
    top = torch.arange(height).float()[:, None].expand(height, width) * 2 / height - 1
    steps = (0.0, 0.5, 1.0)
    places = [plane for step in steps for plane in (left + 2 * step / width, top + 2 * step / height)]
    sizes = [torch.full((height, width), 1 / width), torch.full((height, width), 1 / height)]
    return torch.stack(places + sizes)[None]


def region_coordinates(boxes: Tensor, channels: int) -> Tensor:
    """What `cell_coordinates` says of a cell, said of boxes (N, 4) xmin, ymin, xmax, ymax in -1..1: (N, channels)."""
    minimum, maximum = boxes.chunk(2, 1)
    centre = (minimum + maximum) / 2
    if channels == 2:
        return centre
    return torch.cat([minimum, centre, maximum, (maximum - minimum) / 2], 1)


class _VGG16Image(nn.Module):
    """fc8 of a fully convolutional VGG-16: 1000 channels at stride 32."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, fc_width: int) -> None:
        super().__init__()
        self.backbone = VGG16(fc_width)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.channels = 1000

    def forward(self, pixels: Tensor) -> Tensor:
        scores: Tensor = self.backbone(self._normalised(pixels))
        return scores

    def whole(self, pixels: Tensor) -> Tensor:
        """What the fully connected VGG-16 says of crops (N, 224, 224, 3): (N, 1000, 1, 1).

        fc6 without padding fits the 7x7 cells exactly once; that is the central cell of `forward`.
        """
        convolutions, classifier = self.backbone.features, self.backbone.classifier
        weight, bias = (classifier.get_parameter(f"0.{name}") for name in ("weight", "bias"))
        scores: Tensor = classifier[1:](F.conv2d(convolutions(self._normalised(pixels)), weight, bias))
        return scores

    def _normalised(self, pixels: Tensor) -> Tensor:
        return (pixels.permute(0, 3, 1, 2).to(self.mean.dtype) - self.mean) / self.deviation


class _MobileNetV2Image(nn.Module):
    """MobileNetV2's last features, widened to `channels` by a 1x1 convolution in fc8's place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.backbone = MobileNetV2()
        self.widen = nn.Conv2d(self.backbone.channels[-1], channels, 1)
        self.channels = channels

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.permute(0, 3, 1, 2).to(self.widen.weight.dtype) / 127.5 - 1
        scores: Tensor = self.widen(self.backbone(x)[-1])
        return scores

    def whole(self, pixels: Tensor) -> Tensor:
        """The mean over the cells of crops (N, H, W, 3), as MobileNetV2's own classifier takes it: (N, C, 1, 1)."""
        scores: Tensor = self(pixels)
        return scores.mean((2, 3), keepdim=True)


def image_features(backbone: str, *, image_channels: int, fc_width: int) -> _VGG16Image | _MobileNetV2Image:
    """A backbone that turns pixels uint8 (B, H, W, 3) into `channels` channels at stride 32.

    Raises SaymaskError for an unknown name.
    """
    if backbone == "vgg16":
        return _VGG16Image(fc_width)
    if backbone == "mobilenet_v2":
        return _MobileNetV2Image(image_channels)
    raise SaymaskError(f"unknown backbone {backbone!r}, expected one of {list(BACKBONES)}")


class TextObjsegSegmenter(ReferringSegmenter):
    """Backbone, LSTM, tile and concatenate, 1x1 classifier, one deconvolution; logits at the image's own size.

    Text features: `sentence` (N, hidden_size), L2-normalised. Image features: `features` (B, D_im, H / 32, W / 32),
    L2-normalised per location. D_im is 1000 with `vgg16` (its fc8) and `image_channels` with `mobilenet_v2`. There is
    no count head. The defaults are the paper's sizes; smaller ones serve tests.
    """

    coordinates: Tensor

    def __init__(
        self,
        *,
        vocabulary_size: int,
        backbone: str = "vgg16",
        image_size: tuple[int, int] = (512, 512),
        coordinates: int = 8,
        embedding_size: int = 1000,
        hidden_size: int = 1000,
        image_channels: int = 1000,
        classifier_channels: int = 500,
        fc_width: int = 4096,
        max_words: int = 20,
    ) -> None:
        """`fc_width` is VGG-16's fc6 and fc7. Raises SaymaskError for a size or a backbone that cannot be."""
        super().__init__()
        height, width = image_size
        if height % STRIDE or width % STRIDE:
            raise SaymaskError(f"image_size {image_size}: expected multiples of {STRIDE}")
        if coordinates not in (2, 8):
            raise SaymaskError(f"coordinates {coordinates}: expected 2 (the paper) or 8 (its published code)")
        self.spec = NetworkSpec(image_size, image_size, max_words, vocabulary_size, conv_transpose_nodes=1)
        self.cells = (height // STRIDE, width // STRIDE)
        self.text = TextEncoder(vocabulary_size=vocabulary_size, embedding_size=embedding_size, hidden_size=hidden_size)
        self.image = image_features(backbone, image_channels=image_channels, fc_width=fc_width)
        cells = cell_coordinates(*self.cells, coordinates)
        self.register_buffer("coordinates", cells, persistent=False)
        self.classify = nn.Conv2d(self.image.channels + hidden_size + coordinates, classifier_channels, 1)
        self.score = nn.Conv2d(classifier_channels, 1, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                # He et al. 2015; under torch's default, sixteen layers without batch norm squash the picture flat.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        # He et al. expect inputs of variance 1; those of unit length have 1 / channels, and would be hardly heard.
        nn.init.normal_(self.classify.weight[:, : self.image.channels + hidden_size], std=_UNIT_LENGTH_STD)
        self.upsample = nn.ConvTranspose2d(1, 1, 2 * STRIDE, STRIDE, STRIDE // 2, bias=False)
        self.upsample.weight.data.copy_(_bilinear_kernel(2 * STRIDE))

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        if self.training:  # the LSTM is half of a step's time; what lies behind the longest expression changes nothing
            token_ids = token_ids[:, : int(lengths.max())]
        _, last = self.text(token_ids, lengths)
        return {"sentence": l2_normalise(last)}

    def encode_image(self, pixels: Tensor) -> Features:
        return {"features": l2_normalise(self.image(pixels))}

    def decode(self, image: Features, text: Features) -> Features:
        logits: Tensor = self.upsample(self.decode_cells(image, text)[:, None])
        return {"mask_logits": logits.squeeze(1)}

    def decode_together(self, image: Features, text: Features) -> Features:
        cells = self.decode_cells_together(image, text)[:, None]
        return {"mask_logits": _deconvolve(cells, self.upsample.weight).squeeze(1)}

    def decode_cells(self, image: Features, text: Features) -> Tensor:
        """Scores (N, H / 32, W / 32) before the deconvolution; batches as in `decode`."""
        return self._scores(image["features"], text["sentence"], self.coordinates, 1)

    def decode_cells_together(self, image: Features, text: Features) -> Tensor:
        """`decode_cells` for B images with N / B expressions each, those of one image following each other."""
        features, sentence = image["features"], text["sentence"]
        return self._scores(features, sentence, self.coordinates, len(sentence) // len(features))

    def score_regions(self, crops: Tensor, boxes: Tensor, text: Features) -> Tensor:
        """Logits (N,): does the n-th of `text` speak of the n-th crop?

        `crops` uint8 (N, 224, 224, 3) RGB; `boxes` float (N, 4) xmin, ymin, xmax, ymax from -1 to +1 of the image.
        """
        return self.score_region_features(self.encode_regions(crops, boxes), text["sentence"])

    def encode_regions(self, crops: Tensor, boxes: Tensor) -> Tensor:
        """What `score_region_features` needs of crops and boxes (as for `score_regions`): float (N, D_im + C)."""
        features = l2_normalise(self.image.whole(crops)).flatten(1)
        return torch.cat([features, region_coordinates(boxes, self.coordinates.shape[1]).to(features.dtype)], 1)

    def score_region_features(self, regions: Tensor, sentence: Tensor) -> Tensor:
        """Logits (N,) of N regions, from `encode_regions`, each with its `sentence` (N, hidden_size)."""
        cells = regions[:, :, None, None]  # each a map of one cell
        features, coordinates = torch.split(cells, [self.image.channels, self.coordinates.shape[1]], 1)
        return self._scores(features, sentence, coordinates, 1)[:, 0, 0]

    def _scores(self, features: Tensor, sentence: Tensor, coordinates: Tensor, repeats: int) -> Tensor:
        """(N, h, w) from features (B, D_im, h, w), `repeats` sentences for each, (N, hidden), and where the cells are.

        A convolution of planes laid on top of each other is the sum of the convolutions of each: the image's share
        is computed once for all its expressions, the sentence's once for all cells.
        """
        inputs = [self.image.channels, self.text.lstm.hidden_size, self.coordinates.shape[1]]
        image, words, place = torch.split(self.classify.weight, inputs, 1)
        seen = F.conv2d(features, image, self.classify.bias) + F.conv2d(coordinates.to(features.dtype), place)
        if repeats > 1:
            seen = seen.repeat_interleave(repeats, 0)
        heard = F.conv2d(sentence[:, :, None, None], words)
        scores: Tensor = self.score(F.relu(seen + heard))
        return scores.squeeze(1)


def _deconvolve(cells: Tensor, kernel: Tensor) -> Tensor:
    """What `upsample` computes, (N, 1, h, w) to (N, 1, 32 h, 32 w), some ten times faster in training on a CPU.

    Every pixel of a cell depends on the cell and its neighbours only: a 3x3 convolution gives all of a cell's pixels
    as channels. `kernel` (1, 1, 64, 64) reaches half a cell beyond the cell, hence half a cell of zeros around it.
    """
    taps = F.pad(kernel, (STRIDE // 2,) * 4).reshape(3, STRIDE, 3, STRIDE).permute(1, 3, 0, 2)
    weight = taps.flip(2, 3).reshape(STRIDE * STRIDE, 1, 3, 3)
    return F.pixel_shuffle(F.conv2d(cells, weight, padding=1), STRIDE)


def _bilinear_kernel(size: int) -> Tensor:
    """(1, 1, size, size) weights with which a deconvolution of stride size / 2 interpolates bilinearly."""
    ramp = 1 - (torch.arange(size) - (size - 1) / 2).abs() / math.ceil(size / 2)
    return (ramp[:, None] * ramp[None])[None, None]

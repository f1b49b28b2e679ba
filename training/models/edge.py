"""The edge network: small enough for a robot, with language in every step of the decoder.

MobileNetV2 sees the frame once. An expression then steers four FiLM blocks (Perez et al. 2018, arXiv 1709.07871) at
stride 16, each reading its own words through attention, so that "the mug beside the book on the left" can be worked
out a step at a time: find books, find the left one, find mugs, find the one beside it. Halfway, a landmark step turns
"where the second thing is" into coordinates relative to it. Deconvolutions bring the answer back to stride 2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.models.backbones import MobileNetV2
from training.models.base import Features, NetworkSpec, ReferringSegmenter, coordinate_channels
from training.models.text_encoder import TextEncoder

_STEPS = 4
_LANDMARK_STEP = 2  # the block before which the landmark is located
_HEADS = 2


class _WordAttention(nn.Module):
    """Which words a step listens to: a query from the sentence and from what the step before listened to."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(2 * size, size)
        self.scale = 1 / math.sqrt(size)

    def forward(self, word_states: Tensor, word_mask: Tensor, sentence: Tensor, previous: Tensor) -> Tensor:
        query = self.query(torch.cat([sentence, previous], 1))
        scores = (word_states * query[:, None]).sum(-1) * self.scale
        weights = (scores + (word_mask - 1) * 1e4).softmax(-1)  # 1e4 is finite in FP16
        heard: Tensor = (word_states * weights[..., None]).sum(1)
        return heard


class _FiLMBlock(nn.Module):
    """Residual block whose channels the words scale and shift; `extra` coordinate channels join first."""

    def __init__(self, channels: int, extra: int, text: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels + extra, channels, 1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.film = nn.Linear(text, 2 * channels)

    def forward(self, x: Tensor, coordinates: Tensor, words: Tensor) -> Tensor:
        y = F.relu(self.mix(torch.cat([x, coordinates], 1)))
        return x + F.relu(modulate(self.norm(self.conv(y)), self.film(words)))


def modulate(x: Tensor, film: Tensor) -> Tensor:
    """X (N, C, H, W) times 1 + gain plus shift, both from `film` (N, 2 C)."""
    gain, shift = film[:, :, None, None].chunk(2, 1)
    return x * (1 + gain) + shift


class _SelfAttention(nn.Module):
    """Every place looks at every other: "leftmost" and "closest to" compare objects that lie far apart.

    What is looked at is pooled 2x2: objects matter here, not their outlines, and it costs a quarter.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels + 2, channels)
        self.key_value = nn.Linear(channels + 2, 2 * channels)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)  # starts as the identity

    def forward(self, x: Tensor, coordinates: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        queries = self._heads(self.query(self._tokens(x, coordinates)), 1)[0]
        pooled = self._tokens(F.avg_pool2d(x, 2), F.avg_pool2d(coordinates, 2))
        keys, values = self._heads(self.key_value(pooled), 2)
        seen = F.scaled_dot_product_attention(queries, keys, values)
        merged = self.out(seen.transpose(1, 2).reshape(count, height * width, channels))
        change: Tensor = merged.transpose(1, 2).reshape(count, channels, height, width)
        return x + change

    def _tokens(self, x: Tensor, coordinates: Tensor) -> Tensor:
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        return torch.cat([tokens, coordinates.flatten(2).transpose(1, 2)], -1)

    @staticmethod
    def _heads(tokens: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(N, T, parts * C) -> `parts` tensors (N, heads, T, C / heads)."""
        count, places, width = tokens.shape
        split = tokens.reshape(count, places, parts, _HEADS, width // parts // _HEADS)
        return split.permute(2, 0, 3, 1, 4).unbind(0)


class _ImageEncoder(nn.Module):
    """Backbone, merged scales and the language-free map of instance centres."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.backbone = MobileNetV2()
        c4, c8, c16, c32 = self.backbone.channels
        self.low8 = nn.Conv2d(
            c8 + 3, channels // 2, 1
        )  # + 3: plain RGB, which the backbone's stride 8 has half forgotten
        self.low4 = nn.Conv2d(c4 + 3, channels // 4, 1)
        self.from8 = nn.Conv2d(c8 + 3, channels, 3, 2, 1)
        self.from16 = nn.Conv2d(c16, channels, 1)
        self.from32 = nn.Conv2d(c32, channels, 1)
        self.merge = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())
        self.offset_up8 = nn.ConvTranspose2d(channels, channels // 4, 4, 2, 1)
        self.offset_low8 = nn.Conv2d(channels // 2, channels // 4, 1)
        self.offset_up4 = nn.ConvTranspose2d(channels // 4, channels // 4, 4, 2, 1)
        self.offset_out = nn.Conv2d(channels // 4, 2, 3, padding=1)

    def forward(self, pixels: Tensor) -> Features:
        x = pixels.permute(0, 3, 1, 2).to(self.low4.weight.dtype) / 127.5 - 1
        s4, s8, s16, s32 = self.backbone(x)
        rgb4 = F.avg_pool2d(x, 4)
        low8 = torch.cat([s8, F.avg_pool2d(rgb4, 2)], 1)
        features_s4 = self.low4(torch.cat([s4, rgb4], 1))
        features_s8 = self.low8(low8)
        up = F.interpolate(self.from32(s32), scale_factor=2.0, mode="nearest")
        features_s16 = self.merge(F.relu(self.from16(s16) + up + self.from8(low8)))
        offsets = F.relu(self.offset_up8(features_s16) + self.offset_low8(features_s8))
        offsets = self.offset_out(F.relu(self.offset_up4(offsets) + features_s4))
        return {
            "features_s16": features_s16,
            "features_s8": features_s8,
            "features_s4": features_s4,
            "centre_offsets": offsets,
        }


class EdgeSegmenter(ReferringSegmenter):
    """MobileNetV2, LSTM, FiLM blocks with word attention, deconvolutions; logits at half the image's size.

    Text features: `word_states` (N, T, hidden), `sentence` (N, hidden), `word_mask` (N, T) 1 at words and 0 at padding.
    Image features: `features_s16`, `features_s8`, `features_s4`, and `centre_offsets` (B, 2, H / 4, W / 4): from each
    cell to
    the centre of the object it shows, (dx, dy) in fractions of the image's width and height.
    """

    coordinates: Tensor

    def __init__(
        self,
        *,
        vocabulary_size: int,
        image_size: tuple[int, int] = (320, 320),
        channels: int = 96,
        embedding_size: int = 128,
        hidden_size: int = 256,
        max_words: int = 20,
    ) -> None:
        super().__init__()
        height, width = image_size
        if height % 32 or width % 32:
            raise ValueError(f"image_size {image_size}: expected multiples of 32")
        logit_size = (height // 2, width // 2)
        self.spec = NetworkSpec((height, width), logit_size, max_words, vocabulary_size, conv_transpose_nodes=5)
        self.text = TextEncoder(vocabulary_size=vocabulary_size, embedding_size=embedding_size, hidden_size=hidden_size)
        self.image = _ImageEncoder(channels)
        self.register_buffer("coordinates", coordinate_channels(height // 16, width // 16), persistent=False)
        self.attend = nn.ModuleList(_WordAttention(hidden_size) for _ in range(_STEPS))
        extra = [2 if step < _LANDMARK_STEP else 4 for step in range(_STEPS)]
        self.blocks = nn.ModuleList(_FiLMBlock(channels, count, hidden_size) for count in extra)
        self.look = nn.ModuleList(_SelfAttention(channels) for _ in range(2))
        self.landmark = nn.Conv2d(channels, 1, 1)
        self.up8 = nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1)
        self.conv8 = nn.Conv2d(channels // 2, channels // 2, 3, padding=1, bias=False)
        self.norm8 = nn.BatchNorm2d(channels // 2, affine=False)
        self.film8 = nn.Linear(hidden_size, channels)
        self.up4 = nn.ConvTranspose2d(channels // 2, channels // 4, 4, 2, 1)
        self.conv4 = nn.Conv2d(channels // 4, channels // 4, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(channels // 4, 1, 4, 2, 1)
        nn.init.constant_(self.up2.get_parameter("bias"), -3.0)  # most pixels are background
        self.count_evidence = nn.Conv2d(channels, channels, 1)
        self.count = nn.Sequential(nn.Linear(2 * channels + hidden_size, 128), nn.ReLU(), nn.Linear(128, 3))

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        word_states, sentence = self.text(token_ids, lengths)
        positions = torch.arange(token_ids.shape[1], device=token_ids.device)
        word_mask = (positions[None] < lengths[:, None]).to(word_states.dtype)
        return {"word_states": word_states, "sentence": sentence, "word_mask": word_mask}

    def encode_image(self, pixels: Tensor) -> Features:
        features: Features = self.image(pixels)
        return features

    def decode(self, image: Features, text: Features) -> Features:
        """As the base class says; in training also "landmark_logits" (N, H / 16, W / 16) for their own loss."""
        sentence = text["sentence"]
        steps: list[Tensor] = []
        for attend in self.attend:
            steps.append(attend(text["word_states"], text["word_mask"], sentence, steps[-1] if steps else sentence))
        count = sentence.shape[0]
        x = image["features_s16"].expand(count, -1, -1, -1)
        xy = self.coordinates.to(x.dtype).expand(count, -1, -1, -1)
        x = self.blocks[0](x, xy, steps[0])
        x = self.look[0](self.blocks[1](x, xy, steps[1]), xy)
        landmark_logits = self.landmark(x)
        place = torch.cat([xy, xy - self._locate(landmark_logits, xy)], 1)
        x = self.look[1](self.blocks[2](x, place, steps[2]), xy)
        x = self.blocks[3](x, place, steps[3])
        outputs = {"mask_logits": self._upsample(x, image, steps[3]), "count_logits": self._count(x, sentence)}
        if self.training:
            outputs["landmark_logits"] = landmark_logits.squeeze(1)
        return outputs

    @staticmethod
    def _locate(landmark_logits: Tensor, xy: Tensor) -> Tensor:
        """Soft-argmax: expected coordinates (N, 2, 1, 1) of the landmark."""
        weights = landmark_logits.flatten(2).softmax(-1)
        return (xy.flatten(2) * weights).sum(-1)[:, :, None, None]

    def _upsample(self, x: Tensor, image: Features, words: Tensor) -> Tensor:
        x = F.relu(self.up8(x) + image["features_s8"])
        x = F.relu(modulate(self.norm8(self.conv8(x)), self.film8(words)))
        x = F.relu(self.up4(x) + image["features_s4"])
        logits: Tensor = self.up2(F.relu(self.conv4(x)))
        return logits.squeeze(1)

    def _count(self, x: Tensor, sentence: Tensor) -> Tensor:
        evidence = F.relu(self.count_evidence(x))
        pooled = torch.cat([evidence.amax((2, 3)), evidence.mean((2, 3)), sentence], 1)
        logits: Tensor = self.count(pooled)
        return logits

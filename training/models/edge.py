"""The edge network: small enough for a robot, with language in every step of the decoder.

MobileNetV2 sees the frame once. An expression then steers four FiLM blocks (Perez et al. 2018, arXiv 1709.07871) at
stride 16, each reading its own words through attention, so that "the mug beside the book on the left" can be worked
out a step at a time: find books, find the left one, find mugs, find the one beside it. Halfway, a landmark step turns
"where the second thing is" into coordinates relative to it. With `evidence`, the image alone tells how likely every
word of the vocabulary describes each place, and each step sees that of the words it reads. Deconvolutions bring the
answer back to stride 2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runtime.errors import SaymaskError
from training.models.backbones import MobileNetV2
from training.models.base import Features, NetworkSpec, ReferringSegmenter, coordinate_channels
from training.models.text_encoder import TextEncoder

_STEPS = 4
_LANDMARK_STEP = 2  # the block before which the landmark is located
_HEADS = 2
_LEAST_AREA = 1e-3  # share of the picture; an empty mask must not divide by nothing
_LEAST_EVIDENCE = -8.0  # log-probability below which a word is simply not there; finite and exact enough in FP16


class _WordAttention(nn.Module):
    """Which words a step listens to: a query from the sentence and from what the step before listened to."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(2 * size, size)
        self.scale = 1 / math.sqrt(size)

    def forward(self, text: Features, previous: Tensor) -> tuple[Tensor, Tensor]:
        """What was heard (N, hidden), and how much of it came from each word (N, T)."""
        query = self.query(torch.cat([text["sentence"], previous], 1))
        scores = (text["word_states"] * query[:, None]).sum(-1) * self.scale
        weights = (scores + (text["word_mask"] - 1) * 1e4).softmax(-1)  # 1e4 is finite in FP16
        heard: Tensor = (text["word_states"] * weights[..., None]).sum(1)
        return heard, weights


class _FiLMBlock(nn.Module):
    """Residual block whose channels the words scale and shift; `extra` coordinate channels join first.

    With `evidence` so does one channel of how well each place fits the words that are read.
    """

    def __init__(self, channels: int, extra: int, text: int, evidence: bool) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels + extra, channels, 1)
        self.weigh = nn.Conv2d(1, channels, 1, bias=False) if evidence else None
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.film = nn.Linear(text, 2 * channels)

    def forward(self, x: Tensor, coordinates: Tensor, words: Tensor, evidence: Tensor | None) -> Tensor:
        y = self._mixed(torch.cat([x, coordinates], 1), evidence)
        return x + F.relu(modulate(self.norm(self.conv(F.relu(y))), self.film(words)))

    def _mixed(self, x: Tensor, evidence: Tensor | None) -> Tensor:
        """`mix` of `x` plus `weigh` of the evidence, in one convolution: on a CPU every further node has its cost."""
        if self.weigh is None or evidence is None:
            mixed: Tensor = self.mix(x)
            return mixed
        weight = torch.cat([self.mix.weight, self.weigh.weight], 1)
        return F.conv2d(torch.cat([x, evidence], 1), weight, self.mix.bias)


class _Lexicon(nn.Module):
    """Which words describe what each place shows, before any sentence is heard: a softmax over the vocabulary.

    A robot's command names a few words only, and looks up their rows.
    """

    def __init__(self, channels: int, vocabulary_size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.project = nn.Conv2d(channels, channels, 1)
        self.rows = nn.Embedding(vocabulary_size, channels)
        self.bias = nn.Embedding(vocabulary_size, 1)
        nn.init.normal_(self.rows.weight, std=1 / math.sqrt(channels))
        nn.init.zeros_(self.bias.weight)

    def look(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) to the features that the rows are held against, and logits (B, vocabulary, h, w)."""
        seen = self.project(self.norm(features))
        return seen, F.conv2d(seen, self.rows.weight[:, :, None, None], self.bias.weight[:, 0])

    def read(self, token_ids: Tensor) -> Features:
        return {"word_rows": self.rows(token_ids), "word_bias": self.bias(token_ids)}

    @staticmethod
    def evidence(image: Features, text: Features) -> Tensor:
        """Log-probability of each word at each place, cut off below: (N, T, h * w), between -2 and 0."""
        logits = text["word_rows"] @ image["seen"].flatten(2) + text["word_bias"]
        return (logits - image["seen_total"].flatten(2)).clamp_min(_LEAST_EVIDENCE) / 4


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
        # Written out: on CPUs the fused function takes several times as long backwards.
        seen = (queries @ keys.transpose(-1, -2) / math.sqrt(channels // _HEADS)).softmax(-1) @ values
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
    cell to the centre of the object it shows, (dx, dy) in fractions of the image's width and height.

    With `doubt`, `count_logits` are four: none, one and the mask is it, several, one and the mask is not it.
    With `evidence` also, of text, `word_rows` (N, T, channels) and `word_bias` (N, T, 1), and of the image `seen`
    (B, channels, H / 16, W / 16) and `seen_total` (B, 1, H / 16, W / 16): seen . row + bias - total is the
    log-probability that the word describes the place.
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
        evidence: bool = False,
        doubt: bool = False,
    ) -> None:
        super().__init__()
        height, width = image_size
        if height % 32 or width % 32:
            raise ValueError(f"image_size {image_size}: expected multiples of 32")
        logit_size = (height // 2, width // 2)
        self.spec = NetworkSpec((height, width), logit_size, max_words, vocabulary_size, conv_transpose_nodes=5)
        self.text = TextEncoder(vocabulary_size=vocabulary_size, embedding_size=embedding_size, hidden_size=hidden_size)
        self.image = _ImageEncoder(channels)
        self.lexicon = _Lexicon(channels, vocabulary_size) if evidence else None
        self.register_buffer("coordinates", coordinate_channels(height // 16, width // 16), persistent=False)
        self.attend = nn.ModuleList(_WordAttention(hidden_size) for _ in range(_STEPS))
        extra = [2 if step < _LANDMARK_STEP else 4 for step in range(_STEPS)]
        self.blocks = nn.ModuleList(_FiLMBlock(channels, count, hidden_size, evidence) for count in extra)
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
        self.doubt = doubt
        # What the mask lies on comes last, so that a network without doubt can be grown into one with it.
        pooled = 2 * channels + hidden_size + (channels if doubt else 0)
        self.count = nn.Sequential(nn.Linear(pooled, 128), nn.ReLU(), nn.Linear(128, 4 if doubt else 3))

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        word_states, sentence = self.text(token_ids, lengths)
        positions = torch.arange(token_ids.shape[1], device=token_ids.device)
        word_mask = (positions[None] < lengths[:, None]).to(word_states.dtype)
        text = {"word_states": word_states, "sentence": sentence, "word_mask": word_mask}
        return text if self.lexicon is None else text | self.lexicon.read(token_ids)

    def encode_image(self, pixels: Tensor) -> Features:
        """As the base class says; in training also "word_logits" (B, vocabulary, H / 16, W / 16) for their own loss."""
        features: Features = self.image(pixels)
        if self.lexicon is None:
            return features
        features["seen"], logits = self.lexicon.look(features["features_s16"])
        # written out: as one node ReduceLogSumExp takes ONNX Runtime a millisecond
        highest = logits.amax(1, keepdim=True)
        features["seen_total"] = highest + (logits - highest).exp().sum(1, keepdim=True).log()
        return features | {"word_logits": logits} if self.training else features

    def word_scores(self, pixels: Tensor) -> Tensor:
        """Log-probability of every word at each place of `pixels` uint8 (B, H, W, 3): (B, vocabulary, H / 16, W / 16).

        Raises SaymaskError without `evidence`.
        """
        if self.lexicon is None:
            raise SaymaskError("this network has no lexicon; train one with --set options.evidence=true")
        return self.lexicon.look(self.image(pixels)["features_s16"])[1].log_softmax(1)

    def decode(self, image: Features, text: Features) -> Features:
        """As the base class says; in training also "landmark_logits" (N, H / 16, W / 16) for their own loss."""
        sentence = text["sentence"]
        steps, weights = [sentence], []
        for attend in self.attend:
            heard, weight = attend(text, steps[-1])
            steps.append(heard)
            weights.append(weight)
        steps = steps[1:]
        evidence = self._evidence(image, text, weights)
        count = sentence.shape[0]
        x = image["features_s16"].expand(count, -1, -1, -1)
        xy = self.coordinates.to(x.dtype).expand(count, -1, -1, -1)
        x = self.blocks[0](x, xy, steps[0], evidence[0])
        x = self.look[0](self.blocks[1](x, xy, steps[1], evidence[1]), xy)
        landmark_logits = self.landmark(x)
        place = torch.cat([xy, xy - self._locate(landmark_logits, xy)], 1)
        x = self.look[1](self.blocks[2](x, place, steps[2], evidence[2]), xy)
        x = self.blocks[3](x, place, steps[3], evidence[3])
        mask_logits = self._upsample(x, image, steps[3])
        outputs = {"mask_logits": mask_logits, "count_logits": self._count(x, sentence, mask_logits)}
        if self.training:
            outputs["landmark_logits"] = landmark_logits.squeeze(1)
        return outputs

    def _evidence(self, image: Features, text: Features, weights: list[Tensor]) -> list[Tensor | None]:
        """How well each place fits the words that each step reads: (N, 1, H / 16, W / 16)."""
        if self.lexicon is None:
            return [None] * _STEPS
        words = self.lexicon.evidence(image, text)
        height, width = image["seen"].shape[2:]
        read = torch.stack(weights, 1) @ words  # (N, steps, H / 16 * W / 16)
        return [read[:, step].reshape(-1, 1, height, width) for step in range(_STEPS)]

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

    def _count(self, x: Tensor, sentence: Tensor, mask_logits: Tensor) -> Tensor:
        evidence = F.relu(self.count_evidence(x))
        pooled = [evidence.amax((2, 3)), evidence.mean((2, 3)), sentence]
        if self.doubt:
            inside = F.avg_pool2d(mask_logits.detach().sigmoid()[:, None], mask_logits.shape[-1] // x.shape[-1])
            pooled.append((evidence * inside).mean((2, 3)) / (inside.mean((2, 3)) + _LEAST_AREA))
        logits: Tensor = self.count(torch.cat(pooled, 1))
        return logits

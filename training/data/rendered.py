"""Rendered shards as training batches: the n-th batch is a pure function of the seed and n, so a killed run resumes
exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from runtime.errors import SaymaskError
from runtime.language.vocabulary import PAD_ID, UNKNOWN_ID, Vocabulary, words_of
from runtime.vision.preprocess import PAD_VALUE, letterbox, letterbox_mask
from training.config import TrainingConfig
from training.expressions.datatypes import Expression
from training.models import NetworkSpec
from training.scenes.datatypes import BACKGROUND
from training.scenes.shards import Shard, read_shard

COUNT_CLASSES = {"none": 0, "one": 1, "several": 2}
COARSE_STRIDE = 16
MOST_THINGS = 16
OFFSET_STRIDE = 4
_MIRRORED = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}
_SMALLEST_SCALE = 0.6


@dataclass(frozen=True, eq=False)
class Sample:
    """One letterboxed image, its instances and one expression about it; every data set of this project yields these.

    `pixels` uint8 (H, W, 3) RGB; `instances` int8 (H, W), -1 for background.
    """

    pixels: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.int8]
    text: str
    expression: Expression

    def share(self, indices: Sequence[int], size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """How much of each cell of a (h, w) grid the objects `indices` cover: float32 (h, w) in 0..1."""
        inside = np.isin(self.instances, list(indices)).astype(np.float32)
        # INTER_AREA is the exact mean of each cell where the sides divide, and five times faster than numpy's.
        return np.asarray(cv2.resize(inside, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


class Views(Protocol):
    """Images with expressions about them, whatever data set they are of."""

    def __len__(self) -> int: ...

    def view(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], tuple[Expression, ...]]:
        """Image uint8 (h, w, 3) RGB, instances int8 (h, w), -1 for background, and the expressions of one view."""

    def descriptions(self, index: int) -> Sequence[frozenset[str]]:
        """The words true of each thing of one view, by its index; empty where the data set does not tell."""


class RenderedShards:
    """All views of a folder of shards (see training/scenes/shards.py), as one list."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Open every finished shard.

        Raises SaymaskError when a folder holds none.
        """
        paths = [path for folder in folders for path in sorted(folder.glob("shard-*.npz"))]
        if not paths:
            names = ", ".join(str(folder) for folder in folders)
            raise SaymaskError(f"no shards in {names}; make some with python training/render.py --out {folders[0]}")
        self._shards: list[Shard] = [read_shard(path) for path in paths]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._shards)]).tolist()

    def __len__(self) -> int:
        return int(self._starts[-1])

    def sources(self, index: int) -> tuple[npt.NDArray[np.uint8], list[str], str]:
        """Image uint8 (h, w, 3) RGB of one view, its objects' identifiers and its table's surface name."""
        shard, inner = self._find(index)
        record = shard.record(inner)
        return shard.image(inner), [thing.identifier for thing in record.objects], record.table_texture

    def _find(self, index: int) -> tuple[Shard, int]:
        which = bisect_right(self._starts, index) - 1
        return self._shards[which], index - self._starts[which]

    def view(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], tuple[Expression, ...]]:
        """Image uint8 (h, w, 3) RGB, instances int8 (h, w) and the expressions of one view."""
        shard, inner = self._find(index)
        return shard.image(inner), shard.instances(inner), shard.record(inner).expressions

    def descriptions(self, index: int) -> list[frozenset[str]]:
        """The words of each object's names, colours, material and pattern."""
        shard, inner = self._find(index)
        return [
            frozenset(words_of(" ".join((*thing.nouns, *thing.colours, thing.material or "", thing.pattern or ""))))
            for thing in shard.record(inner).objects
        ]


class TrainingBatches(Dataset[dict[str, Tensor]]):
    """Batch n of the run, augmented, as tensors.

    With B images and N = B x expressions_per_image expressions (what a loss without a weight would need is left out):
    pixels uint8 (B, H, W, 3), token_ids int64 (N, max_words), lengths int64 (N,), masks float32 (N, h, w), counts int64
    (N,), landmarks float32 (N, H/16, W/16), offsets float32 (B, 2, H/4, W/4), on_object float32 (B, 1, H/4, W/4),
    things float32 (B, MOST_THINGS, H/16, W/16) and thing_words float32 (B, MOST_THINGS, vocabulary). Expressions of one
    image follow each other.
    """

    def __init__(self, views: Views, vocabulary: Vocabulary, spec: NetworkSpec, config: TrainingConfig) -> None:
        self.views, self.vocabulary, self.spec, self.config = views, vocabulary, spec, config

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)  # worker processes already share the cores
        rng = np.random.default_rng([self.config.seed, step])
        indices = epoch_indices(self.config, step, len(self.views))
        samples = [sample for index in indices for sample in self._draw(index, rng)]
        arrays = self._of_expressions(samples, rng) | self._of_images(indices, samples)
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _draw(self, index: int, rng: np.random.Generator) -> list[Sample]:
        image, instances, expressions = self.views.view(index)
        pixels, _ = letterbox(image, self.spec.image_size)
        labels = letterbox_mask(instances, self.spec.image_size, BACKGROUND)
        mirrored = self.config.augment and self.config.flip and rng.random() < 0.5
        if mirrored:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        if self.config.augment:
            pixels, labels = _shrink(relight(pixels, rng), labels, rng)
        wanted = self.config.expressions_per_image
        weights = np.array([self.config.kind_weights.get(expression.kind, 1.0) for expression in expressions])
        chosen = rng.choice(len(expressions), wanted, replace=len(expressions) < wanted, p=weights / weights.sum())
        samples = []
        for number in chosen:
            text = spoken(expressions[number], self.spec, self.config, rng)
            samples.append(Sample(pixels, labels, mirror(text) if mirrored else text, expressions[number]))
        return samples

    def _of_expressions(self, samples: list[Sample], rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        texts = [sample.text for sample in samples]
        token_ids, lengths = augmented_tokens(texts, self.vocabulary, self.spec, self.config, rng)
        arrays: dict[str, npt.NDArray[Any]] = {
            "token_ids": token_ids,
            "lengths": lengths,
            "masks": np.stack([s.share(s.expression.referents, self.spec.logit_size) for s in samples]),
            "counts": np.array([COUNT_CLASSES[s.expression.count] for s in samples]),
        }
        if self.config.loss.landmark:
            arrays["landmarks"] = np.stack([s.share(s.expression.landmarks, self._coarse()) for s in samples])
        return arrays

    def _of_images(self, indices: Sequence[int], samples: list[Sample]) -> dict[str, npt.NDArray[Any]]:
        images = samples[:: self.config.expressions_per_image]
        arrays: dict[str, npt.NDArray[Any]] = {"pixels": np.stack([image.pixels for image in images])}
        if self.config.loss.offset:
            offsets, on_object = zip(*(centre_offsets(image.instances) for image in images), strict=True)
            arrays |= {"offsets": np.stack(offsets), "on_object": np.stack(on_object)}
        if self.config.loss.words:
            described = [self._things(image, index) for image, index in zip(images, indices, strict=True)]
            arrays |= {
                "things": np.stack([d[0] for d in described]),
                "thing_words": np.stack([d[1] for d in described]),
            }
        return arrays

    def _things(self, image: Sample, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Where each thing is, (MOST_THINGS, H/16, W/16), and the words true of it, (MOST_THINGS, vocabulary)."""
        places = np.zeros((MOST_THINGS, *self._coarse()), np.float32)
        words = np.zeros((MOST_THINGS, len(self.vocabulary)), np.float32)
        for thing, description in enumerate(self.views.descriptions(index)[:MOST_THINGS]):
            known = sorted({self.vocabulary.id_of(word) for word in description} - {UNKNOWN_ID})
            if known:
                places[thing] = image.share([thing], self._coarse())
                words[thing, known] = 1 / len(known)
        return places, words

    def _coarse(self) -> tuple[int, int]:
        height, width = self.spec.image_size
        return height // COARSE_STRIDE, width // COARSE_STRIDE


def epoch_indices(config: TrainingConfig, step: int, count: int) -> list[int]:
    """Which of `count` views a step looks at: each epoch is its own shuffle of all of them."""
    size = config.images_per_step
    places = range(step * size, (step + 1) * size)
    orders = {p // count: np.random.default_rng([config.seed, 1, p // count]).permutation(count) for p in places}
    return [int(orders[place // count][place % count]) for place in places]


def spoken(expression: Expression, spec: NetworkSpec, config: TrainingConfig, rng: np.random.Generator) -> str:
    """The bare expression or, as often as `config` says and where it fits, the whole spoken sentence."""
    fits = len(words_of(expression.transcript)) <= spec.max_words
    return expression.transcript if fits and rng.random() < config.transcript_share else expression.text


def augmented_tokens(
    texts: Sequence[str], vocabulary: Vocabulary, spec: NetworkSpec, config: TrainingConfig, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Token ids int64 (N, max_words), some words dropped to unknown as `config` says, and true lengths int64 (N,)."""
    tokens = vocabulary.encode(texts, spec.max_words)
    dropped = (rng.random(tokens.ids.shape) < config.word_drop) & (tokens.ids != PAD_ID)
    return np.where(dropped, UNKNOWN_ID, tokens.ids), tokens.lengths


def mirror(text: str) -> str:
    """The expression that says the same of the image seen in a mirror."""
    return " ".join(_MIRRORED.get(word, word) for word in text.split())


def centre_offsets(
    instances: npt.NDArray[np.int8],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where each cell of a grid of stride 4 has to look for the centre of its object.

    Returns offsets (2, H/4, W/4) to the centroid, x then y, as shares of the image's sides; and (1, H/4, W/4), 1
    where a cell's centre lies on an object.
    """
    height, width = instances.shape
    cells = instances[OFFSET_STRIDE // 2 :: OFFSET_STRIDE, OFFSET_STRIDE // 2 :: OFFSET_STRIDE]
    rows, columns = np.mgrid[: cells.shape[0], : cells.shape[1]]
    places = np.stack([(columns + 0.5) / cells.shape[1], (rows + 0.5) / cells.shape[0]]).astype(np.float32)
    offsets = np.zeros_like(places)
    for index in np.unique(cells[cells != BACKGROUND]):
        y, x = np.nonzero(instances == index)
        centre = np.array([(x.mean() + 0.5) / width, (y.mean() + 0.5) / height], np.float32)
        inside = cells == index
        offsets[:, inside] = centre[:, None] - places[:, inside]
    return offsets, (cells != BACKGROUND)[None].astype(np.float32)


def relight(pixels: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Random gamma, contrast and slight white balance, through one table per channel; hues stay what their names
    say."""
    ramp = np.arange(256, dtype=np.float64) / 255
    curve = ramp ** np.exp(rng.uniform(-0.35, 0.35))
    curve = (curve - 0.5) * rng.uniform(0.75, 1.2) + 0.5 + rng.uniform(-0.08, 0.08)
    table = np.clip(curve[:, None] * rng.uniform(0.94, 1.06, 3) * 255, 0, 255).astype(np.uint8)
    relit = cv2.LUT(np.ascontiguousarray(pixels), table[None]).astype(np.uint8, copy=False)
    padding = (pixels == PAD_VALUE).all(-1)
    relit[padding] = PAD_VALUE
    return relit


def _shrink(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int8], rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]:
    """Now and then show the picture smaller, somewhere in the padding."""
    if rng.random() > 0.3:
        return np.ascontiguousarray(pixels), np.ascontiguousarray(labels)
    height, width = labels.shape
    scale = rng.uniform(_SMALLEST_SCALE, 1)
    left, top = rng.uniform(0, 1 - scale, 2) * (width, height)
    move = np.array([[scale, 0, left], [0, scale, top]])
    shrunk = cv2.warpAffine(np.ascontiguousarray(pixels), move, (width, height), borderValue=(PAD_VALUE,) * 3)
    moved = cv2.warpAffine(
        np.ascontiguousarray(labels.view(np.uint8)), move, (width, height), flags=cv2.INTER_NEAREST, borderValue=(255,)
    )
    return shrunk.astype(np.uint8, copy=False), moved.view(np.int8)

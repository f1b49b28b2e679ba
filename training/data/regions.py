"""Boxes cut out of images, for the region stage of Hu et al. 2016: which box does the expression speak of?

The n-th batch is a pure function of the seed and n, as in training/data/rendered.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from runtime.language.vocabulary import Vocabulary
from training.config import TrainingConfig
from training.data.rendered import Views, augmented_tokens, epoch_indices, mirror, relight, spoken
from training.expressions.datatypes import Expression
from training.models import NetworkSpec
from training.scenes.datatypes import BACKGROUND

REGION_SIZE = 224
"""Side of a crop in pixels: what the classifiers behind the backbones were trained on."""

_LARGEST_OVERLAP = 0.3  # of a box that shows nothing in particular with any thing, as intersection over union
_ATTEMPTS = 20

Box = tuple[int, int, int, int]
"""xmin, ymin, xmax, ymax in pixels, the last two exclusive."""


def crop_region(image: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """What `box` holds of `image` uint8 (h, w, 3), stretched to uint8 (224, 224, 3)."""
    left, top, right, bottom = box
    inside = np.ascontiguousarray(image[top:bottom, left:right])
    shrinks = min(inside.shape[:2]) > REGION_SIZE
    flags = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(inside, (REGION_SIZE, REGION_SIZE), interpolation=flags).astype(np.uint8, copy=False)


def relative_box(box: Box, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """`box` in an image of `size` (height, width) as float32 (4,): xmin, ymin, xmax, ymax from -1 to +1."""
    height, width = size
    shares = np.array(box, np.float32) / np.array([width, height, width, height], np.float32)
    return np.asarray(shares * 2 - 1, np.float32)


def thing_boxes(instances: npt.NDArray[np.int8]) -> dict[int, Box]:
    """The box around what is seen of each thing of `instances` int8 (h, w), by its index."""
    boxes = {}
    for index in np.unique(instances[instances != BACKGROUND]).tolist():
        left, top, width, height = cv2.boundingRect((instances == index).view(np.uint8))
        boxes[index] = (left, top, left + width, top + height)
    return boxes


@dataclass(frozen=True, eq=False)
class _Regions:
    """The boxes drawn from one view, which thing each is around (-1: none), and the expressions asked about them."""

    image: npt.NDArray[np.uint8]
    boxes: list[Box]
    things: list[int]
    expressions: list[Expression]
    texts: list[str]

    def matches(self) -> npt.NDArray[np.float32]:
        """Float32 (expressions x boxes,): 1 where the box is around a referent of the expression."""
        pairs = [thing in expression.referents for expression in self.expressions for thing in self.things]
        return np.array(pairs, np.float32)


class RegionBatches(Dataset[dict[str, Tensor]]):
    """Batch n of the region stage as tensors.

    With R regions and N pairs of a region and an expression (all those of one image with each other): crops uint8
    (R, 224, 224, 3) RGB, boxes float32 (R, 4) xmin, ymin, xmax, ymax from -1 to +1 of the image, token_ids int64
    (E, max_words) and lengths int64 (E,) of the E expressions, region_of and expression_of int64 (N,) the rows that a
    pair joins, matches float32 (N,) 1 where the region is a referent's box.
    """

    def __init__(self, views: Views, vocabulary: Vocabulary, spec: NetworkSpec, config: TrainingConfig) -> None:
        self.views, self.vocabulary, self.spec, self.config = views, vocabulary, spec, config

    def __len__(self) -> int:
        return self.config.steps

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        cv2.setNumThreads(1)  # worker processes already share the cores
        rng = np.random.default_rng([self.config.seed, step])
        drawn = [self._draw(index, rng) for index in epoch_indices(self.config, step, len(self.views))]
        crops = [crop_region(one.image, box) for one in drawn for box in one.boxes]
        boxes = [relative_box(box, (one.image.shape[0], one.image.shape[1])) for one in drawn for box in one.boxes]
        token_ids, lengths = augmented_tokens(
            [text for one in drawn for text in one.texts], self.vocabulary, self.spec, self.config, rng
        )
        regions, expressions = self.config.regions_per_image, self.config.expressions_per_image
        image, expression, region = np.indices((len(drawn), expressions, regions)).reshape(3, -1)
        arrays = {
            "crops": np.stack(crops),
            "boxes": np.stack(boxes),
            "token_ids": token_ids,
            "lengths": lengths,
            "region_of": image * regions + region,
            "expression_of": image * expressions + expression,
            "matches": np.concatenate([one.matches() for one in drawn]),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _draw(self, index: int, rng: np.random.Generator) -> _Regions:
        image, instances, expressions = self.views.view(index)
        mirrored = self.config.augment and self.config.flip and rng.random() < 0.5
        if mirrored:
            image, instances = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(instances[:, ::-1])
        if self.config.augment:
            image = relight(image, rng)
        count = self.config.expressions_per_image
        chosen = [expressions[n] for n in rng.choice(len(expressions), count, replace=len(expressions) < count)]
        texts = [spoken(expression, self.spec, self.config, rng) for expression in chosen]
        seen = thing_boxes(instances)
        things = self._choose(seen, chosen, rng)
        size = image.shape[0], image.shape[1]
        boxes = [seen[thing] if thing != BACKGROUND else elsewhere(size, seen, rng) for thing in things]
        return _Regions(image, boxes, things, chosen, [mirror(text) for text in texts] if mirrored else texts)

    def _choose(self, seen: dict[int, Box], chosen: Sequence[Expression], rng: np.random.Generator) -> list[int]:
        """Things to cut out, referents first; where there are too few, boxes around nothing (-1) fill up."""
        wanted = self.config.regions_per_image
        order = [int(index) for index in rng.permutation(sorted(seen))]
        meant = {index for expression in chosen for index in expression.referents}
        order.sort(key=lambda index: index not in meant)
        # An expression that means all of them would never be shown what it does not mean.
        means_all = any(set(order[:wanted]) <= set(expression.referents) for expression in chosen)
        most = wanted - 1 if means_all and wanted > 1 else wanted
        return (order[:most] + [BACKGROUND] * wanted)[:wanted]


def elsewhere(size: tuple[int, int], seen: Mapping[int, Box], rng: np.random.Generator) -> Box:
    """A random box in an image of `size` (height, width) that overlaps none of `seen` much.

    Its sides are a twentieth to half of the image's. Where none is found in a few attempts, the one that overlaps
    least.
    """
    height, width = size
    best: tuple[float, Box] = (np.inf, (0, 0, width, height))
    for _ in range(_ATTEMPTS):
        extent = np.maximum(1, rng.uniform(0.05, 0.5, 2) * (width, height)).astype(int)
        left, top = (int(rng.integers(0, side - part + 1)) for side, part in zip((width, height), extent, strict=True))
        box = (left, top, left + int(extent[0]), top + int(extent[1]))
        overlap = max((box_iou(box, other) for other in seen.values()), default=0.0)
        best = min(best, (overlap, box))
        if overlap <= _LARGEST_OVERLAP:
            break
    return best[1]


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, width) * max(0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)

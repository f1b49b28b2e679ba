"""What the 2016 paper compares its network with, each as something that answers an image and expressions with masks.

Hu et al. 2016 (arXiv 1603.06180), section 4.1: segmentation per word, localisation followed by foreground
segmentation of the box, classification over segmentation proposals, and the whole image.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Verdict
from runtime.errors import SaymaskError
from training.expressions.datatypes import Expression
from training.metrics import Outcome, outcome_of, summarise

Masks = list[npt.NDArray[np.bool_]]


class Predictor(Protocol):
    """Something that can be asked about images."""

    def masks(self, image: npt.NDArray[np.uint8], texts: Sequence[str]) -> Masks:
        """One mask bool (h, w) per expression about `image` uint8 (h, w, 3) RGB."""


@dataclass(frozen=True, eq=False)
class MaskAnswer:
    """A bare mask as something that training/metrics.py scores: it never doubts."""

    raw_mask: npt.NDArray[np.bool_]

    @property
    def verdict(self) -> Verdict:
        return Verdict.FOUND if self.raw_mask.any() else Verdict.NOT_FOUND

    @property
    def confidence(self) -> float:
        return 1.0

    @property
    def count_probabilities(self) -> tuple[float, float, float]:
        return (0.0, 1.0, 0.0) if self.raw_mask.any() else (1.0, 0.0, 0.0)


BASELINES = ("whole_image", "per_word_average", "per_word_intersection", "box", "box_grabcut", "proposals")


def open_predictor(name: str, checkpoint: Path | None = None) -> Predictor:
    """The baseline `name` of `BASELINES`, or "network": a checkpoint's own masks.

    `checkpoint` is that of training/models/per_word.py for the two "per_word", of the region stage of
    training/models/text_objseg.py for "box", "box_grabcut" and "proposals"; the whole image needs none. Raises
    SaymaskError for another name and a checkpoint that is missing or of another kind, ImportError without scikit-image.
    """
    if name not in (*BASELINES, "network"):
        raise SaymaskError(f"there is no baseline {name!r}; choose from {', '.join(BASELINES)}")
    # Imported here: nobody needs the packages of all of them, and the networks' modules import this one.
    if name == "whole_image":
        from training.baselines.whole_image import WholeImage

        return WholeImage()
    if checkpoint is None:
        raise SaymaskError(f"the baseline {name!r} needs --checkpoint; python training/train_2016.py makes it")
    if name == "network" or name.startswith("per_word"):
        from training.baselines.network import NetworkPredictor, open_per_word

        return NetworkPredictor(checkpoint) if name == "network" else open_per_word(checkpoint, name.split("_")[-1])
    if name == "proposals":
        from training.baselines.proposals import BestProposal

        return BestProposal(checkpoint)
    from training.baselines.box_grabcut import BestBox

    return BestBox(checkpoint, grabcut=name == "box_grabcut")


@dataclass(frozen=True)
class Measured:
    """What came of every expression, and how long it took."""

    outcomes: list[Outcome]
    images: int
    seconds_per_image: float

    def summary(self) -> dict[str, Any]:
        """Every figure of training/metrics.py, and `seconds_per_image`: one image with all its expressions."""
        return {**summarise(self.outcomes), "images": self.images, "seconds_per_image": self.seconds_per_image}


def measure(
    predictor: Predictor, views: Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], Sequence[Expression]]]
) -> Measured:
    """Ask `predictor` about every view: image uint8 (h, w, 3) RGB, instances int8 (h, w), expressions."""
    outcomes: list[Outcome] = []
    images, seconds = 0, 0.0
    for image, instances, expressions in views:
        started = time.perf_counter()
        masks = predictor.masks(image, [expression.text for expression in expressions])
        seconds += time.perf_counter() - started
        images += 1
        outcomes += [outcome_of(e, instances, MaskAnswer(m)) for e, m in zip(expressions, masks, strict=True)]
    return Measured(outcomes, images, seconds / max(images, 1))


def evaluate_predictor(
    predictor: Predictor, views: Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], Sequence[Expression]]]
) -> dict[str, Any]:
    """All figures of `predictor` over `views`; see `Measured.summary`."""
    return measure(predictor, views).summary()

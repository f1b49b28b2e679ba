"""Do a bundle's engines answer the test set as its FP32 graphs do in ONNX Runtime? Runs on the robot, without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runtime.backends import Backend
from runtime.backends.tensorrt_api import Progress
from runtime.bundle import Bundle
from runtime.datatypes import ImageFeatures, TextFeatures
from runtime.test_set import TestPicture
from runtime.vision.overlap import mask_iou, overall_iou, overlap, precision_at
from runtime.vision.postprocess import Answer, interpret
from runtime.vision.preprocess import Letterbox, letterbox

_PHASE = "comparing"


@dataclass
class _Score:
    """Overlap of one backend's raw masks with the ground truth."""

    intersections: list[int] = field(default_factory=list)
    unions: list[int] = field(default_factory=list)

    def add(self, intersection: int, union: int) -> None:
        self.intersections.append(intersection)
        self.unions.append(union)

    @property
    def overall_iou(self) -> float:
        return overall_iou(self.intersections, self.unions)

    @property
    def precision(self) -> float:
        pairs = zip(self.intersections, self.unions, strict=True)
        return precision_at([inter / union if union else 1.0 for inter, union in pairs], 0.5)


@dataclass(frozen=True)
class EngineParity:
    """How far the engines' answers are from the reference's, over all the expressions compared.

    `mask_iou_*`: between the two raw masks, in camera pixels, of every expression. `*_change`: engines minus reference,
    against the ground truth, over the expressions that refer to something (as benchmarks/accuracy.py scores);
    `verdicts_changed`: share of the expressions whose verdict (found, not found, ambiguous) is another.
    """

    pictures: int
    expressions: int
    mask_iou_mean: float
    mask_iou_min: float
    overall_iou: float
    overall_iou_change: float
    precision_at_05_change: float
    verdicts_changed: float

    def problems(self, thresholds: Mapping[str, float]) -> list[str]:
        """Why the gate stays shut, by `model.json`'s engine_gate; empty where it opens."""
        found = []
        if not self.expressions:
            return ["nothing was compared"]
        if not self.mask_iou_mean >= thresholds["mask_iou_mean"]:
            found.append(f"mean mask IoU is {self.mask_iou_mean:.4f}, needed are {thresholds['mask_iou_mean']}")
        if not abs(self.overall_iou_change) <= thresholds["overall_iou_change"]:
            found.append(
                f"overall IoU changes by {self.overall_iou_change:+.4f}, allowed are {thresholds['overall_iou_change']}"
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "pictures": self.pictures,
            "expressions": self.expressions,
            "mask_iou_mean": self.mask_iou_mean,
            "mask_iou_min": self.mask_iou_min,
            "overall_iou": self.overall_iou,
            "overall_iou_change": self.overall_iou_change,
            "precision_at_0.5_change": self.precision_at_05_change,
            "verdicts_changed": self.verdicts_changed,
        }


def compare_backends(
    bundle: Bundle,
    engines: Backend,
    reference: Backend,
    pictures: Iterable[TestPicture],
    *,
    max_expressions: int = 16,
    progress: Progress | None = None,
    expected: int = 0,
) -> EngineParity:
    """Ask both backends everything about `pictures`, at most `max_expressions` at once, as the runtime would.

    `expected` is the number of pictures, for `progress`.
    """
    ious: list[float] = []
    changed: list[bool] = []
    ours, theirs = _Score(), _Score()
    if progress:
        progress.start(_PHASE, None, expected)
    seen = 0
    for seen, picture in enumerate(pictures, start=1):
        answers = [_answers(bundle, backend, picture, max_expressions) for backend in (engines, reference)]
        for question, answer, wanted in zip(picture.questions, *answers, strict=True):
            ious.append(mask_iou(answer.raw_mask, wanted.raw_mask))
            changed.append(answer.verdict != wanted.verdict)
            if question.referents:
                for score, judged in ((ours, answer), (theirs, wanted)):
                    score.add(*overlap(judged.raw_mask, picture.instances, question.referents)[:2])
        if progress:
            progress.step(_PHASE, seen - 1)
    return EngineParity(
        pictures=seen,
        expressions=len(ious),
        mask_iou_mean=float(np.mean(ious)) if ious else float("nan"),
        mask_iou_min=min(ious, default=float("nan")),
        overall_iou=ours.overall_iou,
        overall_iou_change=ours.overall_iou - theirs.overall_iou,
        precision_at_05_change=ours.precision - theirs.precision,
        verdicts_changed=float(np.mean(changed)) if changed else float("nan"),
    )


def _answers(bundle: Bundle, backend: Backend, picture: TestPicture, max_expressions: int) -> list[Answer]:
    pixels, place = letterbox(picture.image, bundle.spec.image_size, bundle.spec.pad_value)
    image = backend.encode_image(pixels)
    answers: list[Answer] = []
    for first in range(0, len(picture.questions), max_expressions):
        questions = picture.questions[first : first + max_expressions]
        tokens = bundle.vocabulary.encode([question.text for question in questions], bundle.spec.max_words)
        plurals = [question.plural for question in questions]
        answers += _judged(bundle, backend, image, backend.encode_text(tokens), plurals, place)
    return answers


def _judged(
    bundle: Bundle,
    backend: Backend,
    image: ImageFeatures,
    texts: list[TextFeatures],
    plurals: list[bool],
    place: Letterbox,
) -> list[Answer]:
    logits = backend.decode(image, texts)
    return [
        interpret(
            logits.mask[row],
            None if logits.count is None else logits.count[row],
            None,  # offsets cut a mask into candidates, which is not compared
            place,
            thresholds=bundle.spec.thresholds,
            calibration=bundle.spec.calibration,
            plural=plural,
        )
        for row, plural in enumerate(plurals)
    ]

"""How answers are scored, in plain numpy.

Every figure of this project is defined here and, what the robot's own checks need as well, in
`runtime.vision.overlap`. Masks are compared at the camera's own resolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Verdict
from runtime.vision.overlap import overall_iou, overlap, precision_at
from training.expressions.attributes import COLOUR_NEIGHBOURS
from training.expressions.datatypes import Expression
from training.scenes.datatypes import SceneObject
from training.scenes.split import is_mesh, split_of

PRECISION_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
COLOUR_WORDS = frozenset(COLOUR_NEIGHBOURS)
CORRECT_IOU = 0.5
"""A FOUND answer counts as correct from this IoU on (the usual level of referring segmentation)."""

_WRONG_FOUND = 0.02
_EXPECTED_VERDICT = {"none": "NOT_FOUND", "one": "FOUND", "several": "AMBIGUOUS"}


@dataclass(frozen=True)
class Outcome:
    """What came of one expression.

    `chosen`: the mask lies on a referent more than on anything else.
    """

    kind: str
    count: str
    plural: bool
    intersection: int
    union: int
    chosen: bool
    absent_probability: float
    several_probability: float
    verdict: str
    confidence: float
    groups: tuple[str, ...] = ()
    """Further slices that it belongs to: "colour" where a colour is told, "withheld_scan" where it is about one."""

    @property
    def iou(self) -> float:
        """Empty against empty counts 1."""
        return self.intersection / self.union if self.union else 1.0

    @property
    def deserves_found(self) -> bool:
        return self.count == "one" or (self.plural and self.count != "none")

    @property
    def correct(self) -> bool:
        """The verdict is the one the ground truth asks for, and a FOUND mask is the referent's.

        UNSURE offers a mask as FOUND does, and is as right as that: its confidence is a promise as well.
        """
        expected = "FOUND" if self.plural and self.count != "none" else _EXPECTED_VERDICT[self.count]
        if ("FOUND" if self.verdict == "UNSURE" else self.verdict) != expected:
            return False
        return expected != "FOUND" or (self.chosen and self.iou >= CORRECT_IOU)


class Answered(Protocol):
    """What is scored of an answer; `runtime.Segmentation` and `runtime.vision.postprocess.Answer` both have it."""

    @property
    def raw_mask(self) -> npt.NDArray[np.bool_]: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def confidence(self) -> float: ...
    @property
    def count_probabilities(self) -> tuple[float, float, float]: ...


def outcome_of(
    expression: Expression,
    instances: npt.NDArray[np.int8],
    answer: Answered,
    objects: Sequence[SceneObject] = (),
) -> Outcome:
    """`answer` against the ground truth of `expression`; `instances` int8 (h, w) holds indices into `objects`.

    Without `objects`, as of photographs, nothing belongs to the slice "withheld_scan".
    """
    intersection, union, chosen = overlap(answer.raw_mask, instances, expression.referents)
    none, _, several = answer.count_probabilities
    return Outcome(
        kind=expression.kind,
        count=expression.count,
        plural=expression.plural,
        intersection=intersection,
        union=union,
        chosen=chosen,
        absent_probability=none,
        several_probability=several,
        verdict=answer.verdict.value,
        confidence=answer.confidence,
        groups=_groups(expression, objects),
    )


def _groups(expression: Expression, objects: Sequence[SceneObject]) -> tuple[str, ...]:
    """Of what a thing is told apart by, and whether every referent is a scanned or modelled mesh not trained on."""
    groups = []
    if expression.kind == "attribute" and not COLOUR_WORDS.isdisjoint(expression.text.split()):
        groups.append("colour")
    referents = [objects[index].identifier for index in expression.referents if objects]
    if referents and all(is_mesh(name) and split_of(name) != "train" for name in referents):
        groups.append("withheld_scan")
    return tuple(groups)


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney U), ties counted half; nan unless both classes occur."""
    values, labels = np.asarray(scores, np.float64), np.asarray(positive, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mean_rank[inverse][labels].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def expected_calibration_error(confidence: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by size; nan for none.

    Guo et al. 2017 (arXiv 1706.04599), section 2.
    """
    values, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if not values.size:
        return float("nan")
    index = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs(values[index == b].mean() - right[index == b].mean()) * (index == b).mean() for b in np.unique(index)]
    return float(sum(gaps))


def risk_coverage(outcomes: Sequence[Outcome]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What an ever lower threshold on the confidence would give: coverage and the share of wrong answers, as two (n,).

    Over the answers FOUND and UNSURE, the surest first; coverage is the share of the expressions that deserve FOUND
    which have got one of these answers, and a wrong one lies on no referent (El-Yaniv and Wiener 2010).
    """
    offered = sorted((o for o in outcomes if o.verdict in ("FOUND", "UNSURE")), key=lambda o: -o.confidence)
    deserving = max(1, sum(o.deserves_found for o in outcomes))
    covered = np.cumsum([o.deserves_found for o in offered], dtype=np.float64) / deserving
    return covered, np.cumsum([not o.chosen for o in offered]) / np.arange(1, len(offered) + 1)


def _figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """IoU figures over expressions that have a referent."""
    ious = [outcome.iou for outcome in outcomes]
    single = [outcome.chosen for outcome in outcomes if outcome.count == "one"]
    figures: dict[str, Any] = {
        "n": len(outcomes),
        "overall_iou": overall_iou([o.intersection for o in outcomes], [o.union for o in outcomes]),
        "mean_iou": float(np.mean(ious)) if ious else float("nan"),
    }
    figures |= {f"precision_at_{level}": precision_at(ious, level) for level in PRECISION_LEVELS}
    figures["right_object"] = float(np.mean(single)) if single else float("nan")
    return figures


def summarise(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """All figures of a test: IoU over expressions with a referent (raw mask, before the verdict), then the doubt.

    `right_object`: single-referent expressions whose mask chose the referent. `absent_auroc`: probability of "none",
    absent against the rest. `ambiguous_auroc`: probability of "several", ambiguous against unique singular
    expressions. `ece`: over all answers. `wrong_found_rate`: FOUND answers whose mask chose no referent (always so on
    an absent expression). `coverage`: expressions that deserve FOUND (one referent, or plural) and got it.
    `unsure_rate`: answers UNSURE. `coverage_at_2_percent_wrong`: see `risk_coverage`; the best of all thresholds.
    """
    everything = list(outcomes)
    present = [o for o in everything if o.count != "none"]
    singular = [o for o in present if not o.plural]
    found = [o for o in everything if o.verdict == "FOUND"]
    deserving = [o.verdict == "FOUND" for o in present if o.deserves_found]
    covered, wrong = risk_coverage(everything)
    summary = _figures(present)
    summary["slices"] = {
        name: _figures([o for o in present if name in (o.kind, *o.groups)])
        for name in sorted({name for o in present for name in (o.kind, *o.groups)})
    }
    summary["expressions"] = len(everything)
    summary["absent_auroc"] = auroc([o.absent_probability for o in everything], [o.count == "none" for o in everything])
    summary["ambiguous_auroc"] = auroc(
        [o.several_probability for o in singular], [o.count == "several" for o in singular]
    )
    summary["ece"] = expected_calibration_error([o.confidence for o in everything], [o.correct for o in everything])
    summary["answers_correct"] = float(np.mean([o.correct for o in everything])) if everything else float("nan")
    summary["wrong_found_rate"] = float(np.mean([not o.chosen for o in found])) if found else float("nan")
    summary["coverage"] = float(np.mean(deserving)) if deserving else float("nan")
    summary["unsure_rate"] = float(np.mean([o.verdict == "UNSURE" for o in everything])) if everything else float("nan")
    summary["coverage_at_2_percent_wrong"] = float(covered[wrong <= _WRONG_FOUND].max(initial=0.0))
    return summary

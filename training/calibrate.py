"""Fit what turns a checkpoint's numbers into probabilities on validation shards and store them in its JSON.

`python training/calibrate.py --checkpoint FILE --data DIR`. Temperatures after Guo et al. 2017 (arXiv 1706.04599); what
they leave of the gap between confidence and truth, a logistic curve for each kind of answer takes (Platt 1999).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from runtime.datatypes import CONFIDENCE_KINDS
from runtime.entry import command_line
from runtime.language.vocabulary import Vocabulary
from runtime.vision.overlap import overlap
from runtime.vision.postprocess import grid_window, mask_evidence, scaled_confidence, weigh_evidence
from training.checkpoint import load_checkpoint, write_atomically
from training.data.rendered import COUNT_CLASSES, RenderedShards
from training.evaluate import CALIBRATION, THRESHOLDS, judge, predict, shard_views
from training.losses import MISTAKEN
from training.metrics import CORRECT_IOU, Outcome, summarise

Array = npt.NDArray[np.float64]
_RANGE = (0.2, 20.0)  # temperatures that are looked at


def fit_temperature(loss: Callable[[float], float]) -> float:
    """The temperature in 0.2..20 with the least `loss`."""
    found = minimize_scalar(lambda log: loss(float(np.exp(log))), bounds=tuple(np.log(_RANGE)), method="bounded")
    return float(np.exp(found.x))


def fit_counts(logits: Array, evidence: Array, labels: npt.NDArray[np.int64]) -> dict[str, float]:
    """Temperature of the counts, and how the mask's `evidence` (N,) bears on them: the likeliest for `labels` (N,)."""

    def settings(x: Array) -> dict[str, float]:
        temperature = float(np.exp(np.clip(x[0], *np.log(_RANGE))))
        return {"count_temperature": temperature, "evidence_weight": float(x[1]), "evidence_offset": float(x[2])}

    def loss(x: Array) -> float:
        return cross_entropy(weigh_evidence(logits, evidence, settings(x)), labels)

    start = np.array([0.0, 0.1, float(evidence.mean())])
    return settings(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).x)


def fit_confidences(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Slope and offset for each of `CONFIDENCE_KINDS`: the likeliest for which of its `outcomes` are correct.

    Each starts at 1 and 0 and is held there by a weak prior, so that a kind of few answers stays as it was.
    """
    fitted: dict[str, float] = {}
    for kind in CONFIDENCE_KINDS:
        of_kind = [o for o in outcomes if kind_of(o) == kind]
        values = np.clip([o.confidence for o in of_kind], 1e-6, 1 - 1e-6)
        logits, right = np.log(values / (1 - values)), np.array([o.correct for o in of_kind], bool)
        slope, offset = minimize(_platt_loss, np.zeros(2), args=(logits, right)).x
        fitted |= {f"{kind}_slope": float(np.exp(slope)), f"{kind}_offset": float(offset)}
    return fitted


def _platt_loss(x: Array, logits: Array, right: npt.NDArray[np.bool_]) -> float:
    scaled = np.exp(x[0]) * logits + x[1]
    return float(np.logaddexp(0, np.where(right, -scaled, scaled)).sum() + (x**2).sum())


def kind_of(outcome: Outcome) -> str:
    """Which of `CONFIDENCE_KINDS` an answer is of."""
    if outcome.verdict == "NOT_FOUND":
        return "absent"
    return "ambiguous" if outcome.verdict == "AMBIGUOUS" else "plural" if outcome.plural else "found"


def cross_entropy(logits: Array, labels: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of `labels` (N,) under softmax(`logits` (N, C))."""
    scaled = logits - logits.max(1, keepdims=True)
    log_sums = np.log(np.exp(scaled).sum(1))
    return float((log_sums - scaled[np.arange(len(labels)), labels]).mean())


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit, store, and return before and after as the last-line JSON."""
    model, metadata = load_checkpoint(arguments.checkpoint)
    vocabulary = Vocabulary.from_json(metadata["vocabulary"])
    views = RenderedShards(arguments.data)
    counts, evidence, labels, masks, right = [], [], [], [], []
    for image, instances, expressions in shard_views(views, arguments.views):
        prediction = predict(model, vocabulary, image, [expression.text for expression in expressions])
        for index, expression in enumerate(expressions):
            logits = prediction.mask_logits[index]
            if prediction.count_logits is not None:
                counts.append(prediction.count_logits[index])
            evidence.append(mask_evidence(logits[grid_window(logits.shape, prediction.place)]))
            labels.append(COUNT_CLASSES[expression.count])
            if expression.count != "one":
                continue
            answer = prediction.answer(index, expression, THRESHOLDS, CALIBRATION)
            intersection, union, hit = overlap(answer.raw_mask, instances, expression.referents)
            fits = hit and intersection / union >= CORRECT_IOU
            if counts and len(counts[-1]) > MISTAKEN and not fits:
                labels[-1] = MISTAKEN
            chosen = logits[logits > THRESHOLDS["mask_logit"]]
            if chosen.size:
                masks.append(chosen.astype(np.float64))
                right.append(fits)
    # Of a network that does not count, as the one of 2016, only the masks can be calibrated.
    fitted = CALIBRATION
    if counts:
        fitted = CALIBRATION | fit_counts(np.asarray(counts, np.float64), np.asarray(evidence), np.asarray(labels))
    # A network that finds nothing yet has no masks to learn from.
    mask_temperature = fit_temperature(lambda t: mask_log_loss(masks, np.asarray(right), t)) if masks else 1.0
    calibration = {**fitted, "mask_temperature": mask_temperature}
    before, cooled = (
        judge(model, vocabulary, shard_views(views, arguments.views), thresholds=THRESHOLDS, calibration=temperatures)
        for temperatures in (CALIBRATION, calibration)
    )
    calibration |= fit_confidences(cooled)
    after = [replace(o, confidence=scaled_confidence(o.confidence, kind_of(o), calibration)) for o in cooled]
    thresholds = {**THRESHOLDS, "found_confidence": least_confidence(after, arguments.wrong_found)}
    metadata |= {"calibration": calibration, "thresholds": thresholds}
    write_atomically(arguments.checkpoint.with_suffix(".json"), json.dumps(metadata, indent=1) + "\n")
    return {
        **calibration,
        "found_confidence": thresholds["found_confidence"],
        "expressions": len(labels),
        "ece_before": summarise(before)["ece"],
        "ece_after": summarise(after)["ece"],
    }


def least_confidence(outcomes: Sequence[Outcome], wrong: float) -> float:
    """The least confidence from which on at most the share `wrong` of the answers FOUND lies on a wrong thing.

    Plural answers are FOUND at any confidence. 1.0 where no threshold is strict enough, 0.0 where none is needed.
    """
    found = [o for o in outcomes if o.verdict == "FOUND"]
    always = [not o.chosen for o in found if o.plural]
    single = sorted((o for o in found if not o.plural), key=lambda o: o.confidence)
    mistakes, count = sum(always) + sum(not o.chosen for o in single), len(found)
    for outcome in single:
        if mistakes <= wrong * count:
            return 0.0 if outcome is single[0] else outcome.confidence
        mistakes, count = mistakes - (not outcome.chosen), count - 1
    return 1.0


def mask_log_loss(masks: Sequence[Array], right: npt.NDArray[np.bool_], temperature: float) -> float:
    """Log loss of "the mask is right" when its mean foreground probability is taken as that probability.

    `masks`: the positive logits of each mask.
    """
    confidence = np.array([float((1 / (1 + np.exp(-logits / temperature))).mean()) for logits in masks])
    confidence = np.clip(confidence, 1e-6, 1 - 1e-6)
    return float(-np.where(right, np.log(confidence), np.log(1 - confidence)).mean())


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add(
        "--checkpoint",
        type=Path,
        default=Path("training/checkpoints/tabletop-320.safetensors"),
        help="its JSON is rewritten",
    )
    add("--data", type=Path, nargs="+", required=True, help="folders of shards of the validation split")
    add("--views", type=int, default=400, help="how many views to look at")
    add("--wrong-found", type=float, default=0.02, help="share of the answers FOUND that may lie on a wrong thing")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

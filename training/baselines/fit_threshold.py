"""Choose the thresholds of a per-word network: `python training/baselines/fit_threshold.py --checkpoint C --data DIR`.

A word's map is trained to be rarely positive, so 0 is too high for their mean and for their minimum. Stored in the
checkpoint's JSON, under `combinations`: for each the threshold with the best overall IoU on validation shards; that of
the network's own combination also as its `mask_logit`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.postprocess import unletterbox_logits
from training.checkpoint import load_checkpoint, write_atomically
from training.data.rendered import Views
from training.data.views import DATASETS, open_views
from training.evaluate import predict, shard_views
from training.models import ReferringSegmenter
from training.models.per_word import COMBINATIONS, PerWordSegmenter

_CANDIDATES = np.linspace(-9, 6, 151)


class ThresholdSweep:
    """Overall IoU at every candidate threshold, from histograms of the logits inside and outside the referents."""

    def __init__(self, candidates: npt.NDArray[np.float64]) -> None:
        """`candidates` (K,) ascending."""
        self.candidates = candidates
        self._inside = np.zeros(len(candidates) + 1)
        self._outside = np.zeros(len(candidates) + 1)

    def add(self, logits: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_]) -> None:
        """Count the pixels of one expression, both (h, w)."""
        bins = np.searchsorted(self.candidates, logits)  # logits above candidate k: bin k + 1 or later
        self._inside += np.bincount(bins[truth], minlength=len(self._inside))
        self._outside += np.bincount(bins[~truth], minlength=len(self._outside))

    def best(self) -> tuple[float, float]:
        """The candidate with the highest overall IoU, and that IoU."""
        intersections = self._inside[::-1].cumsum()[::-1][1:]
        unions = self._outside[::-1].cumsum()[::-1][1:] + self._inside.sum()
        ious = intersections / np.maximum(unions, 1)
        return float(self.candidates[ious.argmax()]), float(ious.max())


def fit(model: ReferringSegmenter, vocabulary: Vocabulary, views: Views, limit: int) -> tuple[float, float]:
    """The best threshold over expressions with a referent in `limit` views, and its overall IoU."""
    sweep = ThresholdSweep(_CANDIDATES)
    for image, instances, expressions in shard_views(views, limit):
        present = [expression for expression in expressions if expression.referents]
        if not present:
            continue
        prediction = predict(model, vocabulary, image, [expression.text for expression in present])
        for expression, logits in zip(present, prediction.mask_logits, strict=True):
            sweep.add(unletterbox_logits(logits, prediction.place), np.isin(instances, expression.referents))
    return sweep.best()


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit both combinations and store their thresholds; returns the last-line JSON."""
    model, metadata = load_checkpoint(arguments.checkpoint)
    if not isinstance(model, PerWordSegmenter):
        raise SaymaskError(f"{arguments.checkpoint}: a {metadata['architecture']!r} network, expected 'per_word'")
    vocabulary = Vocabulary.from_json(metadata["vocabulary"])
    views = open_views(arguments.dataset, arguments.data, arguments.split, arguments.split_by)
    own, result = model.combine, dict[str, Any]()
    for combine in COMBINATIONS:
        model.combine = combine
        threshold, iou = fit(model, vocabulary, views, arguments.views)
        result[combine] = {"threshold": round(threshold, 3), "validation_overall_iou": iou}
    metadata["combinations"] = {combine: item["threshold"] for combine, item in result.items()}
    metadata["thresholds"]["mask_logit"] = metadata["combinations"][own]
    write_atomically(arguments.checkpoint.with_suffix(".json"), json.dumps(metadata, indent=1) + "\n")
    return result


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="its JSON is rewritten")
    add("--dataset", choices=DATASETS, default="rendered", help="what --data holds")
    add("--data", type=Path, nargs="+", required=True, help="validation shards, or the folder of a published data set")
    add("--split", default="val", help="split of a published data set")
    add("--split-by", help="who split it, where there are several: unc, umd or google")
    add("--views", type=int, default=200, help="how many views to look at")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""Score a checkpoint in PyTorch: `python training/evaluate.py --checkpoint FILE --data DIR`.

DIR holds shards or a committed test set; `--dataset referit --root DIR` scores on a published data set instead, and
`--baseline NAME` one of the baselines of the 2016 paper with that checkpoint. The exported bundle is scored by
benchmarks/accuracy.py. The metrics are the same everywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from runtime.datatypes import CONFIDENCE_KINDS
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.postprocess import Answer, interpret
from runtime.vision.preprocess import Letterbox, letterbox
from training.baselines import BASELINES, evaluate_predictor, open_predictor
from training.checkpoint import load_checkpoint
from training.data.referents import ReferentViews
from training.data.rendered import RenderedShards, Views
from training.data.testset import iterate_test_set
from training.data.views import DATASETS, open_views
from training.expressions.datatypes import Expression
from training.metrics import Outcome, outcome_of, summarise
from training.models import ReferringSegmenter

THRESHOLDS = {
    "mask_logit": 0.0,
    "absent_probability": 0.5,
    "ambiguous_probability": 0.5,
    "piece_share": 0.7,
    "found_confidence": 0.0,
}
CALIBRATION = {
    "count_temperature": 1.0,
    "mask_temperature": 1.0,
    "evidence_weight": 0.0,
    "evidence_offset": 0.0,
    **{f"{kind}_slope": 1.0 for kind in CONFIDENCE_KINDS},
    **{f"{kind}_offset": 0.0 for kind in CONFIDENCE_KINDS},
}
"""What a network is judged by before training/calibrate.py has seen it."""

_EXPRESSIONS_AT_ONCE = 12
_SHARD_VIEWS = 400

Labelled = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], Sequence[Expression]]
"""Image uint8 (h, w, 3) RGB, instances int8 (h, w), expressions about it."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The network's numbers for the expressions of one image: mask (N, h, w), count (N, 3) or None."""

    mask_logits: npt.NDArray[np.float32]
    count_logits: npt.NDArray[np.float32] | None
    place: Letterbox

    def answer(
        self, index: int, expression: Expression, thresholds: Mapping[str, float], calibration: Mapping[str, float]
    ) -> Answer:
        """Judge one expression by the runtime's own rules; candidates are not cut apart."""
        return interpret(
            self.mask_logits[index],
            None if self.count_logits is None else self.count_logits[index],
            None,
            self.place,
            thresholds=thresholds,
            calibration=calibration,
            plural=expression.plural,
        )


@torch.inference_mode()
def predict(
    model: ReferringSegmenter, vocabulary: Vocabulary, image: npt.NDArray[np.uint8], texts: Sequence[str]
) -> Prediction:
    """Run the network on one image uint8 (h, w, 3) RGB and N expressions."""
    pixels, place = letterbox(image, model.spec.image_size)
    tokens = vocabulary.encode(texts, model.spec.max_words)
    features = model.encode_image(torch.from_numpy(pixels)[None])
    masks, counts = [], []
    for start in range(0, len(texts), _EXPRESSIONS_AT_ONCE):
        part = slice(start, start + _EXPRESSIONS_AT_ONCE)
        text = model.encode_text(torch.from_numpy(tokens.ids[part]), torch.from_numpy(tokens.lengths[part]))
        outputs = model.decode(features, text)
        masks.append(outputs["mask_logits"].float().numpy())
        if "count_logits" in outputs:
            counts.append(outputs["count_logits"].float().numpy())
    return Prediction(np.concatenate(masks), np.concatenate(counts) if counts else None, place)


def judge(
    model: ReferringSegmenter,
    vocabulary: Vocabulary,
    views: Iterable[Labelled],
    *,
    thresholds: Mapping[str, float],
    calibration: Mapping[str, float],
) -> list[Outcome]:
    """What comes of every expression of `views`, for the figures of training/metrics.py."""
    outcomes: list[Outcome] = []
    for image, instances, expressions in views:
        prediction = predict(model, vocabulary, image, [expression.text for expression in expressions])
        for index, expression in enumerate(expressions):
            answer = prediction.answer(index, expression, thresholds, calibration)
            outcomes.append(outcome_of(expression, instances, answer))
    return outcomes


def shard_views(views: Views, limit: int, per_view: int = 12) -> Iterator[Labelled]:
    """`limit` views evenly spaced, with `per_view` of their expressions evenly spaced."""
    chosen = np.linspace(0, len(views) - 1, min(limit, len(views))).round().astype(int)
    for index in tqdm(chosen.tolist(), desc="evaluating", leave=False):
        image, instances, expressions = views.view(index)
        yield image, instances, expressions[:: max(1, len(expressions) // per_view)][:per_view]


def evaluate_shards(model: ReferringSegmenter, views: Views, vocabulary: Vocabulary, limit: int) -> dict[str, Any]:
    """Figures over a part of a folder of shards, uncalibrated; what training watches."""
    views_seen = shard_views(views, limit)
    return summarise(judge(model, vocabulary, views_seen, thresholds=THRESHOLDS, calibration=CALIBRATION))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Score the checkpoint as the arguments say; returns the last-line JSON."""
    if arguments.dataset == "rendered":
        return _score(arguments, _rendered(arguments))
    if arguments.root is None:
        raise SaymaskError(f"--dataset {arguments.dataset} needs --root, the folder that it lies in")
    published = open_views(arguments.dataset, [arguments.root], arguments.split, arguments.split_by)
    assert isinstance(published, ReferentViews)
    figures = _score(arguments, published.every(arguments.views))
    told = {"dataset": arguments.dataset, "split": arguments.split, "referents": len(published)}
    return {**told, "passed_over": dict(published.counts), **figures}


def _rendered(arguments: argparse.Namespace) -> Iterable[Labelled]:
    if (arguments.data / "test.json").is_file():
        tests = tqdm(iterate_test_set(arguments.data), desc="evaluating")
        return ((test.image, test.instances, test.expressions) for test in tests)
    return shard_views(RenderedShards([arguments.data]), arguments.views or _SHARD_VIEWS)


def _score(arguments: argparse.Namespace, views: Iterable[Labelled]) -> dict[str, Any]:
    if arguments.baseline:
        return evaluate_predictor(open_predictor(arguments.baseline, arguments.checkpoint), views)
    model, metadata = load_checkpoint(arguments.checkpoint)
    outcomes = judge(
        model,
        Vocabulary.from_json(metadata["vocabulary"]),
        views,
        thresholds=THRESHOLDS | metadata["thresholds"],
        calibration=CALIBRATION | metadata["calibration"],
    )
    return summarise(outcomes)


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add(
        "--checkpoint",
        type=Path,
        default=Path("training/checkpoints/tabletop-320.safetensors"),
        help="weights to score",
    )
    add("--data", type=Path, default=Path("benchmarks/data/tabletop-test"), help="folder of shards, or a test set")
    add("--views", type=int, help=f"how many views to look at; all of a published set, {_SHARD_VIEWS} of shards")
    add("--dataset", choices=DATASETS, default="rendered", help="what is scored on; all but rendered need --root")
    add("--root", type=Path, help="folder of a published data set, as its authors lay it out")
    add("--split", default="test", help="val, test, testA, ...")
    add("--split-by", help="who split it, where several did: unc, umd, google")
    add("--baseline", choices=BASELINES, help="score this baseline of the 2016 paper instead of the network")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""Score exported bundles on the committed test set: `python benchmarks/accuracy.py [--model DIR ...]`.

Runs what the robot runs (runtime.Segmenter on the ONNX graphs). IoU, precision and right_object are of the raw mask,
before the verdict, over expressions with at least one referent; training/metrics.py defines every figure. With one
model the last line of JSON holds its figures; with several, `models` holds them by path. `--table 2016` measures the
2016 network and its baselines instead, see benchmarks/table2016.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.report import machine, plain, shown, write_json
from benchmarks.workload import PHOTO_SENTENCES, TEST_SET
from runtime import Command, Frame, Segmentation, Segmenter
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from training.data.coco_sentences import load_coco_sentences
from training.data.testset import TestImage, load_test_set
from training.expressions.datatypes import Expression
from training.metrics import Outcome, outcome_of, summarise


@dataclass(frozen=True, eq=False)
class Scored:
    """One answer with what it was asked and what came of it."""

    image: TestImage
    expression: Expression
    answer: Segmentation
    outcome: Outcome


def ask(segmenter: Segmenter, image: TestImage) -> list[Segmentation]:
    """What `segmenter` makes of every expression about `image`, in one batch as a robot with several targets would."""
    commands = [
        Command(transcript=item.text, action="none", target=item.text, plural=item.plural) for item in image.expressions
    ]
    return segmenter.segment_many(Frame.from_array(image.image), commands)


def score(segmenter: Segmenter, image: TestImage) -> list[Scored]:
    """The answers of `ask` with what came of them."""
    return [
        Scored(image, expression, answer, outcome_of(expression, image.instances, answer, image.objects))
        for expression, answer in zip(image.expressions, ask(segmenter, image), strict=True)
    ]


def evaluate_bundle(model: Path, images: Sequence[TestImage], *, backend: str = "auto") -> list[Outcome]:
    """One outcome per expression of `images`. Raises SaymaskError for a bad bundle."""
    with Segmenter(model, backend=backend) as segmenter:
        progress = tqdm(images, desc=model.name, unit="image")
        return [scored.outcome for image in progress for scored in score(segmenter, image)]


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """What to score on: a test set, or photographs with sentences about them."""
    parser.add_argument("--data", type=Path, default=TEST_SET, metavar="DIR", help="test set")
    parser.add_argument("--coco", type=Path, metavar="DIR", help="photographs with instances.json, instead of --data")
    parser.add_argument("--sentences", type=Path, default=PHOTO_SENTENCES, help="sentences about those photographs")


def load_images(args: argparse.Namespace) -> list[TestImage]:
    """The images that the options of `add_data_options` name."""
    return load_coco_sentences(args.coco, args.sentences) if args.coco else load_test_set(args.data)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Score every model, plot them, and return the figures; or the table that `--table` names."""
    if args.table:
        return _table(args)
    if args.stored or args.rows:
        raise SaymaskError("--stored and --rows belong to --table 2016")
    images = load_images(args)
    outcomes = {shown(model): evaluate_bundle(model, images, backend=args.backend) for model in args.model}
    figures = {name: plain(summarise(answers)) for name, answers in outcomes.items()}
    result: dict[str, Any] = {"data": shown(args.coco or args.data), "images": len(images)} | machine()
    if len(figures) == 1:
        ((name, only),) = figures.items()
        result |= {"model": name, **only}
    else:
        result["models"] = figures
    if args.plot:
        from benchmarks.plots import plot_accuracy  # a robot need not have matplotlib

        result["plot"] = shown(plot_accuracy(outcomes, args.plot))
    if args.out:
        write_json(args.out, result)
    return result


def _table(args: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import table2016  # needs torch and scikit-image

    out = args.out or table2016.RESULT
    if args.stored:
        return table2016.stored_table(out)
    return table2016.run_table(load_images(args), data=args.coco or args.data, runs=args.runs, rows=args.rows, out=out)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--model", type=Path, nargs="+", default=[DEFAULT_MODEL], metavar="DIR", help="bundles to score"
    )
    add_data_options(parser)
    parser.add_argument("--backend", default="auto", help="what runs the graphs")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw figures by kind and calibration here")
    parser.add_argument("--out", type=Path, metavar="JSON", help="also write the JSON here")
    parser.add_argument("--table", choices=["2016"], help="measure the 2016 paper's table instead of --model")
    parser.add_argument("--stored", action="store_true", help="only print that table as it was last measured")
    parser.add_argument("--rows", nargs="+", default=[], metavar="ROW", help="measure only these rows of it again")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/2016"), help="where training/train_2016.py left its runs"
    )
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

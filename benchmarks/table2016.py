"""The table of the 2016 paper on the rendered test set: `python benchmarks/accuracy.py --table 2016 [--stored]`.

Rows are the paper's baselines, its network at low and at high resolution, and the edge model; the checkpoints are made
by training/train_2016.py. IoU figures count expressions with at least one referent. Everything runs in one thread: the
checkpoints in PyTorch, the edge model as it is shipped, in ONNX Runtime.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from tqdm import tqdm

from benchmarks.accuracy import ask
from benchmarks.report import machine, plain, shown, write_json
from runtime import Segmenter
from runtime.bundle import DEFAULT_MODEL
from runtime.errors import SaymaskError
from training.baselines import Measured, measure, open_predictor
from training.data.testset import TestImage
from training.metrics import PRECISION_LEVELS, outcome_of
from training.train import git_commit
from training.train_2016 import CHECKPOINT_OF

RESULT = Path(__file__).parent / "results" / "table-2016.json"
NOT_TRAINED = "not trained here"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `baseline` is what `open_predictor` knows it by, None for the edge model. `stages` are the training runs that it
    took, the last of which made the checkpoint.
    """

    name: str
    label: str
    baseline: str | None
    stages: tuple[str, ...] = ()


ROWS = (
    Row("whole_image", "whole image", "whole_image"),
    Row("per_word_average", "per word, average", "per_word_average", ("per_word",)),
    Row("per_word_intersection", "per word, intersection", "per_word_intersection", ("per_word",)),
    Row("proposals", "proposals (felzenszwalb), classified", "proposals", ("region",)),
    Row("box", "best box, all of it", "box", ("region",)),
    Row("box_grabcut", "best box, GrabCut", "box_grabcut", ("region",)),
    Row("low", "2016 network, low resolution", "network", ("region", "low")),
    Row("high", "2016 network, high resolution", "network", ("region", "low", "high")),
    Row(
        "high_vgg16",
        "2016 network, VGG-16 from scratch",
        "network",
        ("vgg16_region", "vgg16_low", "vgg16_high"),
    ),
    Row("edge", "edge model (tabletop-320)", None),
    Row("short_low", "short runs: 2016 network, low resolution", "network", ("short/region", "short/low")),
    Row(
        "short_high",
        "short runs: 2016 network, high resolution",
        "network",
        ("short/region", "short/low", "short/high"),
    ),
    Row("short_edge", "short runs: edge network", "network", ("short/words", "short/edge")),
)
"""The short runs see the same images, as many expressions and the same backbone weights: see training/README.md."""


def run_table(images: Sequence[TestImage], *, data: Path, runs: Path, rows: Sequence[str], out: Path) -> dict[str, Any]:
    """Measure the rows named (none: all), keep the others as `out` has them, print the table and write `out`.

    Raises SaymaskError for a row of another name and where `runs` holds no checkpoint at all.
    """
    names = [row.name for row in ROWS]
    for name in rows:
        if name not in names:
            raise SaymaskError(f"the table has no row {name!r}; choose from {', '.join(names)}")
    if not any(_checkpoint(row, runs) for row in ROWS if row.stages):
        raise SaymaskError(f"{runs} holds no checkpoint; python training/train_2016.py makes them, --stored needs none")
    kept = {row["name"]: row for row in (json.loads(out.read_text())["rows"] if rows and out.is_file() else ())}
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    result: dict[str, Any] = {"table": "2016", "data": shown(data), "images": len(images), "rows": []}
    for row in ROWS:
        again = not rows or row.name in rows or row.name not in kept
        result["rows"].append(measure_row(row, images, runs) if again else kept[row.name])
    write_json(out, result)
    sys.stderr.write(table(result) + "\n")
    return result


def stored_table(out: Path) -> dict[str, Any]:
    """Print the table as it was last measured. Raises SaymaskError where there is none."""
    try:
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        sys.stderr.write(table(result) + "\n")
    except (OSError, ValueError, KeyError) as error:
        raise SaymaskError(
            f"{out}: no stored table ({error!r}); measure it with python benchmarks/accuracy.py --table 2016"
        ) from error
    return result


def measure_row(row: Row, images: Sequence[TestImage], runs: Path) -> dict[str, Any]:
    """Figures of one row with the machine, the commit and the training behind them; or that it is not trained here."""
    described: dict[str, Any] = {"name": row.name, "label": row.label}
    checkpoint = _checkpoint(row, runs)
    if row.stages and checkpoint is None:
        return described | {"status": NOT_TRAINED}
    if row.baseline is None:
        measured = _measure_edge(images)
    else:
        views = ((image.image, image.instances, image.expressions) for image in tqdm(images, desc=row.name))
        measured = measure(open_predictor(row.baseline, checkpoint), views)
    training = [_training(runs / CHECKPOINT_OF.format(stage)) for stage in row.stages]
    here = {"commit": git_commit(), **machine(), "threads": 1}
    return described | {"status": "measured", "figures": plain(measured.summary()), "training": training, **here}


def _checkpoint(row: Row, runs: Path) -> Path | None:
    """The checkpoint that a row is measured with, where there is one."""
    if not row.stages:
        return None
    path = runs / CHECKPOINT_OF.format(row.stages[-1])
    return path if path.is_file() else None


def _training(checkpoint: Path) -> dict[str, Any]:
    """What a training run saw and took, from its checkpoint's JSON."""
    try:
        provenance = json.loads(checkpoint.with_suffix(".json").read_text(encoding="utf-8"))["provenance"]
    except (OSError, ValueError, KeyError):
        return {"run": checkpoint.parent.name, "provenance": "lost"}
    wanted = ("step", "samples", "seconds", "training_views", "machine", "commit", "date")
    return {"run": checkpoint.parent.name, **{name: provenance[name] for name in wanted if name in provenance}}


def _measure_edge(images: Sequence[TestImage]) -> Measured:
    """The default bundle, as a robot runs it."""
    outcomes, seconds = [], 0.0
    with Segmenter(DEFAULT_MODEL, backend="ort-cpu", threads=1) as segmenter:
        for image in tqdm(images, desc="edge"):
            started = time.perf_counter()
            answers = ask(segmenter, image)
            seconds += time.perf_counter() - started
            pairs = zip(image.expressions, answers, strict=True)
            outcomes += [outcome_of(expression, image.instances, answer) for expression, answer in pairs]
    return Measured(outcomes, len(images), seconds / max(len(images), 1))


def table(result: Mapping[str, Any]) -> str:
    """The table for a person."""
    head = ("", *(f"p@{level}" for level in PRECISION_LEVELS), "overall IoU", "relation IoU", "s/image")
    lines = [head, ("---",) * len(head)]
    for row in result["rows"]:
        if row["status"] != "measured":
            lines.append((row["label"], row["status"], *("",) * (len(head) - 2)))
            continue
        figures = row["figures"]
        numbers = [figures[f"precision_at_{level}"] for level in PRECISION_LEVELS]
        numbers += [figures["overall_iou"], figures["slices"].get("relation", {}).get("overall_iou")]
        shares = ["-" if number is None else f"{100 * number:.2f}" for number in numbers]
        lines.append((row["label"], *shares, f"{figures['seconds_per_image']:.2f}"))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

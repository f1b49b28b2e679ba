"""Accuracy: an oracle scores full marks, each way to be wrong lowers the figure that is meant to see it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.accuracy import main
from benchmarks.plots import plot_accuracy, plot_latency
from benchmarks.timing import summarise as summarise_times
from runtime import Command, Segmentation, Verdict
from training.data.testset import TestImage
from training.expressions.datatypes import Expression
from training.metrics import Outcome, outcome_of, summarise

COUNTS = {"none": (0.9, 0.05, 0.05), "one": (0.05, 0.9, 0.05), "several": (0.05, 0.05, 0.9)}


def oracle(image: TestImage, expression: Expression, **changes: Any) -> Segmentation:
    """The right answer, with `changes` to its fields."""
    mask = image.mask(expression)
    verdict = {"none": Verdict.NOT_FOUND, "one": Verdict.FOUND, "several": Verdict.AMBIGUOUS}[expression.count]
    fields: dict[str, Any] = {
        "mask": mask,
        "raw_mask": mask,
        "verdict": Verdict.FOUND if expression.plural else verdict,
        "confidence": 1.0,
        "candidates": (),
        "box": None,
        "centroid": None,
        "command": Command(expression.text, "none", expression.text, plural=expression.plural),
        "stamp_ns": 0,
        "camera_frame": "",
        "count_probabilities": COUNTS[expression.count],
    }
    return Segmentation(**(fields | changes))


def outcomes_of(images: Sequence[TestImage], **changes: Any) -> list[Outcome]:
    return [
        outcome_of(expression, image.instances, oracle(image, expression, **changes))
        for image in images
        for expression in image.expressions
    ]


def test_oracle_gets_full_marks(images: list[TestImage]) -> None:
    figures = summarise(outcomes_of(images))
    for name in ("overall_iou", "mean_iou", "precision_at_0.9", "right_object", "absent_auroc", "ambiguous_auroc"):
        assert figures[name] == 1.0, name
    assert (figures["ece"], figures["wrong_found_rate"], figures["coverage"]) == (0.0, 0.0, 1.0)
    assert set(figures["slices"]) == {"attribute", "colour", "position", "category", "plural"}


def test_iou_is_of_the_raw_mask(images: list[TestImage]) -> None:
    """A verdict of NOT_FOUND empties `mask`, and must not change the figures of the mask."""
    empty = np.zeros_like(images[0].instances, bool)
    figures = summarise(outcomes_of(images, mask=empty, verdict=Verdict.NOT_FOUND))
    assert figures["overall_iou"] == 1.0
    assert figures["coverage"] == 0.0


def test_always_found_is_counted_as_wrong(images: list[TestImage]) -> None:
    everything = np.ones_like(images[0].instances, bool)
    figures = summarise(
        outcomes_of(images, raw_mask=everything, verdict=Verdict.FOUND, count_probabilities=COUNTS["one"])
    )
    assert figures["absent_auroc"] == figures["ambiguous_auroc"] == 0.5
    assert figures["wrong_found_rate"] >= 1 / 6
    assert figures["ece"] > 0.9


def test_probabilities_are_not_swapped(images: list[TestImage]) -> None:
    image = images[0]
    absent = next(expression for expression in image.expressions if not expression.referents)
    outcome = outcome_of(absent, image.instances, oracle(image, absent, count_probabilities=(0.7, 0.1, 0.2)))
    assert (outcome.absent_probability, outcome.several_probability) == (0.7, 0.2)


def test_plots_are_pictures(images: list[TestImage], tmp_path: Path) -> None:
    outcomes = outcomes_of(images, confidence=0.8)
    times = {stage: summarise_times([1.0, 2.0, 9.0]) for stage in ("preprocess", "end_to_end")}
    paths = [
        plot_accuracy({"a": outcomes, "b": outcomes}, tmp_path / "new" / "accuracy.png"),
        plot_latency({"cpu": times, "bare session": {"preprocess": times["preprocess"]}}, tmp_path / "latency.png"),
    ]
    for path in paths:
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.std() > 5


@pytest.mark.parametrize("count", ["none", "one", "several"])
def test_one_wrong_verdict_is_one_wrong_answer(images: list[TestImage], count: str) -> None:
    image = images[0]
    expression = next(item for item in image.expressions if item.count == count and not item.plural)
    right = oracle(image, expression)
    assert outcome_of(expression, image.instances, right).correct
    for verdict in Verdict:
        changed = outcome_of(expression, image.instances, oracle(image, expression, verdict=verdict))
        offered = verdict is Verdict.UNSURE and right.verdict is Verdict.FOUND  # the right thing, to be confirmed
        assert changed.correct == (verdict == right.verdict or offered)


def test_entry_scores_a_bundle(
    tiny_bundle: Path, test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tiny bundle finds what a colour names, and that there is no unicorn; it knows no places and no plurals."""
    out, plot = tmp_path / "figures.json", tmp_path / "figures.png"
    arguments = ["--model", str(tiny_bundle), "--data", str(test_set), "--out", str(out), "--plot", str(plot)]
    assert main(arguments) == 0

    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["slices"]["attribute"]["precision_at_0.7"] == 1.0
    assert result["slices"]["attribute"]["right_object"] == 1.0
    assert result["slices"]["position"]["mean_iou"] == result["slices"]["plural"]["mean_iou"] == 0.0
    assert (result["images"], result["expressions"]) == (4, 24)
    assert {"overall_iou", "absent_auroc", "ambiguous_auroc", "ece", "wrong_found_rate", "coverage"} < set(result)
    assert json.loads(out.read_text()) == result
    assert plot.stat().st_size > 1000


def test_entry_scores_several_bundles(
    tiny_bundle: Path, test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(tiny_bundle, tmp_path / tiny_bundle.name)  # of the same name
    assert main(["--model", str(tiny_bundle), str(other), "--data", str(test_set)]) == 0
    first, second = json.loads(capsys.readouterr().out.splitlines()[-1])["models"].values()
    assert first == second
    assert first["n"] == 20


def test_bad_input_is_one_line(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", str(tiny_bundle), "--data", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("error: ")

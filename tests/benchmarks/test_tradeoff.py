"""Accuracy and latency of several bundles on one plot."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from benchmarks.tradeoff import main


def written(folder: Path, *models: str) -> list[str]:
    stages = {"end_to_end": {"p50": 20.0}, "further_sentence": {"p50": 7.0}}
    times = {"model": "models/large", "backends": {"ort-cpu": stages, "models/small": {**stages}}}
    (folder / "latency.json").write_text(json.dumps(times))
    for model in models:
        figures = {"model": f"models/{model}", "right_object": 0.8, "mean_iou": 0.7}
        (folder / f"{model}.json").write_text(json.dumps(figures))
    accuracies = [str(folder / f"{model}.json") for model in models]
    return ["--accuracy", *accuracies, "--latency", str(folder / "latency.json"), "--plot", str(folder / "plot.png")]


def test_each_bundle_has_its_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(written(tmp_path, "large", "small")) == 0
    rows = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["rows"]
    assert rows == [
        {"model": model, "right_object": 0.8, "mean_iou": 0.7, "end_to_end": 20.0, "further_sentence": 7.0}
        for model in ("large", "small")
    ]
    assert cv2.imread(str(tmp_path / "plot.png")) is not None


def test_a_bundle_that_was_not_timed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(written(tmp_path, "large", "tiny")) == 2
    assert "has no times of tiny" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--accuracy", str(tmp_path / "none.json"), *written(tmp_path)[1:]]) == 2
    assert "none.json: cannot be read" in capsys.readouterr().err

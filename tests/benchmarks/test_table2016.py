"""The 2016 table: what has a checkpoint is measured, what has none says so, and the last run is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.accuracy import main
from training.checkpoint import save_checkpoint
from training.models import build_model

WORDS = ["<pad>", "<unk>", "green", "left", "on", "red", "the", "thing", "things", "unicorn"]
PROVENANCE = {"step": 3, "samples": 24, "seconds": 1.5, "machine": "a machine", "commit": "abc", "config": {}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs in which only the per-word network is trained, and that hardly."""
    folder = tmp_path_factory.mktemp("2016")
    torch.manual_seed(0)
    options = {"vocabulary_size": 10, "backbone": "mobilenet_v2", "image_size": (64, 64), "word_ids": [2, 5, 7]}
    metadata: dict[str, Any] = {
        "vocabulary": {"words": WORDS, "synonyms": {}},
        "thresholds": {},
        "combinations": {"average": -4.6, "intersection": -4.6},
        "calibration": {},
        "provenance": PROVENANCE,
    }
    save_checkpoint(
        folder / "per_word" / "checkpoint.safetensors",
        architecture="per_word",
        options=options,
        weights=build_model("per_word", options).state_dict(),
        metadata=metadata,
    )
    return folder


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Rows by name of the last line's JSON, and what people are shown."""
    assert main(["--table", "2016", *arguments]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.strip().splitlines()[-1])
    return {row["name"]: row for row in result["rows"]}, captured.err


def test_the_table_is_measured_kept_and_printed_again(
    test_set: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.json"
    arguments = ("--data", str(test_set), "--runs", str(runs), "--out", str(out))
    rows, shown = table(capsys, *arguments)
    assert list(rows) == [
        *("whole_image", "per_word_average", "per_word_intersection", "proposals", "box", "box_grabcut"),
        *("low", "high", "high_vgg16", "edge", "short_low", "short_high", "short_edge"),
    ]
    # five expressions with a referent: three of one thing of 144 pixels, two of both, in 48 x 48 pixels
    whole = rows["whole_image"]["figures"]
    assert whole["n"] == 4 * 5 and whole["expressions"] == 4 * 6
    assert whole["overall_iou"] == pytest.approx((3 * 144 + 2 * 288) / (5 * 48 * 48), abs=1e-4)
    assert {name for name, row in rows.items() if row["status"] == "measured"} == {
        *("whole_image", "per_word_average", "per_word_intersection", "edge")
    }
    assert rows["per_word_average"]["training"] == [
        {"run": "per_word", "step": 3, "samples": 24, "seconds": 1.5, "machine": "a machine", "commit": "abc"}
    ]
    assert rows["edge"]["figures"]["seconds_per_image"] > 0 and rows["edge"]["commit"] and rows["edge"]["device"]
    assert "| 2016 network, high resolution | not trained here |" in shown
    assert f"| {100 * whole['overall_iou']:.2f} |" in shown
    stored, shown_again = table(capsys, "--stored", "--out", str(out))
    assert stored == rows and shown_again.splitlines() == shown.splitlines()[-len(shown_again.splitlines()) :]


def test_named_rows_are_measured_again_and_the_others_kept(
    test_set: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.json"
    arguments = ("--data", str(test_set), "--runs", str(runs), "--out", str(out))
    table(capsys, *arguments)
    content = json.loads(out.read_text())
    for row in content["rows"]:
        row["label"] = "of before"
    out.write_text(json.dumps(content))
    rows, _ = table(capsys, *arguments, "--rows", "whole_image", "low")
    again = {name for name, row in rows.items() if row["label"] != "of before"}
    assert again == {"whole_image", "low"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "2016", "--stored", "--out", "nowhere.json"], "nowhere.json: no stored table"),
        (["--table", "2016", "--runs", "/nonexistent"], "python training/train_2016.py makes them"),
        (["--table", "2016", "--rows", "mcg"], "no row 'mcg'; choose from whole_image"),
        (["--stored"], "belong to --table 2016"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(test_set), "--out", str(tmp_path / "t.json"), *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error

"""The one command behind the 2016 table: every run after the one it starts from, none twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from runtime.language.vocabulary import Vocabulary
from training import train_2016
from training.train import CHECKPOINT


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory, shard_folder: Path, vocabulary: Vocabulary) -> list[str]:
    """Two steps on tiny pictures; everything else as it is configured."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "vocab.json").write_text(json.dumps(vocabulary.to_json()))
    settings = ("steps=2", "images_per_step=1", "expressions_per_image=2", "options.image_size=[64, 64]")
    return [
        *("--data", str(shard_folder), "--validation", str(shard_folder), "--validation-views", "2"),
        *("--vocabulary", str(folder / "vocab.json"), "--out", str(folder / "2016"), "--accelerator", "cpu"),
        *("--threads", "1", "--workers", "0", "--precision", "32-true"),
        *(part for setting in (*settings, "options.image_channels=16") for part in ("--set", setting)),
    ]


def out_of(arguments: list[str]) -> Path:
    return Path(arguments[arguments.index("--out") + 1])


@pytest.fixture(scope="module")
def trained(arguments: list[str]) -> Path:
    assert train_2016.main(arguments) == 0
    return out_of(arguments)


def test_all_runs_are_trained_and_the_thresholds_chosen(trained: Path) -> None:
    names = {path.parent.name for path in trained.glob(f"*/{CHECKPOINT}")}
    assert names == {"region", "low", "high", "per_word"}
    described = {name: json.loads((trained / name / "checkpoint.json").read_text()) for name in names}
    assert [described[name]["provenance"]["config"]["stage"] for name in ("region", "low", "high")] == [
        *("region", "low", "full")
    ]
    assert set(described["per_word"]["combinations"]) == {"average", "intersection"}
    assert described["low"]["provenance"]["samples"] > 0


def test_a_stage_starts_from_the_one_before(trained: Path) -> None:
    low, high = (load_file(trained / name / CHECKPOINT) for name in ("low", "high"))
    for name, weights in low.items():  # two steps at warm-up's first rates hardly move them
        torch.testing.assert_close(high[name], weights, atol=1e-3, rtol=0.05, msg=name)


def test_finished_runs_are_left_alone_and_a_lost_one_is_made_again(
    arguments: list[str], trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = {path: path.stat().st_mtime_ns for path in trained.rglob("*.safetensors")}
    (trained / "high" / "state.safetensors").unlink()
    assert train_2016.main(arguments) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert result["high"]["step"] == 2 and result["region"]["checkpoint"].endswith(f"region/{CHECKPOINT}")
    again = {path.parent.name for path, time in written.items() if path.stat().st_mtime_ns != time}
    assert again == {"high"}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--only", "low"], "'low' starts from it, train 'region' first"),
        (["--only", "edge"], "no run 'edge'; choose from region, low, high, per_word"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], extra: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_2016.main([*arguments, "--out", str(tmp_path), *extra]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error

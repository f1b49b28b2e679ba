"""The one command that trains everything, and every baseline's figures, on a data set in ReferIt's published layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training import evaluate, train_2016
from training.baselines import BASELINES
from training.train import CHECKPOINT


def test_all_baselines_are_trained_and_scored_on_referit(
    referit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("steps=2", "images_per_step=1", "options.image_size=[64, 64]", "options.image_channels=16")
    arguments = [
        *("--dataset", "referit", "--data", str(referit), "--validation", str(referit), "--validation-views", "2"),
        *("--vocabulary", str(referit / "vocabulary_referit.txt"), "--out", str(tmp_path), "--accelerator", "cpu"),
        *("--threads", "1", "--workers", "0", "--precision", "32-true"),
        *(part for setting in settings for part in ("--set", setting)),
    ]
    assert train_2016.main(arguments) == 0
    described = json.loads((tmp_path / "per_word" / "checkpoint.json").read_text())
    words = {described["vocabulary"]["words"][index] for index in described["options"]["word_ids"]}
    assert words == {"red", "blue", "block", "left"}
    (referit / "referit_query_test.json").write_text((referit / "referit_query_val.json").read_text())
    for baseline in BASELINES:
        run = "per_word" if baseline.startswith("per_word") else "region"
        asked = ["--dataset", "referit", "--root", str(referit), "--baseline", baseline]
        assert evaluate.main([*asked, "--checkpoint", str(tmp_path / run / CHECKPOINT)]) == 0
        figures = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        assert figures["n"] == 16 and figures["seconds_per_image"] > 0
        assert 0 <= figures["overall_iou"] <= 1

"""What benchmarks/threads.py measures, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.threads import main


def test_every_combination_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "threads.json"
    options = ["--threads", "1", "--spin-us", "0", "30", "--busy", "0", "1", "--frames", "2", "--out", str(out)]
    assert main(options) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [(row["busy"], row["spin_us"]) for row in rows] == [(0, 0), (0, 30), (1, 0), (1, 30)]
    assert all(0 < row["mask_decoder"] < row["image_encoder"] < row["both"] for row in rows)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == rows


@pytest.mark.parametrize("options", [["--threads", "0"], ["--threads", "4096"], ["--busy", "-1"], ["--frames", "0"]])
def test_impossible_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert "--threads 1 to" in capsys.readouterr().err

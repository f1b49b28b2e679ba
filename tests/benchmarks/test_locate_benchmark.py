"""Grasps from depth on a few rendered scenes: the figures that benchmarks/locate.py prints of many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.locate import main


def test_points_lie_on_the_visible_surface(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "locate.json"
    assert main(["--scenes", "8", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert json.loads(out.read_text()) == told
    assert told["passed"] and told["perfect"]["things"] > 25
    assert told["perfect"]["visible_mm"]["p50"] <= 5 and told["noisy"]["visible_mm"]["p50"] <= 10
    for spoilt in ("spilt", "flying"):
        assert told[spoilt]["visible_mm"]["p50"] <= 10
    # A sphere's visible surface lies about half its radius before its centre: another figure, reported apart.
    assert told["perfect"]["centre_mm"]["p50"] > told["perfect"]["visible_mm"]["p50"]


@pytest.mark.parametrize("arguments", [["--scenes", "0"], ["--scenes", "many"]])
def test_bad_arguments_are_told_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert told[-1].count("scenes") == 1

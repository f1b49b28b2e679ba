"""What is measured under overload, and when it is good enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks.overload import Recording, judge, main
from runtime.errors import SaymaskError

Capture = pytest.CaptureFixture[str]


def recording(**changes: Any) -> Recording:
    """Six seconds at 10 ms a frame, of which every third was answered in 20 ms, at the age of 25."""
    counts = {"received": 600, "answered": 200, "dropped": 400}
    fields: Mapping[str, Any] = {
        "period_ms": 10.0,
        "seconds": 6.0,
        "sent": 600,
        "ages_ms": [25.0] * 200,
        "inference_ms": [20.0] * 200,
        "memory_mib": [100.0] * 3 + [201.0, 199.0, 200.0] * 3,
        "counts": counts,
    }
    return Recording(**{**fields, **changes})


def test_what_is_good_enough() -> None:
    result = judge(recording(), 3.0)
    assert result["passed"] and result["not_met"] == []
    assert result["age_limit_ms"] == pytest.approx(1.5 * 20 + 10)
    assert result["sustained_fps"] == pytest.approx(100 / 3)
    assert (result["offered_fps"], result["answered_fps"]) == pytest.approx((100, 100 / 3))


@pytest.mark.parametrize(
    ("changes", "not_met"),
    [
        ({"ages_ms": [25.0] * 194 + [40.1] * 6}, ["age"]),
        ({"memory_mib": [100.0] * 9 + [108.1] * 3}, ["memory"]),
        ({"memory_mib": [10.0] * 3 + [100.0] * 9}, []),  # the first quarter warms up
        ({"counts": {"received": 600, "answered": 200, "dropped": 399}}, ["counted"]),
        ({"counts": {"received": 599, "answered": 200, "dropped": 399}}, ["counted"]),
        ({"counts": {"received": 600, "answered": 201, "dropped": 399}}, ["counted"]),
        ({"seconds": 6.7}, ["offered"]),
        ({"ages_ms": [90.0] * 200, "seconds": 12.0}, ["age", "offered"]),
    ],
)
def test_what_is_not(changes: Mapping[str, Any], not_met: list[str]) -> None:
    result = judge(recording(**changes), 3.0)
    assert result["not_met"] == not_met
    assert result["passed"] is (not not_met)


def test_a_run_without_answers_says_so() -> None:
    with pytest.raises(SaymaskError, match="no frame was answered"):
        judge(recording(ages_ms=[]), 3.0)


def test_entry(capsys: Capture) -> None:
    """What a busy machine cannot spoil: every frame is accounted for, and far more come than are answered."""
    code = main(["--duration", "1.5", "--backend", "ort-cpu", "--threads", "1"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == (0 if result["passed"] else 1)
    assert "counted" not in result["not_met"]
    assert result["frames"]["dropped"] > result["frames"]["answered"] > 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--duration", "0"], "--duration must be above 0"),
        (["--factor", "1"], "--factor above 1"),
        (["--factor", "nan"], "--factor above 1"),
        (["--backend", "abacus"], "invalid choice"),
    ],
)
def test_bad_arguments_are_told_in_one_line(arguments: list[str], complaint: str, capsys: Capture) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err.strip()
    assert complaint in told and "\n" not in told

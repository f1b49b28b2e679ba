"""Time: every call is measured as often as asked, in turns, and percentiles are those of the numbers."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchmarks.report import plain
from benchmarks.timing import interleaved, milliseconds, summarise


def test_milliseconds_are_milliseconds() -> None:
    assert 20 <= milliseconds(lambda: time.sleep(0.02)) < 2000


def test_calls_take_turns_and_warmup_is_not_counted() -> None:
    order: list[str] = []
    times = interleaved(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b"), "c": lambda: order.append("c")},
        rounds=4,
        warmup=2,
    )
    assert {name: len(values) for name, values in times.items()} == {"a": 4, "b": 4, "c": 4}
    rounds = ["".join(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert rounds == ["abc", "bca", "cab", "abc", "bca", "cab"]


def test_summary_is_the_numbers_own() -> None:
    values = np.random.default_rng(3).gamma(2.0, 5.0, 501).tolist()
    summary = summarise(values)
    ordered = sorted(values)
    assert summary["n"] == 501
    for level in (50, 90, 95, 99):
        assert summary[f"p{level}"] == pytest.approx(ordered[5 * level], abs=1e-3)
    assert (summary["min"], summary["max"]) == pytest.approx((ordered[0], ordered[-1]), abs=1e-3)
    assert summary["mean"] == pytest.approx(sum(values) / 501, abs=1e-3)


def test_json_gets_no_nan() -> None:
    assert plain({"a": [float("nan"), 1.23456], "b": (float("inf"), 2), "c": "x"}) == {
        "a": [None, 1.2346],
        "b": [None, 2],
        "c": "x",
    }

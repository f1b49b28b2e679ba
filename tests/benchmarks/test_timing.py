"""Time: every call is measured as often as asked, in turns, and percentiles are those of the numbers."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest

from benchmarks.report import plain
from benchmarks.timing import interleaved, milliseconds, summarise


def test_milliseconds_are_milliseconds() -> None:
    assert 20 <= milliseconds(lambda: time.sleep(0.02)) < 2000


def test_calls_take_turns_and_warmup_is_apart() -> None:
    order: list[str] = []
    calls = {name: partial(order.append, name) for name in "abc"}
    times = interleaved(calls, rounds=12, warmup=2)
    assert {name: len(values) for name, values in times.measured.items()} == {"a": 12, "b": 12, "c": 12}
    assert {name: len(values) for name, values in times.warmup.items()} == {"a": 2, "b": 2, "c": 2}
    rounds = ["".join(order[start : start + 3]) for start in range(0, len(order), 3)]
    assert all(sorted(taken) == ["a", "b", "c"] for taken in rounds)
    followed = {(before, after) for before, after in zip(order, order[1:], strict=False) if before != after}
    assert len(followed) == 6, "a call must not always run after the same neighbour"
    first = list(order)
    order.clear()
    interleaved(calls, rounds=12, warmup=2)
    assert order == first, "the order is the same in every run"


def test_runs_for_as_long_as_asked() -> None:
    start = time.perf_counter()
    times = interleaved({"nap": lambda: time.sleep(0.005)}, rounds=2, warmup=1, seconds=0.1)
    assert 0.1 <= time.perf_counter() - start < 2
    assert len(times.measured["nap"]) > 2


def test_summary_is_the_numbers_own() -> None:
    values = np.random.default_rng(3).gamma(2.0, 5.0, 501).tolist()
    summary = summarise(values)
    ordered = sorted(values)
    assert summary["n"] == 501
    for level in (50, 90, 95, 99):
        assert summary[f"p{level}"] == pytest.approx(ordered[5 * level], abs=1e-3)
    assert (summary["min"], summary["max"]) == pytest.approx((ordered[0], ordered[-1]), abs=1e-3)
    assert summary["median"] == summary["p50"]
    assert summary["mean"] == pytest.approx(sum(values) / 501, abs=1e-3)


def test_json_gets_no_nan() -> None:
    assert plain({"a": [float("nan"), 1.23456], "b": (float("inf"), 2), "c": "x"}) == {
        "a": [None, 1.2346],
        "b": [None, 2],
        "c": "x",
    }

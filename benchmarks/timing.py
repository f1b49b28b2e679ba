"""How time is measured: monotonic clock, everything interleaved in one run, percentiles by linear interpolation."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

PERCENTILES = (50, 90, 95, 99)
"""Those of NVIDIA's trtexec, plus the median."""
_ORDER_SEED = 20160926


@dataclass(frozen=True)
class Times:
    """Milliseconds of every call, by its name: those that count, and those of the rounds before them."""

    measured: Mapping[str, list[float]]
    warmup: Mapping[str, list[float]]


def milliseconds(call: Callable[[], object]) -> float:
    """How long one `call` took on the monotonic clock."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def interleaved(
    calls: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warmup: int,
    seconds: float = 0.0,
    description: str = "timing",
) -> Times:
    """Time every call once a round: `warmup` rounds apart, then at least `rounds` and at least `seconds`.

    All calls take turns within a round, in an order drawn anew (the same in every run): a machine that is throttled or
    shared for a while then slows all of them alike, and none always finds the caches as the same neighbour left them,
    which a large network empties. Ratios stay fair.
    """
    measured: dict[str, list[float]] = {name: [] for name in calls}
    before: dict[str, list[float]] = {name: [] for name in calls}
    order = random.Random(_ORDER_SEED)
    with tqdm(total=warmup + rounds, desc=description, unit="round", leave=False) as progress:
        number, start = 0, time.perf_counter()
        while number < warmup + rounds or time.perf_counter() - start < seconds:
            for name in order.sample(list(calls), len(calls)):
                (before if number < warmup else measured)[name].append(milliseconds(calls[name]))
            number += 1
            progress.update()
            if number == warmup:
                start = time.perf_counter()
    return Times(measured, before)


def summarise(times_ms: Sequence[float]) -> dict[str, float]:
    """Count `n`, p50, p90, p95, p99, mean, median, min and max of at least one time; milliseconds to the microsecond.

    `median` is p50 under trtexec's name for it.
    """
    values = np.asarray(times_ms, np.float64)
    summary = {f"p{level}": float(np.percentile(values, level)) for level in PERCENTILES}
    summary |= {"mean": float(values.mean()), "median": summary["p50"]}
    summary |= {"min": float(values.min()), "max": float(values.max())}
    return {"n": len(values)} | {name: round(value, 3) for name, value in summary.items()}

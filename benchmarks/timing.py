"""How time is measured: monotonic clock, everything interleaved in one run, percentiles by linear interpolation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from tqdm import tqdm

PERCENTILES = (50, 90, 95, 99)
"""Those of NVIDIA's trtexec, plus the median."""


def milliseconds(call: Callable[[], object]) -> float:
    """How long one `call` took on the monotonic clock."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def interleaved(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, warmup: int, description: str = "timing"
) -> dict[str, list[float]]:
    """Milliseconds of every call, `rounds` of each after `warmup` unmeasured rounds.

    All calls take turns within a round, starting one further each time: a machine that is throttled or shared for a
    while then slows all of them alike, and none always runs in the same neighbour's cache. Ratios stay fair.
    """
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in tqdm(range(warmup + rounds), desc=description, unit="round", leave=False):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = milliseconds(calls[name])
            if number >= warmup:
                times[name].append(taken)
    return times


def summarise(times_ms: Sequence[float]) -> dict[str, float]:
    """Count `n`, p50, p90, p95, p99, mean, min and max of at least one time; milliseconds to the microsecond."""
    values = np.asarray(times_ms, np.float64)
    summary = {f"p{level}": float(np.percentile(values, level)) for level in PERCENTILES}
    summary |= {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max())}
    return {"n": len(values)} | {name: round(value, 3) for name, value in summary.items()}

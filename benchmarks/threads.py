"""How many threads a graph should have on the CPU, and how they should wait for work: `python benchmarks/threads.py`.

Runs the image encoder and the mask decoder of a bundle one after the other, as for a new frame. `spin_us` is for how
many microseconds a thread without work looks for some before it sleeps (0: it sleeps at once; the runtime's own is
`SPIN_US`), `busy` how many other processes fill a core each beside it. Every row is a process of its own; times are
medians in milliseconds, `cpu_ms` is the processor time that a frame takes on all cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from benchmarks.bare_sessions import bare_calls
from benchmarks.report import machine, plain, shown, write_json
from benchmarks.workload import TEST_SET, camera_requests
from runtime.backends.onnxruntime_backend import SPIN_US
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned

_REST_SECONDS = 0.005
"""Between two frames: a camera does not deliver the next one at once."""
_WARM_UP = 5
_SPAWN = multiprocessing.get_context("spawn")


def time_frames(model: Path, threads: int, spin_us: int, frames: int) -> dict[str, float]:
    """Medians of each graph and of both, and `cpu_ms`, over `frames` frames after a few that find cold caches."""
    calls = bare_calls(model, camera_requests(1, TEST_SET)[0], threads=threads, spin_us=spin_us)
    names = ("image_encoder", "mask_decoder")
    milliseconds: dict[str, list[float]] = {name: [] for name in (*names, "both")}
    cpu = 0.0
    for number in range(_WARM_UP + frames):
        time.sleep(_REST_SECONDS)
        before, marks = time.process_time(), [time.perf_counter()]
        for name in names:
            calls[name]()
            marks.append(time.perf_counter())
        if number >= _WARM_UP:
            cpu += time.process_time() - before
            for name, first, last in zip(names, marks, marks[1:], strict=False):
                milliseconds[name].append((last - first) * 1e3)
            milliseconds["both"].append((marks[-1] - marks[0]) * 1e3)
    return {name: median(values) for name, values in milliseconds.items()} | {"cpu_ms": cpu / frames * 1e3}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every combination, print the table and return it."""
    cores = len(os.sched_getaffinity(0))
    if args.frames < 1 or min(args.spin_us) < 0 or min(args.busy) < 0 or not 1 <= min(args.threads) <= cores:
        raise SaymaskError(f"expected --frames from 1, --threads 1 to {cores}, --busy and --spin-us from 0")
    rows = []
    combinations = [item for item in product(args.busy, args.threads, args.spin_us) if item[1] <= cores]
    for busy, threads, spin_us in tqdm(combinations, desc="threads"):
        with _busy(busy), ProcessPoolExecutor(1, mp_context=_SPAWN) as alone:
            times = alone.submit(time_frames, args.model, threads, spin_us, args.frames).result()
        rows.append({"threads": threads, "spin_us": spin_us, "busy": busy} | times)
    sys.stderr.write(aligned(list(rows[0]), [list(row.values()) for row in rows]) + "\n")
    result: dict[str, Any] = plain({"model": shown(args.model), "runtime_spin_us": SPIN_US, "rows": rows} | machine())
    if args.out:
        write_json(args.out, result)
    return result


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many processes that each want a core of their own."""
    processes = [_SPAWN.Process(target=_turn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _turn() -> None:
    while True:
        pass


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle to run")
    add("--threads", type=int, nargs="+", default=[1, 2, 4], metavar="N", help="threads of a graph")
    add("--spin-us", type=int, nargs="+", default=[0, SPIN_US, 100], metavar="US", help="how long threads spin")
    add("--busy", type=int, nargs="+", default=[0, 1, 2, 3], metavar="N", help="other processes, a core each")
    add("--frames", type=int, default=60, help="frames of a row")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

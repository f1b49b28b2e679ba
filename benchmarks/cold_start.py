"""One first answer in a fresh process, timed from the first import; the benchmarks start this with `python -m`.

Imports nothing but the runtime, as a robot's process would; PyTorch's import is part of opening its contender.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SaymaskError

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class ColdStart:
    """A new process up to its first answer.

    `milliseconds`: `import`, `open`, `first_answer`, and `process`, from its start to its end. `memory_mib`: resident
    after each of them (`imported`, `opened`, `answered`), at its highest (`peak`), and `gpu`, by which the device's
    used memory grew (None without a GPU of its own memory).
    """

    milliseconds: dict[str, float]
    memory_mib: dict[str, float | None]


def cold_start(model: Path, backend: str, *, checkpoint: Path, threads: int | None = None) -> ColdStart:
    """Start a new process and have it answer once. Raises SaymaskError with its reason where it fails."""
    from benchmarks.contenders import is_bundle  # not in the new process before it is timed

    start = time.perf_counter_ns()
    contender = str(Path(backend).resolve()) if is_bundle(backend) else backend  # the new process starts elsewhere
    arguments = json.dumps([str(model.resolve()), contender, str(checkpoint.resolve()), threads])
    command = [sys.executable, "-m", "benchmarks.cold_start", arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise SaymaskError(f"a new process could not answer with {backend}: {reason}")
    taken = json.loads(done.stdout.splitlines()[-1])
    process = (time.perf_counter_ns() - start) / 1e6
    return ColdStart({**taken["milliseconds"], "process": process}, taken["memory_mib"])


def _first_answer(model: str, backend: str, checkpoint: str, threads: int | None) -> ColdStart:
    start = time.perf_counter_ns()
    import numpy as np

    from benchmarks.contenders import open_contender  # brings runtime.Segmenter and nothing else
    from runtime import Frame, parse_command

    imported = time.perf_counter_ns()
    from benchmarks.memory import gpu_memory_mib, process_memory_mib

    gpu_before, memory = gpu_memory_mib(), {"imported": process_memory_mib()["rss"]}
    opening = time.perf_counter_ns()
    with open_contender(backend, Path(model), checkpoint=Path(checkpoint), threads=threads) as segmenter:
        opened = time.perf_counter_ns()
        memory["opened"] = process_memory_mib()["rss"]
        frame = Frame.from_array(np.full((480, 640, 3), 127, np.uint8))
        asking = time.perf_counter_ns()
        segmenter.segment(frame, parse_command("pick up the jar beside the apple")[0])
        answered = time.perf_counter_ns()
        held, gpu_after = process_memory_mib(), gpu_memory_mib()
    moments = {"import": imported - start, "open": opened - opening, "first_answer": answered - asking}
    grown = None if gpu_before is None or gpu_after is None else float(gpu_after - gpu_before)
    return ColdStart(
        {name: nanoseconds / 1e6 for name, nanoseconds in moments.items()},
        {**memory, "answered": held["rss"], "peak": held["peak"], "gpu": grown},
    )


if __name__ == "__main__":
    taken = _first_answer(*json.loads(sys.argv[1]))
    print(json.dumps(vars(taken)))

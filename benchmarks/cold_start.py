"""One first answer in a fresh process, timed from the first import; benchmarks/latency.py starts this with `python -m`.

Imports nothing but the runtime, as a robot's process would.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def cold_start(model: Path, backend: str) -> dict[str, float]:
    """Milliseconds of a new process: `import`, `open`, `first_answer`, and `process`, from its start to its end."""
    start = time.perf_counter_ns()
    command = [sys.executable, "-m", "benchmarks.cold_start", str(model.resolve()), backend]
    printed = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True).stdout
    taken: dict[str, float] = json.loads(printed)
    return taken | {"process": (time.perf_counter_ns() - start) / 1e6}


def _first_answer(model: str, backend: str) -> dict[str, float]:
    start = time.perf_counter_ns()
    import numpy as np

    from runtime import Frame, Segmenter, parse_command

    imported = time.perf_counter_ns()
    with Segmenter(Path(model), backend=backend) as segmenter:
        opened = time.perf_counter_ns()
        frame = Frame.from_array(np.full((480, 640, 3), 127, np.uint8))
        segmenter.segment(frame, parse_command("pick up the jar beside the apple")[0])
        answered = time.perf_counter_ns()
    moments = {"import": imported - start, "open": opened - imported, "first_answer": answered - opened}
    return {name: nanoseconds / 1e6 for name, nanoseconds in moments.items()}


if __name__ == "__main__":
    print(json.dumps(_first_answer(*sys.argv[1:])))

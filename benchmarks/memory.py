"""How much memory a process holds, as the kernel counts it."""

from __future__ import annotations

import re
from pathlib import Path

from runtime.hardware import gpus


def process_memory_mib() -> dict[str, float]:
    """This process's resident memory now (`rss`) and at its highest (`peak`).

    From the kernel's own count of this program: getrusage's would start at what the parent held when it was forked.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    kibibytes = {name: int(size) for name, size in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)}
    return {"rss": round(kibibytes["VmRSS"] / 1024, 1), "peak": round(kibibytes["VmHWM"] / 1024, 1)}


def gpu_memory_mib() -> int | None:
    """What all processes hold of the first GPU; None without one, and on a Jetson, whose GPU shares the memory."""
    return next((gpu.memory_used_mib for gpu in gpus()), None)

"""The name of the machine that figures and engines belong to."""

from __future__ import annotations

import platform
from pathlib import Path


def device_name() -> str:
    """The board's own name where it has one (a Jetson), else the processor's."""
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    processors = Path("/proc/cpuinfo")
    if processors.exists():
        for line in processors.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

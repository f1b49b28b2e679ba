"""What this machine is made of: its GPUs and, on a Jetson, its Linux for Tegra. Asks the system, imports no CUDA."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SaymaskError

DRIVER = "libcuda.so.1"
"""NVIDIA's driver as programs load it."""
_TEGRA_RELEASE = Path("/etc/nv_tegra_release")
_SECONDS = 10.0
"""nvidia-smi answers in well under a second, or hangs with a broken driver."""


@dataclass(frozen=True)
class Gpu:
    """One GPU as nvidia-smi tells it. Memory in MiB, None where it shares the processor's (a Jetson)."""

    name: str
    driver: str
    compute_capability: str
    memory_mib: int | None
    memory_used_mib: int | None


def require_driver() -> None:
    """Raises SaymaskError where NVIDIA's driver cannot be loaded: then there is no GPU that anything could use."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError as error:
        raise SaymaskError(f"no NVIDIA GPU here, for there is no driver ({DRIVER})") from error


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs of this machine; none where there is no nvidia-smi or it finds none."""
    fields = "name,driver_version,compute_cap,memory.total,memory.used"
    told = command_output("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")
    return [] if told is None else [gpu for line in told.splitlines() if (gpu := _parse_gpu(line))]


def _parse_gpu(line: str) -> Gpu | None:
    values = [value.strip() for value in line.split(",")]
    if len(values) != 5:
        return None  # a message in place of a table: "No devices were found"
    total, used = (int(value) if value.isdecimal() else None for value in values[3:])
    return Gpu(values[0], values[1], values[2], total, used)


def l4t_release(path: Path = _TEGRA_RELEASE) -> str | None:
    """The release of Linux for Tegra ("36.4.3", which JetPack 6.2 brings); None on anything but a Jetson."""
    try:
        told = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", told)
    return f"{found[1]}.{found[2]}" if found else None


def memory_mib() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def command_output(*command: str) -> str | None:
    """What a system's tool prints; None where it is not there, fails or hangs."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""What a Jetson says about itself while it is measured: power mode, clocks, watts. Elsewhere nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from runtime.hardware import command_output, l4t_release

INTERVAL_MS = 200
_SUPPLY_RAILS = ("VDD_IN", "VIN")
"""The whole module's: of Orin Nano and Orin NX, of Thor. AGX Orin has none, there its rails are summed."""
_FED_BY_ANOTHER_RAIL = "VDDQ_VDD2_1V8AO"  # from VIN_SYS_5V0, in AGX Orin's module


@dataclass(frozen=True)
class Reading:
    """One line of tegrastats; None for what it does not hold (some of it is root's alone to read)."""

    ram_mib: int | None
    cpu_mhz: int | None
    gpu_mhz: int | None
    gpu_percent: int | None
    memory_mhz: int | None
    gpu_celsius: float | None
    watts: Mapping[str, float]


def parse_tegrastats(line: str) -> Reading:
    """Read a line of tegrastats of JetPack 5 to 7. CPU and GPU clocks are the fastest core's and cluster's."""
    cpu = re.search(r"\bCPU \[([^]]*)\]", line)
    # `10%@1300` (JetPack 5), `0%@[1300,1300]` (a cluster each), `@[1000,1000,1000]` (Thor), `0%` (not as root)
    gpu = re.search(r"\bGR3D_FREQ (?:(\d+)%)?(?:@\[?([\d,]+))?", line)
    celsius = re.search(r"\bgpu@(-?[\d.]+)C", line, re.IGNORECASE)
    rails = re.findall(r"\b([A-Z][A-Z0-9_]*) (-?\d+)mW/-?\d+mW", line)
    return Reading(
        ram_mib=_fastest(re.findall(r"\bRAM (\d+)/", line)),
        cpu_mhz=_fastest(re.findall(r"@(\d+)", cpu[1])) if cpu else None,
        gpu_mhz=_fastest(gpu[2].split(",")) if gpu and gpu[2] else None,
        gpu_percent=int(gpu[1]) if gpu and gpu[1] else None,
        memory_mhz=_fastest(re.findall(r"\bEMC_FREQ \d+%@(\d+)", line)),
        gpu_celsius=float(celsius[1]) if celsius else None,
        watts={name: int(milliwatts) / 1e3 for name, milliwatts in rails if name != "NC"},
    )


def module_watts(watts: Mapping[str, float]) -> float | None:
    """What the whole module draws: the supply's own rail where it has one, else the sum of the others."""
    for rail in _SUPPLY_RAILS:
        if rail in watts:
            return watts[rail]
    own = [value for rail, value in watts.items() if rail != _FED_BY_ANOTHER_RAIL]
    return sum(own) if own else None


def summarise(readings: Sequence[Reading]) -> dict[str, Any]:
    """Means over the readings; of memory and temperature the highest. None where no reading had the figure."""
    rails = dict.fromkeys(rail for reading in readings for rail in reading.watts)
    return {
        "readings": len(readings),
        "module_watts": _mean([module_watts(reading.watts) for reading in readings]),
        "rails_watts": {rail: _mean([reading.watts.get(rail) for reading in readings]) for rail in rails},
        "cpu_mhz": _mean([reading.cpu_mhz for reading in readings]),
        "gpu_mhz": _mean([reading.gpu_mhz for reading in readings]),
        "gpu_percent": _mean([reading.gpu_percent for reading in readings]),
        "memory_mhz": _mean([reading.memory_mhz for reading in readings]),
        "ram_mib_max": max((r.ram_mib for r in readings if r.ram_mib is not None), default=None),
        "gpu_celsius_max": max((r.gpu_celsius for r in readings if r.gpu_celsius is not None), default=None),
    }


def power_mode(told: str) -> str | None:
    """The mode's name in what `nvpmodel -q` prints: "MAXN_SUPER", "15W"."""
    found = re.search(r"NV Power Mode: *(\S+)", told)
    return found[1] if found else None


class Conditions:
    """Collects tegrastats while something is measured; `result` is then what the JSON says, None off a Jetson."""

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._readings: list[Reading] = []

    def __enter__(self) -> Conditions:
        if shutil.which("tegrastats"):
            command = ["tegrastats", "--interval", str(INTERVAL_MS)]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self._readings.append(parse_tegrastats(line))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._reader is None:
            return
        self._process.terminate()
        self._reader.join()
        self._process.wait()
        mode = power_mode(command_output("nvpmodel", "-q") or "")
        self.result = {"l4t": l4t_release(), "power_mode": mode, **summarise(self._readings)}


def _fastest(values: Sequence[str]) -> int | None:
    return max((int(value) for value in values if value), default=None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None

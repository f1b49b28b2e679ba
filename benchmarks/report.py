"""What stands beside every figure: the machine and the day, in JSON that any reader takes."""

from __future__ import annotations

import json
import math
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runtime.device import device_name


def machine() -> dict[str, Any]:
    """What the figures were taken on, and when."""
    return {
        "device": device_name(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def plain(value: Any) -> Any:
    """`value` with floats rounded to 4 places, and None for nan and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


def shown(path: Path) -> str:
    """`path` as it is told in results: relative inside the working folder, so that nobody's home is committed."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def write_json(path: Path, result: dict[str, Any]) -> None:
    """Write `result` for people and programs to read; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

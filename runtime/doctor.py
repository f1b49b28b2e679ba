"""What is here to run the model, and what is not: hardware, packages, engines, and the backend that "auto" would take.

Looks, and changes nothing: no engine is built. The exit code is 1 where nothing can run the model.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from runtime.backends import choose
from runtime.backends.engine_cache import EngineCache
from runtime.backends.tensorrt_api import FLAVOURS, find_tensorrt
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle
from runtime.device import device_name
from runtime.entry import command_line
from runtime.errors import SaymaskError, missing_package
from runtime.hardware import gpus, l4t_release, memory_mib
from runtime.tables import aligned

_PACKAGES = ("saymask", "numpy", "opencv-python-headless", "opencv-python", "rapidfuzz")
_ENGINES = ("onnxruntime", "onnxruntime-gpu", "tensorrt", "tensorrt-rtx", "pycuda", "cuda-python", "cuda-bindings")
_REMOTE = "AzureExecutionProvider"  # in every ONNX Runtime; it computes elsewhere, through a service
_SILENT = 4  # onnxruntime's log severity: what fails here is told in our own words


def hardware() -> dict[str, Any]:
    """This machine. `l4t` is None on anything but a Jetson."""
    return {
        "device": device_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": memory_mib(),
        "l4t": l4t_release(),
        "gpus": [asdict(gpu) for gpu in gpus()],
    }


def packages() -> dict[str, str | None]:
    """Versions of what the runtime can use, None for what is not installed."""
    return {name: _version(name) for name in (*_PACKAGES, *_ENGINES)}


def onnxruntime_providers(bundle: Bundle) -> dict[str, str]:
    """By provider of the installed ONNX Runtime: "usable", or why not.

    What it lists as available is what it was compiled with: only a session that runs on it shows that it works, and
    where it does not, ONNX Runtime takes the CPU without a word.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(_SILENT)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    found = {}
    for provider in onnxruntime.get_available_providers():
        if provider == _REMOTE:
            continue
        try:
            session = onnxruntime.InferenceSession(bundle.graph("text_encoder"), options, providers=[provider])
            running = session.get_providers()[0]
            found[provider] = "usable" if running == provider else f"not usable, {running} runs in its place"
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            found[provider] = "not usable: " + str(error).strip().partition("\n")[0][:200]
    return found


def tensorrt() -> dict[str, str]:
    """By flavour of TensorRT: its version, or why it cannot be used."""
    found: dict[str, str] = {}
    for flavour in FLAVOURS:
        try:
            found[flavour] = find_tensorrt(flavour).version
        except SaymaskError as error:
            found[flavour] = str(error)
    return found


def cuda_driver() -> str:
    """What PyCUDA sees: the number of GPUs and the driver's CUDA version, or why it cannot be used."""
    try:
        driver = import_module("pycuda.driver")
    except ImportError as error:
        # PyCUDA is there and libcuda is not: then the name of the missing library says more than ours
        return missing_package(error) if error.name else f"PyCUDA cannot be loaded: {error}"
    try:
        driver.init()
        return f"{driver.Device.count()} GPU(s), CUDA {driver.get_driver_version() / 1000:g}"
    except driver.Error as error:
        return f"no GPU: {error}"


def engine_cache() -> dict[str, Any]:
    """Where engines are kept, and which."""
    cache = EngineCache()
    return {
        "directory": None if cache.directory is None else str(cache.directory),
        "engines": [
            {
                "file": entry.path.name,
                "mib": round(entry.size_bytes / 2**20, 2),
                "fault": entry.fault,
                **({} if entry.key is None else {"made_for": asdict(entry.key)}),
            }
            for entry in cache.entries()
        ],
    }


def backend(bundle: Bundle) -> dict[str, Any]:
    """What "auto" would take and why, and why not the faster ones."""
    choice = choose(bundle)
    return {"name": choice.name, "reason": choice.reason, "refused": dict(choice.refused)}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Look everywhere; what cannot be looked at says why under its own name."""
    result: dict[str, Any] = {
        "hardware": hardware(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": packages(),
        "tensorrt": tensorrt(),
        "cuda_driver": cuda_driver(),
        "engine_cache": _told(engine_cache),
    }
    bundle = open_bundle(arguments.model)
    result["model"] = {
        "directory": str(bundle.directory),
        "name": bundle.spec.name,
        "fp16": bool(bundle.spec.half_graphs),
    }
    result["onnxruntime_providers"] = _told(lambda: onnxruntime_providers(bundle))
    result["backend"] = _told(lambda: backend(bundle))
    result["passed"] = isinstance(result["backend"], dict)
    sys.stderr.write(table(result) + "\n")
    return result


def table(result: Mapping[str, Any]) -> str:
    """The findings for a person."""
    machine, chosen, cache = result["hardware"], result["backend"], result["engine_cache"]
    rows: list[tuple[str, object]] = [
        ("machine", f"{machine['device']}, {machine['cores']} cores, {machine['memory_mib']} MiB"),
        ("Jetson", f"L4T {machine['l4t']}" if machine["l4t"] else "no"),
        *(("GPU", ", ".join(str(value) for value in gpu.values() if value is not None)) for gpu in machine["gpus"]),
        *([] if machine["gpus"] else [("GPU", "none that nvidia-smi lists")]),
        ("system", f"{result['system']}, Python {result['python']}"),
        *((name, version or "not installed") for name, version in result["packages"].items()),
        *((f"import {name.replace('-', '_')}", told) for name, told in result["tensorrt"].items()),
        ("CUDA driver", result["cuda_driver"]),
        *_lines("provider", result["onnxruntime_providers"]),
    ]
    if isinstance(cache, dict):
        rows += [("engine cache", f"{cache['directory']}, {len(cache['engines'])} engine(s)")]
        rows += [("engine", f"{item['file']}, {item['mib']} MiB {item['fault']}".rstrip()) for item in cache["engines"]]
    else:
        rows.append(("engine cache", cache))
    rows.append(("model", f"{result['model']['name']}, {'with' if result['model']['fp16'] else 'without'} FP16 graphs"))
    if isinstance(chosen, dict):
        rows += [("not taken", f"{name}: {reason}") for name, reason in chosen["refused"].items()]
        rows.append(("auto takes", f"{chosen['name']}: {chosen['reason']}"))
    else:
        rows.append(("auto takes", f"nothing: {chosen}"))
    return aligned(("", ""), rows)


def _lines(label: str, told: Mapping[str, str] | str) -> list[tuple[str, object]]:
    if isinstance(told, str):
        return [(label, told)]
    return [(label, f"{name}: {state}") for name, state in told.items()]


def _told(look: Callable[[], dict[str, Any]]) -> dict[str, Any] | str:
    """What `look` finds, or why it cannot."""
    try:
        return look()
    except SaymaskError as error:
        return str(error)
    except ImportError as error:
        return missing_package(error)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model directory")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

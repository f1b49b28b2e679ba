"""Which backend runs a model: the fastest that can, or the one that was named and no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from runtime.backends import Backend
from runtime.bundle import Bundle
from runtime.errors import SaymaskError, missing_package

FASTEST_FIRST = ("tensorrt", "ort-cuda", "ort-cpu")

_log = logging.getLogger("saymask")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Choice:
    """A backend, what it runs on, and the faster ones with the reason why each is not taken."""

    name: str
    reason: str
    refused: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "; ".join([f"{self.name} runs ({self.reason})", *(f"not {name}: {why}" for name, why in self.refused)])


def choose(bundle: Bundle) -> Choice:
    """What "auto" takes on this machine; no engine is built. Raises SaymaskError where nothing can run the model."""
    refused: list[tuple[str, str]] = []
    for name in FASTEST_FIRST:
        try:
            return Choice(name, _available(_PROBES[name], bundle), tuple(refused))
        except SaymaskError as error:
            refused.append((name, str(error)))
    raise _nothing_runs(refused)


def open_fastest(bundle: Bundle, threads: int | None) -> Backend:
    """Open the first that opens, and log in one line which it is and why the faster ones are not.

    Unlike `choose` it builds the engines that are missing. Raises SaymaskError where nothing can run the model.
    """
    refused: list[tuple[str, str]] = []
    for name in FASTEST_FIRST:
        try:
            backend, reason = open_named(bundle, name, threads)
        except SaymaskError as error:
            refused.append((name, str(error)))
            continue
        _log.info("%s", Choice(name, reason, tuple(refused)))
        return backend
    raise _nothing_runs(refused)


def open_named(bundle: Bundle, name: str, threads: int | None) -> tuple[Backend, str]:
    """A backend and what it runs on. Raises SaymaskError where it cannot be had; no other is taken in its place."""

    def opened(bundle: Bundle) -> tuple[Backend, str]:
        if name == "tensorrt":
            from runtime.backends.tensorrt_backend import TensorRTBackend

            tensorrt = TensorRTBackend(bundle)
            return tensorrt, tensorrt.description
        from runtime.backends.onnxruntime_backend import OnnxRuntimeBackend

        onnx_runtime = OnnxRuntimeBackend(bundle, provider="cuda" if name == "ort-cuda" else "cpu", threads=threads)
        return onnx_runtime, onnx_runtime.description

    return _available(opened, bundle)


def _tensorrt(bundle: Bundle) -> str:
    from runtime.backends.tensorrt_backend import probe

    return probe(bundle)


def _onnxruntime_cuda(bundle: Bundle) -> str:
    from runtime.backends.onnxruntime_backend import probe

    return probe(bundle, "cuda")


def _onnxruntime_cpu(bundle: Bundle) -> str:
    from runtime.backends.onnxruntime_backend import probe

    return probe(bundle, "cpu")


_PROBES: dict[str, Callable[[Bundle], str]] = {
    "tensorrt": _tensorrt,
    "ort-cuda": _onnxruntime_cuda,
    "ort-cpu": _onnxruntime_cpu,
}


def _available(use: Callable[[Bundle], _T], bundle: Bundle) -> _T:
    """What `use` returns; a package that is not installed becomes one line. Packages are imported only here."""
    try:
        return use(bundle)
    except ImportError as error:
        raise SaymaskError(missing_package(error)) from error


def _nothing_runs(refused: list[tuple[str, str]]) -> SaymaskError:
    reasons = "; ".join(f"{name}: {why}" for name, why in reversed(refused))
    return SaymaskError(f"no backend can run this model: {reasons}")

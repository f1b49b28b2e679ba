"""The one place that knows TensorRT's versions: 10.3 (JetPack 6) to 11.4, and TensorRT-RTX.

Every network is strongly typed (FP16 lives in the ONNX graph), so the builder's precision flags, which TensorRT 11 has
dropped, are never touched.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol, get_args

import numpy as np

from runtime.errors import SaymaskError

Flavour = Literal["tensorrt", "tensorrt-rtx"]
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)

_MODULES: dict[Flavour, str] = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
_OLDEST: dict[Flavour, tuple[int, int]] = {"tensorrt": (10, 3), "tensorrt-rtx": (1, 1)}
_NUMPY = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}


class Progress(Protocol):
    """Who is told how far a build is. Phases nest; TensorRT may call from threads of its own."""

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """A phase of `steps` steps begins; `parent` is None for the outermost."""

    def step(self, phase: str, step: int) -> None:
        """Step `step`, counted from 0, is done."""

    def finish(self, phase: str) -> None:
        """The phase ends, with or without its last step."""


@dataclass(frozen=True)
class Message:
    """One line that TensorRT logged; `severity` is "internal_error", "error", "warning" or "info"."""

    severity: str
    text: str


@dataclass(frozen=True)
class TensorRT:
    """An imported TensorRT. `version` is its own ("10.3.0", "1.7.1.116")."""

    module: Any
    flavour: Flavour
    version: str

    def __str__(self) -> str:
        return f"{'TensorRT-RTX' if self.flavour == 'tensorrt-rtx' else 'TensorRT'} {self.version}"

    @property
    def logger(self) -> Logger:
        """The logger to hand to whatever TensorRT creates: one for the process, because TensorRT keeps the first."""
        return _loggers.setdefault(self.module.__name__, Logger(self.module))

    def numpy_dtype(self, dtype: Any) -> np.dtype[Any]:
        """The numpy dtype of a TensorRT one. Raises SaymaskError where numpy has none (BF16, FP8, INT4)."""
        if dtype.name not in _NUMPY:
            raise SaymaskError(f"a tensor has the type {dtype.name}, which numpy lacks; export the model again")
        return np.dtype(_NUMPY[dtype.name])

    def compute_capability(self, text: str) -> Any:
        """TensorRT-RTX's name of "8.9". Raises SaymaskError, with those it knows, for a chip that it cannot serve."""
        members: dict[str, Any] = self.module.ComputeCapability.__members__
        name = "SM" + text.replace(".", "")
        if name not in members:
            known = ", ".join(f"{key[2:-1]}.{key[-1]}" for key in members if key.startswith("SM"))
            raise SaymaskError(f"{self} does not serve compute capability {text}, only {known}; use TensorRT itself")
        return members[name]

    def progress_monitor(self, progress: Progress) -> Monitor:
        """What the builder's `progress_monitor` takes (`.handle`); keep it alive until the build is over."""
        return Monitor(self.module, progress)


@dataclass
class Logger:
    """Hands TensorRT's messages to whoever gathers at the moment; nothing is printed."""

    module: Any
    _gatherers: list[list[Message]] = field(default_factory=list)

    @cached_property
    def handle(self) -> Any:
        """The `ILogger` itself."""
        gatherers = self._gatherers

        class Handle(self.module.ILogger):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()

            def log(self, severity: Any, text: str) -> None:
                if severity.name != "VERBOSE":
                    for messages in tuple(gatherers):
                        messages.append(Message(severity.name.lower(), " ".join(text.split())))

        return Handle()

    @contextmanager
    def gather(self) -> Iterator[list[Message]]:
        """Everything logged in the context, by whichever thread, in order."""
        messages: list[Message] = []
        self._gatherers.append(messages)
        try:
            yield messages
        finally:
            # By identity: two lists that are gathered at once hold the same messages and compare equal.
            self._gatherers[:] = [kept for kept in self._gatherers if kept is not messages]


class Monitor:
    """TensorRT's `IProgressMonitor` over a `Progress`. Ctrl-C stops the build; the caller reads `interrupted`."""

    def __init__(self, module: Any, progress: Progress) -> None:
        self.interrupted = False
        self.handle = self._handle(module, progress)

    def _handle(self, module: Any, progress: Progress) -> Any:
        monitor = self

        class Handle(module.IProgressMonitor):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()

            def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
                with monitor._held_back():
                    progress.start(phase_name, parent_phase, num_steps)

            def step_complete(self, phase_name: str, step: int) -> bool:
                with monitor._held_back():
                    progress.step(phase_name, step)
                return not monitor.interrupted

            def phase_finish(self, phase_name: str) -> None:
                with monitor._held_back():
                    progress.finish(phase_name)

        return Handle()

    @contextmanager
    def _held_back(self) -> Iterator[None]:
        """An exception must not travel through TensorRT's C++ frames."""
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True


_loggers: dict[str, Logger] = {}


def find_tensorrt(flavour: str | None = None) -> TensorRT:
    """Import TensorRT: the named flavour ("tensorrt", "tensorrt-rtx"), or None for the first that is there.

    Raises SaymaskError with the install line for this platform, or saying what is wrong with the one that is there.
    """
    if flavour is not None and flavour not in FLAVOURS:
        raise SaymaskError(f"there is no flavour {flavour!r} of TensorRT; choose one of {', '.join(FLAVOURS)}")
    wanted = [known for known in FLAVOURS if flavour in (None, known)]
    problems = []
    for known in wanted:
        try:
            return _load(known)
        except ModuleNotFoundError as error:
            if error.name != _MODULES[known]:
                problems.append(f"the package '{_MODULES[known]}' lacks '{error.name}'")
        except (ImportError, OSError) as error:
            problems.append(f"the package '{_MODULES[known]}' cannot be loaded ({error})")
        except SaymaskError as error:
            problems.append(str(error))
    reason = "; ".join(problems) or f"{' and '.join(_MODULES[known] for known in wanted)} are not installed"
    if len(wanted) == 1 and not problems:
        reason = f"the package '{_MODULES[wanted[0]]}' is not installed"
    raise SaymaskError(f"no TensorRT: {reason}; {install_hint(wanted)}")


def _load(flavour: Flavour) -> TensorRT:
    module = importlib.import_module(_MODULES[flavour])
    version = str(module.__version__)
    oldest = _OLDEST[flavour]
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        raise SaymaskError(f"{flavour} {version} is too old, {oldest[0]}.{oldest[1]} or newer is needed")
    return TensorRT(module, flavour, version)


def install_hint(flavours: Sequence[Flavour] = FLAVOURS) -> str:
    """How to get TensorRT on this platform, as the end of a sentence."""
    if platform.machine() == "aarch64":
        return (
            "on a Jetson it comes with JetPack: sudo apt-get install python3-libnvinfer, "
            "and make the environment with: python3 -m venv --system-site-packages"
        )
    return f"install it with: pip install {flavours[0]}"

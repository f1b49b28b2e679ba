"""How far a build is, on standard error: one line that rewrites itself in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

_WIDTH = 24
_REDRAW_S = 0.1
_SILENT_S = 10.0
"""Without a terminal: at most one line in this many seconds, so that a log stays readable."""


class BuildProgress:
    """`Progress` of one build. A context manager: leaving it ends the line.

    The share done is the outermost phases' step plus the share of the phase inside it, and so on down.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        """`stream`: standard error unless given."""
        self._label = label
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._phases: dict[str, tuple[str | None, int, int]] = {}  # parent, steps done, steps
        self._lock = threading.Lock()
        self._begin = self._drawn = time.monotonic()
        self._furthest = 0.0

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """See `Progress.start`."""
        with self._lock:
            self._phases[phase] = (parent, 0, max(steps, 1))
            self._draw(phase)

    def step(self, phase: str, step: int) -> None:
        """See `Progress.step`."""
        with self._lock:
            if phase in self._phases:
                parent, _, steps = self._phases[phase]
                self._phases[phase] = (parent, min(step + 1, steps), steps)
                self._draw(phase)

    def finish(self, phase: str) -> None:
        """See `Progress.finish`."""
        with self._lock:
            self._phases.pop(phase, None)

    @property
    def share(self) -> float:
        """0..1; never goes back, though TensorRT may repeat a phase."""
        return self._furthest

    def _share(self, parent: str | None) -> float:
        """Done of `parent`'s children, the furthest of them where several run at once."""
        inner = [
            (done + min(self._share(name), 1.0) * (done < steps)) / steps
            for name, (above, done, steps) in self._phases.items()
            if above == parent
        ]
        return max(inner, default=0.0)

    def _draw(self, phase: str) -> None:
        self._furthest = max(self._furthest, self._share(None))
        now = time.monotonic()
        if now - self._drawn < (_REDRAW_S if self._terminal else _SILENT_S):
            return
        self._drawn = now
        told = f"{self._label} {self._furthest:4.0%} {now - self._begin:.0f} s {phase}"
        if self._terminal:
            filled = round(self._furthest * _WIDTH)
            bar = "█" * filled + "░" * (_WIDTH - filled)
            self._stream.write(f"\r\x1b[K{bar} {told}"[:120])
        else:
            self._stream.write(told + "\n")
        self._stream.flush()

    def __enter__(self) -> BuildProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            self._stream.write("\r\x1b[K")
        failed = "failed after " if kind else ""
        self._stream.write(f"{self._label}: {failed}{time.monotonic() - self._begin:.1f} s\n")
        self._stream.flush()

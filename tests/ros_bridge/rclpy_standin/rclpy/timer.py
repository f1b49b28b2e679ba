"""Stand-in, see ../README.md: the period is the steady clock's."""

from __future__ import annotations

import time
from collections.abc import Callable


class Timer:
    def __init__(self, callback: Callable[[], None], timer_period_ns: int) -> None:
        self.callback, self.timer_period_ns = callback, timer_period_ns
        self._next = time.monotonic_ns() + timer_period_ns
        self._cancelled = False

    def is_ready(self) -> bool:
        return not self._cancelled and time.monotonic_ns() >= self._next

    def call(self) -> None:
        self._next = time.monotonic_ns() + self.timer_period_ns
        self.callback()

    def cancel(self) -> None:
        self._cancelled = True

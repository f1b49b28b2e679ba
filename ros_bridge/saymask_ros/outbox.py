"""Hands events on one at a time and in order, without a thread of its own and without waiting for another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from saymask_ros.events import Event, Outcome

_MOST_WAITING = 32
"""Far more than a person can be told at once; a `deliver` that hangs must not fill the memory."""


class Outbox:
    """Whoever finds events waiting hands them on, unless another thread is at it, which then takes these as well."""

    def __init__(self, deliver: Callable[[Event], None], on_fault: Callable[[Exception], None]) -> None:
        """`deliver` may raise, which `on_fault` is told, and may itself put and flush."""
        self._deliver = deliver
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque(maxlen=_MOST_WAITING)
        self._busy = False
        self._closed = False

    def put(self, event: Event) -> int:
        """Queue `event`; returns how many outcomes it replaces, for only the newest is of use."""
        with self._lock:
            replaced = self._drop_outcomes() if isinstance(event, Outcome) else 0
            if not self._closed:
                self._waiting.append(event)
            return replaced

    def drop_outcomes(self) -> int:
        """Forget the outcomes that wait; returns how many."""
        with self._lock:
            return self._drop_outcomes()

    def flush(self) -> None:
        """Hand on what waits, in the order in which it was put."""
        while True:
            with self._lock:
                if self._busy or not self._waiting:
                    return
                self._busy = True
                event = self._waiting.popleft()
            try:
                self._deliver(event)
            except Exception as error:  # a subscriber's fault is not ours
                self._on_fault(error)
            finally:
                with self._lock:
                    self._busy = False

    def close(self) -> None:
        """Hand on nothing more."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _drop_outcomes(self) -> int:
        kept = [event for event in self._waiting if not isinstance(event, Outcome)]
        dropped = len(self._waiting) - len(kept)
        self._waiting = deque(kept, maxlen=_MOST_WAITING)
        return dropped

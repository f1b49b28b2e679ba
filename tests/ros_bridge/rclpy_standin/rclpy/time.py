"""Stand-in, see ../README.md."""

from __future__ import annotations

from builtin_interfaces.msg import Time as TimeMessage


class Time:
    def __init__(self, *, seconds: int | float = 0, nanoseconds: int = 0) -> None:
        if seconds < 0 or nanoseconds < 0:
            raise ValueError("Seconds and nanoseconds value must not be negative")
        self.nanoseconds = int(seconds * 10**9) + nanoseconds

    def to_msg(self) -> TimeMessage:
        seconds, nanoseconds = divmod(self.nanoseconds, 10**9)
        return TimeMessage(sec=seconds, nanosec=nanoseconds)

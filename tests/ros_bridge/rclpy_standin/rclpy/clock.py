"""Stand-in, see ../README.md."""

from __future__ import annotations

import time

from rclpy.time import Time


class Clock:
    def __init__(self) -> None:
        self._override: Time | None = None

    def now(self) -> Time:
        return self._override or Time(nanoseconds=time.time_ns())

    def set_ros_time_override(self, time: Time) -> None:
        """As ROSClock's: what a simulator's /clock says."""
        self._override = time

"""Stand-in, see ../README.md: transforms are put in by `set_transform`, one step from frame to frame."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time


class TransformException(Exception):
    """In tf2_ros this is tf2_py's: base of LookupException, ExtrapolationException, ConnectivityException."""


class Buffer:
    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        self._transforms: dict[tuple[str, str], list[TransformStamped]] = {}

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        key = (transform.header.frame_id, transform.child_frame_id)
        self._transforms.setdefault(key, []).append(transform)

    def lookup_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time,
        timeout: Duration = Duration(),  # noqa: B008
    ) -> TransformStamped:
        assert timeout.nanoseconds == 0, "a wait in a callback blocks the executor that would bring the transform"
        known = self._transforms.get((target_frame, source_frame))
        if not known:
            raise TransformException(
                f'"{source_frame}" passed to lookupTransform argument source_frame does not exist.'
            )
        newest = max(entry.header.stamp.sec * 10**9 + entry.header.stamp.nanosec for entry in known)
        if time.nanoseconds > newest:
            raise TransformException("Lookup would require extrapolation into the future.")
        return known[-1]

    def can_transform(
        self,
        target_frame: str,
        source_frame: str,
        time: Time,
        timeout: Duration = Duration(),  # noqa: B008
    ) -> bool:
        try:
            self.lookup_transform(target_frame, source_frame, time, timeout)
        except TransformException:
            return False
        return True


class TransformListener:
    def __init__(self, buffer: Buffer, node: Node, *, spin_thread: bool = False, qos: Any | None = None) -> None:
        self.buffer, self.registered = buffer, True

    def unregister(self) -> None:
        self.registered = False

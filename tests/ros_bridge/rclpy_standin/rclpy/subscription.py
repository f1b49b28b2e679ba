"""Stand-in, see ../README.md."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy import graph
from rclpy.qos import QoSProfile

if TYPE_CHECKING:
    from rclpy.node import Node


class Subscription:
    def __init__(
        self, node: Node, msg_type: type[Any], topic: str, callback: Callable[[Any], None], qos_profile: QoSProfile
    ) -> None:
        self.msg_type, self.topic, self.callback, self.qos_profile = msg_type, topic, callback, qos_profile
        self.topic_name = graph.DOMAIN.resolve(node, topic)
        self._node = node
        self._kept: deque[Any] = deque(maxlen=qos_profile.depth)  # KEEP_LAST: the oldest goes

    def receive(self, message: Any) -> None:
        full = len(self._kept) == self._kept.maxlen
        self._kept.append(message)
        if not full:
            graph.DOMAIN.put(self._node, self._deliver)

    def _deliver(self) -> None:
        if self in self._node.subscriptions and self._kept:
            self.callback(self._kept.popleft())

"""Stand-in, see ../README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rclpy import graph
from rclpy.exceptions import InvalidHandle
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible

if TYPE_CHECKING:
    from rclpy.node import Node


class Publisher:
    def __init__(self, node: Node, msg_type: type[Any], topic: str, qos_profile: QoSProfile) -> None:
        self.msg_type, self.topic, self.qos_profile = msg_type, topic, qos_profile
        self.topic_name = graph.DOMAIN.resolve(node, topic)
        self.alive = True

    def publish(self, msg: Any) -> None:
        self._use()
        if not isinstance(msg, self.msg_type):
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        graph.DOMAIN.publish(self, msg)

    def get_subscription_count(self) -> int:
        self._use()
        return sum(
            qos_check_compatible(self.qos_profile, other.qos_profile)[0] is not QoSCompatibility.ERROR
            for other in graph.DOMAIN.subscriptions(self.topic_name)
        )

    def _use(self) -> None:
        if not self.alive:
            raise InvalidHandle(f"cannot use Destroyable because destruction was requested: {self.topic_name}")

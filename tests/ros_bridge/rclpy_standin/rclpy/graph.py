"""Not in rclpy: what carries messages between the nodes of this process, and the work that awaits an executor."""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.publisher import Publisher
    from rclpy.subscription import Subscription

Work = Callable[[], None]


class Domain:
    """All that is on one ROS domain. `args` are the process's (`--ros-args -p name:=value -r from:=to`)."""

    def __init__(self, args: list[str], *, up: bool = True) -> None:
        self.up = up
        self.overrides, self.remaps = _parsed(args)
        self.nodes: list[Node] = []
        self._ready: deque[tuple[Node, Work]] = deque()
        self._changed = threading.Condition()

    def shut_down(self) -> None:
        with self._changed:
            self.up = False
            self._changed.notify_all()

    def resolve(self, node: Node, topic: str) -> str:
        topic = self.remaps.get(topic, topic)
        if topic.startswith("~"):
            topic = f"{node.get_name()}{topic[1:]}"
        return topic if topic.startswith("/") else f"{node.get_namespace().rstrip('/')}/{topic}"

    def publishers(self, topic: str) -> list[Publisher]:
        return [entry for node in self.nodes for entry in node.publishers if entry.topic_name == topic]

    def subscriptions(self, topic: str) -> list[Subscription]:
        return [entry for node in self.nodes for entry in node.subscriptions if entry.topic_name == topic]

    def publish(self, publisher: Publisher, message: Any) -> None:
        from rclpy.qos import QoSCompatibility, qos_check_compatible

        for subscription in self.subscriptions(publisher.topic_name):
            matched, _ = qos_check_compatible(publisher.qos_profile, subscription.qos_profile)
            if matched is not QoSCompatibility.ERROR and subscription.msg_type is publisher.msg_type:
                subscription.receive(copy.deepcopy(message))

    def put(self, node: Node, work: Work) -> None:
        with self._changed:
            self._ready.append((node, work))
            self._changed.notify_all()

    def next_work(self, node: Node, timeout_sec: float | None) -> Work | None:
        """The next thing for a node's executor to do, waited for at most so long (None: until there is some)."""
        end = None if timeout_sec is None else time.monotonic() + timeout_sec
        with self._changed:
            while True:
                for timer in node.timers:
                    if timer.is_ready():
                        return timer.call
                for entry in self._ready:
                    if entry[0] is node:
                        self._ready.remove(entry)
                        return entry[1]
                left = 0.002 if end is None else min(end - time.monotonic(), 0.002)  # a timer may become due meanwhile
                if left <= 0 or not self.up:
                    return None
                self._changed.wait(left)


def _parsed(args: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Overrides of parameters and remappings, as rcl reads them: YAML decides what type a value has."""
    import yaml

    overrides, remaps = {}, {}
    for flag, rule in zip(args, args[1:], strict=False):
        name, _, value = rule.partition(":=")
        if flag in ("-p", "--param"):
            overrides[name] = yaml.safe_load(value)
        elif flag in ("-r", "--remap"):
            remaps[name] = value
    return overrides, remaps


DOMAIN = Domain([], up=False)

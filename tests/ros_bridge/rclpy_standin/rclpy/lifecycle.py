"""Stand-in, see ../README.md: the states of https://design.ros2.org/articles/node_lifecycle.html."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from rclpy.exceptions import RCLError
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile


class TransitionCallbackReturn(Enum):
    SUCCESS = 0
    FAILURE = 1
    ERROR = 2


class LifecycleState(NamedTuple):
    label: str
    state_id: int


_IDS = {"unconfigured": 1, "inactive": 2, "active": 3, "finalized": 4}
_TRANSITIONS = {
    "configure": (("unconfigured",), "inactive"),
    "cleanup": (("inactive",), "unconfigured"),
    "activate": (("inactive",), "active"),
    "deactivate": (("active",), "inactive"),
    "shutdown": (("unconfigured", "inactive", "active"), "finalized"),
}
"""From which states a transition goes, and where to. A shutdown that fails ends there too."""


class LifecyclePublisher(Publisher):
    """Silent while the node is not active."""

    def __init__(self, node: Node, msg_type: type[Any], topic: str, qos_profile: QoSProfile) -> None:
        super().__init__(node, msg_type, topic, qos_profile)
        self.is_activated = False

    def publish(self, msg: Any) -> None:
        if self.is_activated:
            super().publish(msg)


class LifecycleNode(Node):
    def __init__(self, node_name: str, *, enable_communication_interface: bool = True, **kwargs: Any) -> None:
        Node.__init__(self, node_name, **kwargs)
        self._state_machine = "unconfigured"
        self._managed_entities: list[LifecyclePublisher] = []

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        publisher = self._make_publisher(LifecyclePublisher, *args, **kwargs)
        assert isinstance(publisher, LifecyclePublisher)
        self._publishers.append(publisher)
        self._managed_entities.append(publisher)
        return publisher

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        if publisher in self._managed_entities:
            self._managed_entities.remove(publisher)
        return self.destroy_publisher(publisher)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        for publisher in self._managed_entities:
            publisher.is_activated = True
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        for publisher in self._managed_entities:
            publisher.is_activated = False
        return TransitionCallbackReturn.SUCCESS

    def trigger_configure(self) -> TransitionCallbackReturn:
        return self._trigger("configure", self.on_configure)

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        return self._trigger("cleanup", self.on_cleanup)

    def trigger_activate(self) -> TransitionCallbackReturn:
        return self._trigger("activate", self.on_activate)

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        return self._trigger("deactivate", self.on_deactivate)

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        return self._trigger("shutdown", self.on_shutdown)

    def _trigger(
        self, name: str, callback: Callable[[LifecycleState], TransitionCallbackReturn]
    ) -> TransitionCallbackReturn:
        sources, goal = _TRANSITIONS[name]
        source = self._state_machine
        if source not in sources:
            raise RCLError(
                f"Failed to trigger lifecycle state machine transition: {name} is not registered for {source}"
            )
        state = LifecycleState(source, _IDS[source])
        result = _executed(callback, state)
        if result is TransitionCallbackReturn.SUCCESS or name == "shutdown":
            self._state_machine = goal
        if result is TransitionCallbackReturn.ERROR:
            mended = _executed(self.on_error, state) is TransitionCallbackReturn.SUCCESS
            self._state_machine = "unconfigured" if mended else "finalized"
        return result


def _executed(
    callback: Callable[[LifecycleState], TransitionCallbackReturn], state: LifecycleState
) -> TransitionCallbackReturn:
    try:
        return callback(state)
    except Exception:  # rclpy drops it without a word: a node must tell of it by itself
        return TransitionCallbackReturn.ERROR

"""What is published for one event of a session, on which topics. No ROS import: publishers are handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from runtime.datatypes import Grasp
from saymask_ros import convert
from saymask_ros.events import Event, Outcome, Speech
from saymask_ros.messages import MessageTypes

OUTPUTS = {
    "mask": "Image",
    "overlay": "Image",
    "detections": "Detection2DArray",
    "target_point": "PointStamped",
    "grasp_pose": "PoseStamped",
    "speech": "String",
}
"""Topics below the node's own name, and the names in MessageTypes of what they carry."""


class Publisher(Protocol):
    """What is needed of rclpy's publisher."""

    def publish(self, msg: Any) -> None:
        """Send a message; silent while the node is not active."""

    def get_subscription_count(self) -> int:
        """How many listen."""


class Outputs:
    """Publishes events. `place` gives a grasp in the frame that was asked for, None where there is no transform."""

    def __init__(
        self, publishers: Mapping[str, Publisher], types: MessageTypes, place: Callable[[Grasp], Grasp | None]
    ) -> None:
        self._publishers = publishers
        self._types = types
        self._place = place

    def deliver(self, event: Event) -> None:
        """Publish an event, with the stamp and the frame of the picture that it answers."""
        if isinstance(event, Speech):
            self._publishers["speech"].publish(convert.speech_message(event.text, self._types))
        else:
            self._deliver_outcome(event)

    def _deliver_outcome(self, outcome: Outcome) -> None:
        answer, types = outcome.segmentation, self._types
        self._publishers["mask"].publish(convert.mask_message(answer, types))
        self._publishers["detections"].publish(convert.detections_message(answer, types))
        grasp = outcome.grasp and self._place(outcome.grasp)
        if grasp:
            self._publishers["target_point"].publish(convert.point_message(grasp, types))
            self._publishers["grasp_pose"].publish(convert.pose_message(grasp, types))
        if self._publishers["overlay"].get_subscription_count():  # last: whoever grasps must not wait for a drawing
            self._publishers["overlay"].publish(convert.overlay_message(outcome.frame, answer, types))

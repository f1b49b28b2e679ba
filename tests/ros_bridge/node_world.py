"""What is around a node in a test: a camera, a person, and someone who listens to all that it publishes.

Imports rclpy, and so is imported only where the stand-in or ROS itself is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PointStamped, PoseStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header, String
from vision_msgs.msg import Detection2DArray

from runtime.datatypes import Box
from saymask_ros.answers import header_of
from saymask_ros.messages import MessageTypes
from saymask_ros.node import SaymaskNode
from saymask_ros.ros_types import RclpyTypes
from tests.ros_bridge.scripted_segmenter import ScriptedSegmenter
from tests.runtime.language.made_up_answers import LEFT

CAMERA = "camera_color_optical_frame"
OUTPUTS = {
    "mask": Image,
    "detections": Detection2DArray,
    "target_point": PointStamped,
    "grasp_pose": PoseStamped,
    "speech": String,
}
"""Without overlay, which is drawn only for those who listen."""
BEST_EFFORT = qos_profile_sensor_data
RELIABLE = QoSProfile(depth=50)


class Model(ScriptedSegmenter):
    """A scripted segmenter that can be closed, as a node does."""

    def __init__(self, *things: Box) -> None:
        super().__init__(*things)
        self.open = True

    def close(self) -> None:
        assert self.open, "closed twice"
        self.open = False


class World:
    """One ROS domain. Spins the node and those around it in the thread of the test."""

    def __init__(self) -> None:
        rclpy.init()
        self.models: list[Model] = []
        self.nodes: list[SaymaskNode] = []
        self.robot = Node("robot")
        self.heard: dict[str, list[Any]] = {name: [] for name in (*OUTPUTS, "overlay", "diagnostics")}
        for name, kind in OUTPUTS.items():
            self.robot.create_subscription(kind, f"/saymask/{name}", self.heard[name].append, RELIABLE)
        self.robot.create_subscription(DiagnosticArray, "/diagnostics", self.heard["diagnostics"].append, RELIABLE)
        self._publishers: dict[str, Publisher] = {}
        self.stamp_ns = 1_700_000_000_000_000_000
        self.types: MessageTypes = RclpyTypes()

    def node(self, **parameters: Any) -> SaymaskNode:
        """A node over a scripted segmenter that sees one thing."""

        def open_model(_: object) -> Model:
            self.models.append(Model(LEFT))
            return self.models[-1]

        return self.add(segmenter=open_model, **parameters)

    def add(self, *, segmenter: Any = None, **parameters: Any) -> SaymaskNode:
        """A node with `parameters`, which tells of itself five times a second."""
        values = {"diagnostics_period_s": 0.2, **parameters}
        overrides = [Parameter(name, None, value) for name, value in values.items()]
        options = {} if segmenter is None else {"segmenter": segmenter}
        node = SaymaskNode(parameter_overrides=overrides, **options)
        self.nodes.append(node)
        return node

    def close(self) -> None:
        """Nothing of a node may be left."""
        for node in self.nodes:
            node.destroy_node()
        self.robot.destroy_node()
        rclpy.try_shutdown()
        assert not any(model.open for model in self.models), "a model is still loaded"
        assert not [thread for thread in threading.enumerate() if thread.name == "saymask"], "a worker still runs"
        assert not [entry for entry in logging.getLogger("saymask").handlers if type(entry).__name__ == "RosLog"]

    # The camera and the person

    def header(self) -> Header:
        """Of the next picture."""
        self.stamp_ns += 33_000_001
        header = header_of(self.stamp_ns, CAMERA, self.types)
        assert isinstance(header, Header)
        return header

    def show(self, picture: npt.NDArray[np.uint8] | None = None, *, depth_m: float | None = None) -> int:
        """One picture uint8 (h, w, 3) RGB (320x240 black if None), and depth where LEFT is nearer; its stamp."""
        pixels = np.zeros((240, 320, 3), np.uint8) if picture is None else picture
        header = self.header()
        if depth_m is not None:
            self.calibrate(pixels.shape[1], pixels.shape[0])
            metres = np.full(pixels.shape[:2], depth_m + 0.2, np.float32)
            x0, y0, x1, y1 = LEFT
            metres[y0:y1, x0:x1] = depth_m
            self.send("depth", image(header, "16UC1", (metres * 1000).astype(np.uint16)), BEST_EFFORT)
        self.send("image", image(header, "rgb8", pixels), BEST_EFFORT)
        return self.stamp_ns

    def show_compressed(self, picture: npt.NDArray[np.uint8]) -> int:
        """The same as JPEG."""
        _, content = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        data = self.types.octets(content.reshape(-1))
        self.send("image", CompressedImage(header=self.header(), format="rgb8; jpeg compressed bgr8", data=data))
        return self.stamp_ns

    def calibrate(self, width: int, height: int) -> None:
        """A camera_info: 300 pixels of focal length."""
        k = np.array([300.0, 0, width / 2 - 0.5, 0, 300.0, height / 2 - 0.5, 0, 0, 1.0])
        p = np.array([300.0, 0, width / 2 - 0.5, 0, 0, 300.0, height / 2 - 0.5, 0, 0, 0, 1.0, 0])
        header = header_of(self.stamp_ns, CAMERA, self.types)
        self.send("camera_info", CameraInfo(header=header, width=width, height=height, k=k, p=p), BEST_EFFORT)

    def say(self, text: str, topic: str = "command") -> None:
        """What a person says."""
        self.send(topic, String(data=text), RELIABLE)

    def send(self, topic: str, message: Any, qos: QoSProfile = RELIABLE) -> None:
        """Publish whatever."""
        key = f"{topic} {type(message).__name__} {qos.reliability}"
        if key not in self._publishers:
            self._publishers[key] = self.robot.create_publisher(type(message), topic, qos)
        self._publishers[key].publish(message)

    def talk(self, topic: str, kind: type[Any], reliability: ReliabilityPolicy) -> None:
        """Announce a publisher that never says anything."""
        self.robot.create_publisher(kind, topic, QoSProfile(depth=5, reliability=reliability))

    # Those who listen

    def spin(self, done: Callable[[], object], seconds: float = 20.0) -> None:
        """Let everybody work until `done()`; fails after so long."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"waited {seconds} s in vain; diagnostics: {self.reasons(wait=False)}"
            for node in (*self.nodes, self.robot):
                rclpy.spin_once(node, timeout_sec=0.001)

    def spin_for(self, seconds: float) -> None:
        """Let everybody work for so long."""
        end = time.monotonic() + seconds
        self.spin(lambda: time.monotonic() >= end)

    def next(self, topic: str, count: int = 1) -> Any:
        """The `count`-th message from now on."""
        already = len(self.heard[topic])
        self.spin(lambda: len(self.heard[topic]) >= already + count)
        return self.heard[topic][already + count - 1]

    def answered(self, **show: Any) -> int:
        """Show one picture and wait for its mask and detections; its stamp."""
        stamp = self.show(**show)
        self.spin(lambda: self.heard["detections"] and stamp_of(self.heard["detections"][-1]) == stamp)
        return stamp

    def status(self) -> DiagnosticStatus:
        """What /diagnostics says of what has happened until now."""
        status = self.next("diagnostics", 2).status[0]  # the first may have been on its way
        assert isinstance(status, DiagnosticStatus)
        return status

    def values(self) -> dict[str, str]:
        """The values of `status`."""
        return {pair.key: pair.value for pair in self.status().values}

    def reasons(self, *, wait: bool = True) -> str:
        """The reasons that /diagnostics gives, joined."""
        if not wait and not self.heard["diagnostics"]:
            return ""
        status = self.status() if wait else self.heard["diagnostics"][-1].status[0]
        return next(pair.value for pair in status.values if pair.key == "reasons")


def image(header: Header, encoding: str, pixels: npt.NDArray[Any]) -> Image:
    """A sensor_msgs/Image of (h, w[, c]) pixels."""
    octets = np.ascontiguousarray(pixels).view(np.uint8).reshape(-1)
    return Image(
        header=header,
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=pixels[0].nbytes,
        data=RclpyTypes().octets(octets),
    )


def stamp_of(message: Any) -> int:
    """Nanoseconds of a message's header."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)

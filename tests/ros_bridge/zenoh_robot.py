"""A robot on Zenoh: rmw_zenoh's keys and attachments written out by hand, apart from anything in saymask_ros."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import zenoh
from rosbags.typesys import Stores, get_typestore

from runtime.segment_image import DEMO_PICTURE
from runtime.vision.files import read_picture

HEIGHT, WIDTH = 480, 640
DEPTH_MM = 800
STAMP_NS, PERIOD_NS = 1_700_000_000_000_000_000, 33_333_333
SENTENCE = "pick up the jar beside the apple"
STRING = "std_msgs::msg::dds_::String_/RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
IMAGE = "sensor_msgs::msg::dds_::Image_/RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47"
CAMERA_INFO = (
    "sensor_msgs::msg::dds_::CameraInfo_/RIHS01_b3dfd68ff46c9d56c80fd3bd4ed22c7a4ddce8c8348f2f59c299e73118e7e275"
)
POINT = (
    "geometry_msgs::msg::dds_::PointStamped_/RIHS01_4c0296af86e01e562e9e0405d138a01537247580076c58ea38d7923ac1045897"
)
POSE = "geometry_msgs::msg::dds_::PoseStamped_/RIHS01_10f3786d7d40fd2b54367835614bff85d4ad3b5dab62bf8bca0cc232d73b4cd8"
DETECTIONS = (
    "vision_msgs::msg::dds_::Detection2DArray_/RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968"
)
INPUTS = {"image": IMAGE, "depth": IMAGE, "camera_info": CAMERA_INFO, "command": STRING, "reply": STRING}
OUTPUTS = {"mask": IMAGE, "detections": DETECTIONS, "target_point": POINT, "grasp_pose": POSE, "speech": STRING}

STORE = get_typestore(Stores.ROS2_JAZZY)
"""rosbags' own messages; vision_msgs is not among them."""


def free_endpoint() -> str:
    """An endpoint on loopback whose port nobody uses yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp/127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def zenoh_session(mode: Literal["client", "router"], endpoint: str) -> Iterator[Any]:
    """A session that connects to `endpoint`, or is the router there."""
    config = zenoh.Config()
    config.insert_json5("mode", json.dumps(mode))
    config.insert_json5("scouting/multicast/enabled", "false")
    config.insert_json5(f"{'connect' if mode == 'client' else 'listen'}/endpoints", json.dumps([endpoint]))
    with zenoh.open(config) as session:
        yield session


def wait_until(condition: Callable[[], object], failure: str, seconds: float = 30) -> None:
    """Look again and again; an AssertionError with `failure` where it stays false."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)


def demo_picture() -> npt.NDArray[np.uint8]:
    """The bundled picture as a camera would send it, uint8 (480, 640, 3) RGB."""
    picture = cv2.resize(read_picture(DEMO_PICTURE).image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture, dtype=np.uint8)


def header(number: int) -> Any:
    """Of frame `number`: a stamp and a frame that no other has."""
    seconds, nanoseconds = divmod(STAMP_NS + number * PERIOD_NS, 10**9)
    stamp = STORE.types["builtin_interfaces/msg/Time"](seconds, nanoseconds)
    return STORE.types["std_msgs/msg/Header"](stamp, f"camera_{number}")


def image_cdr(number: int, encoding: str, pixels: npt.NDArray[Any]) -> bytes:
    """A sensor_msgs/Image of `pixels` (h, w[, channels])."""
    height, width = pixels.shape[:2]
    message = STORE.types["sensor_msgs/msg/Image"](
        header(number), height, width, encoding, 0, pixels.strides[0], pixels.reshape(-1).view(np.uint8)
    )
    return bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Image"))


def text_cdr(text: str) -> bytes:
    """A std_msgs/String."""
    return bytes(STORE.serialize_cdr(STORE.types["std_msgs/msg/String"](text), "std_msgs/msg/String"))


def camera_info_cdr() -> bytes:
    """A camera of 640x480 pixels with a focal length of 600."""
    roi = STORE.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    matrix = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])
    projection = np.insert(matrix, 3, 0.0, axis=1)
    message = STORE.types["sensor_msgs/msg/CameraInfo"](
        header(0),
        HEIGHT,
        WIDTH,
        "plumb_bob",
        np.zeros(5),
        matrix.ravel(),
        np.eye(3).ravel(),
        projection.ravel(),
        0,
        0,
        roi,
    )
    return bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/CameraInfo"))


class Robot:
    """A camera and a voice, and ears for every output of /saymask, on one Zenoh session."""

    def __init__(self, session: Any, type_hash: str = "") -> None:
        """`type_hash` in the place of the published ones."""

        def key(topic: str, type_and_hash: str) -> str:
            name, _, published = type_and_hash.partition("/")
            return f"0/{topic}/{name}/{type_hash or published}"

        self.heard: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
        """By output: payloads and attachments."""
        block = zenoh.CongestionControl.BLOCK  # what is sent is to arrive, the largest as well
        self._publishers = {
            name: session.declare_publisher(key(name, kind), congestion_control=block) for name, kind in INPUTS.items()
        }
        for name, kind in OUTPUTS.items():
            session.declare_subscriber(key(f"saymask/{name}", kind), self._listener(name))
        self._picture = demo_picture()
        self._depth = np.full((HEIGHT, WIDTH), DEPTH_MM, np.uint16)
        self._number = 0

    def _listener(self, name: str) -> Callable[[Any], None]:
        return lambda sample: self.heard[name].append((sample.payload.to_bytes(), sample.attachment.to_bytes()))

    def wait_for_saymask(self) -> None:
        """Until it has subscribed to every input."""
        wait_until(lambda: all(item.matching_status.matching for item in self._publishers.values()), "no subscriber")

    def send(self, name: str, payload: bytes, attachment: bytes | None = None) -> None:
        """Publish on an input as rmw_zenoh does."""
        stamped = struct.pack("<qqB16s", 1, time.time_ns(), 16, bytes(range(16)))
        self._publishers[name].put(payload, attachment=stamped if attachment is None else attachment)

    def stream(self, until: Callable[[], object], seconds: float = 60) -> None:
        """Send pictures with depth at 20 Hz until `until`."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, (
                f"heard only { ({name: len(all_) for name, all_ in self.heard.items()}) }"
            )
            self.send("depth", image_cdr(self._number, "16UC1", self._depth))
            self.send("image", image_cdr(self._number, "rgb8", self._picture))
            self._number += 1
            time.sleep(0.05)

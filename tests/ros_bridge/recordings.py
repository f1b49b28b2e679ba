"""Recordings as a robot makes them, written by rosbags alone, and results as decoders that are not ours read them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from mcap.reader import make_reader
from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

Storage = Literal["mcap", "sqlite3"]
COLOUR, DEPTH, INFO = "/camera/color/image_raw", "/camera/aligned_depth/image_raw", "/camera/color/camera_info"
SPEECH = "/speech/text"
FIRST_NS, PERIOD_NS = 1_700_000_000_987_654_321, 33_366_701
HEIGHT, WIDTH = 240, 320
"""As the scripted segmenter's pictures."""
MS = 1_000_000


@cache
def store(distribution: str) -> Any:
    """rosbags' own types."""
    return get_typestore(Stores[f"ROS2_{distribution.upper()}"])


@dataclass(frozen=True)
class Sample:
    """One message on its topic, at its time of recording."""

    topic: str
    recorded_ns: int
    message: Any


class Camera:
    """Messages of one distribution. Image `number` has a stamp and a frame of its own."""

    def __init__(self, distribution: str = "jazzy") -> None:
        self.types: Any = store(distribution).types

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        stamp = self.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
        return self.types["std_msgs/msg/Header"](stamp, frame_id)

    def image(self, number: int, pixels: npt.NDArray[np.uint8] | None = None, topic: str = COLOUR) -> Sample:
        if pixels is None:
            pixels = np.full((HEIGHT, WIDTH, 3), 40 + number, np.uint8)
        height, width = pixels.shape[:2]
        message = self.types["sensor_msgs/msg/Image"](
            self.header(*stamp_of(number)), height, width, "rgb8", 0, 3 * width, pixels.reshape(-1)
        )
        return Sample(topic, recorded(number), message)

    def jpeg(self, number: int, topic: str = f"{COLOUR}/compressed") -> Sample:
        content = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 40 + number, np.uint8))[1]
        message = self.types["sensor_msgs/msg/CompressedImage"](
            self.header(*stamp_of(number)), "rgb8; jpeg compressed bgr8", content.reshape(-1)
        )
        return Sample(topic, recorded(number), message)

    def depth(self, number: int, metres: float, *, late_ms: float = 2, topic: str = DEPTH) -> Sample:
        """A wall, in millimetres."""
        wall = np.full((HEIGHT, WIDTH), round(metres * 1000), "<u2").view(np.uint8)
        message = self.types["sensor_msgs/msg/Image"](
            self.header(*stamp_of(number)), HEIGHT, WIDTH, "16UC1", 0, 2 * WIDTH, wall.reshape(-1)
        )
        return Sample(topic, recorded(number) + round(late_ms * MS), message)

    def info(self, number: int) -> Sample:
        """300 pixels of focal length, the axis through the middle of the picture."""
        message = self.types["sensor_msgs/msg/CameraInfo"](
            header=self.header(*stamp_of(number)),
            height=HEIGHT,
            width=WIDTH,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=np.array([300.0, 0, WIDTH / 2 - 0.5, 0, 300, HEIGHT / 2 - 0.5, 0, 0, 1]),
            r=np.eye(3).reshape(-1),
            p=np.zeros(12),
            binning_x=0,
            binning_y=0,
            roi=self.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False),
        )
        return Sample(INFO, recorded(number) - MS, message)

    def said(self, text: str, before: int, topic: str = SPEECH) -> Sample:
        """Words that are heard shortly before an image."""
        return Sample(topic, recorded(before) - 2 * MS, self.types["std_msgs/msg/String"](text))


def stamp_of(number: int) -> tuple[int, str]:
    """Stamp and frame of an image."""
    return FIRST_NS + number * PERIOD_NS, f"camera_{number}_optical_frame"


def recorded(number: int) -> int:
    """When an image was recorded: a while after it was taken."""
    return stamp_of(number)[0] + 12 * MS


def record(
    path: Path, samples: Sequence[Sample], *, storage: Storage = "mcap", distribution: str = "jazzy", version: Any = 9
) -> Path:
    """Write a recording: a folder, or its one file where `path` has a suffix."""
    folder = path.with_suffix("")
    types = store(distribution)
    connections: dict[str, Any] = {}
    with Writer(folder, version=version, storage_plugin=StoragePlugin[storage.upper()]) as writer:
        for sample in sorted(samples, key=lambda sample: sample.recorded_ns):
            kind = sample.message.__msgtype__
            if sample.topic not in connections:
                connections[sample.topic] = writer.add_connection(sample.topic, kind, typestore=types)
            writer.write(connections[sample.topic], sample.recorded_ns, types.serialize_cdr(sample.message, kind))
    if not path.suffix:
        return folder
    return next(folder.glob(f"*{path.suffix}")).rename(path)


@dataclass(frozen=True)
class Result:
    """One message of the results, at its time in the recording."""

    recorded_ns: int
    message: Any

    @property
    def stamp(self) -> tuple[int, str]:
        """Stamp and frame."""
        header = self.message.header
        return header.stamp.sec * 10**9 + header.stamp.nanosec, header.frame_id


def read_results(path: Path) -> dict[str, list[Result]]:
    """Results by topic: a .mcap by mcap-ros2-support, a .db3 by the standard library and the same decoder."""
    if path.is_dir():
        (path,) = path.glob("*.mcap")
    found: dict[str, list[Result]] = defaultdict(list)
    if path.suffix == ".mcap":
        with path.open("rb") as file:
            reader = make_reader(file, decoder_factories=[DecoderFactory()])
            for _, channel, record_, message in reader.iter_decoded_messages():
                found[channel.topic].append(Result(record_.log_time, message))
        return found
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        definitions = dict(database.execute("SELECT topic_type, encoded_message_definition FROM message_definitions"))
        topics = {row[0]: row[1:] for row in database.execute("SELECT id, name, type FROM topics")}
        rows = database.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY timestamp, id").fetchall()
    finally:
        database.close()
    decoders = DecoderFactory()
    for topic_id, recorded_ns, cdr in rows:
        name, kind = topics[topic_id]
        schema = Schema(id=topic_id, data=definitions[kind].encode(), encoding="ros2msg", name=kind)
        decode = decoders.decoder_for("cdr", schema)
        assert decode is not None
        found[name].append(Result(recorded_ns, decode(cdr)))
    return found

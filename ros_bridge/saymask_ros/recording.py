"""Reads rosbag2 recordings, sqlite3 or MCAP, without ROS, and finds the topics that belong together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from runtime.errors import SaymaskError
from saymask_ros.messages import RosbagsTypes
from saymask_ros.pixels import DEPTH_ENCODINGS

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO, STRING = "sensor_msgs/msg/CameraInfo", "std_msgs/msg/String"


@dataclass(frozen=True)
class Topic:
    """A topic of a recording, its message type, and how many messages it has."""

    name: str
    type_name: str
    count: int


@dataclass(frozen=True)
class Topics:
    """What is read of a recording. Without `depth` and `camera_info` there are masks and no grasps."""

    image: Topic
    depth: Topic | None
    camera_info: Topic | None
    command: Topic | None

    @property
    def rectified(self) -> bool:
        """Whether the images are free of distortion: by the names that image_proc gives (image_rect, ...)."""
        return "rect" in _base(self.image.name).rpartition("/")[2]


class Recording:
    """A recording, open for reading: a folder with metadata.yaml, or a single .mcap or .db3 file. A context manager."""

    def __init__(self, path: Path, types: RosbagsTypes) -> None:
        """Raises SaymaskError in one line for what cannot be read."""
        self._path, self._types = path, types
        if not path.exists():
            raise SaymaskError(f"the recording {path} does not exist")
        try:
            self._reader = Reader(path)
            self._reader.open()
        except Exception as error:  # a broken file raises whatever its bytes make of the reader
            raise self._unreadable(error) from error
        by_name: dict[str, list[Connection]] = {}
        for connection in self._reader.connections:  # several publishers of a topic may have several
            by_name.setdefault(connection.topic, []).append(connection)
        self._connections = by_name
        self.topics = {
            name: Topic(name, same[0].msgtype, sum(connection.msgcount for connection in same))
            for name, same in by_name.items()
        }

    @property
    def span_ns(self) -> tuple[int, int]:
        """When the first and the last message were recorded."""
        return self._reader.start_time, max(self._reader.start_time, self._reader.end_time - 1)

    def messages(self, topics: Collection[Topic]) -> Iterator[tuple[str, int, bytes]]:
        """Topic, time of recording and CDR of each message, in the order of recording.

        Raises SaymaskError where the files are broken, at the latest when fewer messages came than they say they hold.
        """
        missing = sum(topic.count for topic in topics)
        connections = [connection for topic in topics for connection in self._connections[topic.name]]
        try:
            for connection, recorded_ns, cdr in self._reader.messages(connections):
                missing -= 1
                yield connection.topic, recorded_ns, cdr
        except Exception as error:  # as above; what our caller raises does not come by here
            raise self._unreadable(error) from error
        if missing > 0:  # rosbags passes over what it cannot make out
            raise SaymaskError(f"the recording {self._path} is broken: {missing} of its messages cannot be found")

    def first(self, topic: Topic) -> Any:
        """The first message of a topic that can be read; None where there is none."""
        for _, _, cdr in self.messages([topic]):
            try:
                return self._types.deserialise(cdr, topic.type_name)
            except SaymaskError:  # told when its turn comes
                continue
        return None

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unreadable(self, error: Exception) -> SaymaskError:
        reason = " ".join(str(error).split()) or type(error).__name__
        if "metadata" in reason and self._path.is_dir():
            return SaymaskError(f"cannot read {self._path}: {reason.rstrip('.')}; try: ros2 bag reindex {self._path}")
        if "end magic" in reason or "Truncated" in reason:
            return SaymaskError(f"the recording {self._path} was cut off ({reason}); try: mcap recover {self._path}")
        return SaymaskError(
            f"cannot read the recording {self._path}: {reason.rstrip('.')}; expected a rosbag2 folder, .mcap or .db3"
        )


def choose_topics(
    recording: Recording, *, image: str | None, depth: str | None, camera_info: str | None, command: str | None
) -> Topics:
    """The topics that were named, and for the others those that go with the image.

    The image: the only topic with colour. Its depth: the only depth image in the same frame, thus registered to it.
    Its camera_info: the one beside it. Raises SaymaskError that lists the choices where there are several.
    """
    chosen = _named(recording, image, (IMAGE, COMPRESSED)) or _only_colour(recording)
    beside = recording.topics.get(f"{_base(chosen.name).rpartition('/')[0]}/camera_info")
    return Topics(
        image=chosen,
        depth=_named(recording, depth, (IMAGE, COMPRESSED)) or _only_depth(recording, chosen),
        camera_info=_named(recording, camera_info, (CAMERA_INFO,))
        or (beside if beside and beside.type_name == CAMERA_INFO and beside.count else None),
        command=_named(recording, command, (STRING,)),
    )


def _named(recording: Recording, name: str | None, type_names: Collection[str]) -> Topic | None:
    if name is None:
        return None
    topic = recording.topics.get(name)
    if topic is None or topic.type_name not in type_names:
        there = f"it is a {topic.type_name}" if topic else "it is not there"
        wanted = " or ".join(type_names)
        raise SaymaskError(f"no topic {name} of {wanted}: {there}; {_listed(recording, type_names)}")
    return topic


def _only_colour(recording: Recording) -> Topic:
    encodings = _encodings(recording)
    images = [name for name, encoding in encodings.items() if not _is_depth(encoding)]
    # A camera's own topic before its compressed copy, and colour before grey (infrared, masks).
    originals = [name for name in images if not (name.endswith("/compressed") and _base(name) in images)]
    colour = [name for name in originals if not encodings[name].startswith("mono")] or originals
    if len(colour) == 1:
        return recording.topics[colour[0]]
    if not colour:
        raise SaymaskError(f"the recording has no images in colour; {_listed(recording, (IMAGE, COMPRESSED))}")
    raise SaymaskError(f"the recording has several image topics, choose one with --image: {', '.join(colour)}")


def _only_depth(recording: Recording, image: Topic) -> Topic | None:
    frame = _frame_id(recording, image)
    depths = [name for name, encoding in _encodings(recording).items() if _is_depth(encoding)]
    depths = [name for name in depths if _frame_id(recording, recording.topics[name]) == frame]
    depths = [name for name in depths if _base(name) == name or _base(name) not in depths]
    if len(depths) > 1:
        raise SaymaskError(f"the recording has several depth topics, choose one with --depth: {', '.join(depths)}")
    return recording.topics[depths[0]] if depths else None


def _encodings(recording: Recording) -> dict[str, str]:
    """By topic, what its first image is encoded as."""
    firsts = {
        topic.name: recording.first(topic)
        for topic in recording.topics.values()
        if topic.type_name in (IMAGE, COMPRESSED)
    }
    return {
        name: str(message.encoding if hasattr(message, "encoding") else message.format)
        for name, message in firsts.items()
        if message is not None
    }


def _base(name: str) -> str:
    """The name of the topic that this one is a compressed copy of."""
    return name.removesuffix("/compressedDepth").removesuffix("/compressed")


def _is_depth(encoding: str) -> bool:
    """Of an Image's encoding, or a CompressedImage's format."""
    return "compressedDepth" in encoding or encoding.partition(";")[0].strip() in DEPTH_ENCODINGS


def _frame_id(recording: Recording, topic: Topic) -> str:
    message = recording.first(topic)
    return "" if message is None else str(message.header.frame_id)


def _listed(recording: Recording, type_names: Collection[str]) -> str:
    fitting = [topic.name for topic in recording.topics.values() if topic.type_name in type_names]
    return f"it has: {', '.join(fitting)}" if fitting else f"it has no {' or '.join(type_names)} at all"

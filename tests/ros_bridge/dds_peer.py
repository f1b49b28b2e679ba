"""A robot on DDS: publishes a camera and a command, and tells in JSON what it hears in answer.

    python -m tests.ros_bridge.dds_peer DOMAIN FRAMES

A process of its own, which knows the messages by `dds_types` and reads and writes them with Cyclone's own serialiser.
"""

# mypy: disable-error-code="arg-type"
# Cyclone's `sequence` and `array` take any list, and are not declared so.
from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import Domain, DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from tests.ros_bridge import dds_types

LOOPBACK = """<CycloneDDS><Domain Id="any">
<General><Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>
<AllowMulticast>false</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>60</MaxAutoParticipantIndex>
<Peers><Peer Address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>"""
INPUTS: dict[str, type] = {
    "image": dds_types.Image,
    "depth": dds_types.Image,
    "camera_info": dds_types.CameraInfo,
    "command": dds_types.String,
}
OUTPUTS: dict[str, type] = {
    "mask": dds_types.Image,
    "detections": dds_types.Detection2DArray,
    "target_point": dds_types.PointStamped,
    "grasp_pose": dds_types.PoseStamped,
    "speech": dds_types.String,
}
QOS = Qos(
    Policy.Reliability.Reliable(duration(seconds=5)),
    Policy.Durability.Volatile,
    Policy.History.KeepAll,
    Policy.DataRepresentation(use_cdrv0_representation=True),
)
HEIGHT, WIDTH = 480, 640
STAMP_S = 1_700_000_000
COMMAND = "pick up the red mug"
MATRIX = (600.0, 0.0, 319.5, 0.0, 601.0, 239.5, 0.0, 0.0, 1.0)


def picture(number: int) -> npt.NDArray[np.uint8]:
    """The pixels of frame `number`, uint8 (480, 640, 3)."""
    return np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def depth_mm(number: int) -> npt.NDArray[np.uint16]:
    """The depth of frame `number` in millimetres, uint16 (480, 640)."""
    return np.random.default_rng(number).integers(300, 4000, (HEIGHT, WIDTH), dtype=np.uint16)


def participant(domain: int) -> tuple[Domain, DomainParticipant]:
    """A participant that keeps to this machine; hold on to both."""
    return Domain(domain, LOOPBACK), DomainParticipant(domain)


def _header(number: int) -> dds_types.Header:
    return dds_types.Header(dds_types.Time(STAMP_S, number * 33_000_000), "camera_optical")


def _image(number: int, encoding: str, pixels: npt.NDArray[Any]) -> dds_types.Image:
    step = pixels.strides[0]
    return dds_types.Image(_header(number), HEIGHT, WIDTH, encoding, 0, step, list(pixels.tobytes()))


def _camera_info(number: int) -> dds_types.CameraInfo:
    return dds_types.CameraInfo(
        header=_header(number),
        height=HEIGHT,
        width=WIDTH,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=list(MATRIX),
        r=list(np.eye(3).ravel()),
        p=list(np.insert(np.reshape(MATRIX, (3, 3)), 3, 0.0, axis=1).ravel()),
        binning_x=0,
        binning_y=0,
        roi=dds_types.RegionOfInterest(0, 0, 0, 0, False),
    )


def _plain(message: Any) -> Any:
    """A message as JSON takes it, its pixels as their SHA-256."""
    fields = dataclasses.asdict(message)
    if "data" in fields and not isinstance(fields["data"], str):
        fields["data"] = hashlib.sha256(bytes(fields["data"])).hexdigest()
    return fields


def main(domain: int, frames: int) -> None:
    """Publish `frames` frames; print what came in answer, by topic."""
    _held, node = participant(domain)
    writers: dict[str, Any] = {
        name: DataWriter(node, Topic(node, f"rt/{name}", kind), qos=QOS) for name, kind in INPUTS.items()
    }
    readers: dict[str, Any] = {
        name: DataReader(node, Topic(node, f"rt/{name}", kind), qos=QOS) for name, kind in OUTPUTS.items()
    }
    deadline = time.monotonic() + 30
    while not all(writer.get_matched_subscriptions() for writer in writers.values()):
        if time.monotonic() > deadline:
            sys.exit("nobody subscribed within 30 seconds")
        time.sleep(0.02)
    writers["command"].write(dds_types.String(COMMAND))
    for number in range(frames):
        writers["camera_info"].write(_camera_info(number))
        writers["depth"].write(_image(number, "16UC1", depth_mm(number)))
        writers["image"].write(_image(number, "rgb8", picture(number)))
    heard: dict[str, list[Any]] = {name: [] for name in OUTPUTS}
    while any(len(messages) < frames for messages in heard.values()) and time.monotonic() < deadline:
        for name, reader in readers.items():
            heard[name] += [_plain(message) for message in reader.take(16)]
        time.sleep(0.02)
    print(json.dumps(heard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

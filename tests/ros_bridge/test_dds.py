"""Our CDR and messages on the wire: Cyclone DDS in another process reads what we write, and we what it writes.

Topics have the names and types that ROS 2 gives them on DDS, so this is what a robot with rmw_cyclonedds sees.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.datatypes import Candidate, Command, Grasp, Segmentation, Verdict

pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")
pytest.importorskip("cyclonedds", reason="cyclonedds is not installed (no wheel but for x86-64)")

from cyclonedds._clayer import ddspy_take, ddspy_write
from cyclonedds.core import InstanceState, SampleState, ViewState
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic

from saymask_ros import convert
from saymask_ros.messages import DISTRIBUTIONS, Distribution, RosbagsTypes
from tests.ros_bridge.dds_peer import (
    COMMAND,
    HEIGHT,
    INPUTS,
    MATRIX,
    OUTPUTS,
    QOS,
    STAMP_S,
    WIDTH,
    depth_mm,
    participant,
    picture,
)

FRAMES = 3
ANY = ViewState.Any | InstanceState.Any | SampleState.Any
KINDS = {"image": "Image", "depth": "Image", "camera_info": "CameraInfo", "command": "String"}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_cyclone_reads_what_we_write_and_we_read_what_it_writes(distribution: Distribution) -> None:
    types = RosbagsTypes(distribution)
    domain = 100 + os.getpid() % 100  # another one than another run's beside this
    _held, node = participant(domain)
    writers: dict[str, Any] = {
        name: DataWriter(node, Topic(node, f"rt/{name}", kind), qos=QOS) for name, kind in OUTPUTS.items()
    }
    readers: dict[str, Any] = {
        name: DataReader(node, Topic(node, f"rt/{name}", kind), qos=QOS) for name, kind in INPUTS.items()
    }
    peer = subprocess.Popen(
        [sys.executable, "-m", "tests.ros_bridge.dds_peer", str(domain), str(FRAMES)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        received = _receive(readers, types)
        _check_inputs(received)
        headers = [message.header for message in received["image"]]
        for header in headers:
            for name, message in _answers(header, types).items():
                ddspy_write(writers[name]._ref, types.serialise(message))
        out, errors = peer.communicate(timeout=60)
    finally:
        peer.kill()
    assert peer.returncode == 0, errors
    _check_outputs(json.loads(out))


def _receive(readers: dict[str, Any], types: RosbagsTypes) -> dict[str, list[Any]]:
    """All that the peer sends, read by us."""
    received: dict[str, list[Any]] = {name: [] for name in readers}
    deadline = time.monotonic() + 40
    while any(len(received[name]) < FRAMES for name in ("image", "depth", "camera_info")) or not received["command"]:
        assert time.monotonic() < deadline, {name: len(messages) for name, messages in received.items()}
        for name, reader in readers.items():
            type_name = types.type_name(KINDS[name])
            taken = ddspy_take(reader._ref, ANY, 16)
            received[name] += [types.deserialise(bytes(cdr), type_name) for cdr, info in taken if info.valid_data]
        time.sleep(0.01)
    return received


def _check_inputs(received: dict[str, list[Any]]) -> None:
    for number, (image, depth) in enumerate(zip(received["image"], received["depth"], strict=True)):
        frame = convert.frame_from_image(image)
        assert frame.stamp_ns == STAMP_S * 10**9 + number * 33_000_000
        assert frame.camera_frame == "camera_optical"
        assert np.array_equal(frame.image, picture(number))
        assert np.allclose(convert.depth_from_image(depth), depth_mm(number) / 1000, atol=1e-6)
    intrinsics = convert.intrinsics_from_camera_info(received["camera_info"][0])
    assert (intrinsics.fx, intrinsics.fy) == (MATRIX[0], MATRIX[4])
    assert (intrinsics.cx, intrinsics.cy) == (MATRIX[2] + 0.5, MATRIX[5] + 0.5)  # ours: pixel centres at + 0.5
    assert [message.data for message in received["command"]] == [COMMAND]


def _answers(header: Any, types: RosbagsTypes) -> dict[str, Any]:
    """What we publish for a frame of this header."""
    mask = _mask()
    stamp_ns = header.stamp.sec * 10**9 + header.stamp.nanosec
    things = tuple(
        Candidate(mask=mask, box=(x, 50, x + 20, 80), centroid=(x + 10.0, 65.0), area=600) for x in (100, 300)
    )
    answer = Segmentation(
        mask=mask,
        verdict=Verdict.AMBIGUOUS,
        confidence=0.75,
        candidates=things,
        box=(100, 50, 320, 80),
        centroid=(210.0, 65.0),
        command=Command(COMMAND, "pick", "red mug"),
        stamp_ns=stamp_ns,
        camera_frame=header.frame_id,
        count_probabilities=(0.0, 0.25, 0.75),
        raw_mask=mask,
    )
    grasp = Grasp((0.125, -0.25, 0.875), (1.0, 0.0, 0.0), 0.0625, (0.0, 0.0, 1.0), header.frame_id, stamp_ns)
    return {
        "mask": convert.mask_message(answer, types),
        "detections": convert.detections_message(answer, types),
        "target_point": convert.point_message(grasp, types),
        "grasp_pose": convert.pose_message(grasp, types),
        "speech": convert.speech_message("I see two: which one? – der linke", types),
    }


def _mask() -> Any:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50:80, 100:120] = mask[50:80, 300:320] = True
    return mask


def _check_outputs(heard: dict[str, list[Any]]) -> None:
    """What the peer read, as JSON."""
    assert {name: len(messages) for name, messages in heard.items()} == dict.fromkeys(OUTPUTS, FRAMES)
    for number in range(FRAMES):
        header = {"stamp": {"sec": STAMP_S, "nanosec": number * 33_000_000}, "frame_id": "camera_optical"}
        mask = heard["mask"][number]
        assert mask["header"] == heard["grasp_pose"][number]["header"] == header
        assert (mask["height"], mask["width"], mask["encoding"], mask["step"]) == (HEIGHT, WIDTH, "mono8", WIDTH)
        assert mask["data"] == hashlib.sha256((_mask() * np.uint8(255)).tobytes()).hexdigest()
        detections = heard["detections"][number]
        assert detections["header"] == header and len(detections["detections"]) == 2
        for thing, x in zip(detections["detections"], (100, 300), strict=True):
            assert thing["header"] == header
            assert thing["bbox"]["center"]["position"] == {"x": x + 10.0, "y": 65.0}
            assert (thing["bbox"]["size_x"], thing["bbox"]["size_y"]) == (20.0, 30.0)
            assert thing["results"][0]["hypothesis"]["class_id"] == "red mug"
            assert thing["results"][0]["pose"]["covariance"] == [0.0] * 36
        assert heard["target_point"][number]["point"] == {"x": 0.125, "y": -0.25, "z": 0.875}
        assert heard["grasp_pose"][number]["pose"]["position"] == {"x": 0.125, "y": -0.25, "z": 0.875}
        turn = heard["grasp_pose"][number]["pose"]["orientation"]
        assert sum(value**2 for value in turn.values()) == pytest.approx(1)
        assert heard["speech"][number]["data"] == "I see two: which one? – der linke"

"""2,000 malformed messages: whatever a broken or hostile sender puts on a topic is counted, and ends nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")

from saymask_ros.cdr_inputs import inputs_of
from saymask_ros.events import Outcome, SessionSettings
from saymask_ros.messages import RosbagsTypes
from saymask_ros.pixels import COLOUR_ENCODINGS, DEPTH_ENCODINGS
from tests.ros_bridge.scripted_segmenter import Bench

WIDTH, HEIGHT = 48, 40  # small, so that a failing example can be read
TYPES = RosbagsTypes("jazzy")
MESSAGES: Any = TYPES._store.types
UINT32 = st.integers(0, 2**32 - 1)
SIDES = st.one_of(st.integers(0, 31), st.integers(4097, 2**32 - 1))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


class Robot(Bench):
    """A session that sees one thing, and its inputs by name as the bytes of a middleware reach them."""

    def __init__(self) -> None:
        super().__init__((40, 40, 90, 90), settings=SessionSettings(command_timeout_s=0))
        raw, compressed = inputs_of(self.session, TYPES), inputs_of(self.session, TYPES, compressed=True)
        self.inputs = {**raw, "compressed": compressed["image"]}
        self.seconds = 1_700_000_000
        self.say("pick up the red mug")

    def receive(self, name: str, cdr: bytes) -> None:
        """A message comes, a second after the last by its stamp too; where it is one of depth, with its picture."""
        self.clock.pass_ms(1000)
        self.seconds += 1
        if name not in ("command", "reply") and len(cdr) >= 8:
            cdr = cdr[:4] + struct.pack("<i", self.seconds) + cdr[8:]
        self.inputs[name].take(cdr)
        if name == "depth":
            self.inputs["camera_info"].take(TYPES.serialise(camera_info()))
            self.inputs["image"].take(TYPES.serialise(replace(image(), header=header(self.seconds))))
        if name in ("image", "compressed", "depth"):
            self.session.step()

    def malformed(self, name: str) -> int:
        """How many of an input's messages were counted as malformed."""
        source = {"compressed": "image", "command": "text", "reply": "text"}.get(name, name)
        return self.session.status().counts[f"malformed_{source}"]


def header(seconds: int = 0) -> Any:
    return MESSAGES["std_msgs/msg/Header"](MESSAGES["builtin_interfaces/msg/Time"](seconds, 5), "camera")


def image(encoding: str = "rgb8", pixel_bytes: int = 3) -> Any:
    step = WIDTH * pixel_bytes
    data = np.zeros(HEIGHT * step, np.uint8)
    return MESSAGES["sensor_msgs/msg/Image"](header(), HEIGHT, WIDTH, encoding, 0, step, data)


def depth() -> Any:
    message = image("16UC1", 2)
    message.data.view(np.uint16)[:] = 800
    return message


def compressed(content: bytes, form: str = "rgb8; jpeg compressed bgr8") -> Any:
    return MESSAGES["sensor_msgs/msg/CompressedImage"](header(), form, np.frombuffer(content, np.uint8))


def camera_info(**changes: Any) -> Any:
    matrix = np.array([300.0, 0, 160, 0, 300, 120, 0, 0, 1])
    roi = MESSAGES["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    message = MESSAGES["sensor_msgs/msg/CameraInfo"](
        header(), HEIGHT, WIDTH, "plumb_bob", np.zeros(5), matrix, np.eye(3).ravel(), np.zeros(12), 0, 0, roi
    )
    return replace(message, **changes)


def text(said: str) -> Any:
    return MESSAGES["std_msgs/msg/String"](said)


def jpeg() -> bytes:
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


WHOLE = {
    "image": TYPES.serialise(image()),
    "depth": TYPES.serialise(depth()),
    "compressed": TYPES.serialise(compressed(jpeg())),
    "camera_info": TYPES.serialise(camera_info()),
    "command": TYPES.serialise(text("pick up the red mug")),
    "reply": TYPES.serialise(text("the left one")),
}
"""A good message of each input."""


@st.composite
def cut_off(draw: st.DrawFn) -> tuple[str, bytes]:
    """The beginning of a good message; a string's closing zero alone is nobody's loss."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    return name, WHOLE[name][: draw(st.integers(0, len(WHOLE[name]) - 2))]


@st.composite
def wrong_lengths(draw: st.DrawFn) -> tuple[str, bytes]:
    """A string or an array that says it is longer than the message."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    cdr = bytearray(WHOLE[name])
    at = 4 if name in ("command", "reply") else 12  # after the encapsulation, and after the stamp: the frame's name
    struct.pack_into("<I", cdr, at, draw(st.integers(len(cdr), 2**32 - 1)))
    return name, bytes(cdr)


def _wrong_pictures(name: str, good: Callable[[], Any], encodings: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """A raw image of which one field does not fit the others."""
    others = TEXTS.filter(lambda encoding: encoding not in encodings)
    changes = st.one_of(
        st.builds(dict, encoding=others),
        st.builds(dict, height=SIDES),
        st.builds(dict, width=SIDES),
        st.builds(dict, height=UINT32.filter(lambda height: height != HEIGHT)),
        st.builds(dict, step=UINT32.filter(lambda step: step != good().step)),
        st.builds(dict, data=st.binary(max_size=2000).map(lambda data: np.frombuffer(data, np.uint8))),
    )
    return changes.map(lambda change: (name, TYPES.serialise(replace(good(), **change))))


def _broken_jpegs() -> st.SearchStrategy[Any]:
    whole = jpeg()
    contents = st.one_of(
        st.binary(max_size=500),
        st.binary(max_size=500).map(lambda rest: b"\xff\xd8\xff" + rest),
        st.binary(max_size=500).map(lambda rest: b"\x89PNG\r\n\x1a\n" + rest),
        st.integers(0, len(whole) - 2).map(lambda end: whole[:end]),
    )
    return contents.map(lambda content: ("compressed", TYPES.serialise(compressed(content))))


def _impossible_cameras() -> st.SearchStrategy[Any]:
    focal_lengths = st.floats(max_value=0) | st.sampled_from([float("nan"), float("inf")])
    matrices = focal_lengths.map(lambda f: np.array([f, 0, 160, 0, 300, 120, 0, 0, 1]))
    return matrices.map(lambda k: ("camera_info", TYPES.serialise(camera_info(k=k))))


def _broken_text() -> st.SearchStrategy[Any]:
    """Bytes that are no UTF-8."""
    said = st.binary(max_size=40).map(lambda rest: b"stop \xff" + rest + b"\0")
    cdrs = said.map(lambda data: b"\0\1\0\0" + struct.pack("<I", len(data)) + data)
    return st.tuples(st.sampled_from(["command", "reply"]), cdrs)


MALFORMED = st.one_of(
    cut_off(),
    wrong_lengths(),
    _wrong_pictures("image", image, COLOUR_ENCODINGS),
    _wrong_pictures("depth", depth, DEPTH_ENCODINGS),
    _broken_jpegs(),
    _impossible_cameras(),
    _broken_text(),
)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_two_thousand_malformed_messages_are_each_counted() -> None:
    robot = Robot()
    sent = 0

    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(malformed=MALFORMED)
    def send(malformed: tuple[str, bytes]) -> None:
        nonlocal sent
        sent += 1
        name, cdr = malformed
        before = robot.malformed(name)
        robot.receive(name, cdr)
        assert robot.malformed(name) == before + 1, robot.session.status()

    send()
    assert sent >= 2000
    counts = robot.session.status().counts
    assert sum(count for name, count in counts.items() if name.startswith("malformed")) == sent
    assert counts["failed"] == counts["undelivered"] == 0
    _still_answers(robot)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(WHOLE)), data=st.data())
def test_any_bytes_at_all_end_nothing(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    robot = Robot()
    if data.draw(st.booleans()):
        cdr = data.draw(st.binary(max_size=300))
    else:  # what a good message becomes where a few of its bytes are changed; most are in its first fields
        changed = bytearray(whole)
        for at, value in data.draw(st.lists(st.tuples(st.integers(0, min(len(whole), 120) - 1), st.integers(0, 255)))):
            changed[at] = value
        cdr = bytes(changed)
    robot.receive(name, cdr)
    counts = robot.session.status().counts
    if name in ("image", "compressed"):
        fates = ("answered", "malformed_image", "late", "idle", "dropped", "superseded", "failed")
        assert counts["received"] == 1 == sum(counts[fate] for fate in fates)
    _still_answers(robot)


def _still_answers(robot: Robot) -> None:
    robot.say("pick up the red mug")
    robot.seconds += 1000
    robot.receive("image", WHOLE["image"])
    last = robot.events[-1]
    assert isinstance(last, Outcome) and last.segmentation.mask.any()

"""`saymask zenoh` as a process of its own, with this one as the robot, over Zenoh on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.datatypes import Frame
from runtime.segmenter import Segmenter

pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed (extra: zenoh)")
pytest.importorskip("xxhash", reason="xxhash is not installed (extra: zenoh)")
pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")

from saymask_ros.messages import RosbagsTypes
from saymask_ros.zenoh_transport import LARGEST_MESSAGE
from tests.ros_bridge.zenoh_robot import (
    DEPTH_MM,
    HEIGHT,
    OUTPUTS,
    PERIOD_NS,
    SENTENCE,
    STAMP_NS,
    WIDTH,
    Robot,
    camera_info_cdr,
    demo_picture,
    free_endpoint,
    image_cdr,
    text_cdr,
    wait_until,
    zenoh_session,
)

REPOSITORY = Path(__file__).parents[2]


def _hear_ctrl_c() -> None:
    """A shell starts what is to run in the background deaf to it, and so would be whatever these tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Saymask:
    """`saymask zenoh` in a process; `finish` gives its last line of JSON."""

    def __init__(self, *arguments: str) -> None:
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "ros_bridge")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "saymask_ros.wire_zenoh", "--backend", "ort-cpu", "--threads", "1", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            preexec_fn=_hear_ctrl_c,
        )
        self.told = ""

    def finish(self, seconds: float = 60) -> dict[str, Any]:
        """Wait for its end, which must be a good one."""
        out, self.told = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, self.told
        assert "Traceback" not in self.told, self.told
        result: dict[str, Any] = json.loads(out.splitlines()[-1])
        return result

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> dict[str, Any]:
        """Ctrl-C, and what it says then."""
        self.process.send_signal(number)
        return self.finish(20)


@contextmanager
def saymask(*arguments: str) -> Iterator[Saymask]:
    started = Saymask(*arguments)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.communicate()


@contextmanager
def saymask_and_robot(*arguments: str, type_hash: str = "") -> Iterator[tuple[Saymask, Robot]]:
    """Both through a router of the robot's."""
    router = free_endpoint()
    with zenoh_session("router", router) as session:
        robot = Robot(session, type_hash)
        with saymask("--connect", router, *arguments) as started:
            robot.wait_for_saymask()
            yield started, robot


def decoded(robot: Robot, name: str) -> list[Any]:
    package, kind, dds_name = OUTPUTS[name].partition("/")[0].replace("::dds_", "").rstrip("_").split("::")
    types = RosbagsTypes("jazzy")
    return [types.deserialise(payload, f"{package}/{kind}/{dds_name}") for payload, _ in robot.heard[name]]


def number_of(message: Any) -> int:
    """Which frame a message answers, by its stamp."""
    stamp = message.header.stamp
    number, rest = divmod(stamp.sec * 10**9 + stamp.nanosec - STAMP_NS, PERIOD_NS)
    assert rest == 0
    return int(number)


def test_a_robot_is_answered() -> None:
    with saymask_and_robot("--frames", "5") as (started, robot):
        robot.send("camera_info", camera_info_cdr())
        robot.send("command", text_cdr(SENTENCE))
        robot.stream(until=lambda: started.process.poll() is not None)
        result = started.finish()
        masks = decoded(robot, "mask")
        detections = decoded(robot, "detections")
        points, poses = decoded(robot, "target_point"), decoded(robot, "grasp_pose")
        speech = [message.data for message in decoded(robot, "speech")]
    with Segmenter(backend="ort-cpu", threads=1) as segmenter:
        expected = segmenter.segment(Frame(demo_picture()), SENTENCE)
    assert result["experimental"] and result["counts"]["answered"] >= 5
    assert len(masks) == len(detections) >= 5
    for mask in masks:
        assert (mask.height, mask.width, mask.encoding, mask.step) == (HEIGHT, WIDTH, "mono8", WIDTH)
        assert mask.header.frame_id == f"camera_{number_of(mask)}"
        assert np.array_equal(mask.data.reshape(HEIGHT, WIDTH) > 0, expected.mask)
    assert [number_of(mask) for mask in masks] == sorted({number_of(mask) for mask in masks})
    assert detections[0].header == masks[0].header
    assert detections[0].detections[0].results[0].hypothesis.score == pytest.approx(expected.confidence, abs=1e-5)
    assert points and len(points) == len(poses)
    assert points[0].point.z == pytest.approx(DEPTH_MM / 1000, abs=1e-3)
    assert poses[0].header.frame_id == f"camera_{number_of(poses[0])}"
    assert len(speech) == 1 and "jar" in speech[0]


def test_messages_carry_rmw_zenohs_attachment() -> None:
    with saymask_and_robot("--frames", "3") as (started, robot):
        robot.send("command", text_cdr(SENTENCE))
        before = time.time_ns()
        robot.stream(until=lambda: started.process.poll() is not None)
        started.finish()
    gids = set()
    for name in ("mask", "detections", "speech"):
        attachments = [attachment for _, attachment in robot.heard[name]]
        assert all(len(attachment) == 33 and attachment[16] == 16 for attachment in attachments)
        numbers = [int.from_bytes(attachment[:8], "little") for attachment in attachments]
        assert numbers == list(range(1, len(numbers) + 1))
        assert all(before < int.from_bytes(item[8:16], "little") < time.time_ns() for item in attachments)
        gids |= {attachment[17:] for attachment in attachments}
    assert len(gids) == 3  # one for each topic


def test_the_node_and_its_topics_are_in_the_graph_until_it_ends() -> None:
    router = free_endpoint()
    with zenoh_session("router", router) as session, saymask("--connect", router, "--domain", "0") as started:
        Robot(session).wait_for_saymask()

        def graph() -> list[list[str]]:
            return [str(reply.ok.key_expr).split("/") for reply in session.liveliness().get("@ros2_lv/0/**", timeout=2)]

        wait_until(lambda: len(graph()) >= 12, "too few tokens")
        tokens = graph()
        assert {token[8] for token in tokens} == {"saymask"}
        assert [token[5] for token in tokens].count("NN") == 1
        subscribed = {token[9] for token in tokens if token[5] == "MS"}
        assert subscribed == {"%image", "%depth", "%camera_info", "%command", "%reply"}
        published = {token[9] for token in tokens if token[5] == "MP"}
        assert published >= {f"%saymask%{name}" for name in OUTPUTS}
        assert len({token[4] for token in tokens}) == len(tokens)  # each an id of its own
        started.interrupt()
        wait_until(lambda: not graph(), "tokens are left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_it_ends_cleanly_in_the_middle_of_a_stream(number: signal.Signals) -> None:
    with saymask_and_robot(SENTENCE) as (started, robot):
        robot.stream(until=lambda: len(robot.heard["mask"]) >= 2)
        started.process.send_signal(number)
        robot.stream(until=lambda: started.process.poll() is not None, seconds=20)
        result = started.finish()
    assert result["counts"]["answered"] >= 2
    assert started.told.splitlines()[-1] == "stopped"


def test_it_ends_cleanly_before_anything_came() -> None:
    with saymask_and_robot() as (started, _):
        time.sleep(1.5)
        result = started.interrupt()
    assert result["counts"]["received"] == 0
    assert "no image has come" in started.told


def test_malformed_messages_are_counted_and_the_rest_is_answered() -> None:
    good = image_cdr(0, "rgb8", demo_picture())
    malformed_images = [
        b"",
        b"\0\1\0\0",
        good[:500],
        os.urandom(2000),
        image_cdr(0, "yuv420", demo_picture()),
        image_cdr(0, "rgb8", demo_picture()[:3]),
        bytes(LARGEST_MESSAGE + 1),
    ]
    with saymask_and_robot(SENTENCE) as (started, robot):
        for payload in malformed_images:
            robot.send("image", payload)
            time.sleep(0.3 + len(payload) / 1e8)  # each has its turn
        robot.send("command", b"\0\1\0\0\xff\xff\xff\x7fstop")
        robot.send("camera_info", camera_info_cdr()[:100])
        robot.send("depth", b"\0\1")
        robot.stream(until=lambda: len(robot.heard["mask"]) >= 2)
        counts = started.interrupt()["counts"]
    assert counts["malformed_image"] == len(malformed_images), counts
    assert counts["malformed_text"] == counts["malformed_camera_info"] == counts["malformed_depth"] == 1
    assert counts["answered"] >= 2


def test_a_robot_with_another_type_hash_is_told_and_not_answered() -> None:
    with saymask_and_robot(SENTENCE, type_hash="TypeHashNotSupported") as (started, robot):
        for _ in range(3):
            robot.send("image", image_cdr(0, "rgb8", demo_picture()))
        time.sleep(1)
        counts = started.interrupt()["counts"]
    assert counts["malformed_image"] == 3 and counts["answered"] == 0
    assert "is --distribution the robot's?" in started.told


def test_humble_has_no_type_hashes() -> None:
    with saymask_and_robot(SENTENCE, "--distribution", "humble", "--frames", "1", type_hash="TypeHashNotSupported") as (
        started,
        robot,
    ):
        robot.stream(until=lambda: started.process.poll() is not None)
        started.finish()
        wait_until(lambda: robot.heard["mask"], "no mask came under Humble's key")


def test_a_router_that_comes_back_is_found_again() -> None:
    router = free_endpoint()
    with ExitStack() as stack:
        with zenoh_session("router", router) as session:
            Robot(session)
            started = stack.enter_context(saymask("--connect", router, SENTENCE))
            wait_until(lambda: list(session.liveliness().get("@ros2_lv/**", timeout=1)), "saymask did not connect")
        time.sleep(0.5)
        with zenoh_session("router", router) as session:
            robot = Robot(session)
            robot.wait_for_saymask()
            robot.stream(until=lambda: robot.heard["mask"])
        started.interrupt()


def test_without_a_router_it_is_one_itself_on_loopback_only() -> None:
    endpoint = free_endpoint()
    with saymask("--listen", endpoint, SENTENCE) as started:
        port = int(endpoint.rpartition(":")[2])
        wait_until(lambda: listening(started.process), "it does not listen")
        assert listening(started.process) == [f"0100007F:{port:04X}"]  # 127.0.0.1 as /proc writes it
        with zenoh_session("client", endpoint) as session:
            robot = Robot(session)
            robot.stream(until=lambda: robot.heard["mask"])
        started.interrupt()
    assert "open to the network" not in started.told


def test_a_client_opens_no_port() -> None:
    with saymask_and_robot() as (started, _):
        assert listening(started.process) == []
        started.interrupt()


def test_listening_beyond_loopback_is_told() -> None:
    port = free_endpoint().rpartition(":")[2]
    with saymask("--listen", f"tcp/0.0.0.0:{port}") as started:
        wait_until(lambda: listening(started.process), "it does not listen")
        time.sleep(2)
        started.interrupt()
    assert f"tcp/0.0.0.0:{port} is open to the network" in started.told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--connect", "tcp/127.0.0.1:9"], "no Zenoh router answers at tcp/127.0.0.1:9; start one there: ros2 run"),
        (["--connect", "127.0.0.1:7447"], "--connect takes tcp/HOST:PORT such as tcp/127.0.0.1:7447, got"),
        (["--listen", "tcp/127.0.0.1:70000"], "--listen takes tcp/HOST:PORT"),
        (["--listen", "tcp/192.0.2.1:7447"], "cannot listen on tcp/192.0.2.1:7447"),
        (["--domain", "300"], "0 to 232"),
        (["--image", "/camera/*"], "'/camera/*' is not the name of a ROS topic"),
        (["--frames", "0"], "--frames must be at least 1"),
        (["--distribution", "foxy"], "invalid choice: 'foxy'"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(arguments: list[str], told: str) -> None:
    if "--listen" not in arguments and "--connect" not in arguments:
        arguments = ["--listen", free_endpoint(), *arguments]
    with saymask(*arguments) as started:
        _, errors = started.process.communicate(timeout=30)
    assert started.process.returncode == 2
    assert errors.splitlines()[-1].startswith("error: ") and told in errors
    assert "Traceback" not in errors


def test_a_port_in_use_is_told_with_the_way_out() -> None:
    endpoint = free_endpoint()
    with zenoh_session("router", endpoint), saymask("--listen", endpoint) as started:
        _, errors = started.process.communicate(timeout=30)
    assert errors.splitlines()[-1].endswith(f"connect to that instead: --connect {endpoint}")


def listening(process: subprocess.Popen[str]) -> list[str]:
    """Addresses and ports, in hex as /proc has them, on which a process accepts TCP."""
    links = []
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(os.readlink(link))
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]

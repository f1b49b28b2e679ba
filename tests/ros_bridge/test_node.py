"""The node on the stand-in for rclpy: topics in, topics out, and why nothing comes."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runtime.bundle import DEFAULT_MODEL
from runtime.errors import SaymaskError
from runtime.vision.files import read_picture
from tests.runtime.language.made_up_answers import LEFT, RIGHT

if TYPE_CHECKING:
    from tests.ros_bridge.node_world import World

CAMERA = "camera_color_optical_frame"
SENTENCE = "pick up the jar beside the apple"


def active(world: World, **parameters: Any) -> Any:
    """A node that answers."""
    node = world.node(**parameters)
    node.autostart()
    return node


def stamp_of(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


# Answers


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_the_real_model_answers_a_camera(world: World, transport: str) -> None:
    """Nothing is made up here but ROS: the picture, the sentence and the model that `make demo` uses."""
    node = world.add(image_transport=transport, threads=1)
    node.autostart()
    picture = read_picture(DEFAULT_MODEL.parent / "demo.jpg").image
    world.say(SENTENCE)
    stamp = world.show(picture) if transport == "raw" else world.show_compressed(picture)
    mask = world.next("mask")
    assert (stamp_of(mask), mask.header.frame_id) == (stamp, CAMERA)
    assert (mask.encoding, mask.height, mask.width, mask.step) == ("mono8", *picture.shape[:2], picture.shape[1])
    assert mask.data.typecode == "B" and set(mask.data) == {0, 255}
    world.spin(lambda: world.heard["detections"] and world.heard["speech"])
    [detection] = world.heard["detections"][0].detections
    assert detection.results[0].hypothesis.class_id == "the jar beside the apple"
    assert detection.results[0].hypothesis.score > 0.5
    assert "jar" in world.heard["speech"][0].data
    assert not world.heard["overlay"]


def test_every_answer_has_the_stamp_and_frame_of_its_picture(world: World) -> None:
    active(world)
    world.say(SENTENCE)
    stamps = [world.answered(depth_m=0.6) for _ in range(5)]
    world.spin(lambda: len(world.heard["grasp_pose"]) == 5)
    for topic in ("mask", "detections", "target_point", "grasp_pose"):
        assert [stamp_of(message) for message in world.heard[topic]] == stamps, topic
        assert {message.header.frame_id for message in world.heard[topic]} == {CAMERA}, topic


def test_point_and_pose_are_where_the_thing_is(world: World) -> None:
    """The thing fills LEFT at 0.6 m before a camera of 300 pixels focal length."""
    active(world)
    world.say(SENTENCE)
    world.answered(depth_m=0.6)
    pose = world.next("grasp_pose").pose if not world.heard["grasp_pose"] else world.heard["grasp_pose"][0].pose
    x0, y0, x1, y1 = LEFT
    expected = (((x0 + x1) / 2 - 160) / 300 * 0.6, ((y0 + y1) / 2 - 120) / 300 * 0.6, 0.6)
    point = world.heard["target_point"][0].point
    assert (point.x, point.y, point.z) == pytest.approx(expected, abs=0.005)
    assert (pose.position.x, pose.position.y, pose.position.z) == (point.x, point.y, point.z)
    turned = pose.orientation
    assert turned.x**2 + turned.y**2 + turned.z**2 + turned.w**2 == pytest.approx(1)


def test_the_overlay_is_made_only_for_those_who_listen(world: World) -> None:
    from sensor_msgs.msg import Image

    active(world)
    world.say(SENTENCE)
    world.answered()
    listener = world.robot.create_subscription(Image, "/saymask/overlay", world.heard["overlay"].append, 5)
    stamp = world.answered()
    world.spin(lambda: world.heard["overlay"])
    overlay = world.heard["overlay"][0]
    assert (stamp_of(overlay), overlay.encoding, overlay.width) == (stamp, "rgb8", 320)
    world.robot.destroy_subscription(listener)
    world.answered()
    world.spin_for(0.1)
    assert len(world.heard["overlay"]) == 1


def test_a_question_is_spoken_and_its_reply_is_taken(world: World) -> None:
    active(world)
    world.models[0].things = (LEFT, RIGHT)
    world.say("pick up the jar")
    world.answered()
    world.spin(lambda: world.heard["speech"])
    assert world.heard["speech"][0].data.endswith("?")
    assert world.values()["question_open"] == "True"
    world.say("the left one", topic="reply")
    world.answered()
    assert len(world.heard["detections"][-1].detections) == 1
    world.say("stop")
    world.spin(lambda: world.heard["speech"][-1].data == "Okay.")
    masks = len(world.heard["mask"])
    world.show()
    world.spin_for(0.3)
    assert len(world.heard["mask"]) == masks


def test_callbacks_do_not_wait_for_the_model(world: World) -> None:
    active(world)
    inside, go_on = threading.Event(), threading.Event()
    see = world.models[0].act

    def slow(frame: Any, command: Any) -> Any:
        inside.set()
        assert go_on.wait(20)
        return see(frame, command)

    world.models[0].act = slow
    world.say(SENTENCE)
    world.show()
    world.spin(inside.is_set)
    newest = [world.show() for _ in range(5)][-1]
    assert world.values()["state"] == "active"  # the timer runs meanwhile
    assert not world.heard["mask"]
    go_on.set()
    world.spin(lambda: len(world.heard["mask"]) == 2)
    assert stamp_of(world.heard["mask"][1]) == newest
    assert int(world.values()["dropped"]) == 4


# What is wrong, and where it is told


def test_broken_messages_are_counted_and_end_nothing(world: World) -> None:
    from sensor_msgs.msg import CameraInfo, CompressedImage, Image

    active(world)
    world.say(SENTENCE)
    for broken in (Image(), Image(height=480, width=640, encoding="rgb8", step=1), Image(encoding="mjpg")):
        world.stamp_ns += 10**7
        broken.header = world.header()
        world.send("image", broken)
        world.spin_for(0.05)
    world.send("camera_info", CameraInfo())
    world.send("image", CompressedImage())  # of the wrong type: ROS does not even deliver it
    values = world.values()
    assert (values["malformed_image"], values["malformed_camera_info"]) == ("3", "1")
    assert "the last image could not be read" in values["reasons"]
    world.answered()
    assert world.values()["reasons"].startswith("nobody publishes /depth")


def test_diagnostics_of_a_node_that_is_not_active(world: World) -> None:
    node = world.node()
    assert world.reasons() == "the node is unconfigured: ros2 lifecycle set /saymask configure"
    node.trigger_configure()
    assert world.reasons() == "the node is inactive: ros2 lifecycle set /saymask activate"
    node.trigger_activate()
    node.trigger_deactivate()
    assert world.reasons() == "the node is inactive: ros2 lifecycle set /saymask activate"


def test_diagnostics_say_why_there_is_no_answer(world: World) -> None:
    """No picture, then no command, then nothing but answers."""
    active(world, use_depth=False)
    assert world.reasons().startswith("nobody publishes /image: start the camera, or remap with -r image:=/its/topic")
    world.show()
    status = world.status()
    assert (status.level, status.message) == (b"\1", "no command has come; say what to look for")
    world.say(SENTENCE)
    world.answered()
    world.show()
    status = world.status()
    assert (status.level, status.message) == (b"\0", "answering")
    world.spin_for(1.2)
    assert "/robot publishes /image and nothing arrives" in world.reasons()
    assert "has the camera stopped?" in world.reasons()


def test_diagnostics_tell_a_camera_of_the_other_transport(world: World) -> None:
    from rclpy.qos import ReliabilityPolicy
    from sensor_msgs.msg import CompressedImage

    active(world)
    world.talk("image", CompressedImage, ReliabilityPolicy.BEST_EFFORT)
    assert world.reasons().startswith(
        "/robot publishes sensor_msgs/msg/CompressedImage on /image, sensor_msgs/msg/Image is expected; "
        "set image_transport:=compressed"
    )


def test_diagnostics_suspect_a_qos_mismatch(world: World) -> None:
    """A recogniser that publishes best effort never reaches a reliable subscriber, and nobody else would say so."""
    from rclpy.qos import ReliabilityPolicy
    from std_msgs.msg import String

    active(world, use_depth=False)
    world.show()
    world.talk("command", String, ReliabilityPolicy.BEST_EFFORT)
    assert world.reasons().startswith("QoS mismatch suspected on /command: /robot offers what we cannot take")
    world.say(SENTENCE)  # a second one, which can be heard
    assert "QoS" not in world.reasons()


def test_diagnostics_say_why_there_is_no_grasp(world: World) -> None:
    active(world)
    world.say(SENTENCE)
    world.answered()
    values = world.values()
    assert "nobody publishes /depth" in values["reasons"] and "nobody publishes /camera_info" in values["reasons"]
    assert values["no_grasp"] == "no camera_info has come; is the camera_info topic right?"
    world.answered(depth_m=0.6)
    world.spin(lambda: world.heard["grasp_pose"])
    assert world.values()["no_grasp"] == ""
    world.spin_for(0.6)
    world.answered()
    assert "stale" in world.values()["no_grasp"] or "no depth image for" in world.values()["no_grasp"]
    assert len(world.heard["grasp_pose"]) == 1


def test_diagnostics_say_that_the_backend_fell_back(world: World) -> None:
    """On a machine without a GPU "auto" takes the CPU, and says why; who asks for the CPU is told nothing."""
    from runtime.backends import choose
    from runtime.bundle import open_bundle

    if not choose(open_bundle(DEFAULT_MODEL)).refused:
        pytest.skip("the fastest backend runs here")
    world.add(threads=1).trigger_configure()
    assert "the backend fell back: ort-cpu runs" in world.reasons()
    assert world.values()["backend"].startswith("ort-cpu runs")
    node = world.nodes[0]
    node.trigger_cleanup()
    set_parameter(node, "backend", "ort-cpu")
    node.trigger_configure()
    assert "fell back" not in world.reasons()


def test_a_model_that_cannot_be_opened_is_told_and_may_be_put_right(world: World, tmp_path: Path) -> None:
    from diagnostic_msgs.msg import DiagnosticStatus
    from rclpy.lifecycle import TransitionCallbackReturn

    node = world.add(model=str(tmp_path / "missing"), threads=1)
    assert node.trigger_configure() is TransitionCallbackReturn.FAILURE
    status = world.status()
    assert status.level == DiagnosticStatus.ERROR
    assert (
        status.message
        == f"the model {tmp_path / 'missing'} does not exist; a model is a directory that holds model.json"
    )
    set_parameter(node, "model", "")
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert world.values()["state"] == "inactive"


# Frames


def transform(world: World, stamp_ns: int, frame: str = "base_link") -> Any:
    """From the optical frame of a camera that looks ahead, 1.2 m above the robot's feet."""
    from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3

    header = world.header()
    header.stamp.sec, header.stamp.nanosec = divmod(stamp_ns, 10**9)
    header.frame_id = frame
    turn = Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5)
    return TransformStamped(
        header=header,
        child_frame_id=CAMERA,
        transform=Transform(translation=Vector3(x=0.0, y=0.0, z=1.2), rotation=turn),
    )


def test_grasps_in_the_target_frame(world: World) -> None:
    node = active(world, target_frame="base_link")
    buffer, _ = node._tf
    world.say(SENTENCE)
    stamp = world.stamp_ns + 33_000_001
    buffer.set_transform(transform(world, stamp + 10**9), "test")
    world.stamp_ns = stamp - 33_000_001
    assert world.answered(depth_m=0.6) == stamp
    world.spin(lambda: world.heard["grasp_pose"])
    message = world.heard["target_point"][0]
    assert (message.header.frame_id, stamp_of(message)) == ("base_link", stamp)
    assert message.point.x == pytest.approx(0.6, abs=0.005)  # ahead
    assert message.point.y == pytest.approx(-((LEFT[0] + LEFT[2]) / 2 - 160) / 300 * 0.6, abs=0.005)
    assert message.point.z == pytest.approx(1.2 - ((LEFT[1] + LEFT[3]) / 2 - 120) / 300 * 0.6, abs=0.005)
    assert world.heard["grasp_pose"][0].header.frame_id == "base_link"
    assert world.heard["mask"][0].header.frame_id == CAMERA


def test_a_transform_that_comes_a_little_late_is_waited_for(world: World) -> None:
    node = active(world, target_frame="base_link", tf_wait_s=1.0)
    buffer, _ = node._tf
    buffer.set_transform(transform(world, world.stamp_ns), "test")  # the robot's of a moment ago
    world.say(SENTENCE)
    stamp = world.answered(depth_m=0.6)
    assert not world.heard["target_point"]
    buffer.set_transform(transform(world, stamp), "test")
    world.spin(lambda: world.heard["target_point"])
    assert stamp_of(world.heard["target_point"][0]) == stamp


def test_without_a_transform_masks_go_on_and_the_reason_is_told(world: World) -> None:
    node = active(world, target_frame="base_link")
    world.say(SENTENCE)
    world.answered(depth_m=0.6)
    assert f"no transform from {CAMERA} to base_link: " in world.reasons()
    assert not world.heard["target_point"]
    set_parameter(node, "target_frame", "")
    world.answered(depth_m=0.6)
    world.spin(lambda: world.heard["target_point"])
    assert "no transform" not in world.reasons()


# The program


def test_run_until_shutdown(standin: Path) -> None:
    import rclpy

    from saymask_ros.main import main

    arguments = ["--ros-args", "-p", "threads:=1", "-r", "image:=/camera/color/image_raw"]
    timer = threading.Timer(1.5, rclpy.try_shutdown)
    timer.start()
    assert main(arguments) == 0
    timer.join()
    assert not rclpy.ok()


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("backend:=tpu", "backend is 'tpu', must be one of: auto, tensorrt, ort-cuda, ort-cpu"),
        ("threads:=fast", "Trying to set parameter 'threads' to 'fast' of type 'STRING', expecting type 'INTEGER'"),
        ("tf_wait_s:=7.5", "Invalid parameter value (7.5) for parameter 'tf_wait_s'"),
        ("model:=/nowhere", "the model /nowhere does not exist; a model is a directory that holds model.json"),
    ],
)
def test_a_wrong_parameter_ends_the_program_in_one_line(
    standin: Path, capsys: pytest.CaptureFixture[str], argument: str, told: str
) -> None:
    import rclpy

    from saymask_ros.main import main

    assert main(["--ros-args", "-p", argument]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line
    assert not rclpy.ok()


def test_a_second_node_of_the_process(world: World) -> None:
    """Two cameras of a robot: one ends, the other goes on."""
    first = active(world)
    world.nodes.remove(first)
    active(world)
    first.destroy_node()
    first.destroy_node()
    world.say(SENTENCE)
    world.answered()


def set_parameter(node: Any, name: str, value: Any) -> None:
    from rclpy.parameter import Parameter

    [result] = node.set_parameters([Parameter(name, None, value)])
    assert result.successful, result.reason


def test_the_runtime_is_not_told_twice_what_it_should_look_for(world: World) -> None:
    """The text is encoded once: every picture of a command is asked about in the same words."""
    active(world)
    world.say(SENTENCE)
    for _ in range(3):
        world.answered()
    assert len({command.target for _, command in world.models[0].asked}) == 1


def test_autostart_says_what_failed(world: World) -> None:
    def no_model(_: object) -> Any:
        raise SaymaskError("there is no backend")

    with pytest.raises(SaymaskError, match="there is no backend"):
        world.add(segmenter=no_model).autostart()
    assert np.all([node._segmenter is None for node in world.nodes])


def test_a_missing_message_package_is_told_in_one_line(
    standin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """vision_msgs is not part of a bare ROS, and is looked for only when the node starts."""
    import rclpy

    from saymask_ros import ros_types
    from saymask_ros.main import main

    def without_vision(name: str) -> object:
        if name == "vision_msgs.msg":
            raise ModuleNotFoundError("No module named 'vision_msgs'", name="vision_msgs")
        return import_module(name)

    monkeypatch.setattr(ros_types, "import_module", without_vision)
    assert main([]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == "error: the ROS package vision_msgs is not installed: sudo apt install ros-$ROS_DISTRO-vision-msgs"
    assert not rclpy.ok()

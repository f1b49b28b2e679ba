"""Recordings in, recordings out: every answer with the stamp and the frame of its image, or one line and no file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")
pytest.importorskip("mcap_ros2", reason="mcap-ros2-support is not installed (extra: dev)")

from rosbags.rosbag2 import Reader
from rosbags.typesys import get_types_from_msg

from runtime.bundle import DEFAULT_MODEL
from runtime.errors import SaymaskError
from runtime.vision.files import VideoReader, read_picture
from saymask_ros import bag
from saymask_ros.messages import DISTRIBUTIONS
from tests.ros_bridge.recordings import (
    COLOUR,
    DEPTH,
    HEIGHT,
    PERIOD_NS,
    SPEECH,
    WIDTH,
    Camera,
    Sample,
    Storage,
    read_results,
    record,
    recorded,
    stamp_of,
    store,
)
from tests.ros_bridge.scripted_segmenter import ScriptedSegmenter
from tests.runtime.language.made_up_answers import LEFT, RIGHT

ROOT = Path(__file__).parents[2]
SENTENCE = "pick up the red mug"
COUNT = 5
STAMPS = [stamp_of(number) for number in range(COUNT)]
RECORDED = [recorded(number) for number in range(COUNT)]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def segmenter(monkeypatch: pytest.MonkeyPatch) -> ScriptedSegmenter:
    """Sees one thing, at the left, in place of the model."""
    scripted = ScriptedSegmenter(LEFT)
    monkeypatch.setattr(bag, "Segmenter", lambda *_, **__: nullcontext(scripted))
    return scripted


def colour(count: int = COUNT, distribution: str = "jazzy") -> list[Sample]:
    camera = Camera(distribution)
    return [camera.image(number) for number in range(count)]


def with_depth(distribution: str = "jazzy") -> list[Sample]:
    """Walls at 0.6 m, 0.7 m and so on, behind each image by two milliseconds."""
    camera = Camera(distribution)
    depths = [camera.depth(number, 0.6 + number / 10) for number in range(COUNT)]
    return [camera.info(0), *colour(COUNT, distribution), *depths]


def answer(*arguments: object, capsys: Capture) -> dict[str, Any]:
    """Run the command; its JSON."""
    code = bag.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def in_folder(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Recordings in


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_and_storage(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, distribution: str, storage: Storage
) -> None:
    version = 8 if distribution == "humble" else 9
    source = record(
        tmp_path / "run", with_depth(distribution), storage=storage, distribution=distribution, version=version
    )
    told = answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    results = read_results(tmp_path / "results.mcap")
    for topic in ("mask", "detections", "target_point", "grasp_pose"):
        assert [result.stamp for result in results[f"/saymask/{topic}"]] == STAMPS, topic
        assert [result.recorded_ns for result in results[f"/saymask/{topic}"]] == RECORDED, topic
    for number, point in enumerate(results["/saymask/target_point"]):
        depth = 0.6 + number / 10  # of its own depth image
        expected = (40 - 160) / 300 * depth, (130 - 120) / 300 * depth, depth
        got = point.message.point
        assert (got.x, got.y, got.z) == pytest.approx(expected, abs=0.005)
    (speech,) = results["/saymask/speech"]
    assert "mug" in speech.message.data and told["said"] == [speech.message.data]
    assert "/saymask/overlay/compressed" not in results
    assert told["topics"] == {
        "image": COLOUR,
        "depth": DEPTH,
        "camera_info": "/camera/color/camera_info",
        "command": None,
    }
    assert (told["frames"], told["answered"], told["grasps"], told["verdicts"]) == (5, 5, 5, {"FOUND": 5})
    assert told["frames_per_second"] > 0


@pytest.mark.parametrize(("name", "storage"), [("run.mcap", "mcap"), ("run.db3", "sqlite3")])
def test_a_single_file(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, name: str, storage: Storage
) -> None:
    source = record(tmp_path / name, colour(), storage=storage)
    assert source.is_file()
    answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    assert [result.stamp for result in read_results(tmp_path / "results.mcap")["/saymask/mask"]] == STAMPS


def test_masks_and_detections_are_the_segmenters(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    segmenter.things = (LEFT, RIGHT)
    source = record(tmp_path / "run", colour())
    told = answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    results = read_results(tmp_path / "results.mcap")
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x0, y0, x1, y1 in (LEFT, RIGHT):
        expected[y0:y1, x0:x1] = 255
    for result in results["/saymask/mask"]:
        mask = result.message
        assert (mask.encoding, mask.width, mask.height, mask.step) == ("mono8", WIDTH, HEIGHT, WIDTH)
        np.testing.assert_array_equal(np.frombuffer(mask.data, np.uint8).reshape(HEIGHT, WIDTH), expected)
    for result in results["/saymask/detections"]:
        left, right = result.message.detections
        assert (left.bbox.center.position.x, right.bbox.center.position.x) == (40, 240)
        assert {thing.header.frame_id for thing in (left, right)} == {result.stamp[1]}
        assert left.results[0].hypothesis.class_id == "the red mug"
        assert left.results[0].hypothesis.score < 0.5
    assert told["verdicts"] == {"AMBIGUOUS": 5} and "?" in told["said"][0]
    assert not results["/saymask/grasp_pose"] and told["grasps"] == 0


def test_the_segmenter_sees_what_was_recorded(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    seen: list[int] = []

    def look(frame: Any, command: Any) -> Any:
        seen.append(int(frame.image[10, 10, 0]))
        return segmenter.see(frame, command)

    segmenter.act = look
    answer(record(tmp_path / "run", colour()), SENTENCE, "--out", tmp_path / "results", capsys=capsys)
    assert seen == [40, 41, 42, 43, 44]
    assert len({id(command) for _, command in segmenter.asked}) == 1  # one sentence, encoded once


def test_compressed_images_and_depth(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    camera = Camera()
    types: Any = camera.types
    samples = [camera.info(0)]
    for number in range(COUNT):
        wall = cv2.imencode(".png", np.full((HEIGHT, WIDTH), 800, np.uint16))[1].reshape(-1)
        content = np.concatenate([np.zeros(12, np.uint8), wall])
        depth = types["sensor_msgs/msg/CompressedImage"](
            camera.header(*stamp_of(number)), "16UC1; compressedDepth png", content
        )
        samples += [camera.jpeg(number), Sample(f"{DEPTH}/compressedDepth", recorded(number), depth)]
    told = answer(record(tmp_path / "run", samples), SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    assert told["topics"]["image"] == f"{COLOUR}/compressed"
    assert told["topics"]["depth"] == f"{DEPTH}/compressedDepth"
    poses = read_results(tmp_path / "results.mcap")["/saymask/grasp_pose"]
    assert [pose.stamp for pose in poses] == STAMPS
    assert poses[0].message.pose.position.z == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("late_ms", [-5, 0, 20])
def test_depth_is_found_by_stamp_however_late_it_was_recorded(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, late_ms: float
) -> None:
    camera = Camera()
    depths = [camera.depth(number, 0.6 + number / 10, late_ms=late_ms) for number in range(COUNT)]
    source = record(tmp_path / "run", [camera.info(0), *colour(), *depths])
    answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    points = read_results(tmp_path / "results.mcap")["/saymask/target_point"]
    assert [point.stamp for point in points] == STAMPS
    assert [point.message.point.z for point in points] == pytest.approx([0.6, 0.7, 0.8, 0.9, 1.0], abs=1e-3)


def test_images_without_depth_of_their_own_have_no_grasp(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture
) -> None:
    camera = Camera()
    source = record(tmp_path / "run", [camera.info(0), *colour(), camera.depth(2, 0.6)])
    told = answer(source, SENTENCE, "--depth", DEPTH, "--out", tmp_path / "results.mcap", capsys=capsys)
    results = read_results(tmp_path / "results.mcap")
    assert [result.stamp for result in results["/saymask/mask"]] == STAMPS
    assert [result.stamp for result in results["/saymask/target_point"]] == [STAMPS[2]]
    assert told["grasps"] == 1 and "depth" in told["no_grasp"]


def test_words_of_the_recording_are_heard_when_they_were_said(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture
) -> None:
    camera = Camera()
    source = record(tmp_path / "run", [*colour(), camera.said(SENTENCE, before=1), camera.said("stop", before=4)])
    told = answer(source, "--command-topic", SPEECH, "--out", tmp_path / "results.mcap", capsys=capsys)
    results = read_results(tmp_path / "results.mcap")
    assert [result.stamp for result in results["/saymask/mask"]] == STAMPS[1:4]
    assert [command.target for _, command in segmenter.asked] == ["the red mug"] * 3
    assert [speech.recorded_ns for speech in results["/saymask/speech"]] == [RECORDED[1], RECORDED[4] - 2_000_000]
    assert (told["frames"], told["answered"]) == (5, 3)


def test_what_was_shown_before_a_word_is_answered_before_it(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture
) -> None:
    """Even while the depth of the image is still to come."""
    stop = replace(Camera().said("stop", before=2), recorded_ns=RECORDED[1] + 1_000_000)
    source = record(tmp_path / "run", [*with_depth(), stop])
    answer(source, SENTENCE, "--command-topic", SPEECH, "--out", tmp_path / "results.mcap", capsys=capsys)
    results = read_results(tmp_path / "results.mcap")
    assert [result.stamp for result in results["/saymask/mask"]] == STAMPS[:2]


def test_a_broken_image_costs_only_itself(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    samples = colour()
    samples[2] = replace(samples[2], message=replace(samples[2].message, step=7))
    told = answer(record(tmp_path / "run", samples), SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    stamps = [result.stamp for result in read_results(tmp_path / "results.mcap")["/saymask/mask"]]
    assert stamps == [*STAMPS[:2], *STAMPS[3:]]
    assert told["counts"]["malformed_image"] == 1 and "step is 7" in told["last_error"]


def several_cameras() -> list[Sample]:
    camera = Camera()
    return [sample for n in range(COUNT) for sample in (camera.image(n), camera.image(n, topic="/wrist/image_raw"))]


def test_the_image_topic_may_be_chosen(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", several_cameras())
    told = answer(source, SENTENCE, "--image", "/wrist/image_raw", "--out", tmp_path / "r.mcap", capsys=capsys)
    assert told["topics"]["image"] == "/wrist/image_raw" and told["answered"] == 5


def test_a_compressed_copy_is_not_another_camera(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    camera = Camera()
    source = record(tmp_path / "run", [*colour(), *(camera.jpeg(number) for number in range(COUNT))])
    told = answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)
    assert told["topics"]["image"] == COLOUR and told["answered"] == 5


# Recordings out


@pytest.mark.parametrize("name", ["results.mcap", "results.db3", "results"])
def test_results_are_read_by_decoders_that_are_not_ours(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, name: str
) -> None:
    """.mcap: mcap-ros2-support; .db3: the standard library's sqlite3, and that decoder; a folder holds an .mcap."""
    answer(record(tmp_path / "run", with_depth()), SENTENCE, "--out", tmp_path / name, capsys=capsys)
    results = read_results(tmp_path / name)
    for topic in ("mask", "detections", "target_point", "grasp_pose"):
        assert [result.stamp for result in results[f"/saymask/{topic}"]] == STAMPS, topic
    assert len(results["/saymask/speech"]) == 1
    assert results["/saymask/mask"][0].message.data[LEFT[1] * WIDTH + LEFT[0]] == 255
    assert (tmp_path / name).is_dir() is (name == "results")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["run", name])


@pytest.mark.parametrize("name", ["results.mcap", "results.db3", "results"])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_results_are_read_with_the_types_of_every_distribution(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, distribution: str, name: str
) -> None:
    """The messages that a distribution has itself; vision_msgs is not among them."""
    answer(record(tmp_path / "run", with_depth()), SENTENCE, "--out", tmp_path / name, capsys=capsys)
    types = store(distribution)
    stamps = []
    with Reader(tmp_path / name) as reader:
        for connection, _, cdr in reader.messages():
            if connection.topic in ("/saymask/mask", "/saymask/grasp_pose"):
                header = types.deserialize_cdr(cdr, connection.msgtype).header
                stamps.append((header.stamp.sec * 10**9 + header.stamp.nanosec, header.frame_id))
            # A single .mcap has no metadata.yaml, where rosbags reads it from.
            if connection.msgtype in types.fielddefs and not name.endswith(".mcap"):
                assert connection.digest == types.hash_rihs01(connection.msgtype)
    assert sorted(stamps) == sorted(STAMPS * 2)


def test_results_may_be_answered_again(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    """What was written is a recording like any other, down to its overlays."""
    source = record(tmp_path / "run", colour())
    answer(source, SENTENCE, "--out", tmp_path / "r.mcap", "--overlay", tmp_path / "r.avi", capsys=capsys)
    segmenter.act = lambda frame, command: segmenter.see(frame, command)
    told = answer(tmp_path / "r.mcap", SENTENCE, "--out", tmp_path / "again.mcap", capsys=capsys)
    assert told["topics"]["image"] == "/saymask/overlay/compressed"
    assert [result.stamp for result in read_results(tmp_path / "again.mcap")["/saymask/mask"]] == STAMPS


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_an_overlay_video(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, suffix: str) -> None:
    video = tmp_path / f"overlay{suffix}"
    source = record(tmp_path / "run", colour())
    told = answer(source, SENTENCE, "--out", tmp_path / "r.mcap", "--overlay", video, capsys=capsys)
    assert told["overlay"] == str(video)
    reader = VideoReader(video)
    pictures = [frame.image for frame in reader]
    assert len(pictures) == COUNT
    assert reader.rate == pytest.approx(1e9 / PERIOD_NS, rel=0.01)
    inside, outside = pictures[0][130, 40].astype(int), pictures[0][20, 300].astype(int)
    assert pictures[0].shape[1] == WIDTH and inside.sum() > outside.sum()  # tinted, dimmed


def test_overlay_pictures(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    folder = tmp_path / "overlay"
    source = record(tmp_path / "run", colour())
    answer(source, SENTENCE, "--out", tmp_path / "r.mcap", "--overlay", folder, capsys=capsys)
    assert sorted(path.name for path in folder.iterdir()) == [f"{number:06d}.png" for number in range(1, COUNT + 1)]
    overlays = read_results(tmp_path / "r.mcap")["/saymask/overlay/compressed"]
    assert [overlay.stamp for overlay in overlays] == STAMPS
    assert [overlay.recorded_ns for overlay in overlays] == RECORDED
    for number, overlay in enumerate(overlays, start=1):
        assert overlay.message.format == "rgb8; jpeg compressed bgr8"
        sent = cv2.imdecode(np.frombuffer(overlay.message.data, np.uint8), cv2.IMREAD_COLOR)
        drawn = read_picture(folder / f"{number:06d}.png").image[..., ::-1]
        assert sent is not None and np.abs(sent.astype(int) - drawn).mean() < 5


# What goes wrong: one line, exit code 2, and nothing is left or lost


def refused(*arguments: object, folder: Path, capsys: Capture, code: int = 2) -> str:
    """Run the command, which fails and leaves `folder` as it was; its one line."""
    before, names = in_folder(folder), sorted(folder.rglob("*"))
    assert bag.main([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    told = [line.rpartition("\r")[2] for line in err.splitlines() if line.strip()]
    complaints = [line for line in told if line.startswith("error: ")]
    assert len(complaints) == 1 and told[-1] == complaints[0] and "Traceback" not in err, err
    assert in_folder(folder) == before and sorted(folder.rglob("*")) == names
    return complaints[0].removeprefix("error: ")


def refused_source(source: Path, *more: object, folder: Path, capsys: Capture) -> str:
    """As `refused`, with a bag and a video to be written."""
    outputs = ("--out", folder / "results.mcap", "--overlay", folder / "results.mp4")
    return refused(source, SENTENCE, *outputs, *more, folder=folder, capsys=capsys)


def test_no_such_recording(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    complaint = refused_source(tmp_path / "none.mcap", folder=tmp_path, capsys=capsys)
    assert complaint == f"the recording {tmp_path / 'none.mcap'} does not exist"


@pytest.mark.parametrize("name", ["run.mcap", "run.db3", "run.txt", "run"])
@pytest.mark.parametrize("content", [b"", b"not a recording at all", b"\x89MCAP0\r\n", b"SQLite format 3\0"])
def test_files_that_are_no_recording(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert str(tmp_path / name) in refused_source(tmp_path / name, folder=tmp_path, capsys=capsys)


def test_a_folder_without_metadata(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", colour())
    (source / "metadata.yaml").unlink()
    assert f"ros2 bag reindex {source}" in refused_source(source, folder=tmp_path, capsys=capsys)


@pytest.mark.parametrize("metadata", ["", "{", "a: 1", "rosbag2_bagfile_information:\n  version: 9\n"])
def test_broken_metadata(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, metadata: str) -> None:
    source = record(tmp_path / "run", colour())
    (source / "metadata.yaml").write_text(metadata)
    assert str(source) in refused_source(source, folder=tmp_path, capsys=capsys)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize(("name", "storage"), [("run.mcap", "mcap"), ("run.db3", "sqlite3")])
def test_truncated_recordings(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, name: str, storage: Storage, share: float
) -> None:
    source = record(tmp_path / name, with_depth(), storage=storage)
    whole = source.read_bytes()
    source.write_bytes(whole[: int(share * len(whole))])
    complaint = refused_source(source, folder=tmp_path, capsys=capsys)
    assert str(source) in complaint
    if storage == "mcap" and share > 0.02:
        assert f"mcap recover {source}" in complaint


def test_a_recording_that_breaks_in_the_middle(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    """Its index is whole; what it points to is not."""
    source = record(tmp_path / "run.mcap", colour())
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle - 300_000 : middle + 300_000] = bytes(600_000)
    source.write_bytes(content)
    complaint = refused_source(source, folder=tmp_path, capsys=capsys)
    assert complaint == f"the recording {source} is broken: 3 of its messages cannot be found"


def test_no_images(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    camera = Camera()
    source = record(tmp_path / "run", [camera.info(0), camera.said("hello", 1)])
    complaint = refused_source(source, folder=tmp_path, capsys=capsys)
    assert complaint.startswith("the recording has no images in colour; it has no sensor_msgs/msg/Image")


def test_depth_alone_is_no_picture(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", [Camera().depth(0, 1.0)])
    assert refused_source(source, folder=tmp_path, capsys=capsys).endswith(f"in colour; it has: {DEPTH}")


def test_several_cameras(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", several_cameras())
    complaint = refused_source(source, folder=tmp_path, capsys=capsys)
    assert complaint.startswith("the recording has several image topics, choose one with --image: ")
    assert COLOUR in complaint and "/wrist/image_raw" in complaint


def test_several_depths(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", [*with_depth(), Camera().depth(0, 1.0, topic="/other/depth")])
    assert "choose one with --depth: " in refused_source(source, folder=tmp_path, capsys=capsys)


def odd_samples() -> list[Sample]:
    """A message of a type that no distribution has, beside a camera."""
    store("jazzy").register(get_types_from_msg("float64 x\nstring[] names", "acme_msgs/msg/Odd"))
    return [*colour(), Sample("/odd", recorded(0), store("jazzy").types["acme_msgs/msg/Odd"](1.0, ["a"]))]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_unknown_types_are_passed_over(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, storage: Storage
) -> None:
    source = record(tmp_path / "run", odd_samples(), storage=storage)
    assert answer(source, SENTENCE, "--out", tmp_path / "results.mcap", capsys=capsys)["answered"] == COUNT


@pytest.mark.parametrize(
    ("option", "topic", "complaint"),
    [
        ("--image", "/odd", "no topic /odd of sensor_msgs/msg/Image or"),
        ("--image", "/odd", "it is a acme_msgs/msg/Odd"),
        ("--image", "/nothing", f"it is not there; it has: {COLOUR}"),
        ("--depth", "/odd", "no topic /odd"),
        ("--info", COLOUR, f"no topic {COLOUR} of sensor_msgs/msg/CameraInfo: it is a sensor_msgs/msg/Image"),
        ("--command-topic", COLOUR, "it has no std_msgs/msg/String at all"),
    ],
)
def test_topics_of_another_type(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, option: str, topic: str, complaint: str
) -> None:
    source = record(tmp_path / "run", odd_samples())
    assert complaint in refused_source(source, option, topic, folder=tmp_path, capsys=capsys)


def test_no_image_can_be_read(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    broken = [replace(sample, message=replace(sample.message, encoding="8UC7")) for sample in colour()]
    complaint = refused_source(record(tmp_path / "run", broken), folder=tmp_path, capsys=capsys)
    assert complaint.startswith("not one image was answered: ") and "8UC7" in complaint


@pytest.mark.parametrize("sentence", ["hello there", "stop", ""])
def test_a_sentence_that_names_nothing(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, sentence: str
) -> None:
    source = record(tmp_path / "run", colour())
    assert refused(source, sentence, "--out", tmp_path / "results.mcap", folder=tmp_path, capsys=capsys)


def test_nothing_to_look_for(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", colour())
    complaint = refused(source, "--out", tmp_path / "results.mcap", folder=tmp_path, capsys=capsys)
    assert complaint.startswith("nothing to look for; give a sentence")


@pytest.mark.parametrize(
    ("out", "overlay", "complaint"),
    [
        ("results.bag", None, "--out takes a name in .mcap or a name in .db3 or a folder"),
        ("none/results.mcap", None, "none does not exist; create it first"),
        ("results.mcap", "results.gif", "--overlay takes a name in .mp4 or a name in .avi or a folder"),
        ("results.mcap", "none/results.mp4", "none does not exist; create it first"),
        ("results", "results", "--out and --overlay are both"),
        ("kept.mcap", None, "kept.mcap exists already; remove it, or give another name to --out"),
        ("kept", None, "kept exists already"),
        ("results.mcap", "kept.mp4", "kept.mp4 exists already; remove it, or give another name to --overlay"),
        ("results.mcap", "kept", "kept exists already"),
        ("run", None, "run exists already"),
    ],
)
def test_where_results_cannot_go(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, out: str, overlay: str | None, complaint: str
) -> None:
    """Told before the work, and what lies there stays."""
    source = record(tmp_path / "run", colour())
    (tmp_path / "kept").mkdir()
    for name in ("kept.mcap", "kept.mp4", "kept/results"):
        (tmp_path / name).write_bytes(b"of an earlier run")
    more = () if overlay is None else ("--overlay", tmp_path / overlay)
    told = refused(source, SENTENCE, "--out", tmp_path / out, *more, folder=tmp_path, capsys=capsys)
    assert complaint in told and not segmenter.asked


def test_what_comes_into_being_meanwhile_is_kept(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source, out = record(tmp_path / "run", colour()), tmp_path / "results.mcap"

    def write_meanwhile(frame: Any, command: Any) -> Any:
        out.write_bytes(b"another run's")
        return segmenter.see(frame, command)

    segmenter.act = write_meanwhile
    assert bag.main([str(source), SENTENCE, "--out", str(out)]) == 2
    assert "has come into being meanwhile" in capsys.readouterr().err
    assert out.read_bytes() == b"another run's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.mcap", "run"]


def failing_after(count: int, error: BaseException, segmenter: ScriptedSegmenter) -> Callable[[Any, Any], Any]:
    def act(frame: Any, command: Any) -> Any:
        if len(segmenter.asked) > count:
            raise error
        return segmenter.see(frame, command)

    return act


@pytest.mark.parametrize("names", [("r.mcap", "r.mp4"), ("r.db3", "pictures"), ("folder", "r.avi")])
def test_interrupted_nothing_is_left(
    tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture, names: Sequence[str]
) -> None:
    source = record(tmp_path / "run", colour())
    segmenter.act = failing_after(3, KeyboardInterrupt(), segmenter)
    outputs = ("--out", tmp_path / names[0], "--overlay", tmp_path / names[1])
    complaint = refused(source, SENTENCE, *outputs, folder=tmp_path, capsys=capsys, code=130)
    assert complaint == "interrupted" and len(segmenter.asked) == 4


def test_what_the_segmenter_cannot_do_is_told(tmp_path: Path, segmenter: ScriptedSegmenter, capsys: Capture) -> None:
    source = record(tmp_path / "run", colour())
    segmenter.act = failing_after(0, SaymaskError("the engine is out of memory"), segmenter)
    complaint = refused_source(source, folder=tmp_path, capsys=capsys)
    assert complaint.startswith("not one image was answered: ") and "out of memory" in complaint


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """In a process of its own, whose files may not grow beyond 4 KiB."""
    source = record(tmp_path / "run", colour())
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from saymask_ros.bag import main; sys.exit(main(sys.argv[1:]))"
    )
    before = in_folder(tmp_path)
    for name in ("results.db3", "results"):
        done = run_module("-c", script, source, SENTENCE, "--out", tmp_path / name, "--threads", "1")
        assert done.returncode == 2, done.stderr
        assert f"error: cannot write {tmp_path / name}: " in done.stderr and "Traceback" not in done.stderr
        assert in_folder(tmp_path) == before


# The command


def run_module(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'ros_bridge'}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_real_model_answers_a_recording(tmp_path: Path) -> None:
    """Nothing made up but the recording: the picture, the sentence and the model of `make demo`."""
    picture = read_picture(DEFAULT_MODEL.parent / "demo.jpg").image
    source = record(tmp_path / "run.mcap", [Camera().image(number, picture) for number in range(3)])
    sentence = "pick up the jar beside the apple"
    out = tmp_path / "results.mcap"
    done = run_module("-m", "saymask_ros.bag", source, sentence, "--out", out, "--threads", "1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["verdicts"] == {"FOUND": 3} and "jar" in told["said"][0]
    assert "3/3" in done.stderr  # the progress bar
    results = read_results(out)
    assert [result.stamp for result in results["/saymask/mask"]] == STAMPS[:3]
    mask = np.frombuffer(results["/saymask/mask"][0].message.data, np.uint8).reshape(picture.shape[:2]) > 0
    (detection,) = results["/saymask/detections"][0].message.detections
    assert detection.results[0].hypothesis.class_id == "the jar beside the apple"
    box = detection.bbox
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    assert (box.size_x, box.size_y) == (np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert (box.center.position.x, box.center.position.y) == (columns.mean() + 0.5, rows.mean() + 0.5)


def test_help_names_every_default() -> None:
    done = run_module("-m", "saymask_ros.bag", "--help")
    assert done.returncode == 0 and "(default: results.mcap)" in done.stdout and "--overlay" in done.stdout


def test_saymask_bag_is_an_entry_point() -> None:
    """Of the project's own table, whatever is installed."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert 'bag = "saymask_ros.bag:main"' in lines

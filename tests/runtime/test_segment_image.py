"""The command that a newcomer runs first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from runtime import segment_image

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Half red, half black; BGR on disk as OpenCV writes it."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, :80, 2] = 255
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for frame in range(6):
        image = np.zeros((120, 160, 3), np.uint8)
        image[:, frame * 10 : 60 + frame * 10, 2] = 255
        writer.write(image)
    writer.release()
    return path


def last_json(capsys: Capture) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return result


def test_as_a_script_in_another_folder(picture: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    """With nothing but `runtime` on the path, as on a robot; torch must not be imported."""
    command = [sys.executable, "-X", "importtime", str(ROOT / "runtime" / "segment_image.py"), str(picture)]
    done = subprocess.run(
        [*command, "pick up the red thing", "--model", str(tiny_bundle)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["verdict"] == "FOUND"
    assert result["box"] == [0, 0, 80, 120]
    assert result["overlay"] == "overlay.png"
    assert (tmp_path / "overlay.png").stat().st_size > 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "onnxruntime" in imported
    assert not imported & {"torch", "scipy", "matplotlib", "onnx", "training"}


def test_mask_and_run_lengths(picture: Path, tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    files = {name: tmp_path / name for name in ("answer.jpg", "mask.png", "mask.json")}
    code = segment_image.main(
        [str(picture), "red", "--model", str(tiny_bundle), "--out", str(files["answer.jpg"])]
        + ["--mask", str(files["mask.png"]), "--rle", str(files["mask.json"]), "--threads", "1"]
    )
    assert code == 0
    result = last_json(capsys)
    mask = cv2.imread(str(files["mask.png"]), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    assert sorted(np.unique(mask).tolist()) == [0, 255]
    assert result["area"] == (mask > 0).sum() == 80 * 120
    assert np.array_equal(coco.decode(json.loads(files["mask.json"].read_text())), mask > 0)
    assert result["timings_ms"]["total"] > 0
    assert not list(tmp_path.glob(".*"))


def test_unknown_nouns_are_in_the_json(picture: Path, tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    arguments = [str(picture), "grab the red gizmo", "--model", str(tiny_bundle), "--out", str(tmp_path / "o.png")]
    assert segment_image.main(arguments) == 0
    result = last_json(capsys)
    assert result["unknown"] == ["gizmo"]
    assert "do not know what 'gizmo' is" in result["note"]


def test_what_was_not_answered_is_told(picture: Path, tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    arguments = [str(picture), "pick up the red thing and open the box", "--model", str(tiny_bundle)]
    assert segment_image.main([*arguments, "--out", str(tmp_path / "overlay.png")]) == 0
    answer = last_json(capsys)
    assert (answer["target"], answer["not_answered"]) == ("the red thing", ["open the box"])
    assert answer["say"].endswith(".")


@pytest.mark.parametrize("sentence", ["x" * 10_000, "\0"])
def test_strange_sentences_are_one_line_too(sentence: str, capsys: Capture) -> None:
    assert segment_image.main([sentence]) == 2
    *before, last = capsys.readouterr().err.splitlines()
    assert last.startswith("error: ")
    assert not any("error" in line for line in before), "which backend runs is told before"


def test_a_picture_without_a_sentence(picture: Path, capsys: Capture) -> None:
    assert segment_image.main([str(picture)]) == 2
    assert "say what to look for in it as well" in capsys.readouterr().err


def test_video(video: Path, tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    out, saved = tmp_path / "last.png", tmp_path / "answers.avi"
    arguments = ["the red thing", "--video", str(video), "--model", str(tiny_bundle), "--out", str(out)]
    assert segment_image.main([*arguments, "--save-video", str(saved), "--frames", "4"]) == 0
    result = last_json(capsys)
    assert result["frames"] == 4
    assert result["centroid"] == pytest.approx([60, 60], abs=4)
    capture = cv2.VideoCapture(str(saved))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 4
    assert out.exists()


def test_bad_inputs_are_one_line_each(
    picture: Path, video: Path, tiny_bundle: Path, tmp_path: Path, capsys: Capture
) -> None:
    def path(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    whole = picture.read_bytes()
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((20, 40, 3), np.uint8))
    model = ["--model", str(tiny_bundle), "--out", str(tmp_path / "out.png")]
    cases = [
        ([str(tmp_path / "nowhere.png"), "red", *model], "nowhere.png does not exist"),
        ([str(tmp_path), "red", *model], "is not a file"),
        ([path("empty.png", b""), "red", *model], "is not a picture that can be decoded"),
        ([path("text.png", b"hello"), "red", *model], "is not a picture that can be decoded"),
        ([path("cut.png", whole[:60]), "red", *model], "is not a picture that can be decoded"),
        ([str(tmp_path / "small.png"), "red", *model], "40x20 pixels, each side must be 32..4096"),
        ([str(picture), "", *model], "holds no word"),
        ([str(picture), "x" * 10_000, *model], "10000 characters, at most 512"),
        ([str(picture), "stop", *model], "names nothing to look for"),
        ([str(picture), "red", "--model", str(tmp_path)], "model.json: No such file"),
        ([str(picture), "red", "--out", str(tmp_path / "no" / "out.png")], "does not exist; create it first"),
        ([str(picture), "red", "--out", str(tmp_path / "out.xyz")], "expected a name in .png or .jpg"),
        ([str(picture), "red", "--out", str(tmp_path)], "expected a name in .png or .jpg"),
        ([str(picture), "red", "--frames", "3"], "go with --video or --camera"),
        (["red", "--video", str(tmp_path / "nowhere.avi"), *model], "nowhere.avi does not exist"),
        (["red", "--video", path("text.avi", b"hello"), *model], "cannot open"),
        (["red", "--video", str(video), "--frames", "0", *model], "--frames must be at least 1"),
        (["red", "--video", str(video), "--save-video", str(tmp_path / "a.gif"), *model], "in .mp4 or .avi"),
        (["red", "--camera", "99", *model], "cannot open camera 99"),
    ]
    for arguments, complaint in cases:
        assert segment_image.main(arguments) == 2, arguments
        captured = capsys.readouterr()
        errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, captured.err
        assert complaint in errors[0]
        assert captured.out == ""
    assert not (tmp_path / "out.png").exists()

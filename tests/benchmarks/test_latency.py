"""Latency: every promised figure is there, of the run that was asked for, and new sentences are really encoded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import latency
from benchmarks.latency import Robot, main
from benchmarks.workload import CAMERA_SIZE, camera_requests
from runtime import Segmenter

STAGES = {
    "preprocess",
    "text_encoder",
    "text_encoder_cached",
    "image_encoder",
    "mask_decoder",
    "postprocess",
    "end_to_end",
    "end_to_end_new_sentence",
    "further_sentence",
}


def test_entry_measures_every_stage(
    tiny_bundle: Path,
    test_set: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(latency, "COLD_STARTS", 1)
    out, plot = tmp_path / "latency.json", tmp_path / "latency.png"
    arguments = ["--model", str(tiny_bundle), "--data", str(test_set), "--frames", "6", "--warmup", "2"]
    assert main([*arguments, "--threads", "1", "--out", str(out), "--plot", str(plot)]) == 0

    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    stages = result["backends"]["auto"]
    assert set(stages) == STAGES
    assert set(result["bare_sessions"]) == {"image_encoder", "text_encoder", "mask_decoder"}
    assert all(summary["n"] == 6 for summary in [*stages.values(), *result["bare_sessions"].values()])
    assert stages["text_encoder_cached"]["max"] == 0.0
    parts = sum(stages[name]["mean"] for name in ("preprocess", "image_encoder", "mask_decoder", "postprocess"))
    assert 0 < parts <= stages["end_to_end"]["mean"]
    bare = result["bare_sessions"]["image_encoder"]["p50"] + result["bare_sessions"]["mask_decoder"]["p50"]
    assert result["overhead_ratio"] == pytest.approx(stages["end_to_end"]["p50"] / bare, rel=1e-3)
    cold = result["cold_start_ms"]
    assert cold["import"] + cold["open"] + cold["first_answer"] < cold["process"]
    assert json.loads(out.read_text()) == result
    assert plot.stat().st_size > 1000


def test_calls_do_what_their_names_say(tiny_bundle: Path, test_set: Path) -> None:
    """Caches may spare what was seen before, and only that: a stage of 0 ms was cached."""
    with Segmenter(tiny_bundle) as segmenter:
        robot = Robot(segmenter, camera_requests(3, test_set))
        calls: dict[str, Callable[[], None]] = robot.calls()
        for _ in range(5):
            for call in calls.values():
                call()
    worked = {
        name: {stage for stage in ("text_encoder", "image_encoder") if all(times[stage] > 0 for times in answers)}
        for name, answers in robot.stages.items()
    }
    assert worked == {
        "end_to_end": {"image_encoder"},
        "end_to_end_new_sentence": {"image_encoder", "text_encoder"},
        "further_sentence": {"text_encoder"},
    }


def test_frames_have_camera_size(test_set: Path) -> None:
    requests = camera_requests(9, test_set)
    assert len(requests) == 9
    assert {request.image.shape for request in requests} == {(*CAMERA_SIZE, 3)}


@pytest.mark.parametrize("arguments", [["--frames", "0"], ["--warmup", "-1"], ["--backend", "abacus"]])
def test_bad_input_is_one_line(
    arguments: list[str], tiny_bundle: Path, test_set: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(tiny_bundle), "--data", str(test_set), *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("entry", ["latency", "accuracy"])
def test_runs_on_a_robot_without_training_packages(entry: str, tiny_bundle: Path, test_set: Path) -> None:
    """The figures that count are taken on the robot, where neither torch nor matplotlib is installed."""
    arguments = ["--model", str(tiny_bundle), "--data", str(test_set)]
    arguments += ["--frames", "2", "--warmup", "0"] if entry == "latency" else []
    absent = "import sys; sys.modules.update(dict.fromkeys(('torch', 'matplotlib', 'mujoco', 'scipy')))"
    code = f"{absent}; from benchmarks.{entry} import main; sys.exit(main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "device" in json.loads(done.stdout.splitlines()[-1])

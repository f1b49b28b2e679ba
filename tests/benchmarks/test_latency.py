"""Latency: every promised figure is there, of the run that was asked for, and new sentences are really encoded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks import latency
from benchmarks.latency import main
from benchmarks.latency_run import Plan, measure
from benchmarks.peers import TEXT_OBJSEG
from benchmarks.robot import Robot
from benchmarks.timing import PERCENTILES
from benchmarks.workload import CAMERA_SIZE, camera_requests
from runtime import Segmenter
from runtime.backends import BACKENDS
from runtime.bundle import DEFAULT_MODEL, GRAPHS

Capture = pytest.CaptureFixture[str]
FIGURES = {"n", "mean", "median", "min", "max", *(f"p{level}" for level in PERCENTILES)}
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


@pytest.fixture(autouse=True)
def _one_cold_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "COLD_STARTS", 1)


def run(arguments: list[str], bundle: Path, test_set: Path, capsys: Capture) -> dict[str, Any]:
    few = ["--frames", "6", "--warmup", "2", "--threads", "1"]
    assert main(["--model", str(bundle), "--data", str(test_set), *few, *arguments]) == 0
    told = capsys.readouterr()
    result: dict[str, Any] = json.loads(told.out.splitlines()[-1])
    result["told"] = told.err
    return result


def test_entry_measures_every_stage(tiny_bundle: Path, test_set: Path, tmp_path: Path, capsys: Capture) -> None:
    out, plot = tmp_path / "latency.json", tmp_path / "latency.png"
    result = run(["--backend", "ort-cpu", "--out", str(out), "--plot", str(plot)], tiny_bundle, test_set, capsys)
    stages = result["backends"]["ort-cpu"]
    assert set(stages) == STAGES
    assert set(result["bare_sessions"]) == set(GRAPHS)
    for summary in [*stages.values(), *result["bare_sessions"].values()]:
        assert set(summary) == FIGURES and summary["n"] == 6
    assert result["warmup"]["ort-cpu"]["n"] == 2
    assert stages["text_encoder_cached"]["max"] == 0.0
    parts = sum(stages[name]["mean"] for name in ("preprocess", "image_encoder", "mask_decoder", "postprocess"))
    assert 0 < parts <= stages["end_to_end"]["mean"]
    bare = result["bare_sessions"]["image_encoder"]["p50"] + result["bare_sessions"]["mask_decoder"]["p50"]
    assert result["overhead_ratio"] == pytest.approx(stages["end_to_end"]["p50"] / bare, rel=1e-3)
    cold = result["cold_start_ms"]
    assert cold["import"] + cold["open"] + cold["first_answer"] < cold["process"]
    memory = result["memory_mib"]["ort-cpu"]
    assert 10 < memory["imported"] <= memory["opened"] <= memory["peak"] < 4000
    assert "further_sentence" in result.pop("told"), "the table is for people"
    assert json.loads(out.read_text()) == result
    assert plot.stat().st_size > 1000


def test_what_cannot_run_here_is_told_not_dropped(tiny_bundle: Path, test_set: Path, capsys: Capture) -> None:
    """A bundle that no checkpoint belongs to cannot be run in PyTorch."""
    result = run(["--compare", "torch,ort-cpu,auto"], tiny_bundle, test_set, capsys)
    assert list(result["backends"]) == ["ort-cpu", "auto"]
    assert list(result["not_run"]) == ["torch"]
    assert "--checkpoint" in result["not_run"]["torch"]
    assert f"not run: torch: {result['not_run']['torch']}" in result["told"]
    assert result["ran_on"]["ort-cpu"] == "ort-cpu"
    assert result["throughput_fps"] == result["throughputs_fps"]["ort-cpu"]
    assert set(result["cold_starts_ms"]) == {"ort-cpu", "auto"}


def test_another_bundle_is_timed_beside_ours(tiny_bundle: Path, test_set: Path, capsys: Capture) -> None:
    result = run(["--compare", f"ort-cpu,{DEFAULT_MODEL}"], tiny_bundle, test_set, capsys)
    other = str(DEFAULT_MODEL)
    assert list(result["backends"]) == ["ort-cpu", other] and result["ran_on"][other] in BACKENDS
    medians = {name: stages["end_to_end"]["p50"] for name, stages in result["backends"].items()}
    assert result["bundles_over_end_to_end"] == {other: pytest.approx(medians[other] / medians["ort-cpu"], rel=1e-3)}
    assert result["memory_mib"][other]["peak"] > result["memory_mib"]["ort-cpu"]["peak"]


def test_peers_are_timed_in_the_same_run(
    tiny_bundle: Path, test_set: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One small peer stands for all: how they are built is tests/benchmarks/test_peers.py's."""
    options = {"image_size": [64, 64], "vocabulary_size": 9, "backbone": "mobilenet_v2", "image_channels": 8}
    small = TEXT_OBJSEG.of({**options, "embedding_size": 4, "hidden_size": 8, "classifier_channels": 4})
    monkeypatch.setattr("benchmarks.peers.PEERS", {"small": small})
    monkeypatch.setattr(latency, "PEERS", {"small": small})
    result = run(["--backend", "ort-cpu", "--peers", "--peers-dir", str(tmp_path)], tiny_bundle, test_set, capsys)
    peer, stages = result["peers"]["small"], result["backends"]["ort-cpu"]
    assert peer["n"] == 6 and "random weights" in peer["what"]
    bare = sum(result["bare_sessions"][name]["p50"] for name in GRAPHS)
    assert peer["over_bare_graphs"] == pytest.approx(peer["p50"] / bare, rel=1e-3)
    assert peer["over_end_to_end"] == pytest.approx(peer["p50"] / stages["end_to_end"]["p50"], rel=1e-3)


def test_a_peer_that_cannot_be_built_is_told(tiny_bundle: Path, test_set: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    requests = camera_requests(1, test_set)
    plan = Plan(tiny_bundle, ["ort-cpu"], requests, rounds=1, warmup=0, peers_dir=tmp_path / "a file")
    small = TEXT_OBJSEG.of({"image_size": [32, 32], "vocabulary_size": 9, "backbone": "mobilenet_v2"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.peers.PEERS", {"small": small})
        measured = measure(plan)
    assert measured.peers == {}
    assert "give another --peers-dir" in measured.not_run["small"]
    assert measured.contenders["ort-cpu"]["end_to_end"]["n"] == 1


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


@dataclass(frozen=True)
class GpuTimes:
    """What runtime.backends.engine_runner.RunTimes holds."""

    h2d: float
    compute: float
    d2h: float
    enqueue: float


def test_device_times_are_those_of_the_graphs_that_ran(tiny_bundle: Path, test_set: Path) -> None:
    """A GPU backend notes every graph's latest run; a stale note of a graph that was spared must not count."""
    latest = {"text_encoder": GpuTimes(100.0, 100.0, 100.0, 100.0)}
    with Segmenter(tiny_bundle) as segmenter:
        encode, decode = segmenter._backend.encode_image, segmenter._backend.decode

        def encode_image(pixels: Any) -> Any:
            latest["image_encoder"] = GpuTimes(0.5, 2.0, 0.25, 0.1)
            return encode(pixels)

        def decode_mask(image: Any, texts: Any) -> Any:
            latest["mask_decoder"] = GpuTimes(0.0, 1.0, 0.25, 0.2)
            return decode(image, texts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segmenter._backend, "encode_image", encode_image)
            patch.setattr(segmenter._backend, "decode", decode_mask)
            robot = Robot(segmenter, camera_requests(2, test_set), latest)
            for _ in range(3):
                robot.calls()["end_to_end"]()
    summary = robot.device_summary(warmup=1)
    assert {name: figures["p50"] for name, figures in summary.items()} == {
        "h2d": 0.5,
        "compute": 3.0,
        "d2h": 0.5,
        "enqueue": pytest.approx(0.3),
        "latency": 4.0,
    }
    assert summary["latency"]["n"] == 2


def test_a_backend_without_device_times_has_none(tiny_bundle: Path, test_set: Path) -> None:
    with Segmenter(tiny_bundle) as segmenter:
        robot = Robot(segmenter, camera_requests(1, test_set))
        robot.calls()["end_to_end"]()
    assert robot.device_summary(warmup=0) == {}


def test_frames_have_camera_size(test_set: Path) -> None:
    requests = camera_requests(9, test_set)
    assert len(requests) == 9
    assert {request.image.shape for request in requests} == {(*CAMERA_SIZE, 3)}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--frames", "0"],
        ["--warmup", "-1"],
        ["--duration", "-1"],
        ["--backend", "abacus"],
        ["--compare", "ort-cpu,abacus"],
        ["--compare", "ort-cpu", "--backend", "ort-cpu"],
        ["--compare", "torch"],
    ],
)
def test_bad_input_is_one_line(arguments: list[str], tiny_bundle: Path, test_set: Path, capsys: Capture) -> None:
    assert main(["--model", str(tiny_bundle), "--data", str(test_set), *arguments]) == 2
    told = capsys.readouterr().err
    assert told.rpartition("\r")[2].strip().startswith("error: ") and told.count("error: ") == 1


@pytest.mark.parametrize("entry", ["latency", "accuracy"])
def test_runs_on_a_robot_without_training_packages(entry: str, tiny_bundle: Path, test_set: Path) -> None:
    """The figures that count are taken on the robot, where neither torch nor matplotlib is installed."""
    arguments = ["--model", str(tiny_bundle), "--data", str(test_set)]
    arguments += ["--frames", "2", "--warmup", "0"] if entry == "latency" else []
    absent = "import sys; sys.modules.update(dict.fromkeys(('torch', 'matplotlib', 'mujoco', 'scipy', 'onnx')))"
    code = f"{absent}; from benchmarks.{entry} import main; sys.exit(main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "device" in json.loads(done.stdout.splitlines()[-1])

"""The entry: NVIDIA's own parser and builder on every graph, and the gate around a build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

import export.to_engine
from export.graphs import export_graphs
from export.precision import half_twins
from export.to_engine import main
from export.to_onnx import random_source
from runtime.backends import Backend, open_backend
from runtime.backends.engine_builder import DeviceFacts, engine_key
from runtime.backends.engine_cache import EngineCache
from runtime.backends.tensorrt_api import find_tensorrt
from runtime.bundle import DEFAULT_MODEL, GRAPHS, open_bundle
from runtime.language.vocabulary import Vocabulary
from tests.export.test_engine_gate import add_to_mask_logits

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rtx() -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")


class Result:
    """Exit code, last line of standard output, and standard error of one run."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.json: dict[str, Any] = json.loads(out.splitlines()[-1]) if out else {}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    return lambda *arguments: Result(main([str(argument) for argument in arguments]), *capsys.readouterr())


Run = Callable[..., Result]


@pytest.mark.usefixtures("rtx")
def test_every_graph_of_the_released_model_in_both_precisions(run: Run) -> None:
    result = run("--check")
    assert result.code == 0, result.err
    assert result.json["passed"] is True and result.json["problems"] == []
    graphs = {(Path(graph["file"]).name, graph["precision"]): graph for graph in result.json["graphs"]}
    assert graphs.keys() == {
        ("image_encoder.onnx", "fp32"),
        ("text_encoder.onnx", "fp32"),
        ("mask_decoder.onnx", "fp32"),
        ("image_encoder.fp16.onnx", "fp16"),
        ("mask_decoder.fp16.onnx", "fp16"),
    }
    for (file, precision), graph in graphs.items():
        assert graph["plan_bytes"] > 2**20 and graph["layers"] > 50, file
        halves = graph["precisions"].get("float16", 0)
        assert halves > 2 * graph["precisions"]["float32"] if precision == "fp16" else not halves, file
    assert "image_encoder.fp16.onnx" in result.err  # the table


@pytest.mark.usefixtures("rtx")
@pytest.mark.parametrize(
    ("backbone", "megabytes"),
    [("mobilenet_v2", 40), pytest.param("vgg16", 500, marks=pytest.mark.slow)],
)
def test_the_network_of_2016_in_parts_and_whole(run: Run, tmp_path: Path, backbone: str, megabytes: int) -> None:
    vocabulary = Vocabulary.from_file(DEFAULT_MODEL / "vocab.json")
    graphs = export_graphs(random_source("text_objseg", {"backbone": backbone}, vocabulary, 0).model, whole=True)
    for name, graph in {**graphs, **{f"{name}.fp16": twin for name, twin in half_twins(graphs).items()}}.items():
        onnx.save(graph, tmp_path / f"{name}.onnx")
    result = run("--check", *sorted(tmp_path.iterdir()))
    assert result.code == 0, result.err
    checked = {Path(graph["file"]).name: graph for graph in result.json["graphs"]}
    assert len(checked) == 6
    assert checked["whole.onnx"]["plan_bytes"] > megabytes * 1e6
    precisions = checked["image_encoder.fp16.onnx"]["precisions"]
    assert precisions["float16"] > 2 * precisions["float32"]


@pytest.mark.usefixtures("rtx")
def test_one_precision_alone(run: Run) -> None:
    files = [Path(graph["file"]).name for graph in run("--check", "--precision", "fp16").json["graphs"]]
    assert files == ["text_encoder.onnx", "image_encoder.fp16.onnx", "mask_decoder.fp16.onnx"]


@pytest.mark.usefixtures("rtx")
def test_a_graph_that_tensorrt_refuses_is_named_and_the_others_are_still_checked(run: Run, tmp_path: Path) -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (3, 3)) for name in ("x", "y"))
    node = helper.make_node("Det", ["x"], ["y"], name="determinant_7")
    graph = helper.make_graph([node], "odd", [x], [y])
    odd = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), odd)
    result = run("--check", odd, DEFAULT_MODEL / "text_encoder.onnx")
    assert result.code == 1
    assert result.json["passed"] is False
    assert "the node 'determinant_7' (Det)" in result.json["problems"][0]
    assert [bool(graph["problem"]) for graph in result.json["graphs"]] == [True, False]
    assert result.err.splitlines()[-1].startswith("check: odd.onnx: TensorRT-RTX")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "nowhere"], "nowhere is neither a bundle (a folder with model.json) nor an .onnx file"),
        (["--check", "--workspace", "0"], "workspace_mib must be at least 1, got 0"),
        (["--max-expressions", "1000"], "max_expressions must be 1..256, got 1000"),
        ([str(DEFAULT_MODEL), str(DEFAULT_MODEL)], "one bundle at a time; only --check takes several"),
        (["nowhere"], "the model nowhere does not exist"),
        (["--test-set", "nowhere"], "nowhere/test.json: not a readable test set"),
        (["--precision", "int8"], "argument --precision: invalid choice"),
        (["--images", "0"], "--images must be at least 1"),
    ],
)
@pytest.mark.usefixtures("rtx")
def test_bad_input_is_one_line(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.startswith("error: ") and result.err.count("\n") == 1


def test_check_without_tensorrt_rtx_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    result = run("--check")
    assert result.code == 2
    assert "'tensorrt_rtx' is not installed; " in result.err


def test_building_without_a_gpu_is_one_line() -> None:
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, ROOT / "export" / "to_engine.py"], capture_output=True, text=True, env=hidden, cwd="/"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert any(word in done.stderr for word in ("GPU", "pycuda", "no TensorRT")), done.stderr


def test_the_entry_needs_nothing_that_a_robot_lacks() -> None:
    program = """
import json, sys
import export.to_engine
heavy = {"torch", "onnx", "onnxscript", "training", "benchmarks", "tqdm", "matplotlib", "scipy"}
print(json.dumps(sorted(heavy & {name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


class Robot:
    """A GPU that is not there: plans of no meaning in a real cache, and ONNX Runtime in place of the engines."""

    def __init__(self, cache: Path, engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache = EngineCache(cache)
        facts = DeviceFacts("Orin", "8.7", "CUDA 12.6")

        def build(api: Any, bundle: Any, options: Any, cache: EngineCache) -> Any:
            keys = {name: engine_key(api, bundle, name, options, facts) for name in GRAPHS}
            for name, key in keys.items():
                cache.load_or_build(key, name.encode, bytes, label=name)
            return facts, [export.to_engine.BuiltEngine(name, key, (), 1.5) for name, key in keys.items()]

        def backend(*_: Any, **__: Any) -> Backend:
            return open_backend(open_bundle(engines), "ort-cpu", threads=1)

        monkeypatch.setattr(export.to_engine, "build_engines", build)
        monkeypatch.setattr(export.to_engine, "TensorRTBackend", backend)
        monkeypatch.setattr(export.to_engine, "find_tensorrt", lambda: find_tensorrt("tensorrt-rtx"))


@pytest.mark.usefixtures("rtx")
def test_engines_that_pass_stay(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = Robot(tmp_path / "cache", DEFAULT_MODEL, monkeypatch)
    result = run("--cache", tmp_path / "cache", "--images", 2)
    assert result.code == 0, result.err
    assert result.json["passed"] is True
    assert result.json["build_seconds"] == 4.5
    assert result.json["parity"]["pictures"] == 2 and result.json["parity"]["mask_iou_mean"] == 1
    assert result.json["self_check"]["max_abs_err"] <= 1e-4
    kept = {entry.key.digest(): entry.path for entry in robot.cache.entries() if entry.key}
    assert {engine["cache_key"]: Path(engine["file"]) for engine in result.json["engines"]} == kept
    assert len(kept) == 3


@pytest.mark.usefixtures("rtx")
@pytest.mark.parametrize(
    ("amount", "message"),
    [(-0.06, "gate: mean mask IoU is 0.9"), (-4.0, "gate: ")],  # too little for three samples, enough for the gate
    ids=["the test set", "the samples"],
)
def test_engines_that_answer_otherwise_are_thrown_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amount: float, message: str
) -> None:
    robot = Robot(tmp_path / "cache", add_to_mask_logits(DEFAULT_MODEL, tmp_path / "spoilt", amount), monkeypatch)
    result = run("--cache", tmp_path / "cache", "--images", 2)
    assert result.code == 1
    assert result.json["passed"] is False
    assert message in result.err
    assert robot.cache.entries() == ()


@pytest.mark.usefixtures("rtx")
def test_a_full_disk_is_an_error_of_its_own(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime goes on with engines that it cannot keep; a command whose purpose is to keep them does not."""
    robot = Robot(tmp_path / "cache", DEFAULT_MODEL, monkeypatch)
    build = export.to_engine.build_engines

    def unkept(api: Any, bundle: Any, options: Any, cache: EngineCache) -> Any:
        built = build(api, bundle, options, cache)
        cache.clear()
        return built

    monkeypatch.setattr(export.to_engine, "build_engines", unkept)
    result = run("--cache", tmp_path / "cache", "--images", 2)
    assert result.code == 2
    assert "image_encoder was built but is not kept in" in result.err and "--cache DIR" in result.err
    assert robot.cache.entries() == ()

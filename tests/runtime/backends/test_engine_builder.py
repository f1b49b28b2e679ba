"""Engines built by NVIDIA's own parser and builder: TensorRT-RTX does both without a GPU. Nothing is faked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from runtime.backends.build_errors import build_error
from runtime.backends.engine_builder import (
    BuiltPlan,
    DeviceFacts,
    EngineOptions,
    build_plan,
    deserialise,
    drop_engines,
    engine_key,
    load_engines,
    optimization_profile,
)
from runtime.backends.engine_cache import EngineCache, EngineRefused
from runtime.backends.engine_layers import LayerPrecision, count_precisions, inspected_layers
from runtime.backends.network_parser import parsed_spec
from runtime.backends.tensorrt_api import Message, TensorRT, find_tensorrt
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle
from runtime.datatypes import GraphSpec, TensorSpec
from runtime.errors import SaymaskError

ORIN = DeviceFacts("Orin", "8.7", "CUDA 12.6")
FP32 = EngineOptions("fp32")


@pytest.fixture(scope="module")
def rtx() -> TensorRT:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    return find_tensorrt("tensorrt-rtx")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(DEFAULT_MODEL)


def build(api: TensorRT, bundle: Bundle, name: str, options: EngineOptions = FP32, **changes: Any) -> BuiltPlan:
    graph = bundle.spec.graphs[name]
    return build_plan(
        api, bundle.graph(name), graph, **{"max_words": bundle.spec.max_words, "options": options, **changes}
    )


def one_node(kind: str, element: int = TensorProto.FLOAT, shape: tuple[int | str, ...] = (8,)) -> bytes:
    """A graph of a single node called "the_<kind>"."""
    node = helper.make_node(kind, ["x"], ["y"], name=f"the_{kind}")
    values = [helper.make_tensor_value_info("x", element, shape)], [helper.make_tensor_value_info("y", element, shape)]
    graph = helper.make_graph([node], "graph", *values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


class Watched:
    """A `Progress` that notes; `interrupt_at` raises what Ctrl-C raises, at that step."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.steps, self.open, self.outermost = 0, 0, ""
        self._interrupt_at = interrupt_at

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        self.open += 1
        if parent is None:
            self.outermost = phase

    def step(self, phase: str, step: int) -> None:
        self.steps += 1
        if self.steps == self._interrupt_at:
            raise KeyboardInterrupt

    def finish(self, phase: str) -> None:
        self.open -= 1


def test_a_plan_and_what_is_told_about_it(rtx: TensorRT, bundle: Bundle) -> None:
    progress = Watched()
    built = build(rtx, bundle, "mask_decoder", progress=progress)
    assert len(built.plan) > 4 * 2**20  # the weights are in it
    assert 0 < built.seconds < 60
    assert {layer.kind for layer in built.layers} >= {"CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY"}
    precisions = count_precisions(built.layers)
    assert precisions["float32"] > 100 and "float16" not in precisions
    assert progress.steps > 10 and progress.open == 0 and progress.outermost


def test_the_sizes_that_an_engine_takes(rtx: TensorRT, bundle: Bundle) -> None:
    graph = bundle.spec.graphs["mask_decoder"]
    profile = optimization_profile(
        rtx.module.Builder(rtx.logger.handle), graph, 20, EngineOptions("fp32", max_expressions=5)
    )
    shapes = {name: [tuple(shape) for shape in profile.get_shape(name)] for name in ("word_states", "sentence")}
    assert shapes == {
        "word_states": [(1, 1, 256), (1, 20, 256), (5, 20, 256)],
        "sentence": [(1, 256), (1, 256), (5, 256)],
    }


def test_interrupting_stops_the_build(rtx: TensorRT, bundle: Bundle) -> None:
    progress = Watched(interrupt_at=3)
    with pytest.raises(KeyboardInterrupt):
        build(rtx, bundle, "mask_decoder", progress=progress)
    assert progress.steps < 1000


def test_a_node_that_tensorrt_lacks_is_named(rtx: TensorRT) -> None:
    with pytest.raises(SaymaskError, match=r"odd\.onnx: TensorRT-RTX .* no such operator: the node 'the_Det' \(Det\)"):
        parsed_spec(rtx, one_node("Det", shape=(3, 3)), "odd.onnx")


def test_a_node_that_tensorrt_refuses_is_named(rtx: TensorRT) -> None:
    """TensorRT takes bytes in, but does nothing with them before a Cast."""
    content = one_node("Transpose", TensorProto.UINT8, (4, 2))
    with pytest.raises(SaymaskError, match=r"refuses the node 'the_Transpose' \(Transpose\): .*UInt8") as caught:
        parsed_spec(rtx, content, "bytes.onnx")
    assert "\n" not in str(caught.value)


def test_what_is_no_graph(rtx: TensorRT) -> None:
    with pytest.raises(SaymaskError, match=r"cannot read x\.onnx: .*Failed to parse the ONNX model"):
        parsed_spec(rtx, b"no graph", "x.onnx")


def test_free_sizes_have_names_that_we_know(rtx: TensorRT) -> None:
    assert parsed_spec(rtx, one_node("Relu", shape=("N", 3)), "x.onnx").inputs == (
        TensorSpec("x", "float32", ("N", 3)),
    )
    with pytest.raises(SaymaskError, match=r"x has the free sizes \['batch', 3\]; only N and T are known"):
        parsed_spec(rtx, one_node("Relu", shape=("batch", 3)), "x.onnx")


@pytest.mark.parametrize("name", ["text_encoder", "mask_decoder", "image_encoder"])
def test_too_small_a_workspace(rtx: TensorRT, bundle: Bundle, name: str) -> None:
    with pytest.raises(SaymaskError, match=rf"{name}\.onnx: .* workspace .*--workspace MIB"):
        build(rtx, bundle, name, EngineOptions("fp32", workspace_mib=1))


def test_too_little_memory() -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    program = """
import resource
from pathlib import Path
from runtime.backends.engine_builder import EngineOptions, build_plan
from runtime.backends.network_parser import parsed_spec
from runtime.backends.tensorrt_api import find_tensorrt
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.errors import SaymaskError
api, bundle = find_tensorrt("tensorrt-rtx"), open_bundle(DEFAULT_MODEL)
content = bundle.graph("mask_decoder")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)
try:
    build_plan(api, content, bundle.spec.graphs["mask_decoder"], max_words=20, options=EngineOptions())
except SaymaskError as error:
    print(error)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root)
    assert "mask_decoder.onnx: " in done.stdout and "built no engine: out of memory; close" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("logged", "told"),
    [
        (
            "Error Code 10: Internal Error (Could not find any implementation for node /head/Conv + Relu due to "
            "insufficient workspace. See verbose log for requested sizes.)",
            "a layer (/head/Conv) finds no room in the workspace of 64 MiB",
        ),
        ("Error Code 2: OutOfMemory (Requested size was 268435456 bytes.)", "needs 257 MiB, the workspace has 64"),
        ("Error Code 2: OutOfMemory (Requested size was 1024 bytes.)", "out of memory; close other programs"),
        ("write failed: No space left on device", "the disk is full; free some"),
        ("Error Code 9: Internal Error (nothing we know)", "built no engine: Error Code 9: Internal Error (nothing we"),
    ],
)
def test_what_the_builder_complains_about(logged: str, told: str) -> None:
    """TensorRT's own words, where nothing on this machine provokes them."""
    error = build_error(TensorRT(None, "tensorrt", "10.3.0"), "g.onnx", [Message("error", logged)], 64)
    assert str(error).startswith("g.onnx: TensorRT 10.3.0 built no engine: ")
    assert told in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: replace(graph, inputs=graph.inputs[1:]), "wants the input token_ids, which model.json does not"),
        (
            lambda graph: replace(graph, outputs=(*graph.outputs, TensorSpec("mood", "float32", ("N",)))),
            "has no mood, which model.json lists",
        ),
        (
            lambda graph: replace(graph, inputs=(replace(graph.inputs[0], dtype="int32"), *graph.inputs[1:])),
            r"describes token_ids int32 \(N, T\), TensorRT-RTX .* reads int64 \(-1, -1\)",
        ),
    ],
)
def test_a_graph_that_is_not_what_model_json_says(rtx: TensorRT, bundle: Bundle, change: Any, message: str) -> None:
    graph: GraphSpec = change(bundle.spec.graphs["text_encoder"])
    with pytest.raises(SaymaskError, match=message):
        build_plan(rtx, bundle.graph("text_encoder"), graph, max_words=20, options=FP32)


def test_a_chip_that_tensorrt_rtx_does_not_serve(rtx: TensorRT, bundle: Bundle) -> None:
    with pytest.raises(SaymaskError, match=r"does not serve compute capability 8\.7, only 7\.5, 8\.0.*use TensorRT"):
        build(rtx, bundle, "text_encoder", compute_capabilities=("8.7",))
    assert build(rtx, bundle, "text_encoder", compute_capabilities=("8.6", "8.9")).plan


@pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX:DeprecationWarning")
def test_a_timing_cache_goes_in_and_comes_out(rtx: TensorRT, bundle: Bundle) -> None:
    """TensorRT's own path; TensorRT-RTX has the calls, though it times nothing."""
    api = replace(rtx, flavour="tensorrt")
    learnt = build(api, bundle, "text_encoder").timing_cache
    assert learnt
    assert build(api, bundle, "text_encoder", timing_cache=learnt).timing_cache
    assert build(api, bundle, "text_encoder", timing_cache=b"of another version").plan
    assert build(rtx, bundle, "text_encoder").timing_cache == b""


def test_an_engine_that_cannot_be_read(rtx: TensorRT, bundle: Bundle) -> None:
    with pytest.raises(EngineRefused, match=r"refuses the engine of text_encoder\.onnx: "):
        deserialise(rtx, b"no engine", bundle.spec.graphs["text_encoder"])


def test_the_key_tells_apart_whatever_makes_another_engine(rtx: TensorRT, bundle: Bundle) -> None:
    def digest(name: str = "mask_decoder", options: EngineOptions = FP32, device: DeviceFacts = ORIN) -> str:
        return engine_key(rtx, bundle, name, options, device).digest()

    others = {
        digest("image_encoder"),
        digest(options=EngineOptions("fp32", max_expressions=4)),
        digest(options=EngineOptions("fp32", workspace_mib=256)),
        digest(options=EngineOptions("fp16")),
        *(digest(device=replace(ORIN, **{field: "another"})) for field in ("gpu", "compute_capability", "driver")),
        engine_key(replace(rtx, version="9"), bundle, "mask_decoder", FP32, ORIN).digest(),
        engine_key(replace(rtx, flavour="tensorrt"), bundle, "mask_decoder", FP32, ORIN).digest(),
    }
    assert len(others) == 9 and digest() not in others
    key = engine_key(rtx, bundle, "text_encoder", EngineOptions("fp16"), ORIN)
    assert (key.precision, key.profiles) == ("fp32", "N=1..16,T=1..20")
    assert key.graph_sha256 == bundle.spec.files["text_encoder.onnx"]
    # The picture has no batch: how many expressions are asked about it changes nothing.
    assert digest("image_encoder") == digest("image_encoder", EngineOptions("fp32", max_expressions=4))


def test_an_engine_that_is_built_but_not_readable_is_not_kept(
    rtx: TensorRT, bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a GPU TensorRT-RTX builds and cannot deserialise."""
    cache = EngineCache(tmp_path / "engines")
    built: list[str] = []
    ada = replace(ORIN, compute_capability="8.9")
    with pytest.raises(SaymaskError):
        load_engines(rtx, bundle, FP32, ada, cache, built=lambda name, plan: built.append(name))
    assert built == ["image_encoder"]
    assert cache.entries() == ()
    assert "building image_encoder.onnx for Orin: " in capsys.readouterr().err


def test_engines_that_answer_wrongly_are_dropped(rtx: TensorRT, bundle: Bundle, tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines")
    keys = [engine_key(rtx, bundle, name, FP32, ORIN) for name in ("text_encoder", "mask_decoder")]
    for key in keys:
        cache.load_or_build(key, lambda: b"plan", bytes, label="an engine")
    drop_engines(cache, keys[:1])
    assert [entry.key for entry in cache.entries()] == keys[1:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "int8"}, "precision must be one of fp16, fp32, got 'int8'"),
        ({"max_expressions": 0}, "max_expressions must be 1..256, got 0"),
        ({"workspace_mib": 0}, "workspace_mib must be at least 1, got 0"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        EngineOptions(**options)


def test_layers_as_the_inspector_tells_them() -> None:
    told = """{"Layers": [
        {"Name": "conv + relu", "LayerType": "CaskConvolution",
         "Outputs": [{"Name": "y", "Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}]},
        {"Name": "lstm", "LayerType": "Myelin", "Outputs": [{"Name": "h", "Datatype": "Float"}]},
        "bare name"]}"""
    assert inspected_layers(told) == (
        LayerPrecision("conv + relu", "CaskConvolution", "float16"),
        LayerPrecision("lstm", "Myelin", "float32"),
    )
    assert inspected_layers("") == ()

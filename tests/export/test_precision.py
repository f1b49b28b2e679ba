"""FP16 twins: typed as the bundle promises, and right where a careless conversion overflows."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

import export.precision
from export.fold import tidy
from export.graphs import OPSET, export_graphs
from export.inspect_graph import tensor_specs
from export.precision import first_convolutions, half_twins, to_half
from export.rounding import open_unoptimised, round_every_node
from runtime.bundle import DEFAULT_MODEL, HALF_GRAPHS, open_bundle
from runtime.datatypes import TensorSpec
from tests.export.conftest import WORDS
from training.models import ReferringSegmenter, build_model
from training.models.text_objseg import l2_normalise

# torch's exporter, of itself
pytestmark = pytest.mark.filterwarnings("ignore:.isinstance.treespec:FutureWarning")

Array = npt.NDArray[Any]
Graphs = dict[str, onnx.ModelProto]
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
LOUD = 1000
TOLERANCE = 3e-3
"""Of the largest value: some ten roundings of 2^-11."""


def _edge(loudness: float) -> Graphs:
    """The edge network with attention to match activations `loudness` times as large as usual."""
    torch.manual_seed(0)
    options = {"vocabulary_size": len(WORDS), "image_size": (64, 64), "channels": 16, "hidden_size": 16}
    model = build_model("edge", {**options, "embedding_size": 8}).eval()
    for look in model.get_submodule("look").children():
        nn.init.normal_(look.get_parameter("out.weight"), std=0.3 * loudness)  # untrained they are 0
    return export_graphs(model)


@pytest.fixture(scope="module")
def edge_graphs() -> Graphs:
    return _edge(1)


@pytest.fixture(scope="module")
def loud_edge_graphs() -> Graphs:
    return _edge(LOUD)


@pytest.fixture(scope="module")
def paper_graphs(small_paper_network: ReferringSegmenter) -> Graphs:
    return export_graphs(small_paper_network)


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """The type of every tensor, by inference: what a strongly typed engine goes by."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, check_type=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _model(signature: str, body: str) -> onnx.ModelProto:
    """A graph in ONNX's own notation."""
    return onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": {OPSET}]> g {signature} {{{body}}}')


def _run(model: onnx.ModelProto, feeds: dict[str, Array]) -> dict[str, Array]:
    """The outputs in FP64; feeds are cast to what the graph wants."""
    types = {item.name: item.type.tensor_type.elem_type for item in model.graph.input}
    feeds = {
        name: array.astype(onnx.helper.tensor_dtype_to_np_dtype(types[name]))
        for name, array in feeds.items()
        if name in types
    }
    names = [item.name for item in model.graph.output]
    session = open_unoptimised(model, 1)
    return {name: array.astype(np.float64) for name, array in zip(names, session.run(names, feeds), strict=True)}


def _error(expected: dict[str, Array], actual: dict[str, Array]) -> float:
    """Largest difference of an output as a share of its largest value; infinite where one is not a number."""
    with np.errstate(invalid="ignore"):
        errors = [np.abs(actual[name] - value).max() / np.abs(value).max() for name, value in expected.items()]
    return float(np.nan_to_num(max(errors, key=lambda error: np.nan_to_num(error, nan=np.inf)), nan=np.inf))


def test_only_what_lies_between_the_twins_is_half_at_the_boundary(edge_graphs: Graphs) -> None:
    twins = half_twins(edge_graphs)
    assert tensor_specs(twins["image_encoder"].graph.input) == (TensorSpec("pixels", "uint8", (64, 64, 3)),)
    features = [("features_s16", (1, 16, 4, 4)), ("features_s8", (1, 8, 8, 8)), ("features_s4", (1, 4, 16, 16))]
    between = tuple(TensorSpec(name, "float16", shape) for name, shape in features)
    offsets = TensorSpec("centre_offsets", "float32", (1, 2, 16, 16))
    assert tensor_specs(twins["image_encoder"].graph.output) == (*between, offsets)
    decoder = twins["mask_decoder"].graph
    words = tensor_specs(edge_graphs["text_encoder"].graph.output)
    assert set(tensor_specs(decoder.input)) == {*between, *words}
    assert {value.dtype for value in tensor_specs(decoder.output)} == {"float32"}


def test_what_the_runtime_reads_itself_stays_float32_though_the_decoder_reads_it_too() -> None:
    values = "float[1,2] features, float[1,2] centre_offsets"
    image = _model(f"(float[1,2] x) => ({values})", "features = Relu(x) centre_offsets = Neg(features)")
    decoder = _model(f"({values}) => (float[1,2] mask_logits)", "mask_logits = Add(features, centre_offsets)")
    twins = half_twins({"image_encoder": image, "mask_decoder": decoder})
    for tensors in (twins["image_encoder"].graph.output, twins["mask_decoder"].graph.input):
        assert [tensor.dtype for tensor in tensor_specs(tensors)] == ["float16", "float32"]
    answer = _run(twins["mask_decoder"], {"features": np.ones((1, 2)), "centre_offsets": np.full((1, 2), 0.1)})
    assert answer["mask_logits"] == pytest.approx(np.full((1, 2), 1.1), rel=1e-6)


@pytest.mark.parametrize("graphs", ["tiny_graphs", "paper_graphs", "edge_graphs"])
def test_twins_are_strongly_typed(graphs: str, request: pytest.FixtureRequest) -> None:
    for name, twin in half_twins(request.getfixturevalue(graphs)).items():
        onnx.checker.check_model(twin, full_check=True)
        types = _types(twin)
        front = 0
        for node in twin.graph.node:
            if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
                precisions = {types[item] for item in node.input if item}
                assert len(precisions) == 1, node.name
                front += precisions == {FLOAT}
            elif node.op_type in ("LayerNormalization", "Softmax", "ReduceSum", "ReduceMean", "ReduceL2"):
                assert types[node.input[0]] == types[node.output[0]] == FLOAT, node.op_type
        assert front <= (3 if name == "image_encoder" else 0)  # the first convolutions


def test_a_conversion_leaves_the_graph_and_repeats_itself(edge_graphs: Graphs) -> None:
    before = {name: graph.SerializeToString(deterministic=True) for name, graph in edge_graphs.items()}
    first, second = half_twins(edge_graphs), half_twins(edge_graphs)
    for name, twin in first.items():
        assert twin.SerializeToString(deterministic=True) == second[name].SerializeToString(deterministic=True)
        casts = [node for node in twin.graph.node if node.op_type == "Cast"]
        read = Counter((node.input[0], node.attribute[0].i) for node in casts)
        assert set(read.values()) == {1}  # one Cast per tensor and type
        weights = [tensor for tensor in twin.graph.initializer if len(tensor.dims) == 4]
        assert len({tensor.name.removesuffix("_fp16") for tensor in weights}) == len(weights)  # none is held twice
    assert before == {name: graph.SerializeToString(deterministic=True) for name, graph in edge_graphs.items()}


def test_the_released_twins_are_what_the_released_graphs_give() -> None:
    bundle = open_bundle(DEFAULT_MODEL)
    twins = half_twins({name: onnx.load_model_from_string(bundle.graph(name)) for name in HALF_GRAPHS})
    for name, twin in twins.items():
        assert twin.SerializeToString(deterministic=True) == bundle.graph(name, "fp16")


def test_the_first_convolutions_stay_fp32_as_far_as_they_are_cheap() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.ConvTranspose2d(8, 40, 4, 4)]
    model = _export(nn.Sequential(*layers), torch.zeros(1, 3, 8, 8))
    work = [3 * 9 * 8 * 64, 8 * 8 * 64, 8 * 40 * 16 * 64]
    assert len(first_convolutions(model, (work[0] - 1) / sum(work))) == 0
    assert len(first_convolutions(model, work[0] / sum(work))) == 1
    assert len(first_convolutions(model, sum(work[:2]) / sum(work))) == 2
    assert len(first_convolutions(model, 1)) == 3


# -- what overflows ----------------------------------------------------------------------------------------------------


class _Norm(nn.Module):
    """One way to write a norm, between what engines run in FP16."""

    def __init__(self, norm: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.norm = norm
        self.mix = nn.Conv2d(1000, 1000, 1, bias=False)
        nn.init.dirac_(self.mix.weight)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.mix(self.norm(self.mix(x)))
        return normalised


def _export(module: nn.Module, x: Tensor) -> onnx.ModelProto:
    program = torch.onnx.export(
        module.eval(), (x,), input_names=["x"], output_names=["y"], opset_version=OPSET, dynamo=True, verbose=False
    )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    tidy(model, "module")
    return model


NORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "ours": l2_normalise,
    "torch": lambda x: nn.functional.normalize(x, dim=1),
    "by hand": lambda x: x / (x * x).sum(1, keepdim=True).clamp_min(1e-12).sqrt(),
    "squares of deviations": lambda x: (
        (x - x.mean(1, keepdim=True)) / ((x - x.mean(1, keepdim=True)) ** 2).mean(1, keepdim=True).add(1e-12).sqrt()
    ),
}


def _loud(scale: float) -> Array:
    """Like fc8 of the network of 2016 at four places, each louder than the one before."""
    rng = np.random.default_rng(0)
    fc8: Array = rng.normal(0, 1, (1, 1000, 2, 2)) * scale * np.array([[0.1, 0.3], [0.6, 1]])
    return fc8


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that makes everything FP16, as a converter does that knows no norms."""
    monkeypatch.setattr(export.precision, "_must_be_full", lambda node, inputs: False)
    monkeypatch.setattr(export.precision, "_full_by_readers", lambda *_: set())
    monkeypatch.setattr(export.precision, "_holds", lambda constant, node: True)


@functools.cache
def _norm_graph(norm: str) -> onnx.ModelProto:
    with torch.no_grad():
        return _export(_Norm(NORMS[norm]), torch.zeros(1, 1000, 2, 2))


def _norm_error(norm: str, scale: float) -> float:
    model = _norm_graph(norm)
    feeds = {"x": _loud(scale).astype(np.float16).astype(np.float32)}
    return _error(_run(model, feeds), _run(round_every_node(to_half(model)), feeds))


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 10_000], ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_is_safe_at_every_loudness(norm: str, scale: float) -> None:
    assert _norm_error(norm, scale) <= TOLERANCE


@pytest.mark.usefixtures("careless")
@pytest.mark.parametrize("norm", ["torch", "by hand", "squares of deviations"])
def test_the_measure_fails_an_unsafe_norm(norm: str) -> None:
    assert _norm_error(norm, 1) <= 2 * TOLERANCE  # looks right as long as nothing is loud
    assert _norm_error(norm, 30) > 0.5


def _edge_error(graphs: Graphs, loudness: float) -> float:
    """Of the edge network's decoder, whose norms see activations `loudness` times as large as usual."""
    decoder, rng = graphs["mask_decoder"], np.random.default_rng(0)
    sizes: dict[int | str, int] = {"N": 3, "T": 5}
    feeds: dict[str, Array] = {
        spec.name: rng.normal(0, 0.5, [int(sizes.get(size, size)) for size in spec.shape])
        for spec in tensor_specs(decoder.graph.input)
    }
    feeds["word_mask"] = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    feeds |= {name: (feeds[name] * loudness).astype(np.float16) for name in feeds if name.startswith("features")}
    twin = half_twins(graphs)["mask_decoder"]
    return _error(_run(decoder, feeds), _run(round_every_node(twin), feeds))


def test_the_edge_networks_norms_are_safe(edge_graphs: Graphs, loud_edge_graphs: Graphs) -> None:
    assert _edge_error(edge_graphs, 1) <= TOLERANCE
    assert _edge_error(loud_edge_graphs, LOUD) <= TOLERANCE


@pytest.mark.usefixtures("careless")
def test_the_measure_fails_the_edge_networks_norms_where_they_are_unsafe(
    edge_graphs: Graphs, loud_edge_graphs: Graphs
) -> None:
    assert _edge_error(edge_graphs, 1) <= 4 * TOLERANCE
    assert _edge_error(loud_edge_graphs, LOUD) > 0.05


@pytest.mark.parametrize("loudness", [1, 1000])
def test_the_2016_networks_norm_is_safe(small_paper_network: ReferringSegmenter, loudness: float) -> None:
    torch.manual_seed(0)
    widen = small_paper_network.get_submodule("image.widen")
    weights = {name: value.clone() for name, value in widen.state_dict().items()}
    try:
        widen.load_state_dict({name: value * loudness for name, value in weights.items()})
        graphs = export_graphs(small_paper_network)
    finally:
        widen.load_state_dict(weights)
    pixels = {"pixels": np.random.default_rng(0).integers(0, 256, (64, 64, 3))}
    expected, actual = (
        _run(graph, pixels)
        for graph in (graphs["image_encoder"], round_every_node(half_twins(graphs)["image_encoder"]))
    )
    assert np.linalg.norm(actual["features"], axis=1) == pytest.approx(np.ones((1, 2, 2)), rel=1e-3)
    assert _error(expected, actual) <= 10 * TOLERANCE  # fifty untrained layers before it


# -- constants ---------------------------------------------------------------------------------------------------------


def _graph(body: str, constants: dict[str, Array]) -> onnx.ModelProto:
    model = _model("(float[1,2] x) => (float[1,2] y)", body)
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()
    )
    return model


@pytest.mark.parametrize(
    ("value", "held"),
    [(1e-12, False), (1e-7, False), (1e-5, False), (0, True), (2.0**-14, True), (127.5, True), (1e5, False)],
)
def test_a_constant_that_fp16_cannot_hold_keeps_its_node_in_fp32(value: float, held: bool) -> None:
    model = _graph(
        "a = MatMul(x, w) b = Max(a, c) y = MatMul(b, w)", {"w": np.eye(2, dtype=np.float32), "c": np.array(value)}
    )
    types = _types(to_half(model))
    assert types["c_fp16" if held else "c"] == (HALF if held else FLOAT)
    assert types["b"] == (HALF if held else FLOAT)


def test_a_weight_beyond_fp16_keeps_its_layer_in_fp32() -> None:
    model = _graph("a = MatMul(x, w) y = MatMul(a, v)", {"w": 7e4 * np.eye(2), "v": np.eye(2)})
    twin = to_half(model)
    assert (_types(twin)["w"], _types(twin)["v_fp16"]) == (FLOAT, HALF)
    session = onnxruntime.InferenceSession(twin.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(
        session.run(None, {"x": np.array([[0.5, -0.25]], np.float32)})[0], [[35_000, -17_500]], rtol=1e-3
    )


def test_an_unknown_operator_stays_fp32() -> None:
    types = _types(to_half(_graph("a = MatMul(x, w) b = Erf(a) y = MatMul(b, w)", {"w": np.eye(2)})))
    assert (types["a"], types["b"]) == (HALF, FLOAT)


def test_inputs_in_either_type_and_half_outputs() -> None:
    model = _graph("a = Softmax(x) y = Identity(a)", {})
    twin = to_half(model, ["x", "y"])
    assert _types(twin)["x"] == _types(twin)["y"] == HALF
    answer = _run(round_every_node(twin), {"x": np.array([[0.0, 0.0]])})["y"]
    np.testing.assert_array_equal(answer, [[0.5, 0.5]])

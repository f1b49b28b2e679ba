"""The rounded graph computes what FP16 computes: ONNX's reference and PyTorch in half precision are the judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from export.rounding import open_unoptimised, round_every_node

Array = npt.NDArray[Any]
HALF = TensorProto.FLOAT16
ULP = 2.0**-10
"""Of a value in FP16: what two right ways of summing may be apart."""


def _typed(body: str, constants: dict[str, Array], shape: str = "3,8") -> onnx.ModelProto:
    """A graph from `x` to `y`, both float16; the size of `y` is left to inference."""
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["": 18]> g (float16[{shape}] x) => (float16 y) {{{body}}}'
    )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return model


def _rounded(model: onnx.ModelProto, *arrays: Array) -> Array:
    session = open_unoptimised(round_every_node(model), 1)
    feeds = {item.name: array for item, array in zip(session.get_inputs(), arrays, strict=True)}
    answer: Array = session.run(["y"], feeds)[0]
    return answer


def _values(scale: float, seed: int = 0) -> Array:
    return (np.random.default_rng(seed).normal(0, scale, (3, 8))).astype(np.float16)


LAST = {"axes": np.array([-1])}
WEIGHTS = {"gain": np.linspace(0.5, 2, 8).astype(np.float16), "shift": np.linspace(-1, 1, 8).astype(np.float16)}


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")  # NumPy's, of the overflow that is meant
@pytest.mark.parametrize("scale", [1e-4, 1, 100, 30_000])
@pytest.mark.parametrize(
    ("body", "constants"),
    [
        ("y = Mul(x, x)", {}),
        ("a = Add(x, x) y = Sub(a, shift)", WEIGHTS),
        ("y = Div(x, gain)", WEIGHTS),
        ("a = Exp(x) y = Sqrt(a)", {}),
        ("y = ReduceSum(x, axes)", LAST),
        ("y = ReduceSum <keepdims = 0> (x)", {}),
        ("y = ReduceSumSquare <keepdims = 0> (x, axes)", LAST),
        ("y = ReduceL2(x, axes)", LAST),
        ("y = Softmax(x)", {}),
        ("y = Softmax <axis = 0> (x)", {}),
        ("y = LayerNormalization <epsilon = 0.01> (x, gain, shift)", WEIGHTS),
    ],
)
def test_each_step_is_rounded_as_onnx_defines_it(body: str, constants: dict[str, Array], scale: float) -> None:
    model, x = _typed(body, constants), _values(scale)
    (expected,) = list(ReferenceEvaluator(model).run(None, {"x": x}))
    actual = _rounded(model, x)
    assert actual.dtype == np.float16
    np.testing.assert_allclose(actual, expected, rtol=4 * ULP, atol=2e-7)


def test_onnx_runtime_alone_hides_what_the_rounded_graph_shows() -> None:
    model = _typed("squares = Mul(x, x) sum = ReduceSum(squares, axes) y = Sqrt(sum)", LAST)
    x = np.full((3, 8), 200, np.float16)  # squares of 40,000, a sum of 320,000: FP16 ends at 65,504
    alone = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert alone.run(["y"], {"x": x})[0].ravel() == pytest.approx(200 * 8**0.5, rel=1e-3)
    assert np.isposinf(_rounded(model, x)).all()


def test_small_values_vanish() -> None:
    model = _typed("a = Mul(x, tiny) b = Div(a, tiny) y = Identity(b)", {"tiny": np.array(1e-4, np.float16)})
    x = np.full((3, 8), 1e-4, np.float16)  # 1e-8 is less than half of FP16's smallest number
    np.testing.assert_array_equal(_rounded(model, x), np.zeros((3, 8), np.float16))


def test_nodes_in_fp32_are_left_alone_and_casts_between_are_kept() -> None:
    body = "wide = Cast <to = 1> (x) squares = Mul(wide, wide) sum = ReduceSum(squares, axes) y = Cast <to = 10> (sum)"
    model = _typed(body, LAST)
    np.testing.assert_array_equal(_rounded(model, np.full((3, 8), 90, np.float16)), np.full((3, 1), 64800, np.float16))
    assert np.isposinf(_rounded(model, np.full((3, 8), 91, np.float16))).all()  # only the last Cast overflows


def test_constants_inside_nodes_are_read_as_fp16() -> None:
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([0.1], np.float16), "c"))
    model = _typed("y = Add(x, c)", {})
    model.graph.node.insert(0, constant)
    expected = np.full((3, 8), np.float16(0.1) + np.float16(1))
    np.testing.assert_array_equal(_rounded(model, np.ones((3, 8), np.float16)), expected)


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d, kind: str) -> onnx.ModelProto:
    assert layer.bias is not None
    constants = {"w": layer.weight.detach().numpy(), "b": layer.bias.detach().numpy()}
    body = f"y = {kind} <strides = [2, 2], pads = [1, 1, 1, 1]> (x, w, b)"
    return _typed(body, constants, "1,16,10,12")


def _linear(layer: nn.Linear) -> onnx.ModelProto:
    constants = {"w": layer.weight.detach().numpy(), "b": layer.bias.detach().numpy()}
    body = "y = Gemm <transB = 1> (x, w, b)"
    return _typed(body, constants, "5,64")


LAYERS: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], onnx.ModelProto], tuple[int, ...]]] = {
    "convolution": (lambda: nn.Conv2d(16, 24, 3, 2, 1), lambda it: _convolution(it, "Conv"), (1, 16, 10, 12)),
    "deconvolution": (
        lambda: nn.ConvTranspose2d(16, 24, 4, 2, 1),
        lambda it: _convolution(it, "ConvTranspose"),
        (1, 16, 10, 12),
    ),
    "linear": (lambda: nn.Linear(64, 32), _linear, (5, 64)),
}


@pytest.mark.parametrize("loud", [False, True], ids=["quiet", "overflowing"])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_answer_as_pytorch_in_half_precision(name: str, loud: bool) -> None:
    torch.manual_seed(0)
    make, typed, shape = LAYERS[name]
    layer, x = make().half().eval(), torch.randn(shape).half()
    if loud:
        x *= 10_000
        layer.load_state_dict({key: value * 8 for key, value in layer.state_dict().items()})
    with torch.inference_mode():
        expected = layer(x).numpy()
    actual = _rounded(typed(layer), x.numpy())
    lost = np.isinf(expected)
    assert lost.any() == loud
    # Just below FP16's largest number two ways of summing may fall on different sides of it.
    settled = np.abs(expected.astype(np.float64)) < 65_000
    size = float(np.sqrt(np.mean(expected[settled].astype(np.float64) ** 2)))
    np.testing.assert_array_equal(actual[lost], expected[lost])
    # PyTorch's deconvolution rounds its partial sums as well.
    np.testing.assert_allclose(actual[settled], expected[settled], rtol=ULP, atol=2 * ULP * size)

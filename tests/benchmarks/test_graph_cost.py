"""Operations and bytes of small graphs, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.graph_cost import operators
from runtime.errors import SaymaskError

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
SIZES = {"N": 2, "T": 5}


def model(
    nodes: list[Any], inputs: dict[str, list[Any]], weights: dict[str, Any], outputs: list[str], kind: int = FLOAT
) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
    answers = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "graph", ends, answers, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def weights(*shape: int, kind: type = np.float32) -> Any:
    return np.zeros(shape, kind)


def conv(**attributes: Any) -> Any:
    return helper.make_node("Conv", ["x", "w"], ["y"], **attributes)


@pytest.mark.parametrize(
    ("node", "shape", "parameters", "macs", "dense"),
    [
        # out 1x6x4x4, each from 3x3 cells of 4 channels
        (conv(pads=[1, 1, 1, 1]), [1, 4, 4, 4], {"w": weights(6, 4, 3, 3)}, 6 * 16 * 4 * 9, True),
        # depthwise: each channel meets one plane of the kernel
        (conv(group=4, pads=[1, 1, 1, 1]), [1, 4, 4, 4], {"w": weights(4, 1, 3, 3)}, 4 * 16 * 9, False),
        (conv(strides=[2, 2]), [1, 4, 8, 8], {"w": weights(6, 4, 2, 2)}, 6 * 16 * 4 * 4, True),
        # each of 1x4x4x4 inputs is spread over 3 channels of 2x2
        (
            helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2]),
            *([1, 4, 4, 4], {"w": weights(4, 3, 2, 2)}, 64 * 3 * 4, True),
        ),
        (helper.make_node("MatMul", ["x", "w"], ["y"]), ["N", "T", 8], {"w": weights(8, 3)}, 2 * 5 * 3 * 8, True),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transB=1), ["N", 8], {"w": weights(3, 8)}, 2 * 3 * 8, True),
        # words x expressions x 4 gates of 6 x (features + hidden)
        (
            helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=6),
            *(["T", "N", 8], {"w": weights(1, 24, 8), "r": weights(1, 24, 6)}, 5 * 2 * 24 * 14, True),
        ),
    ],
)
def test_multiply_accumulates(node: Any, shape: list[Any], parameters: dict[str, Any], macs: int, dense: bool) -> None:
    (operator,) = operators(model([node], {"x": shape}, parameters, ["y"]), SIZES)
    assert (operator.macs, operator.dense, operator.half) == (macs, dense, False)
    assert operator.weight_bytes == sum(value.nbytes for value in parameters.values())


def test_bytes_follow_the_type() -> None:
    """Half the bits, half the bytes: input 1x4x4x4 and output 1x6x4x4, weights 6x4x3x3."""
    parameters = {"w": weights(6, 4, 3, 3, kind=np.float16)}
    (operator,) = operators(model([conv(pads=[1, 1, 1, 1])], {"x": [1, 4, 4, 4]}, parameters, ["y"], HALF), SIZES)
    assert operator.half
    assert (operator.weight_bytes, operator.activation_bytes) == (6 * 4 * 9 * 2, (64 + 96) * 2)


def test_only_kernels_count() -> None:
    """An activation is fused, a reshape moves nothing, a pooling is a kernel of its own; a table is read by rows."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Relu", ["rows"], ["positive"]),
        helper.make_node("Reshape", ["positive", "shape"], ["flat"]),
        helper.make_node("ReduceMax", ["flat"], ["y"], keepdims=0),
    ]
    graph = model(nodes, {}, {"table": weights(1000, 8), "ids": np.array([1, 2]), "shape": np.array([16])}, ["y"])
    found = operators(graph, SIZES)
    assert [operator.kind for operator in found] == ["Gather", "ReduceMax"]
    assert (found[0].weight_bytes, found[0].activation_bytes) == (64, 64)
    assert found[1].activation_bytes == 64 + 4


def test_an_unnamed_size_is_refused() -> None:
    graph = model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["K", 8]}, {"w": weights(8, 3)}, ["y"])
    with pytest.raises(SaymaskError, match="free size 'K'"):
        operators(graph, SIZES)

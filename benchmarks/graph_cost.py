"""What one run of an ONNX graph has to compute and to move, operator by operator, from its shapes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import shape_inference

from runtime.errors import SaymaskError

_FREE = frozenset(
    ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Shape", "Constant", "ConstantOfShape", "Range", "Size")
)
"""New names for the same bytes, or values known before the run."""
_FUSED = frozenset(
    ("Add", "Sub", "Mul", "Div", "Relu", "Clip", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Cast", "Sqrt", "Neg")
    + ("Abs", "Exp", "Pow", "Reciprocal", "Where", "Less", "Greater", "Equal", "Not", "And", "Min", "Max", "Erf")
)
"""Elementwise: every compiler runs them in the kernel of the operator before or after."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Operator:
    """One kernel: multiply-accumulates, bytes of weights, bytes of activations.

    `dense`: one product of matrices, such as tensor cores take; `half`: in FP16.
    """

    name: str
    kind: str
    macs: int
    dense: bool
    half: bool
    weight_bytes: int
    activation_bytes: int


def operators(model: onnx.ModelProto, sizes: Mapping[str, int]) -> list[Operator]:
    """The kernels of `model` with its free sizes as `sizes` ("N", "T") says; what costs nothing is left out.

    Raises SaymaskError where a shape that counts cannot be inferred.
    """
    values = _Values(model, sizes)
    found = []
    for node in model.graph.node:
        if node.op_type not in _FREE | _FUSED:
            macs, dense = _macs(node, values)
            weights, activations = values.traffic(node)
            half = values.is_half(node.output[0])
            found.append(Operator(node.name or node.output[0], node.op_type, macs, dense, half, weights, activations))
    return found


def _macs(node: onnx.NodeProto, values: _Values) -> tuple[int, bool]:
    """Multiply-accumulates of a node, and whether they are one dense matrix product."""
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type in ("Conv", "ConvTranspose"):
        weights = values.shape(node.input[1])
        groups = attributes.get("group", 1)
        # Each output of a convolution (each input of its transpose) meets the kernel once, per group.
        planes = values.shape(node.output[0] if node.op_type == "Conv" else node.input[0])
        return math.prod(planes) * math.prod(weights[1:]), groups == 1
    if node.op_type == "MatMul":
        return math.prod(values.shape(node.output[0])) * values.shape(node.input[0])[-1], True
    if node.op_type == "Gemm":
        rows = values.shape(node.input[0])
        return math.prod(values.shape(node.output[0])) * rows[0 if attributes.get("transA", 0) else 1], True
    if node.op_type == "LSTM":
        words, count, features = values.shape(node.input[0])
        directions, gates, hidden = values.shape(node.input[2])
        return words * count * directions * gates * (features + hidden), True
    return 0, False


class _Values:
    """Shapes and types of every value of a graph."""

    def __init__(self, model: onnx.ModelProto, sizes: Mapping[str, int]) -> None:
        fixed = onnx.ModelProto()
        fixed.CopyFrom(model)
        for value in (*fixed.graph.input, *fixed.graph.output):
            for size in value.type.tensor_type.shape.dim:
                if size.dim_param:
                    if size.dim_param not in sizes:
                        raise SaymaskError(f"the graph has a free size {size.dim_param!r}; give it a value")
                    size.dim_value = sizes[size.dim_param]
        del fixed.graph.value_info[:]  # of free sizes, and of other types where a converter forgot them
        inferred = shape_inference.infer_shapes(fixed, data_prop=True).graph
        self._weights = {tensor.name for tensor in inferred.initializer}
        self._types = {tensor.name: (tuple(tensor.dims), tensor.data_type) for tensor in inferred.initializer}
        for value in (*inferred.input, *inferred.output, *inferred.value_info):
            tensor_type = value.type.tensor_type
            sizes_of = tensor_type.shape.dim
            if tensor_type.HasField("shape") and all(size.HasField("dim_value") for size in sizes_of):
                self._types[value.name] = (tuple(size.dim_value for size in sizes_of), tensor_type.elem_type)

    def shape(self, name: str) -> Shape:
        if name not in self._types:
            raise SaymaskError(f"the shape of {name!r} cannot be inferred; export the model again")
        return self._types[name][0]

    def is_half(self, name: str) -> bool:
        return bool(self._types[name][1] == onnx.TensorProto.FLOAT16)

    def traffic(self, node: onnx.NodeProto) -> tuple[int, int]:
        """Bytes of weights and of activations that a node reads and writes."""
        if node.op_type == "Gather":  # only the rows that are asked for
            return self._bytes(node.output[0]), self._bytes(node.output[0])
        names = [name for name in (*node.input, *node.output) if name]
        weights = sum(self._bytes(name) for name in names if name in self._weights)
        return weights, sum(self._bytes(name) for name in names if name not in self._weights)

    def _bytes(self, name: str) -> int:
        count = math.prod(self.shape(name))
        size: int = onnx.helper.tensor_dtype_to_np_dtype(self._types[name][1]).itemsize
        return count * size

"""Strongly typed FP16 twins of the graphs that an engine runs: half precision lives in the ONNX file itself.

Written by hand rather than with onnxconverter-common's converter, which keeps either all FP32 inputs and outputs or
none, puts a Cast before every single reader, and moves constants that FP16 cannot hold (1e-12, 1e5) to ones it can.
Every operator that is not known to be safe stays FP32, so that a new one costs speed and never an answer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtime.bundle import HALF_GRAPHS

MATRIX = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul", "AveragePool", "MaxPool", "Resize"))
"""Where the time goes: FP16 in and out, sums in FP32 inside the kernels."""
EXACT = frozenset(
    ("Abs", "Clip", "Concat", "Expand", "Flatten", "Gather", "Identity", "Max", "Min", "Neg", "Pad", "ReduceMax")
    + ("ReduceMin", "Relu", "Reshape", "Sigmoid", "Slice", "Split", "Squeeze", "Tanh", "Tile", "Transpose")
    + ("Unsqueeze", "Where")
)
"""What neither overflows nor loses more than one rounding, in whichever type its inputs have."""
ARITHMETIC = frozenset(("Add", "Div", "Mul", "Sub"))
"""FP32 as soon as one input is: the length of an L2 norm, a mean, a Softmax may not be rounded before it is used."""

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_ANY_TYPE = frozenset(("Cast", "Shape", "Size"))
_KEPT_FLOAT = {"Resize": (1, 2)}
"""Inputs that ONNX wants in FP32 whatever the type of the data: region and scales."""
_ACTIVATIONS = frozenset(("Abs", "Clip", "Relu", "Sigmoid", "Tanh"))
"""Left beside the convolution they follow, which an engine builder fuses them into."""
_READ_BY_RUNTIME = ("centre_offsets",)
_FRONT_SHARE = 0.08
"""Of the image encoder's multiplications, that its first convolutions may make up to stay FP32.

Their rounding runs through everything behind them: those of the edge network's first two blocks (6 % of it) cause
three fifths of its features' whole error, since their batch norms folded into weights up to 56 that cancel.
"""
_HELD = 1e-3
"""Largest relative error of a scalar constant in FP16; 1e-5 and all that is smaller is further off, or 0."""


def half_twins(graphs: Mapping[str, onnx.ModelProto]) -> dict[str, onnx.ModelProto]:
    """The FP16 twins of image_encoder and mask_decoder; `graphs` stay as they are.

    Features that only the decoder reads are float16 between the two; all other inputs and outputs keep their types.
    """
    image, decoder = (graphs[name].graph for name in HALF_GRAPHS)
    shared = {value.name for value in image.output} & {value.name for value in decoder.input}
    shared -= set(_READ_BY_RUNTIME)
    front = first_convolutions(graphs["image_encoder"], _FRONT_SHARE)
    return {
        "image_encoder": to_half(graphs["image_encoder"], shared, pinned=front),
        "mask_decoder": to_half(graphs["mask_decoder"], shared),
    }


def to_half(
    model: onnx.ModelProto, half_boundary: Collection[str] = (), *, pinned: Collection[int] = ()
) -> onnx.ModelProto:
    """A strongly typed FP16 twin of an FP32 graph whose constants are folded and whose nodes are sorted.

    `half_boundary`: inputs and outputs that become float16; the others keep their type, with a Cast inside. `pinned`:
    indices of nodes that stay FP32 beside those that must. The same graph gives the same bytes.
    """
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    full = full_nodes(model, half_boundary, pinned=pinned)
    _Rewriter(twin.graph, _float_tensors(model), set(half_boundary), full).rewrite()
    return twin


def first_convolutions(model: onnx.ModelProto, share: float) -> set[int]:
    """Indices of as many of a graph's first convolutions as make up `share` of all their multiplications at most."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    cells = {value.name: math.prod(size.dim_value for size in value.type.tensor_type.shape.dim[2:]) for value in values}
    weights = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    work = {
        index: weights[node.input[1]] * cells[node.output[0] if node.op_type == "Conv" else node.input[0]]
        for index, node in enumerate(graph.node)
        if node.op_type in ("Conv", "ConvTranspose")
    }
    done = itertools.accumulate(work.values())
    return {index for index, sum_ in zip(work, done, strict=True) if sum_ <= share * sum(work.values())}


def full_nodes(
    model: onnx.ModelProto, half_boundary: Collection[str] = (), *, pinned: Collection[int] = ()
) -> set[int]:
    """Indices of the nodes that compute in FP32 in the twin. See `MATRIX`, `EXACT` and `ARITHMETIC` for the rules."""
    graph, floats = model.graph, _float_tensors(model)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # None: available in both types, such as constants and what a caller hands over in FP32.
    is_full: dict[str, bool | None] = dict.fromkeys(constants)
    is_full |= {value.name: False if value.name in half_boundary else None for value in graph.input}
    full = set()
    for index, node in enumerate(graph.node):
        inputs = _half_inputs(node, floats)
        held = all(_holds(constants[name], node) for name in inputs if name in constants)
        if index in pinned or not held or _must_be_full(node, {is_full[name] for name in inputs}):
            full.add(index)
        is_full |= dict.fromkeys(node.output, index in full)
    return full | _full_by_readers(graph, floats, full, set(half_boundary))


def _must_be_full(node: onnx.NodeProto, inputs: set[bool | None]) -> bool:
    if node.op_type in MATRIX:
        return False
    if node.op_type in ARITHMETIC:
        return True in inputs
    if node.op_type in EXACT:
        return True in inputs and False not in inputs
    return True


def _full_by_readers(graph: onnx.GraphProto, floats: set[str], full: set[int], half_boundary: set[str]) -> set[int]:
    """Arithmetic and layout that only FP32 nodes read: the squares under a sum, the mask's last division.

    Without this the squares of an L2 norm would overflow before their sum, which is FP32, ever saw them.
    """
    read_full = {value.name: value.name not in half_boundary for value in graph.output}
    found = set()
    for index in reversed(range(len(graph.node))):
        node = graph.node[index]
        movable = node.op_type in (ARITHMETIC | EXACT) - _ACTIVATIONS
        if index not in full and movable and all(read_full.get(name, False) for name in node.output if name):
            found.add(index)
        if node.op_type in _ANY_TYPE:
            continue  # it reads either type
        for name in _half_inputs(node, floats):
            read_full[name] = read_full.get(name, True) and index in full | found
    return found


def _holds(constant: npt.NDArray[Any], node: onnx.NodeProto) -> bool:
    """Whether FP16 can hold a constant of a node: no weight may become infinite, and no epsilon 0."""
    with np.errstate(over="ignore"):
        half = constant.astype(np.float16).astype(np.float64)
    if not np.isfinite(half[np.isfinite(constant)]).all():
        return False
    if constant.size > 1 or node.op_type in MATRIX:
        return True
    return bool((np.abs(half - constant) <= _HELD * np.abs(constant)).all() or not np.isfinite(constant).all())


def _float_tensors(model: onnx.ModelProto) -> set[str]:
    """The names of all FP32 tensors of a graph."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    constants = {tensor.name for tensor in graph.initializer if tensor.data_type == _FLOAT}
    return constants | {value.name for value in values if value.type.tensor_type.elem_type == _FLOAT}


def _half_inputs(node: onnx.NodeProto, floats: Collection[str]) -> list[str]:
    """The FP32 inputs of a node whose type follows the node's precision."""
    kept = _KEPT_FLOAT.get(node.op_type, ())
    return [name for place, name in enumerate(node.input) if name in floats and place not in kept]


class _Rewriter:
    """Gives each node of `graph`, in place, inputs of its own precision, with one Cast per tensor and type."""

    def __init__(self, graph: onnx.GraphProto, floats: set[str], half_boundary: set[str], full: set[int]) -> None:
        self._graph, self._floats, self._half_boundary, self._full = graph, floats, half_boundary, full
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._written: dict[str, onnx.TensorProto] = {}
        self._types: dict[str, int] = {}
        self._named: dict[tuple[str, int], str] = {}
        """The name that a tensor of the FP32 graph has in a type."""

    def rewrite(self) -> None:
        """Do all of it."""
        for value in (*self._graph.input, *self._graph.output):
            if value.name in self._half_boundary:
                value.type.tensor_type.elem_type = _HALF
        for value in self._graph.input:
            self._put(value.name, value.type.tensor_type.elem_type, value.name)
        wanted = {value.name: value.type.tensor_type.elem_type for value in self._graph.output}
        for index, node in enumerate(self._graph.node):
            self._read(node, _FLOAT if index in self._full else _HALF)
            self._nodes.append(node)
            self._write(node, _FLOAT if index in self._full else _HALF, wanted)
        _replace(self._graph.node, self._nodes)
        _replace(self._graph.initializer, self._written.values())

    def _read(self, node: onnx.NodeProto, precision: int) -> None:
        follows = set(_half_inputs(node, self._floats))
        for place, name in enumerate(node.input):
            if name in follows and node.op_type not in _ANY_TYPE:
                node.input[place] = self._in(name, precision)
            elif name in self._constants:
                self._written[name] = self._constants[name]
            elif name:
                node.input[place] = self._named[name, self._types[name]]

    def _in(self, name: str, precision: int) -> str:
        """The name of a tensor in a precision; casts it, or writes a constant, where nobody has yet."""
        if (name, precision) not in self._named:
            own = f"{name}_{'fp16' if precision == _HALF else 'fp32'}"
            if name in self._constants:
                own = name if precision == _FLOAT else own
                self._written[own] = _constant(self._constants[name], precision, own)
            else:
                self._cast(self._named[name, self._types[name]], own, precision)
            self._named[name, precision] = own
        return self._named[name, precision]

    def _write(self, node: onnx.NodeProto, precision: int, wanted: Mapping[str, int]) -> None:
        for place, name in enumerate(node.output):
            own = precision if name in self._floats else 0
            if not own or wanted.get(name, own) == own:
                self._put(name, own, name)
                continue
            node.output[place] = f"{name}_{'fp16' if own == _HALF else 'fp32'}"
            self._put(name, own, node.output[place])
            self._cast(node.output[place], name, wanted[name])
            self._named[name, wanted[name]] = name

    def _put(self, name: str, precision: int, own: str) -> None:
        self._types[name] = precision
        self._named[name, precision] = own

    def _cast(self, name: str, output: str, precision: int) -> None:
        self._nodes.append(helper.make_node("Cast", [name], [output], name=f"{output}_cast", to=precision))


def _constant(tensor: onnx.TensorProto, precision: int, name: str) -> onnx.TensorProto:
    if precision == _FLOAT:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)


def _replace(items: Any, new: Iterable[Any]) -> None:
    kept = list(new)
    del items[:]
    items.extend(kept)

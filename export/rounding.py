"""Makes ONNX Runtime's CPU compute a typed FP16 graph as FP16 does: rounded, and infinite where a value overflows.

Left alone it runs such a graph in FP32 throughout and hides both. Here every float16 tensor becomes a float32 one that
is rounded to FP16 and back as soon as a node has put it out. Sums inside a convolution or a matrix product stay FP32,
as in an engine that accumulates in FP32; an engine that fuses nodes rounds less often than this.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, inliner, numpy_helper

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_DOMAIN = "saymask.steps"

# What ONNX calls one operator an engine computes in steps, and each of them may round: TensorRT squares the input of a
# ReduceL2 in the input's own type. The worst is assumed of all. AXIS and EPSILON are the node's own.
_STEPS = {
    "ReduceSumSquare": """ReduceSumSquare <keepdims> (x, axes) => (y) {
        squares = Mul (x, x)
        y = ReduceSum <keepdims: int = @keepdims> (squares, axes)
    }""",
    "ReduceL2": """ReduceL2 <keepdims> (x, axes) => (y) {
        squares = Mul (x, x)
        sum = ReduceSum <keepdims: int = @keepdims> (squares, axes)
        y = Sqrt (sum)
    }""",
    "ReduceMean": """ReduceMean <keepdims> (x, axes) => (y) {
        sum = ReduceSum <keepdims: int = @keepdims> (x, axes)
        shape = Shape (x)
        ones = ConstantOfShape <value: tensor = float[1] {1.0}> (shape)
        count = ReduceSum <keepdims: int = @keepdims> (ones, axes)
        divisor = CastLike (count, x)
        y = Div (sum, divisor)
    }""",
    "Softmax": """Softmax (x) => (y) {
        axes = Constant <value_ints: ints = [AXIS]> ()
        largest = ReduceMax (x, axes)
        below = Sub (x, largest)
        powers = Exp (below)
        sum = ReduceSum (powers, axes)
        y = Div (powers, sum)
    }""",
    "LayerNormalization": """LayerNormalization (x, scale, bias) => (y) {
        axes = Constant <value_ints: ints = [AXIS]> ()
        mean = ReduceMean (x, axes)
        deviation = Sub (x, mean)
        squares = Mul (deviation, deviation)
        variance = ReduceMean (squares, axes)
        float_epsilon = Constant <value_float: float = EPSILON> ()
        epsilon_like = CastLike (float_epsilon, x)
        above = Add (variance, epsilon_like)
        root = Sqrt (above)
        normal = Div (deviation, root)
        scaled = Mul (normal, scale)
        y = Add (scaled, bias)
    }""",
}


def round_every_node(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph that computes in FP32 what the typed graph `model` computes in FP16; inputs and outputs are the same.

    Run it with `open_unoptimised`: an optimiser may take the Casts away, and the rounding with them.
    """
    rounded = _in_steps(model)
    graph, halves = rounded.graph, _halves(rounded)
    boundary = {value.name for value in (*graph.input, *graph.output)} & halves
    wide = {name: f"{name}_wide" if name in boundary else name for name in halves}
    inputs = [value.name for value in graph.input if value.name in halves]
    nodes = [helper.make_node("Cast", [name], [wide[name]], to=_FLOAT) for name in inputs]
    for node in graph.node:
        nodes += _rounded(node, wide, boundary)
    del graph.node[:]
    graph.node.extend(nodes)
    for tensor in graph.initializer:
        if tensor.name in halves:
            tensor.CopyFrom(_widened(tensor))
    return rounded


def open_unoptimised(model: onnx.ModelProto, threads: int | None = None) -> onnxruntime.InferenceSession:
    """A session on the CPU that runs every node of `model` as it stands; `threads` None: one per physical core."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _rounded(node: onnx.NodeProto, wide: dict[str, str], boundary: set[str]) -> list[onnx.NodeProto]:
    """A node in FP32, and the Casts that round its FP16 outputs."""
    casts = []
    node.input[:] = [wide.get(name, name) for name in node.input]
    for place, name in enumerate(node.output):
        if name in wide:
            half = name if name in boundary else f"{name}_half"
            node.output[place] = f"{name}_exact"
            casts.append(helper.make_node("Cast", [node.output[place]], [half], to=_HALF))
            casts.append(helper.make_node("Cast", [half], [wide[name]], to=_FLOAT))
    for attribute in node.attribute:
        if attribute.HasField("t") and attribute.t.data_type == _HALF:
            attribute.t.CopyFrom(_widened(attribute.t))
        elif attribute.name == "to" and attribute.i == _HALF:
            attribute.i = _FLOAT  # of a Cast to FP16, which one of ours now does
    return [node, *casts]


def _in_steps(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` in which operators of several steps, where they compute in FP16, are those steps."""
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    halves = _halves(copied)
    composed = [node for node in copied.graph.node if node.op_type in _STEPS and node.output[0] in halves]
    for index, node in enumerate(composed):
        copied.functions.append(_function(node, index, model.opset_import[0].version))
        kept = [item for item in node.attribute if item.name == "keepdims"]
        del node.attribute[:]
        node.attribute.extend(kept)
        node.domain, node.op_type = _DOMAIN, copied.functions[-1].name
    if not composed:
        return copied
    copied.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
    return _in_steps(inliner.inline_local_functions(copied))  # a mean within a norm is steps as well


def _function(node: onnx.NodeProto, index: int, opset: int) -> onnx.FunctionProto:
    given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    steps = _STEPS[node.op_type].replace("AXIS", str(given.get("axis", -1)))
    steps = steps.replace("EPSILON", str(given.get("epsilon", 1e-5)))
    function = onnx.parser.parse_function(f'<opset_import: ["" : {opset}], domain: "{_DOMAIN}"> {steps}')
    function.name = f"{node.op_type}_{index}"
    return function


def _halves(model: onnx.ModelProto) -> set[str]:
    """The names of all FP16 tensors of a graph."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    constants = {tensor.name for tensor in graph.initializer if tensor.data_type == _HALF}
    return constants | {value.name for value in values if value.type.tensor_type.elem_type == _HALF}


def _widened(tensor: onnx.TensorProto) -> onnx.TensorProto:
    """The same numbers in FP32."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)

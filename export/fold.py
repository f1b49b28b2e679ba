"""What an exported graph still needs before it ships: constants computed once, and nothing in it that is no graph."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

PRODUCER = "saymask"
_MAY_GROW_BYTES = 1 << 16
"""A constant may outgrow what it is computed from by this much: an Expand stays an Expand."""


def tidy(model: onnx.ModelProto, name: str) -> None:
    """In place: fold constants, drop inputs and weights that nothing reads, and drop what torch says about itself.

    torch's own folding leaves operators of several outputs alone, so that the LSTM's gates would be put into ONNX's
    order (Split, Concat) in every run, and its weights would not be constants to an engine builder.
    """
    fold_constants(model)
    _drop_unread(model.graph)
    _strip(model)
    model.graph.name = name
    model.producer_name, model.producer_version = PRODUCER, ""


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace, in place, every node that reads weights and constants only by its value."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        known = all(item in constants for item in node.input if item) and (node.input or node.op_type == "Constant")
        values = _evaluate(node, constants, model) if known else None
        if values is None:
            kept.append(node)
        else:
            constants |= {tensor.name: tensor for tensor in values}
            graph.initializer.extend(values)
    del graph.node[:]
    graph.node.extend(kept)


def _evaluate(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], model: onnx.ModelProto
) -> list[onnx.TensorProto] | None:
    """A node's outputs as tensors, or None where they would be much larger than its inputs."""
    inputs = [constants[name] for name in dict.fromkeys(node.input) if name]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "constant", [], outputs, inputs)
    alone = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    arrays: list[Any] = list(ReferenceEvaluator(alone).run(None, {}))
    read = sum(numpy_helper.to_array(tensor).nbytes for tensor in inputs)
    if node.op_type != "Constant" and sum(array.nbytes for array in arrays) > read + _MAY_GROW_BYTES:
        return None
    return [numpy_helper.from_array(array, output.name) for array, output in zip(arrays, outputs, strict=True)]


def _drop_unread(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    for items in (graph.initializer, graph.input):
        for index in reversed(range(len(items))):
            if items[index].name not in read:
                del items[index]


def _strip(model: onnx.ModelProto) -> None:
    """Names of source files, stack traces and symbolic shapes say where the graph came from, not what it is."""
    graph = model.graph
    del graph.value_info[:]
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        item.ClearField("doc_string")
        item.ClearField("metadata_props")

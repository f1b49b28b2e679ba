"""What an exported graph holds, read from the file itself: operators, dynamic sizes, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import onnx

from export.graphs import IR_VERSION, OPSET, WHOLE
from runtime.datatypes import TensorSpec
from training.models import NetworkSpec

_FORBIDDEN = ("Loop", "Scan", "If", "SequenceConstruct", "SequenceInsert", "ConcatFromSequence")
"""Control flow: an unrolled or scripted LSTM hides there, and engine builders stumble over it."""
_LSTM_INPUTS = ("X", "W", "R", "B", "sequence_lens")


@dataclass(frozen=True)
class Inspection:
    """Counts over the graphs that the robot runs; `problems` is empty when everything is as designed."""

    lstm_nodes: int
    conv_transpose_nodes: int
    operators: dict[str, dict[str, int]]
    problems: tuple[str, ...]


def inspect_graphs(graphs: Mapping[str, onnx.ModelProto], spec: NetworkSpec) -> Inspection:
    """Count operators per graph and compare with what `spec` promises.

    The image encoder, text encoder and mask decoder together, and the whole graph alone, must each hold the promised
    LSTM and ConvTranspose nodes; the LSTM lies in the text encoder.
    """
    operators = {name: operator_histogram(graph) for name, graph in graphs.items()}
    parts: Counter[str] = Counter()
    for name, histogram in operators.items():
        if name != WHOLE:
            parts.update(histogram)
    problems = [problem for name, graph in graphs.items() for problem in _graph_problems(name, graph)]
    for name, counts in (("the three graphs", parts), (WHOLE, operators.get(WHOLE))):
        for operator, expected in (("LSTM", spec.lstm_nodes), ("ConvTranspose", spec.conv_transpose_nodes)):
            if counts is not None and counts[operator] != expected:
                problems.append(f"{name}: {counts[operator]} {operator} nodes, designed are {expected}")
    if operators["text_encoder"]["LSTM"] != spec.lstm_nodes:
        problems.append("text_encoder: the LSTM is not there")
    return Inspection(
        parts["LSTM"],
        parts["ConvTranspose"],
        {name: dict(histogram.most_common()) for name, histogram in operators.items()},
        tuple(problems),
    )


def operator_histogram(model: onnx.ModelProto) -> Counter[str]:
    """How often each operator occurs, in functions and subgraphs too."""
    nodes = [node for function in model.functions for node in function.node]
    return Counter(node.op_type for node in (*_all_nodes(model.graph), *nodes))


def tensor_specs(values: Iterable[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    """Inputs or outputs of a graph as `model.json` describes them."""
    return tuple(TensorSpec(value.name, _dtype(value), _shape(value)) for value in values)


def _all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _all_nodes(attribute.g)


def _graph_problems(name: str, model: onnx.ModelProto) -> Iterator[str]:
    domains = {item.domain: item.version for item in model.opset_import}
    if domains != {"": OPSET} or model.functions:
        yield f"{name}: operator sets {domains}, expected ONNX's own opset {OPSET} only"
    if model.ir_version > IR_VERSION:
        yield f"{name}: IR version {model.ir_version}, onnxruntime 1.19 reads up to {IR_VERSION}"
    histogram = operator_histogram(model)
    for operator in _FORBIDDEN:
        if histogram[operator]:
            yield f"{name}: {histogram[operator]} {operator} nodes, expected none"
    yield from _shape_problems(name, model.graph)
    for node in _all_nodes(model.graph):
        if node.op_type == "LSTM":
            yield from _lstm_problems(name, node, {tensor.name for tensor in model.graph.initializer})


def _shape_problems(name: str, graph: onnx.GraphProto) -> Iterator[str]:
    """Dynamic sizes must be N first and T second, and be there wherever words or expressions are read."""
    expected = {"token_ids": ("N", "T"), "lengths": ("N",)}
    for value in graph.input:
        shape = _shape(value)
        if value.name in expected and shape != expected[value.name]:
            yield f"{name}: input {value.name} has shape {shape}, expected {expected[value.name]}"
        yield from _unnamed_sizes(name, value.name, shape)
    for value in graph.output:
        shape = _shape(value)
        if name == "image_encoder" and not all(isinstance(size, int) for size in shape):
            yield f"{name}: output {value.name} has shape {shape}, expected fixed sizes"
        if (name in ("text_encoder", "mask_decoder") or value.name.endswith("_logits")) and shape[:1] != ("N",):
            yield f"{name}: output {value.name} has shape {shape}, expected N first"
        yield from _unnamed_sizes(name, value.name, shape)


def _unnamed_sizes(graph: str, tensor: str, shape: tuple[int | str, ...]) -> Iterator[str]:
    for axis, size in enumerate(shape):
        if isinstance(size, str) and size != "NT"[axis : axis + 1]:
            yield f"{graph}: {tensor} has the size {size!r} at axis {axis}, expected a number, N first or T second"


def _lstm_problems(name: str, node: onnx.NodeProto, initializers: set[str]) -> Iterator[str]:
    inputs = dict(zip(_LSTM_INPUTS, node.input, strict=False))
    for part in ("W", "R", "B"):
        if inputs.get(part) not in initializers:
            yield f"{name}: the LSTM's {part} is computed in the graph, expected a constant"
    if not inputs.get("sequence_lens"):
        yield f"{name}: the LSTM has no sequence_lens, so that it reads the padding behind short expressions"
    if any(attribute.name == "layout" and attribute.i for attribute in node.attribute):
        yield f"{name}: the LSTM has layout 1, which TensorRT accepts and computes wrongly; expected 0"


def _dtype(value: onnx.ValueInfoProto) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    sizes = value.type.tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else size.dim_param for size in sizes)

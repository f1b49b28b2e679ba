"""From the bytes of an ONNX graph to a network that TensorRT can build, compared with what `model.json` promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.backends.build_errors import parse_error
from runtime.backends.tensorrt_api import Message, TensorRT
from runtime.bundle import describe
from runtime.datatypes import GraphSpec, TensorSpec
from runtime.errors import SaymaskError


def parsed_spec(api: TensorRT, onnx_bytes: bytes, file: str) -> GraphSpec:
    """Inputs of an ONNX graph that no `model.json` describes; its outputs are left out.

    Raises SaymaskError where TensorRT cannot parse it, or a free size is called neither N nor T.
    """
    with api.logger.gather() as messages:
        network = parse_network(api, new_builder(api, messages), onnx_bytes, file)
        tensors = [network.get_input(index) for index in range(network.num_inputs)]
        specs = []
        for tensor in tensors:
            shape = [tensor.get_dimension_name(axis) if size < 0 else size for axis, size in enumerate(tensor.shape)]
            if any(size is None or (isinstance(size, str) and size not in ("N", "T")) for size in shape):
                raise SaymaskError(f"{file}: {tensor.name} has the free sizes {shape}; only N and T are known")
            specs.append(TensorSpec(tensor.name, str(api.numpy_dtype(tensor.dtype)), tuple(shape)))
        return GraphSpec(file, tuple(specs), ())


def new_builder(api: TensorRT, messages: Sequence[Message]) -> Any:
    """TensorRT's `Builder`. `messages` are what it says at the moment. Raises SaymaskError where there is no GPU."""
    try:
        return api.module.Builder(api.logger.handle)
    except TypeError as error:  # pybind11's word for a constructor that returned nothing
        told = next((message.text for message in messages), "the builder does not start")
        raise SaymaskError(
            f"{api} cannot build an engine here ({told}); it needs an NVIDIA GPU, and nvidia-smi must list it"
        ) from error


def parse_network(api: TensorRT, builder: Any, onnx_bytes: bytes, file: str) -> Any:
    """The strongly typed `INetworkDefinition` of an ONNX graph. Raises SaymaskError that names the node at fault."""
    trt = api.module
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, api.logger.handle)
    if not parser.parse(onnx_bytes):
        raise parse_error(api, file, [parser.get_error(index) for index in range(parser.num_errors)])
    return network


def compare_network(api: TensorRT, network: Any, graph: GraphSpec) -> None:
    """Raise SaymaskError where a network is not what `model.json` says, by which the backend lays out its buffers."""
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    outputs = [network.get_output(index) for index in range(network.num_outputs)]
    unlisted = {tensor.name for tensor in inputs} - {spec.name for spec in graph.inputs}
    if unlisted:
        raise SaymaskError(
            f"{graph.file} wants the input {', '.join(sorted(unlisted))}, which model.json does not list"
        )
    read = {tensor.name: tensor for tensor in (*inputs, *outputs)}
    for spec in (*graph.inputs, *graph.outputs):
        if spec.name not in read:
            raise SaymaskError(f"{graph.file} has no {spec.name}, which model.json lists; it has {', '.join(read)}")
        tensor = read[spec.name]
        expected = tuple(-1 if isinstance(size, str) else size for size in spec.shape)
        if str(api.numpy_dtype(tensor.dtype)) != spec.dtype or tuple(tensor.shape) != expected:
            raise SaymaskError(
                f"{graph.file}: model.json describes {describe(spec)}, "
                f"{api} reads {api.numpy_dtype(tensor.dtype)} {tuple(tensor.shape)}"
            )

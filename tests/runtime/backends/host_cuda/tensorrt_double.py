"""A stand-in for `tensorrt` on host_cuda: an engine is its ONNX graph, run by ONNX Runtime on "device" pointers.

It refuses what TensorRT refuses (shapes outside the profile, addresses that are not set, a plan of another version) in
TensorRT's way: a False or None, and a line in the logger. Work goes onto the stream, so that it can be captured;
weights and contexts take device memory, so that what is not freed is counted. `faults` gathers what a GPU would punish
without a word. Names and numbers of arguments are held against the real bindings by test_tensorrt_double.py.
"""

from __future__ import annotations

import ctypes
import functools
import json
import weakref
from enum import Enum
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

__version__ = "10.3.0"
CONTEXT_BYTES = 1 << 16
faults: list[str] = []
refuse_capture = False
spoil = 0.0
"""Added to every floating-point output."""
runs: list[str] = []
"""Outputs of each run, in order."""

_cuda = ctypes.CDLL("libcuda.so.1")
_HostFunction = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class DataType(Enum):
    FLOAT = "float32"
    HALF = "float16"
    INT32 = "int32"
    INT64 = "int64"
    BOOL = "bool"
    UINT8 = "uint8"


BuilderFlag = Enum("BuilderFlag", ["TF32"])
ProfilingVerbosity = Enum("ProfilingVerbosity", ["DETAILED"])
MemoryPoolType = Enum("MemoryPoolType", ["WORKSPACE"])
Severity = Enum("Severity", ["ERROR", "WARNING", "INFO", "VERBOSE"])


class NetworkDefinitionCreationFlag:
    STRONGLY_TYPED = 1


class ILogger:
    def log(self, severity: Any, msg: str) -> None:
        raise NotImplementedError


class IProgressMonitor:
    pass


def _tell(logger: Any, text: str) -> bool:
    logger.log(Severity.ERROR, text)
    return False


@functools.lru_cache
def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _DeviceMemory:
    """Freed with its owner, as TensorRT does; that needs a current context."""

    def __init__(self, size: int) -> None:
        self.address = ctypes.c_uint64()
        self.status = _cuda.cuMemAlloc_v2(ctypes.byref(self.address), ctypes.c_size_t(size))

    def __del__(self) -> None:
        if not self.status and _cuda.cuMemFree_v2(self.address):
            faults.append("TensorRT's memory was freed without a context, or after the device was closed")


class Tensor:
    def __init__(self, value: Any) -> None:
        kind = value.type.tensor_type
        self.name: str = value.name
        self.dtype = DataType(str(np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))))
        self.sizes = [size.dim_param or size.dim_value for size in kind.shape.dim]
        self.shape = tuple(-1 if isinstance(size, str) else size for size in self.sizes)

    def get_dimension_name(self, dim: int) -> str:
        return str(self.sizes[dim])


class INetworkDefinition:
    num_layers = 0

    def __init__(self) -> None:
        self.content = b""
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    @property
    def num_outputs(self) -> int:
        return len(self.outputs)

    def get_input(self, index: int) -> Tensor:
        return self.inputs[index]

    def get_output(self, index: int) -> Tensor:
        return self.outputs[index]


class OnnxParser:
    num_errors = 0

    def __init__(self, network: INetworkDefinition, logger: Any) -> None:
        self.network, self.logger = network, logger

    def parse(self, model: bytes) -> bool:
        try:
            graph = onnx.load_from_string(model).graph
        except Exception:
            return _tell(self.logger, "failed to parse")
        self.network.content = model
        self.network.inputs = [Tensor(value) for value in graph.input]
        self.network.outputs = [Tensor(value) for value in graph.output]
        return True


class ITimingCache:
    def serialize(self) -> bytes:
        return b"timings"


class IOptimizationProfile:
    def __init__(self) -> None:
        self.shapes: dict[str, list[tuple[int, ...]]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:  # TensorRT's own names
        self.shapes[input] = [tuple(min), tuple(opt), tuple(max)]


class IBuilderConfig:
    progress_monitor: Any = None
    profiling_verbosity: Any = None

    def __init__(self) -> None:
        self.profile = IOptimizationProfile()

    def clear_flag(self, flag: Any) -> None:
        assert flag is BuilderFlag.TF32

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        assert pool is MemoryPoolType.WORKSPACE and pool_size > 0

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self.profile = profile
        return 0

    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache:
        return ITimingCache()

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        return True


class Builder:
    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def create_network(self, flags: int = 0) -> INetworkDefinition:
        assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
        return INetworkDefinition()

    def create_builder_config(self) -> IBuilderConfig:
        return IBuilderConfig()

    def create_optimization_profile(self) -> IOptimizationProfile:
        return IOptimizationProfile()

    def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> bytes:
        header = {"version": __version__, "profile": config.profile.shapes}
        return json.dumps(header).encode() + b"\n" + network.content


class Runtime:
    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
        header, _, content = serialized_engine.partition(b"\n")
        try:
            told = json.loads(header)
        except ValueError:
            told = {}
        if told.get("version") != __version__:
            _tell(self.logger, "the engine plan file is not compatible with this version of TensorRT")
            return None
        weights = _DeviceMemory(len(content))
        if weights.status:
            _tell(self.logger, "Requested amount of GPU memory could not be allocated")
            return None
        return ICudaEngine(content, told["profile"], weights, self.logger)


class ICudaEngine:
    def __init__(self, content: bytes, profile: dict[str, Any], weights: _DeviceMemory, logger: Any) -> None:
        graph = onnx.load_from_string(content).graph
        self.inputs = {value.name: Tensor(value) for value in graph.input}
        self.outputs = {value.name: Tensor(value) for value in graph.output}
        self.tensors = {**self.inputs, **self.outputs}
        self.profile, self.weights, self.logger = profile, weights, logger
        self.session = _session(content)

    @property
    def num_io_tensors(self) -> int:
        return len(self.tensors)

    def get_tensor_name(self, index: int) -> str:
        return str(list(self.tensors)[index])

    def get_tensor_dtype(self, name: str) -> DataType:
        return self.tensors[name].dtype

    def create_execution_context(self) -> IExecutionContext | None:
        memory = _DeviceMemory(CONTEXT_BYTES)
        if memory.status:
            _tell(self.logger, "Requested amount of GPU memory could not be allocated")
            return None
        return IExecutionContext(self, memory)


class IExecutionContext:
    def __init__(self, engine: ICudaEngine, memory: _DeviceMemory) -> None:
        self.engine, self.memory, self.logger = engine, memory, engine.logger
        self.addresses: dict[str, int] = {}
        self.sizes: dict[str, dict[str, int]] = {}
        self.ready = False  # after the first run with these shapes
        self.state = 0  # changes with every change of the context
        self.captured: list[Any] = []  # what a CUDA graph may still call

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in self.engine.tensors or memory % 256:
            return _tell(self.logger, f"{name} is no tensor of the engine, or its address is not aligned")
        self.addresses[name] = memory
        self.state += 1
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        tensor, bounds = self.engine.inputs.get(name), self.engine.profile.get(name)
        least, _, most = bounds or ((), (), ())
        fits = len(shape) == len(least) and all(a <= size <= b for a, size, b in zip(least, shape, most, strict=False))
        if tensor is None or not fits:
            return _tell(self.logger, f"{name}: {shape} is outside the optimisation profile {bounds}")
        self.sizes[name] = {
            size: actual for size, actual in zip(tensor.sizes, shape, strict=True) if isinstance(size, str)
        }
        self.ready = False
        self.state += 1
        return True

    def infer_shapes(self) -> list[str]:
        return [name for name, tensor in self.engine.inputs.items() if -1 in tensor.shape and name not in self.sizes]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        known: dict[str, int] = {}
        for free in self.sizes.values():
            known.update(free)
        sizes = self.engine.tensors[name].sizes
        return tuple(known.get(size, -1) if isinstance(size, str) else int(size) for size in sizes)

    def execute_async_v3(self, stream_handle: int) -> bool:
        if self.infer_shapes() or self.engine.tensors.keys() - self.addresses.keys():
            return _tell(self.logger, "not all shapes and addresses are set")
        if not self.ready:  # TensorRT takes what these shapes need now, which no capture allows
            if _DeviceMemory(256).status:
                return _tell(self.logger, "operation not permitted when stream is capturing")
            self.ready = True
        if refuse_capture and _capturing(stream_handle):
            return _tell(self.logger, "operation not permitted when stream is capturing")
        shapes = {name: self.get_tensor_shape(name) for name in self.engine.tensors}
        function = _HostFunction(_Work(self, shapes).run)
        if _capturing(stream_handle):
            self.captured.append(function)
        return not _cuda.cuLaunchHostFunc(ctypes.c_void_p(stream_handle), function, None)


def _capturing(stream_handle: int) -> bool:
    return bool(_cuda.host_cuda_capturing(ctypes.c_void_p(stream_handle)))


class _Work:
    """What one run puts on the stream."""

    def __init__(self, context: IExecutionContext, shapes: dict[str, tuple[int, ...]]) -> None:
        self.context, self.state = weakref.ref(context), context.state
        self.engine, self.addresses, self.shapes = context.engine, dict(context.addresses), shapes

    def run(self, _: Any) -> None:
        try:
            context = self.context()
            if context is None or context.state != self.state:
                faults.append("a captured context was changed or freed before its graph was launched")
            feeds = {name: self._array(name).copy() for name in self.engine.inputs}
            names = list(self.engine.outputs)
            for name, value in zip(names, self.engine.session.run(names, feeds), strict=True):
                self._array(name)[...] = value + spoil if value.dtype.kind == "f" else value
            runs.append(" ".join(names))
        except Exception as error:  # it cannot travel through the driver
            faults.append(f"{type(error).__name__}: {error}")

    def _array(self, name: str) -> np.ndarray[Any, Any]:
        dtype, shape = np.dtype(self.engine.tensors[name].dtype.value), self.shapes[name]
        size = int(np.prod(shape)) * dtype.itemsize
        if not _cuda.host_cuda_inside(ctypes.c_void_p(self.addresses[name]), ctypes.c_size_t(size)):
            raise MemoryError(f"{name} reaches outside its device memory")
        memory: Any = (ctypes.c_char * size).from_address(self.addresses[name])
        array: np.ndarray[Any, Any] = np.frombuffer(memory, dtype).reshape(shape)
        return array

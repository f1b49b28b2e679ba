"""From the ONNX graphs of a bundle to TensorRT engines, on the robot itself: no torch, no onnx.

An engine fits one GPU, driver and TensorRT only, so it is never shipped but built here and kept by
`runtime.backends.engine_cache`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, get_args

from runtime.backends.build_errors import build_error
from runtime.backends.build_progress import BuildProgress
from runtime.backends.engine_cache import EngineCache, EngineKey, EngineRefused
from runtime.backends.engine_layers import LayerPrecision, network_layers
from runtime.backends.network_parser import compare_network, new_builder, parse_network
from runtime.backends.tensorrt_api import Message, Progress, TensorRT
from runtime.bundle import GRAPHS, Bundle, describe
from runtime.datatypes import GraphSpec, Precision
from runtime.errors import SaymaskError

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_FLAGS = "strongly-typed,no-tf32,detailed"
"""What `_configure` sets, as part of the cache's key: change it with the code."""


@dataclass(frozen=True)
class EngineOptions:
    """What engines are built for.

    `precision`: "fp16" takes the bundle's FP16 twins where it has them. `max_expressions`: largest number of
    expressions in one batch. `workspace_mib`: scratch memory that a layer may use, None for all there is.
    """

    precision: Precision = "fp16"
    max_expressions: int = 16
    workspace_mib: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise SaymaskError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if not 1 <= self.max_expressions <= 256:
            raise SaymaskError(f"max_expressions must be 1..256, got {self.max_expressions}")
        if self.workspace_mib is not None and self.workspace_mib < 1:
            raise SaymaskError(f"workspace_mib must be at least 1, got {self.workspace_mib}")


@dataclass(frozen=True)
class DeviceFacts:
    """The GPU that an engine belongs to: its name ("Orin"), compute capability ("8.7") and the driver's version."""

    gpu: str
    compute_capability: str
    driver: str


@dataclass(frozen=True, eq=False)
class BuiltPlan:
    """A serialised engine, the timing cache after the build, the layers as parsed, and how long it took."""

    plan: bytes
    timing_cache: bytes
    layers: tuple[LayerPrecision, ...]
    seconds: float


def build_plan(
    api: TensorRT,
    onnx_bytes: bytes,
    graph: GraphSpec,
    *,
    max_words: int,
    options: EngineOptions,
    timing_cache: bytes = b"",
    compute_capabilities: Sequence[str] = (),
    progress: Progress | None = None,
) -> BuiltPlan:
    """Build the engine of one ONNX graph, which must have the inputs and outputs that `graph` lists.

    N (expressions) is free in 1..options.max_expressions and tuned for 1; T (words) in 1..max_words and tuned for
    max_words, the length to which the vocabulary pads. `compute_capabilities` ("8.9") are for TensorRT-RTX, which
    builds for chips that are not there; TensorRT builds for the GPU whose context is current in this thread.

    Raises SaymaskError for a graph that TensorRT cannot run (naming the node), for want of a GPU, of memory, of
    workspace or of disk, and KeyboardInterrupt where `progress` was interrupted.
    """
    begin = time.perf_counter()
    with api.logger.gather() as messages:
        builder = new_builder(api, messages)
        network = parse_network(api, builder, onnx_bytes, graph.file)
        compare_network(api, network, graph)
        config = builder.create_builder_config()
        _configure(api, config, options, compute_capabilities)
        config.add_optimization_profile(optimization_profile(builder, graph, max_words, options))
        timings = _attach_timing_cache(api, config, timing_cache)
        monitor = api.progress_monitor(progress) if progress else None
        if monitor:
            config.progress_monitor = monitor.handle
        try:
            plan = builder.build_serialized_network(network, config)
        except MemoryError:
            plan = None
            messages.append(Message("error", "out of memory"))
        if monitor and monitor.interrupted:
            raise KeyboardInterrupt
        if plan is None:
            raise build_error(api, graph.file, messages, options.workspace_mib)
        learnt = b"" if timings is None else bytes(timings.serialize())
        return BuiltPlan(bytes(plan), learnt, network_layers(api, network), time.perf_counter() - begin)


def _configure(api: TensorRT, config: Any, options: EngineOptions, compute_capabilities: Sequence[str]) -> None:
    trt = api.module
    # TF32 keeps 10 bits of the fraction: FP32 would be no better than FP16, and is the reference to compare with.
    config.clear_flag(trt.BuilderFlag.TF32)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # else the inspector tells no precisions
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    if compute_capabilities and api.flavour == "tensorrt-rtx":
        config.num_compute_capabilities = len(compute_capabilities)
        for index, text in enumerate(compute_capabilities):
            config.set_compute_capability(api.compute_capability(text), index)


def optimization_profile(builder: Any, graph: GraphSpec, max_words: int, options: EngineOptions) -> Any:
    """Least, usual and largest shape of every input with a free size, as `build_plan` says (`IOptimizationProfile`)."""
    sizes = {"N": (1, 1, options.max_expressions), "T": (1, max_words, max_words)}
    profile = builder.create_optimization_profile()
    for spec in graph.inputs:
        if any(isinstance(size, str) for size in spec.shape):
            shapes = [
                tuple(sizes[size][bound] if isinstance(size, str) else size for size in spec.shape)
                for bound in range(3)
            ]
            profile.set_shape(spec.name, *shapes)
    return profile


def _attach_timing_cache(api: TensorRT, config: Any, content: bytes) -> Any:
    """The cache that the build reads and adds to, or None. TensorRT-RTX times nothing."""
    if api.flavour == "tensorrt-rtx":
        return None
    timings = config.create_timing_cache(content)
    # A cache of another GPU or version is refused: then the build starts with an empty one.
    if timings is None or not config.set_timing_cache(timings, False):
        timings = config.create_timing_cache(b"")
        config.set_timing_cache(timings, False)
    return timings


def graph_precision(name: str, options: EngineOptions) -> Precision:
    """The precision of the file that a graph's engine is built from; the text encoder's is always "fp32"."""
    return "fp32" if name == "text_encoder" else options.precision


def engine_key(api: TensorRT, bundle: Bundle, name: str, options: EngineOptions, device: DeviceFacts) -> EngineKey:
    """What the engine of a graph ("image_encoder", "text_encoder", "mask_decoder") depends on."""
    precision = graph_precision(name, options)
    graph = bundle.spec.graph(name, precision)
    free = {size for spec in graph.inputs for size in spec.shape if isinstance(size, str)}
    bounds = {"N": f"N=1..{options.max_expressions}", "T": f"T=1..{bundle.spec.max_words}"}
    workspace = "all" if options.workspace_mib is None else f"{options.workspace_mib}MiB"
    return EngineKey(
        graph_sha256=bundle.spec.files[graph.file],
        flavour=api.flavour,
        version=api.version,
        gpu=device.gpu,
        compute_capability=device.compute_capability,
        driver=device.driver,
        precision=precision,
        profiles=",".join(bounds[size] for size in sorted(free)),
        flags=f"{_FLAGS},workspace={workspace}",
    )


def deserialise(api: TensorRT, plan: bytes, graph: GraphSpec) -> Any:
    """The engine of a plan (an `ICudaEngine`), whose context must be current in this thread.

    Raises EngineRefused where TensorRT cannot read the plan, or the engine is not one of `graph`.
    """
    with api.logger.gather() as messages:
        engine = api.module.Runtime(api.logger.handle).deserialize_cuda_engine(plan)
    if engine is None:
        told = next((message.text for message in messages if message.severity.endswith("error")), "no reason given")
        raise EngineRefused(f"{api} refuses the engine of {graph.file}: {told}")
    held = {engine.get_tensor_name(index) for index in range(engine.num_io_tensors)}
    for spec in (*graph.inputs, *graph.outputs):
        if spec.name not in held or str(api.numpy_dtype(engine.get_tensor_dtype(spec.name))) != spec.dtype:
            raise EngineRefused(f"the engine of {graph.file} has no {describe(spec)}; it is of another model")
    return engine


def load_engines(
    api: TensorRT,
    bundle: Bundle,
    options: EngineOptions,
    device: DeviceFacts,
    cache: EngineCache,
    *,
    progress: bool = True,
    built: Callable[[str, BuiltPlan], None] | None = None,
) -> dict[str, Any]:
    """The engines (`ICudaEngine`) of the three graphs by name, from the cache or built now and kept there.

    The device's context must be current in this thread. `progress` draws each build on standard error; `built` is
    told of each graph that was built. A new engine is not trusted before `runtime.backends.self_check` has passed it:
    the backend sees to that. Raises SaymaskError as `build_plan` does.
    """
    engines = {}
    for name in GRAPHS:
        precision = graph_precision(name, options)
        graph = bundle.spec.graph(name, precision)

        def build(name: str = name, graph: GraphSpec = graph, precision: Precision = precision) -> bytes:
            label = f"building {graph.file} for {device.gpu}"
            with BuildProgress(label) if progress else nullcontext() as shown:
                plan = build_plan(
                    api,
                    bundle.graph(name, precision),
                    graph,
                    max_words=bundle.spec.max_words,
                    options=options,
                    timing_cache=cache.timing_cache(api.flavour, api.version, device.gpu),
                    compute_capabilities=(device.compute_capability,),
                    progress=shown,
                )
            if plan.timing_cache:
                cache.store_timing_cache(api.flavour, api.version, device.gpu, plan.timing_cache)
            if built:
                built(name, plan)
            return plan.plan

        def accept(plan: bytes, graph: GraphSpec = graph) -> Any:
            return deserialise(api, plan, graph)

        key = engine_key(api, bundle, name, options, device)
        engines[name] = cache.load_or_build(key, build, accept, label=f"{bundle.spec.name}/{graph.file}")
    return engines


def drop_engines(cache: EngineCache, keys: Collection[EngineKey]) -> None:
    """Delete engines from the cache: those that did not answer as they should."""
    for entry in cache.entries():
        if entry.key in keys:
            entry.path.unlink(missing_ok=True)

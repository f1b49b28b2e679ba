"""Runs one engine on buffers that lie ready: upload, compute, download, timed by the GPU."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.backends.cuda import Buffer, CudaDevice
from runtime.backends.cuda_graph import CaptureRefused, CudaGraph
from runtime.backends.tensorrt_api import TensorRT
from runtime.datatypes import GraphSpec, TensorSpec
from runtime.errors import SaymaskError

Sizes = Mapping[str, int]
"""What "N" and "T" stand for in one run."""

_BEGIN, _UPLOADED, _COMPUTED, _DOWNLOADED = range(4)
_log = logging.getLogger("saymask")


@dataclass(frozen=True)
class RunTimes:
    """One run in milliseconds, in trtexec's words: host to device, GPU compute, device to host by the GPU's clock;
    enqueue is what the CPU took to queue the compute."""

    h2d: float
    compute: float
    d2h: float
    enqueue: float

    @property
    def latency(self) -> float:
        """h2d + compute + d2h."""
        return self.h2d + self.compute + self.d2h


class EngineRunner:
    """One execution context of an engine. Everything happens inside the device's `current()`."""

    def __init__(
        self,
        api: TensorRT,
        engine: Any,
        graph: GraphSpec,
        cuda: CudaDevice,
        buffers: Mapping[str, Buffer],
        host_tensors: frozenset[str],
    ) -> None:
        """`buffers` by tensor name, large enough for every run; `host_tensors`: those that the host writes or reads.

        Raises SaymaskError where TensorRT has no memory for the context.
        """
        self._graph, self._cuda, self._buffers, self._api = graph, cuda, buffers, api
        self._uploads = [spec for spec in graph.inputs if spec.name in host_tensors]
        self.downloads = [spec for spec in graph.outputs if spec.name in host_tensors]
        """Outputs that the host reads, in their buffers after each run."""
        self._stopwatch = cuda.stopwatch(4)
        self._sizes: Sizes | None = None
        self._captured: CudaGraph | None = None
        with api.logger.gather() as messages:
            self._context: Any = engine.create_execution_context()
        if self._context is None:
            told = messages[-1].text if messages else "no reason given"
            raise SaymaskError(f"{api} cannot start {graph.file} ({told}); is there enough GPU memory?")
        cuda.on_close(self._free)
        for spec in (*graph.inputs, *graph.outputs):
            self._require(self._context.set_tensor_address(spec.name, buffers[spec.name].address), spec.name)

    def capture(self, sizes: Sizes) -> None:
        """From now on all runs have these sizes, and their compute is one launch of a CUDA graph.

        Where that is refused, one line is logged and the runs go on without. A context whose shapes change would make
        its graph undefined, therefore runs of other sizes need a runner of their own.
        """
        self._set_sizes(sizes)
        self._enqueue()  # TensorRT allocates in the first run, which a capture must not
        self._cuda.stream.synchronize()
        try:
            self._captured = CudaGraph(self._enqueue, self._cuda.stream.handle)
        except CaptureRefused as refusal:
            # As text: a log that kept the exception would keep the engine, by way of its frames.
            _log.warning("%s runs without a CUDA graph: %s", self._graph.file, str(refusal))

    def run(self, sizes: Sizes) -> RunTimes:
        """Upload what the host wrote, compute, download what the host reads, and wait."""
        stream, stopwatch = self._cuda.stream, self._stopwatch
        self._set_sizes(sizes)
        stopwatch.mark(_BEGIN)
        for spec in self._uploads:
            self._buffers[spec.name].upload(sized(spec, sizes), stream)
        stopwatch.mark(_UPLOADED)
        start = time.perf_counter()
        if self._captured:
            self._captured.launch()
        else:
            self._enqueue()
        enqueue = (time.perf_counter() - start) * 1e3
        stopwatch.mark(_COMPUTED)
        for spec in self.downloads:
            self._buffers[spec.name].download(sized(spec, sizes), stream)
        stopwatch.mark(_DOWNLOADED)
        stopwatch.wait()
        return RunTimes(
            stopwatch.milliseconds(_BEGIN, _UPLOADED),
            stopwatch.milliseconds(_UPLOADED, _COMPUTED),
            stopwatch.milliseconds(_COMPUTED, _DOWNLOADED),
            enqueue,
        )

    def _set_sizes(self, sizes: Sizes) -> None:
        if sizes == self._sizes:
            return
        if self._captured:
            raise SaymaskError(f"{self._graph.file} was captured for {self._sizes}, not for {sizes}")
        self._sizes = None  # until all of it is set
        for spec in self._graph.inputs:
            if any(isinstance(size, str) for size in spec.shape):
                self._require(self._context.set_input_shape(spec.name, sized(spec, sizes)), spec.name)
        missing = self._context.infer_shapes()
        if missing:
            raise SaymaskError(f"{self._graph.file}: the engine lacks the shape of {', '.join(missing)}")
        for spec in self._graph.outputs:
            self._require(tuple(self._context.get_tensor_shape(spec.name)) == sized(spec, sizes), spec.name)
        self._sizes = dict(sizes)

    def _enqueue(self) -> None:
        with self._api.logger.gather() as messages:
            done = self._context.execute_async_v3(self._cuda.stream.handle)
        if not done:
            told = messages[-1].text if messages else "no reason given"
            raise SaymaskError(f"{self._api} failed in {self._graph.file}: {told}")

    def _require(self, accepted: bool, tensor: str) -> None:
        if not accepted:
            raise SaymaskError(
                f"the engine of {self._graph.file} does not take {tensor} as model.json describes it; "
                "delete the engine cache (saymask doctor says where it is)"
            )

    def _free(self) -> None:
        if self._captured:
            self._captured.free()
        self._captured = self._context = None


def host_tensors(graphs: Mapping[str, GraphSpec]) -> dict[str, frozenset[str]]:
    """By graph, the tensors that cross the bus: all but the image features that the decoder reads where they are."""
    resident = {spec.name for spec in graphs["image_encoder"].outputs} & {
        spec.name for spec in graphs["mask_decoder"].inputs
    }
    return {
        name: frozenset(spec.name for spec in (*graph.inputs, *graph.outputs) if spec.name not in resident)
        for name, graph in graphs.items()
    }


def allocate_buffers(
    cuda: CudaDevice, graphs: Mapping[str, GraphSpec], on_host: frozenset[str], largest: Mapping[str, int]
) -> dict[str, Buffer]:
    """One buffer for each tensor name, inside `current()`: what an encoder puts out lies where the decoder reads it."""
    specs = {spec.name: spec for graph in graphs.values() for spec in (*graph.inputs, *graph.outputs)}
    return {
        name: cuda.buffer(name, sized(spec, largest), spec.dtype, on_host=name in on_host)
        for name, spec in specs.items()
    }


def sized(spec: TensorSpec, sizes: Sizes) -> tuple[int, ...]:
    """A tensor's shape in one run."""
    return tuple(sizes[size] if isinstance(size, str) else size for size in spec.shape)

"""CUDA graphs through cuda-python: work that was queued once is launched again in one call. PyCUDA has none."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from runtime.errors import SaymaskError, missing_package


class CaptureRefused(Exception):
    """The work cannot be captured here; it can still be queued piece by piece."""


class CudaGraph:
    """What a piece of work put on a stream."""

    def __init__(self, work: Callable[[], None], stream_handle: int) -> None:
        """Capture `work`, which must queue everything on that stream and wait for nothing. The context is current.

        Raises CaptureRefused, with the reason and with the stream as it was; nothing has been run then.
        """
        try:
            self._cuda: Any = importlib.import_module("cuda.bindings.driver")
        except ModuleNotFoundError as error:
            raise CaptureRefused(missing_package(error)) from error
        except ImportError as error:
            raise CaptureRefused(f"cuda-python cannot be loaded ({error})") from error
        self._stream = self._cuda.CUstream(stream_handle)
        # Other threads (torch's, say) may allocate meanwhile; the stricter mode would let them spoil the capture.
        mode = self._cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._stream, mode)
        try:
            work()
        except Exception as error:
            _, unfinished = self._cuda.cuStreamEndCapture(self._stream)  # gives the stream back
            if unfinished:
                self._cuda.cuGraphDestroy(unfinished)
            raise CaptureRefused(str(error)) from error
        graph = self._call("cuStreamEndCapture", self._stream)
        try:
            self._executable = self._call("cuGraphInstantiate", graph, 0)
        finally:
            self._cuda.cuGraphDestroy(graph)

    def launch(self) -> None:
        """Queue the captured work again. The context is current. Raises SaymaskError where CUDA refuses."""
        (status,) = self._cuda.cuGraphLaunch(self._executable, self._stream)
        if status != self._cuda.CUresult.CUDA_SUCCESS:
            raise SaymaskError(f"CUDA failed (cuGraphLaunch: {status.name}); close the backend and open it again")

    def free(self) -> None:
        """Once, with the context current."""
        self._cuda.cuGraphExecDestroy(self._executable)

    def _call(self, name: str, *arguments: Any) -> Any:
        """The function's result, None where it has none."""
        try:
            status, *results = getattr(self._cuda, name)(*arguments)
        except RuntimeError as error:  # the driver is too old to have it
            raise CaptureRefused(f"{name}: {error}") from error
        if status != self._cuda.CUresult.CUDA_SUCCESS:
            raise CaptureRefused(f"{name}: {status.name}")
        return results[0] if results else None

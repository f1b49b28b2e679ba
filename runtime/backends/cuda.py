"""One NVIDIA GPU through PyCUDA: its context, a stream, and memory on both sides of the bus."""

from __future__ import annotations

import ctypes
import importlib
import math
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.backends.engine_builder import DeviceFacts
from runtime.errors import SaymaskError, missing_package
from runtime.hardware import DRIVER, require_driver

_KERNEL_MODULE = Path("/sys/module/nvidia/version")


class CudaDevice:
    """A GPU's primary context, one stream, and everything allocated through it, which `close()` frees.

    The primary context is the one that torch, ONNX Runtime and TensorRT use as well, so pointers of one are valid in
    the other. PyCUDA has a stack of contexts for each thread, so whoever uses the GPU does it inside `current()`, from
    whichever thread (a ROS executor has several); a lock lets one thread in at a time.
    """

    def __init__(self, index: int = 0) -> None:
        """Raises SaymaskError where PyCUDA is not installed, or there is no driver or no GPU of that number."""
        self._driver = _import_driver()
        self._lock = threading.RLock()
        self._resources = ExitStack()
        self._context: Any = None
        try:
            self._driver.init()
            count = self._driver.Device.count()
            if not 0 <= index < count:
                raise SaymaskError(f"there is no GPU {index}; this machine has {count}, counted from 0")
            self._device = self._driver.Device(index)
            self._context = self._device.retain_primary_context()
        except self._driver.Error as error:
            raise SaymaskError(f"no usable NVIDIA GPU ({error}); nvidia-smi must list it") from error
        try:
            with self.current():
                self.stream = self._driver.Stream()
        except SaymaskError:
            self.close()
            raise

    def facts(self) -> DeviceFacts:
        """What an engine built here depends on; the driver by its CUDA version and, on a PC, its own."""
        major, minor = self._device.compute_capability()
        version = self._driver.get_driver_version()
        driver = f"CUDA {version // 1000}.{version % 1000 // 10}"
        if _KERNEL_MODULE.exists():
            driver += f", {_KERNEL_MODULE.read_text(encoding='utf-8').strip()}"
        return DeviceFacts(self._device.name(), f"{major}.{minor}", driver)

    def free_bytes(self) -> tuple[int, int]:
        """Free and total memory of the GPU (on a Jetson: of the board)."""
        with self.current():
            free, total = self._driver.mem_get_info()
            return int(free), int(total)

    @contextmanager
    def current(self) -> Iterator[None]:
        """The calling thread alone has the GPU, whose context is current. CUDA's errors leave it as SaymaskError."""
        with self._lock:
            if self._context is None:
                raise SaymaskError("the backend is closed; open it again")
            try:
                self._context.push()
                try:
                    yield
                except BaseException as error:
                    _clear_frames(error)
                    raise
                finally:
                    self._driver.Context.pop()
            except self._driver.Error as error:
                raise SaymaskError(f"CUDA failed ({error}); close the backend and open it again") from error

    def buffer(self, name: str, shape: Sequence[int], dtype: str, *, on_host: bool) -> Buffer:
        """Memory for the tensor `name` of at most `shape`; `on_host`: and pinned host memory beside it.

        Inside `current()`. Raises SaymaskError where there is not enough.
        """
        try:
            made = Buffer(self._driver, math.prod(shape), np.dtype(dtype), on_host=on_host)
        except self._driver.MemoryError as error:
            megabytes = math.prod(shape) * np.dtype(dtype).itemsize / 1e6
            raise SaymaskError(
                f"out of GPU memory: {name} needs {megabytes:.1f} MB, {self.free_bytes()[0] / 1e6:.1f} MB are free; "
                "close other programs, or ask for fewer expressions at once"
            ) from error
        self._resources.callback(made.free)
        return made

    def stopwatch(self, marks: int) -> Stopwatch:
        """A stopwatch for `marks` moments on the stream. Inside `current()`."""
        made = Stopwatch(self._driver, self.stream, marks)
        self._resources.callback(made.free)
        return made

    def on_close(self, free: Callable[[], None]) -> None:
        """Call `free` at `close()`, last registered first, with the context current."""
        self._resources.callback(free)

    def close(self) -> None:
        """Free everything and give the context back; a second call does nothing. Not inside `current()`."""
        with self._lock:
            if self._context is None:
                return
            context, self._context = self._context, None
            context.push()
            try:
                self._resources.close()
            finally:
                self.stream = None
                context.detach()
                _pop_released()


class Buffer:
    """Memory of one tensor on the GPU and, where the host reads or writes it, as much pinned host memory.

    Pinned, because only such memory is copied while the CPU goes on, and without a detour over a copy of the driver's.
    """

    def __init__(self, driver: Any, count: int, dtype: np.dtype[Any], *, on_host: bool) -> None:
        """`count` numbers, all 0. Raises the driver's MemoryError, holding nothing."""
        self._driver = driver
        self._device = driver.mem_alloc(count * dtype.itemsize)
        self._host: npt.NDArray[Any] | None = None
        try:
            driver.memset_d8(self._device, 0, count * dtype.itemsize)
            if on_host:
                self._host = driver.pagelocked_empty(count, dtype)
                self._host[:] = 0
        except driver.Error:
            self._device.free()
            raise
        self.address = int(self._device)

    def host(self, shape: Sequence[int]) -> npt.NDArray[Any]:
        """The pinned memory as an array of `shape`; valid until `free()`, so copy what is to stay."""
        assert self._host is not None
        return self._host[: math.prod(shape)].reshape(shape)

    def upload(self, shape: Sequence[int], stream: Any) -> None:
        """Queue the copy of `host(shape)` to the GPU."""
        self._driver.memcpy_htod_async(self._device, self.host(shape), stream)

    def download(self, shape: Sequence[int], stream: Any) -> None:
        """Queue the copy of as much from the GPU into `host(shape)`."""
        self._driver.memcpy_dtoh_async(self.host(shape), self._device, stream)

    def free(self) -> None:
        """Once, with the context current: PyCUDA cannot free from another thread what is merely dropped."""
        if self._host is not None:
            allocation: Any = self._host.base
            self._host = None
            allocation.free()
        self._device.free()


class Stopwatch:
    """Moments on a stream, by the GPU's own clock."""

    def __init__(self, driver: Any, stream: Any, marks: int) -> None:
        self._stream = stream
        self._events = [driver.Event() for _ in range(marks)]

    def mark(self, index: int) -> None:
        """The moment at which the work queued so far is done."""
        self._events[index].record(self._stream)

    def wait(self) -> None:
        """Until the last mark. Whether the CPU sleeps or spins is the driver's choice, which knows the board."""
        self._events[-1].synchronize()

    def milliseconds(self, start: int, end: int) -> float:
        """Between two marks, after `wait()`."""
        return float(self._events[start].time_till(self._events[end]))

    def free(self) -> None:
        """With the context current."""
        self._stream = None
        self._events.clear()


def _import_driver() -> Any:
    """`pycuda.driver`. Raises SaymaskError that tells a driver that is missing from a package that is."""
    require_driver()
    try:
        return importlib.import_module("pycuda.driver")
    except ModuleNotFoundError as error:
        raise SaymaskError(missing_package(error)) from error
    except ImportError as error:
        raise SaymaskError(f"PyCUDA cannot be loaded ({error}); build it again on this machine") from error


def _clear_frames(error: BaseException | None) -> None:
    """Let go what an exception's frames hold: TensorRT's objects must be freed while the context is current."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _pop_released() -> None:
    """PyCUDA leaves a primary context on the thread's stack when it gives it back, and has no call to take it off."""
    ctypes.CDLL(DRIVER).cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))

"""The real PyCUDA and cuda-python over host memory. These tests run in a process of their own, started by
../test_on_host_cuda.py: a driver that was loaded once would be a GPU to every later test of the same process."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = os.environ.get("SAYMASK_ON_HOST_CUDA", "")
collect_ignore_glob = [] if FOLDER else ["test_*.py"]

_COUNTERS = ("device_bytes", "host_bytes", "contexts", "streams", "events", "graphs", "launches")


class HostCuda:
    """What our libcuda.so.1 counts, and the faults it can be made to have."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.host_cuda_count.restype = ctypes.c_long
        library.host_cuda_limit.argtypes = [ctypes.c_long]
        library.host_cuda_fail.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]

    def counts(self) -> dict[str, int]:
        """Everything alive, and the number of launches of CUDA graphs so far."""
        return {name: self._library.host_cuda_count(index) for index, name in enumerate(_COUNTERS)}

    def alive(self) -> dict[str, int]:
        """What is not zero, without the launches; and the depth of this thread's stack of contexts."""
        gc.collect()
        found = {**self.counts(), "depth": self._library.host_cuda_depth()}
        return {name: count for name, count in found.items() if count and name != "launches"}

    def limit(self, device_bytes: int) -> None:
        """The GPU has so much memory."""
        self._library.host_cuda_limit(device_bytes)

    def fail(self, call: str, *, after: int = 0, error: int = 700) -> None:
        """The driver's `call` fails once (700: illegal address), after `after` calls that do not."""
        self._library.host_cuda_fail(call.encode(), after, error)


@pytest.fixture(scope="session")
def _library() -> ctypes.CDLL:
    sys.path.append(FOLDER)
    return ctypes.CDLL(str(Path(FOLDER) / "libcuda.so.1"), mode=ctypes.RTLD_GLOBAL)


@pytest.fixture
def gpu(_library: ctypes.CDLL) -> Iterator[HostCuda]:
    """A GPU on which nothing is alive; the test must leave it so."""
    cuda = HostCuda(_library)
    cuda.fail("")
    cuda.limit(1 << 30)
    assert cuda.alive() == {}
    yield cuda
    cuda.fail("")
    assert cuda.alive() == {}, "the test left something on the GPU"


@pytest.fixture
def tensorrt(gpu: HostCuda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """`import tensorrt` gives the stand-in, whose faults must stay none; engines are cached below `tmp_path`."""
    from tests.runtime.backends.host_cuda import tensorrt_double

    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt_double)
    monkeypatch.setenv("SAYMASK_CACHE", str(tmp_path / "engines"))
    monkeypatch.setattr(tensorrt_double, "refuse_capture", False)
    tensorrt_double.faults.clear()
    tensorrt_double.runs.clear()
    yield tensorrt_double
    gc.collect()
    assert tensorrt_double.faults == []


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Lines of the logger "saymask"."""
    caplog.set_level(logging.INFO, logger="saymask")
    return caplog

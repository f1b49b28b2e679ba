"""`CudaDevice` through the real PyCUDA: contexts, threads, memory and what goes wrong with them."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime import SaymaskError
from runtime.backends.cuda import CudaDevice
from runtime.backends.cuda_graph import CaptureRefused, CudaGraph
from tests.runtime.backends.host_cuda.conftest import HostCuda

OUT_OF_MEMORY = 2


def test_what_goes_up_comes_down(gpu: HostCuda) -> None:
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (4, 3), "float16", on_host=True)
        buffer.host((2, 3))[:] = np.arange(6).reshape(2, 3)
        buffer.upload((2, 3), device.stream)
        buffer.host((4, 3))[:] = -1
        buffer.download((2, 3), device.stream)
        device.stream.synchronize()
        assert buffer.host((2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert buffer.host((4, 3))[2:].tolist() == [[-1] * 3] * 2, "more was copied than asked for"
        assert buffer.address % 256 == 0
    assert gpu.counts()["device_bytes"] == 24
    device.close()


def test_memory_begins_with_zeros(gpu: HostCuda) -> None:
    """What is computed before the first frame (warming up, capturing) must not be from garbage."""
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (8,), "int64", on_host=True)
        assert not buffer.host((8,)).any()
        buffer.download((8,), device.stream)
        assert not buffer.host((8,)).any()
    device.close()


def test_what_an_engine_depends_on(gpu: HostCuda) -> None:
    device = CudaDevice()
    facts = device.facts()
    assert (facts.gpu, facts.compute_capability) == ("host memory, no GPU", "8.6")
    assert facts.driver.startswith("CUDA 1")
    assert device.free_bytes() == (1 << 30, 1 << 30)
    device.close()


def test_closing_gives_everything_back_from_any_thread(gpu: HostCuda) -> None:
    """PyCUDA frees nothing outside the thread that made the context, and leaves primary contexts on its stack."""
    for make_in_thread, close_in_thread in ((False, False), (False, True), (True, False), (True, True)):
        made: list[CudaDevice] = []

        def make(made: list[CudaDevice] = made) -> None:
            device = CudaDevice()
            with device.current():
                device.buffer("numbers", (100,), "float32", on_host=True)
                device.stopwatch(4)
            made.append(device)

        _call(make, in_thread=make_in_thread)
        assert gpu.alive() == {"device_bytes": 400, "host_bytes": 400, "contexts": 1, "streams": 1, "events": 4}
        _call(made[0].close, in_thread=close_in_thread)
        assert gpu.alive() == {}, (make_in_thread, close_in_thread)
        made[0].close()
    with pytest.raises(SaymaskError, match="the backend is closed"), made[0].current():
        pass


def _call(function: object, *, in_thread: bool) -> None:
    assert callable(function)
    if not in_thread:
        function()
        return
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_context_of_somebody_else_is_current_again(gpu: HostCuda) -> None:
    """Beside torch, whose context is the same primary one, pushed by somebody else."""
    import pycuda.driver

    pycuda.driver.init()
    theirs = pycuda.driver.Device(0).retain_primary_context()
    theirs.push()
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (1,), "float32", on_host=False)
        assert buffer.address
    assert pycuda.driver.mem_get_info(), "their context is current again"
    device.close()
    assert pycuda.driver.mem_get_info()
    kept = pycuda.driver.mem_alloc(16)
    kept.free()
    pycuda.driver.Context.pop()
    theirs.push()
    theirs.detach()
    from runtime.backends.cuda import _pop_released

    _pop_released()


def test_many_threads_take_turns(gpu: HostCuda) -> None:
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (1000,), "int64", on_host=True)
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            with device.current():
                buffer.host((1000,))[:] = number
                buffer.upload((1000,), device.stream)
                buffer.host((1000,))[:] = 0
                buffer.download((1000,), device.stream)
                if not (buffer.host((1000,)) == number).all():
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    device.close()


def test_a_gpu_that_is_not_there(gpu: HostCuda) -> None:
    with pytest.raises(SaymaskError, match="there is no GPU 1; this machine has 1"):
        CudaDevice(1)


@pytest.mark.parametrize("pinned", [False, True])
def test_too_little_memory_is_one_line(gpu: HostCuda, pinned: bool) -> None:
    device = CudaDevice()
    if pinned:
        gpu.fail("cuMemHostAlloc", error=OUT_OF_MEMORY)
    else:
        gpu.limit(3_000_000)
    with (
        device.current(),
        pytest.raises(SaymaskError, match=r"out of GPU memory: pixels needs 4\.0 MB, (3|1073)\.\d MB are free"),
    ):
        device.buffer("pixels", (1000, 1000), "float32", on_host=True)
    assert gpu.counts()["device_bytes"] == 0
    device.close()


def test_an_error_of_cuda_is_one_line_and_the_device_can_be_closed(gpu: HostCuda) -> None:
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("pixels", (10,), "uint8", on_host=True)
    gpu.fail("cuMemcpyHtoDAsync")
    with pytest.raises(SaymaskError, match=r"CUDA failed \(.*700.*\); close the backend"), device.current():
        buffer.upload((10,), device.stream)
    device.close()


def test_a_stream_that_cannot_be_made_leaves_nothing(gpu: HostCuda) -> None:
    gpu.fail("cuStreamCreate")
    with pytest.raises(SaymaskError, match="CUDA failed"):
        CudaDevice()


def test_work_is_captured_and_launched_again(gpu: HostCuda) -> None:
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (3,), "float32", on_host=True)

        def work() -> None:
            buffer.upload((3,), device.stream)

        graph = CudaGraph(work, device.stream.handle)
        device.on_close(graph.free)
        buffer.host((3,))[:] = [1, 2, 3]
        graph.launch()
        buffer.host((3,))[:] = 0
        buffer.download((3,), device.stream)
        assert buffer.host((3,)).tolist() == [1, 2, 3]
    device.close()


def test_a_refused_capture_leaves_the_stream_usable(gpu: HostCuda) -> None:
    device = CudaDevice()
    with device.current():
        buffer = device.buffer("numbers", (3,), "float32", on_host=True)

        def waits() -> None:
            device.stream.synchronize()

        with pytest.raises(CaptureRefused, match="900"):
            CudaGraph(waits, device.stream.handle)
        for call in ("cuStreamBeginCapture", "cuGraphInstantiate"):
            gpu.fail(call, error=801)
            with pytest.raises(CaptureRefused, match="CUDA_ERROR_NOT_SUPPORTED"):
                CudaGraph(lambda: None, device.stream.handle)
        buffer.upload((3,), device.stream)
        device.stream.synchronize()
    device.close()

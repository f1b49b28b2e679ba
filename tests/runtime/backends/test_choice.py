"""Which backend runs, and why not a faster one. What needs a driver is in host_cuda/test_choice_with_a_gpu.py."""

from __future__ import annotations

import ctypes
import logging
import sys
from pathlib import Path

import onnxruntime
import pytest

from runtime import SaymaskError
from runtime.backends import choose, open_backend
from runtime.backends.onnxruntime_backend import OnnxRuntimeBackend
from runtime.bundle import Bundle, open_bundle

NO_GPU = r"no NVIDIA GPU here, for there is no driver \(libcuda\.so\.1\)"


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return open_bundle(tiny_bundle)
    pytest.skip("this machine has an NVIDIA driver; the test tells what happens without one")


def test_without_a_gpu_the_cpu_runs_and_says_why(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="saymask")
    with open_backend(bundle):
        pass
    version = onnxruntime.__version__
    assert [record.getMessage() for record in caplog.records] == [
        f"ort-cpu runs (ONNX Runtime {version} on the CPU); "
        "not tensorrt: no NVIDIA GPU here, for there is no driver (libcuda.so.1); "
        "not ort-cuda: no NVIDIA GPU here, for there is no driver (libcuda.so.1)"
    ]
    assert str(choose(bundle)) == caplog.records[0].getMessage(), "what is told beforehand is what then happens"


def test_a_backend_that_was_named_is_taken_or_nothing(bundle: Bundle) -> None:
    with pytest.raises(SaymaskError, match=NO_GPU):
        open_backend(bundle, "tensorrt")
    with pytest.raises(SaymaskError, match=NO_GPU):
        open_backend(bundle, "ort-cuda")
    with open_backend(bundle, "ort-cpu") as backend:
        assert isinstance(backend, OnnxRuntimeBackend)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_gives_way_to_the_cpu_is_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime lists what it was compiled with; where that does not start, it takes the CPU without a word."""
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    with pytest.raises(SaymaskError, match="took CPUExecutionProvider where CUDAExecutionProvider was asked for"):
        open_backend(bundle, "ort-cuda")
    choice = choose(bundle)
    assert choice.name == "ort-cpu"
    assert dict(choice.refused)["ort-cuda"].startswith("ONNX Runtime took CPUExecutionProvider")
    with open_backend(bundle):
        pass


def test_nothing_that_can_run_it(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "runtime.backends.onnxruntime_backend")
    for use in (choose, open_backend):
        with pytest.raises(SaymaskError, match=r"no backend can run this model: ort-cpu: the package 'onnxruntime' is"):
            use(bundle)

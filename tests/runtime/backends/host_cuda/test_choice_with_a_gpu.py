"""Where there is a GPU, "auto" takes TensorRT; where that does not open, the next, saying why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from runtime import SaymaskError
from runtime.backends import choose, open_backend
from runtime.backends.onnxruntime_backend import OnnxRuntimeBackend
from runtime.backends.tensorrt_backend import TensorRTBackend
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle
from tests.runtime.backends.host_cuda.conftest import HostCuda

ON_TENSORRT = "tensorrt runs (TensorRT 10.3.0 on host memory, no GPU, fp16)"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(DEFAULT_MODEL)


def test_tensorrt_first(gpu: HostCuda, tensorrt: Any, bundle: Bundle, warnings: pytest.LogCaptureFixture) -> None:
    assert str(choose(bundle)) == ON_TENSORRT
    assert gpu.alive() == {}
    with open_backend(bundle) as backend:
        assert isinstance(backend, TensorRTBackend)
    assert ON_TENSORRT in [record.getMessage() for record in warnings.records]


def test_choosing_builds_nothing(gpu: HostCuda, tensorrt: Any, bundle: Bundle, tmp_path: Path) -> None:
    choose(bundle)
    assert list(tmp_path.iterdir()) == []


def test_without_tensorrt_the_reason_is_told(
    gpu: HostCuda, tensorrt: Any, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    choice = choose(bundle)
    assert choice.name == "ort-cpu"
    assert "no TensorRT" in dict(choice.refused)["tensorrt"]
    assert gpu.alive() == {}


def test_without_pycuda_the_reason_is_told(
    gpu: HostCuda, tensorrt: Any, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(SaymaskError, match=r"'pycuda' is not installed; install it with: pip install -e '\.\[tensor"):
        open_backend(bundle, "tensorrt")


def test_a_gpu_that_is_full_is_no_reason_not_to_run(
    gpu: HostCuda, tensorrt: Any, bundle: Bundle, warnings: pytest.LogCaptureFixture
) -> None:
    gpu.limit(1 << 20)
    with open_backend(bundle) as backend:
        assert isinstance(backend, OnnxRuntimeBackend)
    last = warnings.records[-1].getMessage()
    assert last.startswith("ort-cpu runs (ONNX Runtime ")
    assert "GPU memory could not be allocated" in last


def test_a_model_without_fp16_graphs(
    gpu: HostCuda, tensorrt: Any, tiny_bundle: Path, warnings: pytest.LogCaptureFixture
) -> None:
    """The tiny bundle has none."""
    bundle = open_bundle(tiny_bundle)
    assert not bundle.spec.half_graphs
    choice = choose(bundle)
    assert choice.name == "ort-cpu"
    assert "FP16" in dict(choice.refused)["tensorrt"]

"""`saymask doctor`: what it says of this machine is so, and nothing that is missing stops it."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from runtime import doctor
from runtime.backends import BACKENDS, choose
from runtime.backends.engine_cache import EngineCache, EngineKey
from runtime.bundle import open_bundle
from runtime.hardware import gpus

Capture = pytest.CaptureFixture[str]
KEY = EngineKey(*("aa", "tensorrt", "10.3.0", "Orin", "8.7", "540.4.0", "fp16", "N1..16", "strongly-typed"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "engines"
    monkeypatch.setenv("SAYMASK_CACHE", str(folder))
    return folder


def examine(bundle: Path, capsys: Capture, code: int = 0) -> tuple[dict[str, Any], str]:
    assert doctor.main(["--model", str(bundle)]) == code
    told = capsys.readouterr()
    result: dict[str, Any] = json.loads(told.out.splitlines()[-1])
    return result, told.err


def test_says_what_auto_would_take(tiny_bundle: Path, capsys: Capture) -> None:
    result, table = examine(tiny_bundle, capsys)
    choice = choose(open_bundle(tiny_bundle))
    assert result["backend"] == {"name": choice.name, "reason": choice.reason, "refused": dict(choice.refused)}
    assert choice.name in BACKENDS
    assert f"{choice.name}: {choice.reason}" in table
    for name, reason in choice.refused:
        assert f"{name}: {reason}" in table
    assert result["passed"] is True
    assert result["packages"]["numpy"] == metadata.version("numpy")
    assert result["packages"]["tensorrt"] is None or result["tensorrt"]["tensorrt"]
    assert result["onnxruntime_providers"]["CPUExecutionProvider"] == "usable"
    assert "AzureExecutionProvider" not in result["onnxruntime_providers"]


@pytest.mark.skipif(bool(gpus()), reason="this machine has a GPU")
def test_without_a_gpu_every_faster_backend_says_why_not(tiny_bundle: Path, capsys: Capture) -> None:
    result, table = examine(tiny_bundle, capsys)
    assert result["hardware"]["gpus"] == [] and "none that nvidia-smi lists" in table
    assert result["backend"]["name"] == "ort-cpu"
    assert set(result["backend"]["refused"]) == {"tensorrt", "ort-cuda"}
    assert "GPU(s)" not in result["cuda_driver"]


def test_kept_engines_are_listed_with_their_faults(tiny_bundle: Path, cache: Path, capsys: Capture) -> None:
    EngineCache().load_or_build(KEY, lambda: b"a plan", lambda plan: plan, label="an engine")
    result, table = examine(tiny_bundle, capsys)
    (engine,) = result["engine_cache"]["engines"]
    assert engine["made_for"]["gpu"] == "Orin" and engine["fault"] == ""
    assert result["engine_cache"]["directory"] == str(cache)
    assert "1 engine(s)" in table
    kept = next(cache.glob("*.engine"))
    kept.write_bytes(kept.read_bytes()[:-1])
    result, table = examine(tiny_bundle, capsys)
    (engine,) = result["engine_cache"]["engines"]
    assert engine["fault"] and engine["fault"] in table


def test_an_unsafe_cache_is_told(tiny_bundle: Path, cache: Path, capsys: Capture) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    result, table = examine(tiny_bundle, capsys)
    assert isinstance(result["engine_cache"], str) and result["engine_cache"] in table
    assert result["passed"] is True


def test_where_nothing_runs_the_exit_code_is_one(
    tiny_bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("runtime.backends.onnxruntime_backend")]:
        monkeypatch.delitem(sys.modules, name)
    for package in ("onnxruntime", "pycuda", "tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, package, None)
    result, table = examine(tiny_bundle, capsys, code=1)
    assert result["passed"] is False
    assert "onnxruntime" in result["backend"] and "pip install" in result["backend"]
    assert "onnxruntime" in result["onnxruntime_providers"]
    assert f"nothing: {result['backend']}" in table


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_silently_becomes_the_cpu_is_not_usable(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime lists what it was compiled with, and takes the CPU where the libraries are missing."""
    onnxruntime = pytest.importorskip("onnxruntime")
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    found = doctor.onnxruntime_providers(open_bundle(tiny_bundle))
    assert found["CUDAExecutionProvider"].startswith("not usable")
    assert found["CPUExecutionProvider"] == "usable"


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    assert doctor.main(["--model", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("error: the model ")

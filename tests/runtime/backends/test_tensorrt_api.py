"""Finding TensorRT on different machines, and its messages and types; the real TensorRT-RTX where one is needed."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from types import ModuleType

import pytest

from runtime.backends.tensorrt_api import TensorRT, find_tensorrt
from runtime.errors import SaymaskError


@pytest.fixture
def rtx() -> TensorRT:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    return find_tensorrt("tensorrt-rtx")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises ModuleNotFoundError


@pytest.mark.parametrize(
    ("machine", "flavour", "line"),
    [
        ("x86_64", None, "tensorrt and tensorrt_rtx are not installed; install it with: pip install tensorrt"),
        ("x86_64", "tensorrt-rtx", "'tensorrt_rtx' is not installed; install it with: pip install tensorrt-rtx"),
        ("aarch64", None, "sudo apt-get install python3-libnvinfer, .* python3 -m venv --system-site-packages"),
    ],
)
@pytest.mark.usefixtures("nothing_installed")
def test_no_tensorrt_says_how_to_get_it_here(
    machine: str, flavour: str | None, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(SaymaskError, match=f"^no TensorRT: .*{line}$"):
        find_tensorrt(flavour)


def _installed(monkeypatch: pytest.MonkeyPatch, name: str, version: str) -> None:
    module = ModuleType(name)
    module.__dict__["__version__"] = version
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("version", ["10.3.0", "10.16.1.11", "11.4.0.106"])
def test_versions_that_robots_have(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "tensorrt_rtx", "1.7.1.116")
    assert find_tensorrt().flavour == "tensorrt-rtx"
    _installed(monkeypatch, "tensorrt", version)
    assert (find_tensorrt().flavour, find_tensorrt().version) == ("tensorrt", version)
    assert str(find_tensorrt()) == f"TensorRT {version}"


@pytest.mark.usefixtures("nothing_installed")
def test_a_version_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "tensorrt", "8.6.2")
    with pytest.raises(SaymaskError, match=r"no TensorRT: tensorrt 8\.6\.2 is too old, 10\.3 or newer is needed"):
        find_tensorrt("tensorrt")


def test_a_package_without_its_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tensorrt.py").write_text("raise ImportError('libnvinfer.so.10: cannot open shared object file')")
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SaymaskError, match=r"'tensorrt' cannot be loaded \(libnvinfer\.so\.10: cannot open"):
        find_tensorrt("tensorrt")


def test_a_flavour_that_does_not_exist() -> None:
    with pytest.raises(SaymaskError, match="there is no flavour 'lean' of TensorRT; choose one of tensorrt, "):
        find_tensorrt("lean")


def test_everybody_who_gathers_hears_the_one_logger(rtx: TensorRT) -> None:
    """TensorRT keeps the first logger of a process, so each build gathers from the same one."""
    again = find_tensorrt("tensorrt-rtx")
    assert again.logger is rtx.logger
    with rtx.logger.gather() as outer:
        with again.logger.gather() as inner:
            rtx.module.Runtime(rtx.logger.handle).deserialize_cuda_engine(b"no engine")
        heard = len(outer)
        assert heard and inner == outer
        rtx.module.Runtime(rtx.logger.handle).deserialize_cuda_engine(b"no engine")
        assert len(outer) > heard == len(inner)
    assert {message.severity for message in outer} <= {"internal_error", "error", "warning", "info"}
    assert any(message.severity == "error" for message in outer)


def test_types_as_numpy_calls_them(rtx: TensorRT) -> None:
    types = rtx.module.DataType
    expected = {"FLOAT": "float32", "HALF": "float16", "INT64": "int64", "UINT8": "uint8", "BOOL": "bool"}
    assert {name: str(rtx.numpy_dtype(getattr(types, name))) for name in expected} == expected
    with pytest.raises(SaymaskError, match="type BF16, which numpy lacks"):
        rtx.numpy_dtype(types.BF16)

"""The footprint counts what is there: real files, real processes."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from benchmarks.cold_start import cold_start
from benchmarks.contenders import CHECKPOINT
from benchmarks.footprint import installed_mib, main, own_mib, required
from runtime.errors import SaymaskError

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: `robot` requires `arm`, `eye[zoom]` and, for tests, `hammer`."""
    for name, requirements, size in (
        ("robot", ['arm>=1; python_version >= "3.8"', "eye[zoom]", 'hammer; extra == "test"', "absent"], 1 << 20),
        ("arm", ['windows-only; sys_platform == "win32"'], 1 << 19),
        ("eye", ['lens; extra == "zoom"'], 0),
        ("lens", ["robot"], 3 << 20),
        ("hammer", [], 5),
        ("windows_only", [], 5),
    ):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
        (folder / "METADATA").write_text("\n".join(lines) + "\nProvides-Extra: test\nProvides-Extra: zoom\n")
        (tmp_path / f"{name}.bin").write_bytes(bytes(size))
        if name != "eye":  # a package that keeps no list of its files
            (folder / "RECORD").write_text(f"{name}.bin,,\nnever_written.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_requirements_are_followed(site: Path) -> None:
    assert sorted(required("robot", "")) == ["arm", "eye", "lens", "robot"]
    assert sorted(required("robot", "test")) == ["arm", "eye", "hammer", "lens", "robot"]
    with pytest.raises(SaymaskError, match=r"nobody is not installed"):
        required("nobody", "cpu")
    with pytest.raises(SaymaskError, match=r"robot has no extra 'wings'; it has test, zoom"):
        required("robot", "wings")


def test_sizes_are_those_of_the_files(site: Path) -> None:
    assert installed_mib("robot") == 1.0
    assert installed_mib("lens") == 3.0
    assert installed_mib("eye") is None
    real = sum(
        Path(str(file.locate())).stat().st_size
        for file in metadata.files("numpy") or []
        if Path(str(file.locate())).is_file()
    )
    assert installed_mib("numpy") == pytest.approx(real / 2**20, abs=0.01)


def test_own_files_are_the_runtime_s(tmp_path: Path) -> None:
    for path, size in (("runtime/a.py", 1 << 20), ("runtime/models/m.onnx", 1 << 21), ("training/b.py", 1 << 20)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bytes(size))
    (tmp_path / "runtime" / "__pycache__").mkdir()
    (tmp_path / "runtime" / "__pycache__" / "a.pyc").write_bytes(bytes(1 << 20))
    assert own_mib(tmp_path) == 3.0


def test_entry(tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("packaging")
    try:
        metadata.distribution("saymask")
    except metadata.PackageNotFoundError:
        pytest.skip("saymask is not installed, only on the path")
    out = tmp_path / "footprint.json"
    arguments = ["--model", str(tiny_bundle), "--backend", "ort-cpu", "--repeats", "1", "--out", str(out)]
    assert main(arguments) == 0
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert json.loads(out.read_text()) == result
    assert result["import_ms"] > 0 and result["open_ms"] > 0 and result["first_answer_ms"] > 0
    memory = result["memory_mib"]
    assert 10 < memory["imported"] <= memory["opened"] <= memory["peak"] < 4000
    sizes = result["installed_mib"]
    assert sizes["numpy"] > 10 and sizes["rapidfuzz"] > 0.1
    assert not {"torch", "transformers", "mujoco"} & set(sizes), "a robot installs none of them"
    assert result["installed_mib_total"] == pytest.approx(sum(size for size in sizes.values() if size), abs=0.1)
    assert "numpy" in told.err


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(SaymaskError, match=r"a new process could not answer with ort-cpu: .*does not exist"):
        cold_start(tmp_path / "nowhere", "ort-cpu", checkpoint=CHECKPOINT)

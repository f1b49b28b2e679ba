"""What the system's own tools say, as they really say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.hardware import Gpu, command_output, gpus, l4t_release, memory_mib


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            "NVIDIA H100 80GB HBM3, 570.86.15, 9.0, 81559, 4\n",
            [Gpu("NVIDIA H100 80GB HBM3", "570.86.15", "9.0", 81559, 4)],
        ),
        ("Orin (nvgpu), 540.4.0, 8.7, [N/A], [N/A]\n", [Gpu("Orin (nvgpu)", "540.4.0", "8.7", None, None)]),
        (
            "NVIDIA L4, 550.54, 8.9, 23034, 0\nNVIDIA L4, 550.54, 8.9, 23034, 17\n",
            [Gpu("NVIDIA L4", "550.54", "8.9", 23034, used) for used in (0, 17)],
        ),
        ("No devices were found\n", []),
        ("", []),
    ],
)
def test_gpus(printed: str, expected: list[Gpu], tools: Path) -> None:
    (tools / "printed").write_text(printed)
    install(tools, "nvidia-smi", f"cat {tools}/printed")
    assert gpus() == expected


def test_a_failing_tool_is_no_gpu(tools: Path) -> None:
    install(tools, "nvidia-smi", "echo 'NVIDIA-SMI has failed: no driver'; exit 9")
    assert gpus() == []


def test_without_a_tool_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []


def test_a_tool_that_hangs_is_left(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.hardware._SECONDS", 0.1)
    install(tools, "nvidia-smi", "exec sleep 30")
    assert command_output("nvidia-smi") is None


@pytest.mark.parametrize(
    ("told", "release"),
    [
        (
            "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 "
            "UTC 2025\n# KERNEL_VARIANT: oot\n",
            "36.4.3",
        ),
        ("# R38 (release), REVISION: 2.0, GCID: 41844464, BOARD: generic, EABI: aarch64\n", "38.2.0"),
        ("something else\n", None),
    ],
)
def test_l4t_release(told: str, release: str | None, tmp_path: Path) -> None:
    (tmp_path / "nv_tegra_release").write_text(told)
    assert l4t_release(tmp_path / "nv_tegra_release") == release
    assert l4t_release(tmp_path / "nowhere") is None


def test_memory_is_the_machine_s() -> None:
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    assert memory_mib() == pytest.approx(int(total.split()[1]) / 1024, rel=0.02)

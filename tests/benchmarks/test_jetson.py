"""tegrastats' lines as boards and JetPacks really print them, and the tools as processes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.jetson import Conditions, Reading, module_watts, parse_tegrastats, power_mode, summarise

# Formats as published in NVIDIA's documentation and in issues of jetson_stats, one per board and JetPack.
ORIN_NANO = (
    "01-15-2025 10:12:31 RAM 2914/7620MB (lfb 4x4MB) SWAP 0/3810MB (cached 0MB) CPU [12%@1728,3%@1728,0%@1728,1%@1728,"
    "off,off] EMC_FREQ 2%@3199 GR3D_FREQ 37%@[1015] NVDEC off NVJPG off NVJPG1 off VIC off OFA off APE 200 "
    "cpu@48.062C soc2@46.5C soc0@46.25C gpu@47.406C tj@48.062C soc1@47.281C VDD_IN 6321mW/5890mW VDD_CPU_GPU_CV "
    "1684mW/1290mW VDD_SOC 1565mW/1525mW"
)
AGX_ORIN = (
    "11-21-2025 08:49:48 RAM 13983/62780MB (lfb 424x4MB) SWAP 126/31390MB (cached 0MB) CPU [90%@2201,100%@2201] "
    "EMC_FREQ 1%@2133 GR3D_FREQ 14%@[407,1300] VIC_FREQ 115 NVDLA0_FREQ @1600 APE 174 CV0@73.625C CPU@77.281C "
    "Tboard@62C SOC2@70C GPU@69.125C tj@77.281C VDD_GPU_SOC 3150mW/2971mW VDD_CPU_CV 14312mW/12415mW VIN_SYS_5V0 "
    "4968mW/5048mW NC 0mW/0mW VDDQ_VDD2_1V8AO 1091mW/1091mW NC 0mW/0mW"
)
THOR = (
    "09-02-2025 11:00:00 RAM 20642/125772MB (lfb 1x2MB) CPU [23%@2601,10%@2601] EMC_FREQ 3%@4266 GR3D_FREQ "
    "@[1575,1575,1575] NVENC0_FREQ off APE 300 cpu@52.968C tj@55.1C soc012@54.2C VDD_GPU -392mW/800mW VDD_CPU_SOC_MSS "
    "6510mW/6400mW VIN_SYS_5V0 6520mW/6500mW VIN 23030mW/22000mW"
)
NOT_ROOT = "RAM 2690/6854MB (lfb 6x1MB) SWAP 479/3427MB (cached 3MB) CPU [3%,7%,off,off] EMC_FREQ 0% GR3D_FREQ 0%"


@pytest.mark.parametrize(
    ("line", "expected", "watts"),
    [
        (
            ORIN_NANO,
            Reading(2914, 1728, 1015, 37, 3199, 47.406, {"VDD_IN": 6.321, "VDD_CPU_GPU_CV": 1.684, "VDD_SOC": 1.565}),
            6.321,
        ),
        (
            AGX_ORIN,
            Reading(
                *(13983, 2201, 1300, 14, 2133, 69.125),
                {"VDD_GPU_SOC": 3.15, "VDD_CPU_CV": 14.312, "VIN_SYS_5V0": 4.968, "VDDQ_VDD2_1V8AO": 1.091},
            ),
            3.15 + 14.312 + 4.968,
        ),
        (
            THOR,
            Reading(
                *(20642, 2601, 1575, None, 4266, None),
                {"VDD_GPU": -0.392, "VDD_CPU_SOC_MSS": 6.51, "VIN_SYS_5V0": 6.52, "VIN": 23.03},
            ),
            23.03,
        ),
        (NOT_ROOT, Reading(2690, None, None, 0, None, None, {}), None),
        ("", Reading(None, None, None, None, None, None, {}), None),
    ],
)
def test_lines_are_read(line: str, expected: Reading, watts: float | None) -> None:
    assert parse_tegrastats(line) == expected
    assert module_watts(expected.watts) == (None if watts is None else pytest.approx(watts))


def test_summary_leaves_out_what_is_unknown() -> None:
    summary = summarise(
        [parse_tegrastats(line) for line in (ORIN_NANO, ORIN_NANO.replace("6321mW", "8321mW"), NOT_ROOT)]
    )
    assert summary["readings"] == 3
    assert summary["module_watts"] == pytest.approx(7.321)
    assert summary["rails_watts"]["VDD_SOC"] == pytest.approx(1.565)
    assert summary["gpu_mhz"] == 1015 and summary["gpu_percent"] == pytest.approx(74 / 3, abs=1e-3)
    assert summary["ram_mib_max"] == 2914 and summary["gpu_celsius_max"] == 47.406


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        ("NV Power Mode: MAXN_SUPER\n2\n", "MAXN_SUPER"),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: 15W\n0\n", "15W"),
        ("", None),
    ],
)
def test_power_mode(told: str, mode: str | None) -> None:
    assert power_mode(told) == mode


def test_conditions_are_collected_from_the_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in {
        "tegrastats": f'[ "$1" = --interval ] || exit 1\nwhile true; do echo "{ORIN_NANO}"; sleep 0.02; done',
        "nvpmodel": 'printf "NV Power Mode: 25W\\n1\\n"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with Conditions() as conditions:
        time.sleep(0.3)
    assert conditions.result is not None
    assert conditions.result["power_mode"] == "25W"
    assert conditions.result["module_watts"] == pytest.approx(6.321)
    assert conditions.result["readings"] >= 2


def test_elsewhere_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with Conditions() as conditions:
        pass
    assert conditions.result is None

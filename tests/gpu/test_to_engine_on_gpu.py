"""The whole of export/to_engine.py on an NVIDIA GPU: built once, within the gate, FP16 where it was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export.to_engine import main
from runtime.backends.cuda import CudaDevice
from runtime.backends.tensorrt_api import find_tensorrt
from runtime.errors import SaymaskError

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _gpu_and_tensorrt() -> None:
    try:
        find_tensorrt()
        CudaDevice().close()
    except SaymaskError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_engines_are_built_pass_the_gate_and_are_taken_from_the_cache(
    precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--precision", precision, "--cache", str(tmp_path / "engines"), "--images", "40"]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert first["passed"] is True and first["parity"]["expressions"] > 100
    assert all(Path(engine["file"]).is_file() and engine["build_seconds"] > 0 for engine in first["engines"])
    image_encoder = next(engine for engine in first["engines"] if engine["graph"] == "image_encoder")
    assert ("float16" in image_encoder["precisions"]) is (precision == "fp16")
    assert main(arguments) == 0
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert second["build_seconds"] == 0
    assert [engine["cache_key"] for engine in second["engines"]] == [engine["cache_key"] for engine in first["engines"]]

"""Runs the tests of `host_cuda/` where PyCUDA was built over host memory, each file in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("host_cuda")
ROOT = Path(__file__).parents[3]
BUILT = Path(os.environ.get("SAYMASK_HOST_CUDA") or Path(sys.prefix) / "host-cuda")


@pytest.mark.parametrize("name", sorted(path.name for path in TESTS.glob("test_*.py")))
def test_on_the_real_pycuda_over_host_memory(name: str) -> None:
    if not (BUILT / "libcuda.so.1").exists():
        pytest.skip(f"PyCUDA over host memory is not built: python {TESTS.relative_to(ROOT)}/build.py {BUILT}")
    environment = {**os.environ, "SAYMASK_ON_HOST_CUDA": str(BUILT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS / name)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]

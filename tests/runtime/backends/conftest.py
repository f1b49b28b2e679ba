"""An engine cache of its own for each test, and disks that fill up."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.backends.engine_cache import EngineCache
from tests.runtime.backends.engine_cache_helpers import Builder, Mount, Warnings, load
from tests.runtime.backends.engine_cache_worker import key


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.fixture
def engine(cache: EngineCache) -> Path:
    """The file of an engine that was kept."""
    load(cache, Builder())
    assert cache.directory
    return cache.directory / f"{key().digest()}.engine"


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    """The warnings since the last call, each of one line."""

    def take() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if record.name == "saymask"]
        assert all(record.levelno == logging.WARNING for record in caplog.records)
        assert not any("\n" in line for line in lines)
        caplog.clear()
        return lines

    return take


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """`mount("size=64k")`: a disk of its own with these options."""
    folder = tmp_path / "disk"
    folder.mkdir(mode=0o700)

    def make(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
        return folder

    yield make
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)

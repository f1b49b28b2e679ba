"""Real processes that want the same engine at once, die while they build it, or are of another user."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.backends.engine_cache import EngineCache
from tests.runtime.backends import engine_cache_worker
from tests.runtime.backends.engine_cache_worker import PLAN, key

ROOT = Path(__file__).parents[3]
NO_BODY = 54321
"""A uid without an entry in /etc/passwd."""


class Worker:
    """engine_cache_worker.py in a process, imported and waiting to begin."""

    def __init__(self, *arguments: object, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, engine_cache_worker.__file__, *map(str, arguments)]
        environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )
        self.lines: list[str] = []
        self.watchdog = threading.Timer(
            60, self.process.kill
        )  # a lock that is never given back must not stop the tests
        self.watchdog.start()

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def until(self, line: str) -> None:
        assert self.process.stdout
        while not self.lines or not self.lines[-1].startswith(line):
            self.lines.append(self.process.stdout.readline().strip())
            assert self.lines[-1], f"ended before {line!r}: {self.lines}"

    def finish(self) -> list[str]:
        """What it said from the start to its end."""
        output, _ = self.process.communicate(timeout=30)
        self.lines += output.split("\n")[:-1]
        assert self.process.returncode == 0
        return self.lines


Start = Callable[..., Worker]


@pytest.fixture
def start() -> Iterator[Start]:
    workers: list[Worker] = []

    def begin(*arguments: object, environment: dict[str, str] | None = None) -> Worker:
        workers.append(Worker(*arguments, environment=environment))
        workers[-1].until("ready")
        return workers[-1]

    yield begin
    for worker in workers:
        worker.watchdog.cancel()
        worker.process.kill()
        worker.process.communicate()


def built_here(directory: Path, graph: str = "graph") -> bool:
    """Whether an engine has to be built, which is then done."""
    builds: list[bytes] = []

    def build() -> bytes:
        builds.append(PLAN)
        return PLAN

    assert EngineCache(directory).load_or_build(key(graph), build, bytes, label="the image encoder") == PLAN
    return bool(builds)


def test_two_builders_share_one_build(start: Start, tmp_path: Path) -> None:
    first, second = start(tmp_path / "engines", "--stop", "building"), start(tmp_path / "engines")
    first.go()
    first.until("building")
    second.go()
    second.until("log: ")
    time.sleep(1.5)  # longer than it took to say so: it must not be said again
    first.go()
    assert first.finish()[-1] == "loaded True"
    said = second.finish()
    assert said[-1] == "loaded True"
    assert "building" not in said
    assert [line for line in said if line.startswith("log: ")] == [
        "log: another process is building the engine of the image encoder; waiting for it"
    ]
    assert [path.suffix for path in (tmp_path / "engines").iterdir()] == [".engine"]


def test_four_builders_at_once(start: Start, tmp_path: Path) -> None:
    workers = [start(tmp_path / "engines", "--graphs", "a", "b") for _ in range(4)]
    for worker in workers:
        worker.go()
    said = [line for worker in workers for line in worker.finish()]
    assert said.count("building") == 2
    assert said.count("loaded True") == 8


@pytest.mark.parametrize(("place", "kept"), [("building", False), ("fsync 1", False), ("fsync 2", True)])
def test_kill_9_leaves_no_bad_file(start: Start, tmp_path: Path, place: str, kept: bool) -> None:
    worker = start(tmp_path, "--stop", place)
    worker.go()
    worker.until(place)
    worker.process.kill()
    worker.process.wait()
    left = {path.suffix for path in tmp_path.iterdir()}
    assert left == {"building": {".lock"}, "fsync 1": {".lock", ".tmp"}, "fsync 2": {".lock", ".engine"}}[place]
    assert built_here(tmp_path, "another graph")  # what sweeps the leftovers of all
    assert {path.suffix for path in tmp_path.iterdir()} == {".engine"}
    assert built_here(tmp_path) is not kept
    assert not any(entry.fault for entry in EngineCache(tmp_path).entries())


def test_the_temporary_file_of_a_living_builder_stays(start: Start, tmp_path: Path) -> None:
    worker = start(tmp_path, "--stop", "fsync 1")
    worker.go()
    worker.until("fsync 1")
    assert built_here(tmp_path, "another graph")
    assert EngineCache(tmp_path).clear() == 1
    assert {path.suffix for path in tmp_path.iterdir()} == {".lock", ".tmp"}
    worker.go()
    assert worker.finish()[-1] == "loaded True"
    assert not built_here(tmp_path)


def test_an_engine_that_is_being_replaced_is_not_evicted(start: Start, tmp_path: Path) -> None:
    built_here(tmp_path)
    (engine,) = tmp_path.iterdir()
    engine.write_bytes(b"damaged")
    worker = start(tmp_path, "--stop", "building")
    worker.go()
    worker.until("building")
    small = EngineCache(tmp_path, limit_bytes=1)
    small.store_timing_cache("tensorrt", "10.3.0", "Orin", b"timings")
    assert small.clear() == 1
    assert engine.read_bytes() == b"damaged"
    worker.go()
    assert worker.finish()[-1] == "loaded True"
    assert not built_here(tmp_path)


def test_one_that_waits_builds_where_the_first_is_killed(start: Start, tmp_path: Path) -> None:
    first, second = start(tmp_path, "--stop", "fsync 1"), start(tmp_path)
    first.go()
    first.until("fsync 1")
    second.go()
    second.until("log: ")
    first.process.kill()
    first.process.wait()
    assert "building" in second.finish()
    assert not built_here(tmp_path)


def test_eviction_by_several_at_once(start: Start, tmp_path: Path) -> None:
    """Room for two engines and three processes that want six, again and again: every answer is right."""
    built_here(tmp_path)
    size = next(tmp_path.iterdir()).stat().st_size
    workers = [start(tmp_path, "--limit", 2 * size, "--graphs", *"abcdefabc"[shift:] * 8) for shift in (0, 2, 3)]
    for worker in workers:
        worker.go()
    for worker in workers:
        answers = [line for line in worker.finish() if line not in ("ready", "building") and "fsync" not in line]
        assert set(answers) == {"loaded True"}
    assert built_here(tmp_path, "the last one")
    EngineCache(tmp_path, limit_bytes=2 * size).store_timing_cache("tensorrt", "10.3.0", "Orin", b"")
    assert len(list(tmp_path.glob("*.engine"))) == 1
    assert not any(entry.fault for entry in EngineCache(tmp_path).entries())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_an_account_without_a_home(start: Start) -> None:
    worker = start("--uid", NO_BODY)
    worker.go()
    said = worker.finish()
    assert "building" in said
    assert said[-1] == "loaded True"
    warnings = [line for line in said if line.startswith("log: ")]
    assert len(warnings) == 1
    assert "cannot be kept" in warnings[0]
    assert "no home directory" in warnings[0]
    assert "SAYMASK_CACHE" in warnings[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_the_cache_of_another_user(start: Start) -> None:
    """One that may be read, and its engine too: neither is used."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        cache = Path(folder, "engines")
        built_here(cache)
        for path in (Path(folder), cache, *cache.iterdir()):
            path.chmod(0o755)
        worker = start(cache, "--uid", NO_BODY)
        worker.go()
        error = worker.finish()[-1]
    assert error.startswith(f"error: the engine cache {cache} is not used")
    assert f"it belongs to uid 0, saymask runs as uid {NO_BODY}" in error
    assert "building" not in worker.lines

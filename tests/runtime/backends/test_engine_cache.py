"""An engine is built once for each key, kept while there is room, and used again by whoever wants it."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import SaymaskError
from runtime.backends.cache_folder import CacheFolder
from runtime.backends.engine_cache import EngineCache, EngineKey, EngineRefused
from tests.runtime.backends.engine_cache_helpers import AS_ROOT, OTHER_PLAN, Builder, Warnings, load
from tests.runtime.backends.engine_cache_worker import PLAN, key


def test_built_once_and_kept_for_the_owner_alone(cache: EngineCache, warnings: Warnings) -> None:
    build = Builder()
    old = os.umask(0)
    try:
        assert [load(cache, build) for _ in range(3)] == [PLAN] * 3
    finally:
        os.umask(old)
    assert load(EngineCache(cache.directory), build) == PLAN
    assert build.builds == 1
    assert cache.directory
    (file,) = cache.directory.iterdir()
    assert (cache.directory.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    assert not warnings()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(EngineKey)])
def test_each_part_of_the_key_makes_another_engine(cache: EngineCache, engine: Path, field: str) -> None:
    build = Builder(OTHER_PLAN)
    other = dataclasses.replace(key(), **{field: "another"})
    assert load(cache, build, other) == OTHER_PLAN
    assert load(cache, Builder()) == PLAN
    assert build.builds == 1


@given(st.lists(st.text(), min_size=9, max_size=9), st.lists(st.text(), min_size=9, max_size=9))
def test_different_keys_have_different_digests(one: list[str], other: list[str]) -> None:
    assert (EngineKey(*one).digest() == EngineKey(*other).digest()) == (one == other)


def test_a_kept_plan_that_is_refused(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    """As deserialising refuses one of a TensorRT that was mended without a new version."""
    asked: list[bytes] = []

    def accept(plan: bytes) -> str:
        asked.append(plan)
        if plan == PLAN:
            raise EngineRefused("TensorRT cannot read it")
        return "an engine"

    assert cache.load_or_build(key(), Builder(OTHER_PLAN), accept, label="the image encoder") == "an engine"
    assert asked == [PLAN, OTHER_PLAN]
    (warning,) = warnings()
    assert warning.endswith(f"{engine}: TensorRT cannot read it")
    assert load(cache, Builder()) == OTHER_PLAN


def test_a_fresh_plan_that_is_refused_is_not_kept(cache: EngineCache) -> None:
    def refuse(plan: bytes) -> bytes:
        raise EngineRefused("masks differ from the samples")

    with pytest.raises(EngineRefused, match="masks differ"):
        cache.load_or_build(key(), Builder(), refuse, label="the image encoder")
    assert cache.directory
    assert not list(cache.directory.iterdir())


def test_an_error_of_the_build_is_not_one_of_the_cache(cache: EngineCache, warnings: Warnings) -> None:
    def fail() -> bytes:
        raise OSError("the builder's own disk is full")

    for _ in range(2):  # the lock is free again
        with pytest.raises(OSError, match="the builder's own disk"):
            load(cache, fail)
    with pytest.raises(FileNotFoundError, match="libnvinfer"):
        cache.load_or_build(key(), Builder(), lambda _: Path("/libnvinfer").read_bytes(), label="the image encoder")
    assert not warnings()


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"SAYMASK_CACHE": "/data/engines", "XDG_CACHE_HOME": "/xdg"}, "/data/engines"),
        ({"SAYMASK_CACHE": "~/engines"}, "/home/robot/engines"),
        ({"SAYMASK_CACHE": "", "XDG_CACHE_HOME": "/xdg"}, "/xdg/saymask/engines"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/robot/.cache/saymask/engines"),
        ({}, "/home/robot/.cache/saymask/engines"),
    ],
)
def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], directory: str) -> None:
    for name in ("SAYMASK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/robot", **environment}.items():
        monkeypatch.setenv(name, value)
    assert EngineCache().directory == Path(directory)


def test_saymask_cache_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAYMASK_CACHE", str(tmp_path / "a" / "b"))
    load(EngineCache(), Builder())
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_a_limit_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(SaymaskError, match="at least 1 byte, got 0"):
        EngineCache(tmp_path, limit_bytes=0)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 4 * 10**9)), max_size=20),
    limit=st.integers(1, 6000),
)
def test_the_least_recently_used_go_whatever_the_clock_says(steps: list[tuple[str, int]], limit: int) -> None:
    """Against a list kept by hand, with a clock that jumps anywhere between 1970 and 2096 before each use."""
    plans = {name: name.encode() * size for name, size in zip("abcde", (1, 300, 900, 1500, 2500), strict=True)}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cache, expected, sizes = EngineCache(Path(folder), limit_bytes=limit), list[str](), dict[str, int]()
        for name, seconds in steps:
            patch.setattr(time, "time_ns", lambda now=seconds: now * 10**9)
            build = Builder(plans[name])
            assert load(cache, build, key(name)) == plans[name]
            assert build.builds == (name not in expected)
            if name in expected:
                expected.remove(name)
            expected.append(name)
            if build.builds:
                sizes[name] = (Path(folder) / f"{key(name).digest()}.engine").stat().st_size
                while sum(sizes[kept] for kept in expected) > limit and len(expected) > 1:
                    expected.pop(0)
            kept = [entry.key.graph_sha256 for entry in cache.entries() if entry.key]
            assert kept == expected[::-1]


def test_only_our_own_files_are_deleted(cache: EngineCache, engine: Path) -> None:
    others = ["notes.txt", "model.engine", f"{'a' * 63}.engine", f"{'a' * 64}.plan"]
    for name in others:
        engine.with_name(name).write_bytes(b"x" * 10_000)
    (engine.parent / f"{'b' * 64}.engine").mkdir()
    small = EngineCache(cache.directory, limit_bytes=1)
    load(small, Builder(), dataclasses.replace(key(), gpu="Thor"))
    for suffix in ("tmp", "lock"):  # as a killed builder leaves them
        engine.with_name(f"{'c' * 64}.{suffix}").write_bytes(b"")
    assert small.clear() == 1
    assert {path.name for path in engine.parent.iterdir()} == {*others, f"{'b' * 64}.engine"}


def test_timing_caches(cache: EngineCache, warnings: Warnings) -> None:
    orin = ("tensorrt", "10.3.0", "Orin")
    assert cache.timing_cache(*orin) == b""
    cache.store_timing_cache(*orin, b"first")
    cache.store_timing_cache(*orin, b"second")
    assert cache.timing_cache(*orin) == b"second"
    for other in (("tensorrt-rtx", "10.3.0", "Orin"), ("tensorrt", "10.4.0", "Orin"), ("tensorrt", "10.3.0", "Thor")):
        assert cache.timing_cache(*other) == b""
    assert not cache.entries()
    assert not warnings()
    assert cache.directory
    (file,) = cache.directory.iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert cache.timing_cache(*orin) == b""
    (warning,) = warnings()
    assert "the kept timing cache is not used, the build takes longer: it is damaged" in warning
    file.chmod(0o666)
    assert cache.timing_cache(*orin) == b""
    assert "others may write" in warnings()[0]
    assert cache.clear() == 1


def test_a_timing_cache_is_stored_in_mid_build(cache: EngineCache) -> None:
    def build() -> bytes:
        cache.store_timing_cache("tensorrt", "10.3.0", "Orin", b"timings")
        return PLAN

    assert load(cache, build) == PLAN
    assert cache.timing_cache("tensorrt", "10.3.0", "Orin") == b"timings"


def test_what_the_doctor_is_told(cache: EngineCache, engine: Path) -> None:
    before = time.time()
    load(cache, Builder(), dataclasses.replace(key(), gpu="Thor"))
    broken = engine.with_name(f"{'0' * 64}.engine")
    broken.write_bytes(engine.read_bytes())
    foreign = engine.with_name(f"{'1' * 64}.engine")
    header = json.loads(engine.read_bytes().partition(b"\n")[0])
    del header["key"]["gpu"]
    foreign.write_bytes(json.dumps(header).encode() + b"\n" + PLAN)
    entries = {entry.path: entry for entry in cache.entries()}
    assert len(entries) == 4
    assert (entries[engine].key, entries[engine].fault) == (key(), "")
    assert entries[engine].size_bytes == engine.stat().st_size
    assert before - 60 < entries[engine].last_used < time.time() + 60
    assert entries[broken].fault == "its name is that of another engine"
    assert (entries[foreign].key, entries[foreign].fault) == (None, "its key is not one of this saymask")


def test_nothing_kept_yet(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines")
    assert (cache.entries(), cache.clear()) == ((), 0)
    assert not (tmp_path / "engines").exists()


def test_an_engine_in_use_since_it_was_listed_is_not_evicted(cache: EngineCache, engine: Path) -> None:
    with CacheFolder(engine.parent) as folder:
        (listed,) = folder.files()
        load(cache, Builder())
        assert not folder.discard(listed)
        assert folder.discard(*folder.files())
    assert not engine.exists()


def test_a_lock_whose_file_was_deleted_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder deletes it in the moment between our opening and locking it: a third could lock a new one as well."""
    stem = "a" * 64
    flock, deletions = fcntl.flock, iter([tmp_path / f"{stem}.lock"])

    def delete_then_lock(descriptor: int, operation: int) -> None:
        for path in deletions:
            path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_then_lock)
    with (
        CacheFolder(tmp_path) as folder,
        folder.lock(stem, lambda: None),
        (tmp_path / f"{stem}.lock").open() as other,
        pytest.raises(BlockingIOError),
    ):
        flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not list(tmp_path.iterdir())


def test_without_a_lock_nothing_is_written(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    engine.unlink()
    engine.with_suffix(".lock").mkdir()
    assert load(cache, Builder()) == PLAN
    (warning,) = warnings()
    assert "Is a directory" in warning
    assert not engine.exists()


@AS_ROOT
def test_an_engine_that_cannot_be_evicted(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    done = subprocess.run(["chattr", "+i", str(engine)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file can be made immutable here: {done.stderr.strip()}")
    try:
        other, build = dataclasses.replace(key(), gpu="Thor"), Builder()
        small = EngineCache(cache.directory, limit_bytes=1)
        assert [load(small, build, other) for _ in range(2)] == [PLAN] * 2
        assert (build.builds, engine.exists()) == (1, True)
        assert not warnings()
    finally:
        subprocess.run(["chattr", "-i", str(engine)], check=True)


def test_a_key_that_would_not_be_read_back(cache: EngineCache, warnings: Warnings) -> None:
    assert load(cache, Builder(), dataclasses.replace(key(), profiles="N" * 100_000)) == PLAN
    (warning,) = warnings()
    assert "it is larger than what is ever read back (64 KiB of key, 4 GiB of plan)" in warning
    assert cache.directory
    assert not list(cache.directory.iterdir())


def test_a_file_is_on_the_disk_before_it_bears_its_name(
    cache: EngineCache, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is the old engine or the new one, never a name without content."""
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        events.append(f"fsync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).suffix or 'folder'}")
        fsync(descriptor)

    def watched_replace(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        events.append("replace")
        replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    load(cache, Builder(), dataclasses.replace(key(), gpu="Thor"))
    assert events == ["fsync .tmp", "replace", "fsync folder"]

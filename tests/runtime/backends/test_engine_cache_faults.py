"""Damaged, foreign and unsafe engines are never loaded; a full or read-only disk costs a build at the next start."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime import SaymaskError
from runtime.backends.engine_cache import EngineCache
from tests.runtime.backends.engine_cache_helpers import AS_ROOT, OTHER_PLAN, Builder, Mount, Warnings, load, rebuilt
from tests.runtime.backends.engine_cache_worker import PLAN, key


def test_an_engine_of_another_version_under_this_name(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    other = dataclasses.replace(key(), version="10.13.3")
    load(cache, Builder(), other)
    os.replace(engine.with_name(f"{other.digest()}.engine"), engine)
    assert "it was made for another version: '10.13.3', wanted '10.3.0'" in rebuilt(cache, warnings)


def test_truncated_wherever(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    content = engine.read_bytes()
    header = content.index(b"\n") + 1
    for length, reason in (
        (0, "first line has no end"),
        (1, "first line has no end"),
        (header - 1, "first line has no end"),
        (header, f"truncated: 0 bytes follow its header, which promises {len(PLAN)}"),
        (header + 1, "truncated: 1 bytes"),
        (header + 4096, "truncated: 4096 bytes"),
        (len(content) - 1, f"truncated: {len(PLAN) - 1} bytes"),
    ):
        engine.write_bytes(content[:length])
        assert reason in rebuilt(cache, warnings)


def test_something_appended(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    engine.write_bytes(engine.read_bytes() + b"\0")
    assert f"{len(PLAN) + 1} bytes follow" in rebuilt(cache, warnings)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_wherever(cache: EngineCache, data: st.DataObject) -> None:
    assert cache.directory
    engine = cache.directory / f"{key().digest()}.engine"
    engine.unlink(missing_ok=True)
    load(cache, Builder())
    content = bytearray(engine.read_bytes())
    header = content.index(b"\n") + 1
    place = data.draw(st.one_of(st.integers(0, header), st.integers(0, len(content) - 1)))
    content[place] ^= data.draw(st.integers(1, 255))
    engine.write_bytes(content)
    build = Builder(OTHER_PLAN)
    assert load(cache, build) == OTHER_PLAN


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x02\x01\x01" + b"\0" * 100, "first line has no end"),
        (b"a letter\nto somebody\n", "it is no engine of saymask"),
        (b"[]\n", "it is no engine of saymask"),
        (b"[" * 50_000 + b"\n", "it is no engine of saymask"),
        (b"9" * 50_000 + b"\n", "it is no engine of saymask"),
        (b"x" * 100_000 + b"\n", "first line has no end"),
        (b'{"magic":"saymask-engine","format":2}\n', "its format is 2, this saymask reads 1"),
        (b'{"magic":"saymask-engine","format":1}\n', "its header is damaged"),
        (b'{"magic":"saymask-engine","format":1,"bytes":1e2,"sha256":"","key":{}}\n', "its header is damaged"),
        (b'{"magic":"saymask-engine","format":1,"bytes":-1,"sha256":"","key":{}}\n', "its header is damaged"),
        (b'{"magic":"saymask-engine","format":1,"bytes":0,"sha256":0,"key":{}}\n', "its header is damaged"),
        (b'{"magic":"saymask-engine","format":1,"bytes":0,"sha256":"","key":[]}\n', "its header is damaged"),
        (b'{"magic":"saymask-engine","format":1,"bytes":9999999999999,"sha256":"","key":{}}\n', "header is damaged"),
    ],
)
def test_foreign_content(cache: EngineCache, engine: Path, warnings: Warnings, content: bytes, reason: str) -> None:
    engine.write_bytes(content)
    assert reason in rebuilt(cache, warnings)


def test_a_sparse_file_larger_than_memory_is_not_read(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    header = engine.read_bytes().index(b"\n") + 1
    os.truncate(engine, 1 << 40)
    assert f"it is damaged: {(1 << 40) - header} bytes follow its header, which promises" in rebuilt(cache, warnings)


@AS_ROOT
def test_an_engine_that_cannot_be_read(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    """A bad block: nobody can read the memory at address 0."""
    command = ["mount", "--bind", f"/proc/{os.getpid()}/mem", str(engine)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no unreadable file can be mounted here: {done.stderr.strip()}")
    try:
        build = Builder(OTHER_PLAN)
        assert load(cache, build) == OTHER_PLAN
        refused, unkept = warnings()
        assert refused.endswith("it cannot be read: Input/output error")
        assert "Device or resource busy" in unkept
    finally:
        subprocess.run(["umount", str(engine)], check=True)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_engine_that_others_may_write(cache: EngineCache, engine: Path, warnings: Warnings, mode: int) -> None:
    engine.chmod(mode)
    assert f"others may write to it (mode 0{mode:o})" in rebuilt(cache, warnings)
    assert engine.stat().st_mode & 0o777 == 0o600


@AS_ROOT
def test_an_engine_of_another_owner(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    os.chown(engine, 54321, 54321)
    assert "it belongs to uid 54321, saymask runs as uid 0" in rebuilt(cache, warnings)
    assert engine.stat().st_uid == 0


def test_an_engine_is_never_a_link_or_a_pipe(cache: EngineCache, engine: Path, warnings: Warnings) -> None:
    elsewhere = engine.with_name("elsewhere")
    engine.rename(elsewhere)
    engine.symlink_to(elsewhere)
    assert "it is a symbolic link" in rebuilt(cache, warnings)
    assert not engine.is_symlink()
    assert PLAN in elsewhere.read_bytes()
    engine.unlink()
    os.mkfifo(engine)
    assert "it is not a plain file" in rebuilt(cache, warnings)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
@pytest.mark.parametrize("linked", [False, True])
def test_a_folder_that_others_may_write(cache: EngineCache, engine: Path, mode: int, linked: bool) -> None:
    """Nothing is loaded, nothing is built, nothing is written: the user is to decide."""
    directory = engine.parent
    if linked:
        directory = directory.with_name("link")
        directory.symlink_to(engine.parent)
    engine.parent.chmod(mode)
    build, unsafe = Builder(), EngineCache(directory)
    for ask in (
        lambda: load(unsafe, build),
        lambda: unsafe.timing_cache("tensorrt", "10.3.0", "Orin"),
        lambda: unsafe.store_timing_cache("tensorrt", "10.3.0", "Orin", b""),
        unsafe.entries,
        unsafe.clear,
    ):
        with pytest.raises(
            SaymaskError, match=rf"others may write to it \(mode {mode:04o}\); run: chmod go-w"
        ) as caught:
            ask()
        assert str(directory) in str(caught.value)
    assert build.builds == 0
    assert [path.name for path in engine.parent.iterdir()] == [engine.name]
    engine.parent.chmod(0o755)
    assert load(unsafe, build) == PLAN
    assert build.builds == 0


@AS_ROOT
def test_a_folder_of_another_owner(cache: EngineCache, engine: Path) -> None:
    os.chown(engine.parent, 54321, 54321)
    with pytest.raises(SaymaskError, match="it belongs to uid 54321, saymask runs as uid 0"):
        load(cache, Builder())


def test_an_engine_that_is_swapped_while_it_is_checked(
    cache: EngineCache, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check of the owner and the reading, another file takes the name: the checked one is read."""
    forged = engine.with_name("forged")
    forged.write_bytes(b"code of an attacker")
    fdopen = os.fdopen

    def swap_then_open(*arguments: object) -> object:
        forged.replace(engine)
        return fdopen(*arguments)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fdopen", swap_then_open)
    assert load(cache, Builder(OTHER_PLAN)) == PLAN


def test_a_folder_that_is_swapped_while_it_builds(cache: EngineCache, engine: Path) -> None:
    """What is written goes where it was checked, not into a folder that took its place."""
    safe, other = engine.parent.with_name("safe"), dataclasses.replace(key(), gpu="Thor")

    def build() -> bytes:
        engine.parent.rename(safe)
        engine.parent.mkdir()
        return PLAN

    load(cache, build, other)
    assert not list(engine.parent.iterdir())
    assert {path.name for path in safe.iterdir()} == {engine.name, f"{other.digest()}.engine"}


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=1"])
def test_disk_full(mount: Mount, warnings: Warnings, options: str) -> None:
    """The engine is used all the same; what was kept before stays whole; one warning for all engines."""
    disk = mount(options)
    cache, large = EngineCache(disk), Builder(b"x" * 100_000)
    assert load(cache, large) == large.plan
    assert load(cache, large, dataclasses.replace(key(), gpu="Thor")) == large.plan
    assert large.builds == 2
    (warning,) = warnings()
    assert f"engines cannot be kept and will be built again at the next start: {disk}: No space left" in warning
    assert "SAYMASK_CACHE" in warning
    assert not list(disk.iterdir())


def test_disk_full_keeps_what_was_there(mount: Mount, warnings: Warnings) -> None:
    disk = mount("size=64k")
    cache = EngineCache(disk)
    load(cache, Builder())
    load(cache, Builder(b"x" * 100_000), dataclasses.replace(key(), gpu="Thor"))
    assert len(warnings()) == 1
    build = Builder()
    assert load(cache, build) == PLAN
    assert build.builds == 0
    assert len(list(disk.iterdir())) == 1


def test_a_read_only_cache_is_used_and_not_written(mount: Mount, warnings: Warnings) -> None:
    disk = mount("size=64k")
    load(EngineCache(disk), Builder())
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    cache, build = EngineCache(disk), Builder()
    assert load(cache, build) == PLAN
    assert build.builds == 0
    assert not warnings()
    assert load(cache, build, dataclasses.replace(key(), gpu="Thor")) == PLAN
    assert build.builds == 1
    (warning,) = warnings()
    assert "Read-only file system" in warning
    cache.store_timing_cache("tensorrt", "10.3.0", "Orin", b"timings")
    assert not warnings()
    with pytest.raises(SaymaskError, match="Read-only file system"):
        cache.clear()


def test_no_folder_can_be_made(tmp_path: Path, warnings: Warnings) -> None:
    (tmp_path / "file").write_text("not a folder")
    for directory in (tmp_path / "file", tmp_path / "file" / "engines"):
        cache, build = EngineCache(directory), Builder()
        assert load(cache, build) == PLAN
        assert (len(warnings()), build.builds) == (1, 1)
        assert cache.timing_cache("tensorrt", "10.3.0", "Orin") == b""
        assert (cache.entries(), cache.clear()) == ((), 0)

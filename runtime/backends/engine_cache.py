"""Engines that were built are kept, and used again only where they are sound, our own, and made for exactly this.

Building takes minutes on a Jetson, so two processes that want one engine share one build; a process that is killed
leaves nothing that a later one would load. What cannot be kept is still used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from runtime.backends.cache_folder import CacheFolder, FolderUnavailable, KeptFile
from runtime.backends.engine_file import (
    EngineKey,
    EngineRefused,
    Kept,
    check_identity,
    digest_of,
    header_of,
    read_file,
)
from runtime.errors import SaymaskError

__all__ = ["CachedEngine", "EngineCache", "EngineKey", "EngineRefused"]

_log = logging.getLogger("saymask")
_T = TypeVar("_T")


@dataclass(frozen=True)
class CachedEngine:
    """One engine file, for `saymask doctor`. `fault` says why it would not be used, "" where it is sound."""

    path: Path
    size_bytes: int
    last_used: float  # seconds since 1970 by the clock of that time, which may have been wrong
    key: EngineKey | None
    fault: str


class EngineCache:
    """A folder of engines and timing caches. Several processes may use it at once."""

    def __init__(self, directory: Path | None = None, *, limit_bytes: int = 2 << 30) -> None:
        """`directory` (None: $SAYMASK_CACHE, else saymask/engines in the user's cache) is made when first needed.

        When more than `limit_bytes` are kept, the least recently used go; an engine just stored stays, even one that
        is larger alone.
        """
        if limit_bytes < 1:
            raise SaymaskError(f"the engine cache must be allowed at least 1 byte, got {limit_bytes}")
        self.directory = directory.absolute() if directory else default_directory()
        """None where this account has no home directory; then nothing is kept."""
        self.limit_bytes = limit_bytes
        self._told: set[str] = set()

    def load_or_build(
        self, key: EngineKey, build: Callable[[], bytes], accept: Callable[[bytes], _T], *, label: str
    ) -> _T:
        """What `accept` makes of the plan kept for `key`; where there is none, of the plan that `build` makes.

        `accept` deserialises a plan and tests it, and raises EngineRefused where it will not do: one warning then says
        why a kept plan is built again; a fresh one raises, and is not kept. Raises SaymaskError where the folder is
        somebody else's or open to others. Where it cannot be written to, one warning says so and nothing is kept.
        """
        lookup = _Lookup(f"{key.digest()}.engine", asdict(key), accept)
        with ExitStack() as held:
            folder = None
            try:
                folder = held.enter_context(self._folder())
                if lookup.succeeds(folder):
                    return lookup.value
                held.enter_context(folder.lock(key.digest(), lambda: _tell_waiting(f"the engine of {label}")))
                if lookup.succeeds(folder):  # another process has built it meanwhile
                    return lookup.value
            except FolderUnavailable as fault:
                folder = None
                self._tell_unkept(fault)
            if lookup.refusal:
                _log.warning("the kept engine of %s is not used, a new one is built: %s", label, lookup.refusal)
            plan = build()
            accepted = accept(plan)
            if folder:
                self._keep(folder, lookup.name, lookup.identity, plan)
            return accepted

    def timing_cache(self, flavour: str, version: str, gpu: str) -> bytes:
        """TensorRT's timing cache as it was stored, b"" where there is none that can be used. Raises as above."""
        name, identity = _timing_file(flavour, version, gpu)
        try:
            with self._folder() as folder:
                return _read(folder, name, identity).content
        except EngineRefused as refusal:
            _log.warning("the kept timing cache is not used, the build takes longer: %s", refusal)
        except (FileNotFoundError, FolderUnavailable):
            pass  # a folder that cannot be used is told when something is to be kept in it
        return b""

    def store_timing_cache(self, flavour: str, version: str, gpu: str, content: bytes) -> None:
        """Keep TensorRT's timing cache in place of an older one; one warning where it cannot be kept."""
        name, identity = _timing_file(flavour, version, gpu)
        try:
            with self._folder() as folder, folder.lock(digest_of(identity), lambda: _tell_waiting("the timing cache")):
                self._keep(folder, name, identity, content)
        except FolderUnavailable as fault:
            self._tell_unkept(fault)

    def entries(self) -> tuple[CachedEngine, ...]:
        """Every engine kept, last used first, read in full and compared with its header. Raises SaymaskError."""
        if self.directory is None or not os.path.isdir(self.directory):
            return ()
        with self._folder() as folder:
            return tuple(_entry(folder, file) for file in reversed(folder.files()) if file.name.endswith(".engine"))

    def clear(self) -> int:
        """Delete what is kept, but for what a running build holds; returns the number of files. Raises SaymaskError."""
        if self.directory is None or not os.path.isdir(self.directory):
            return 0
        with self._folder() as folder:
            folder.sweep()
            return sum(folder.discard(file) for file in folder.files())

    def _folder(self) -> CacheFolder:
        if self.directory is None:
            raise FolderUnavailable("this account has no home directory")
        return CacheFolder(self.directory)

    def _keep(self, folder: CacheFolder, name: str, identity: Mapping[str, str], content: bytes) -> None:
        """Write a file, whose lock the caller holds, and make room for it. Told, not raised, where it cannot be."""
        folder.sweep()
        try:
            folder.write(name, header_of(identity, content), content)
        except (FolderUnavailable, EngineRefused) as fault:
            self._tell_unkept(fault)
            return
        with suppress(FolderUnavailable):  # too much is kept then, which is no reason to lose what was just built
            files = folder.files()
            excess = sum(file.size for file in files) - self.limit_bytes
            for file in files:
                if excess > 0 and folder.discard(file):  # not what was just written: its lock is held
                    excess -= file.size

    def _tell_unkept(self, fault: SaymaskError) -> None:
        """Once per reason: three engines and a timing cache that do not fit on a disk are one fault."""
        if str(fault) not in self._told:
            self._told.add(str(fault))
            _log.warning(
                "engines cannot be kept and will be built again at the next start: %s; free space there, or set "
                "SAYMASK_CACHE to a folder that can be written to",
                fault,
            )


class _Lookup(Generic[_T]):
    """Looks for one engine, with and without its lock; `accept` is asked once about each plan that it finds."""

    value: _T

    def __init__(self, name: str, identity: Mapping[str, str], accept: Callable[[bytes], _T]) -> None:
        self.name, self.identity = name, identity
        self.refusal = ""
        """Why the file that is there is not used, with its path; "" where there is none."""
        self._accept = accept
        self._refused: set[str] = set()  # SHA-256 of plans

    def succeeds(self, folder: CacheFolder) -> bool:
        """Whether `value` is there now. Otherwise `refusal` says why."""
        try:
            kept = _read(folder, self.name, self.identity)
        except FileNotFoundError:
            self.refusal = ""
            return False
        except EngineRefused as refusal:
            self.refusal = f"{folder.path / self.name}: {refusal}"
            return False
        if kept.sha256 in self._refused:
            return False
        try:
            self.value = self._accept(kept.content)
        except EngineRefused as refusal:
            self._refused.add(kept.sha256)
            self.refusal = f"{folder.path / self.name}: {refusal}"
            return False
        return True


def default_directory() -> Path | None:
    """$SAYMASK_CACHE, else saymask/engines in $XDG_CACHE_HOME or ~/.cache; None where there is no home directory."""
    caches = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(caches):  # the XDG Base Directory Specification: a relative path is invalid, ignore it
        caches = "~/.cache"
    chosen = os.environ.get("SAYMASK_CACHE") or f"{caches}/saymask/engines"
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError:
        return None


def _read(folder: CacheFolder, name: str, identity: Mapping[str, str]) -> Kept:
    """Raises FileNotFoundError, and EngineRefused where the file is unsafe, damaged or made for something else."""
    with folder.open(name) as stream:
        kept = read_file(stream)
        check_identity(kept, identity)
        folder.touch(stream)
    return kept


def _entry(folder: CacheFolder, file: KeptFile) -> CachedEngine:
    key, fault = None, ""
    try:
        with folder.open(file.name) as stream:
            key = read_file(stream).key()
        if key.digest() != file.stem:
            fault = "its name is that of another engine"
    except FileNotFoundError:
        fault = "it was deleted just now"
    except EngineRefused as refusal:
        fault = str(refusal)
    return CachedEngine(folder.path / file.name, file.size, file.last_used_ns / 1e9, key, fault)


def _timing_file(flavour: str, version: str, gpu: str) -> tuple[str, dict[str, str]]:
    identity = {"timing_cache_of": flavour, "version": version, "gpu": gpu}
    return f"{digest_of(identity)}.timing", identity


def _tell_waiting(label: str) -> None:
    _log.warning("another process is building %s; waiting for it", label)

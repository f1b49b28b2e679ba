"""The folder of the engine cache: nothing in it may come from anybody else, and nothing is left in it half-written.

Deserialising an engine runs code, so whoever can write one runs code on the robot. The folder is opened once, checked
through its descriptor, and everything in it is reached through that descriptor: a folder or file that is swapped for
another between check and use is never followed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from runtime.backends.engine_file import EngineRefused
from runtime.errors import SaymaskError

_NAME = re.compile(r"([0-9a-f]{64})\.(engine|timing|tmp|lock)")  # what is not called so is not ours to delete
_KEPT = ("engine", "timing")
_PATIENCE_S = 1.0  # how long another process may hold a lock before it is worth a line
_POLL_S = 0.05
_TICK_NS = 10**9  # file systems keep times to the second, some to the nanosecond


class FolderUnavailable(SaymaskError):
    """Nothing can be kept there: no such folder, a read-only or full disk, no permission."""


class KeptFile(NamedTuple):
    """One file of the cache. `last_used_ns` only orders the files (see `CacheFolder.next_stamp`)."""

    last_used_ns: int
    stem: str
    name: str
    size: int


class CacheFolder:
    """An open cache folder; a context manager. Every file's stem has a lock (flock) that its writer holds.

    A lock's file is unlinked by its holder, so whoever gets a lock asks whether the file still bears the name.
    """

    def __init__(self, path: Path) -> None:
        """Open the folder, made for its owner alone (0700) where it is missing.

        Raises FolderUnavailable, and SaymaskError where it belongs to, or may be written by, anybody else.
        """
        self.path = path
        with _unavailable(path):
            for folder in reversed((path, *path.parents)):
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        reason = _distrust(os.fstat(self._descriptor))
        if reason:
            os.close(self._descriptor)
            raise SaymaskError(
                f"the engine cache {path} is not used, loading an engine runs code: {reason}; run: chmod go-w {path} "
                "where it is your own, else set SAYMASK_CACHE to a folder that only you can write to"
            )

    def __enter__(self) -> CacheFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def open(self, name: str) -> BinaryIO:
        """Open a file to read. Raises FileNotFoundError, and EngineRefused where it is not a plain file of our own."""
        # O_NONBLOCK: opening a FIFO must not wait for its writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, dir_fd=self._descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = "it is a symbolic link" if error.errno == errno.ELOOP else f"it cannot be read: {error.strerror}"
            raise EngineRefused(reason) from error
        status = os.fstat(descriptor)
        untrusted = _distrust(status) if stat.S_ISREG(status.st_mode) else "it is not a plain file"
        if untrusted:
            os.close(descriptor)
            raise EngineRefused(untrusted)
        return os.fdopen(descriptor, "rb")

    def touch(self, stream: BinaryIO) -> None:
        """Note that a file is in use now. A read-only folder cannot, and evicts nothing either."""
        with suppress(OSError, FolderUnavailable):
            stamp = self.next_stamp()
            os.utime(stream.fileno(), ns=(stamp, stamp))

    def next_stamp(self) -> int:
        """Nanoseconds, later than any file's last use even where the clock was set back (a Jetson wakes in 1970)."""
        return max([time.time_ns(), *(file.last_used_ns + _TICK_NS for file in self.files())])

    def files(self) -> list[KeptFile]:
        """Engines and timing caches, least recently used first. Raises FolderUnavailable."""
        found = []
        with _unavailable(self.path):
            for name in self._names(_KEPT):
                with suppress(FileNotFoundError):  # deleted since it was listed
                    status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        found.append(KeptFile(status.st_mtime_ns, name.partition(".")[0], name, status.st_size))
        return sorted(found)

    def write(self, name: str, *parts: bytes) -> None:
        """Keep a file, whole or not at all, also over a power cut. The caller holds the lock of its stem.

        Raises FolderUnavailable.
        """
        temporary = f"{name.partition('.')[0]}.tmp"
        self._remove(temporary)  # of a writer that was killed: we hold its lock
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _unavailable(self.path):
            stamp = self.next_stamp()
            descriptor = os.open(temporary, flags, 0o600, dir_fd=self._descriptor)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.writelines(parts)
                    stream.flush()
                    os.utime(descriptor, ns=(stamp, stamp))
                    os.fsync(descriptor)
                os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
            except BaseException:
                self._remove(temporary)
                raise
        with suppress(OSError):  # some network file systems refuse it for folders; the file is there all the same
            os.fsync(self._descriptor)

    def discard(self, file: KeptFile) -> bool:
        """Delete a file, unless its stem is locked or it was used since it was listed. Returns whether it was deleted.

        Raises FolderUnavailable.
        """
        with _unavailable(self.path), self._hold(file.stem) as held:
            deleted = held and file in self.files()
            if deleted:
                os.unlink(file.name, dir_fd=self._descriptor)
        return deleted

    def sweep(self) -> None:
        """Delete what killed writers left: temporary files and locks that nobody holds."""
        with suppress(OSError, FolderUnavailable):
            for stem in {name.partition(".")[0] for name in self._names(("tmp", "lock"))}:
                with self._hold(stem) as held:
                    if held:
                        self._remove(f"{stem}.tmp")

    @contextmanager
    def lock(self, stem: str, notice: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of a stem. `notice` is called once where another process holds it for longer than a second.

        Raises FolderUnavailable.
        """
        with self._hold(stem, notice):
            yield

    @contextmanager
    def _hold(self, stem: str, notice: Callable[[], None] | None = None) -> Iterator[bool]:
        """Yields whether the lock is held: without a `notice`, somebody else's is not waited for."""
        deadline = time.monotonic() + _PATIENCE_S
        name, flags = f"{stem}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            with _unavailable(self.path):
                descriptor = os.open(name, flags, 0o600, dir_fd=self._descriptor)
            try:
                if _try_flock(descriptor, self.path):
                    if self._is_named(descriptor, name):
                        try:
                            yield True
                        finally:
                            self._remove(name)
                        return
                elif notice is None:
                    yield False
                    return
                elif time.monotonic() >= deadline:
                    notice()
                    deadline = float("inf")
                else:
                    time.sleep(_POLL_S)
            finally:
                os.close(descriptor)  # and with it the lock

    def _is_named(self, descriptor: int, name: str) -> bool:
        with _unavailable(self.path):
            try:
                named = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return False
            return os.path.samestat(named, os.fstat(descriptor))

    def _names(self, suffixes: tuple[str, ...]) -> list[str]:
        matches = map(_NAME.fullmatch, os.listdir(self._descriptor))
        return [match.group() for match in matches if match and match.group(2) in suffixes]

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=self._descriptor)


def _distrust(status: os.stat_result) -> str:
    """Why a file or folder of this status could hold somebody else's code; "" where it could not."""
    if status.st_uid != os.geteuid():
        return f"it belongs to uid {status.st_uid}, saymask runs as uid {os.geteuid()}"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to it (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def _try_flock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # a file system without locks
        raise FolderUnavailable(f"{path}: {error.strerror}") from error
    return True


@contextmanager
def _unavailable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FolderUnavailable(f"{path}: {error.strerror}") from error

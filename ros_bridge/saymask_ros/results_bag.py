"""Writes results without ROS: a rosbag2 recording that Foxglove opens, a video or pictures. All of it or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from rosbags.interfaces import Connection
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, WriterError

from runtime.errors import SaymaskError
from runtime.vision.files import VideoWriter, write_picture
from saymask_ros.messages import RosbagsTypes, typestore

_BAG_VERSION: Literal[8] = 8
"""Of metadata.yaml: 9 writes QoS in a form that Humble does not read, later ROS reads both."""
_STORAGE = {".mcap": StoragePlugin.MCAP, ".db3": StoragePlugin.SQLITE3, "": StoragePlugin.MCAP}


class ResultsBag:
    """A new recording under a temporary name, which takes its own when the `with` block ends without an error."""

    def __init__(self, path: Path, types: RosbagsTypes) -> None:
        """`path`: a .mcap or .db3 file, or without a suffix a folder with metadata.yaml, for `ros2 bag play`.

        Raises SaymaskError where there is something of that name, or where nothing can be written.
        """
        check_new(path, "--out", tuple(_STORAGE))
        self._path, self._types = path, types
        self._temporary = _temporary(path)
        self._connections: dict[str, Connection] = {}
        self._writer = Writer(self._temporary / path.stem, version=_BAG_VERSION, storage_plugin=_STORAGE[path.suffix])
        if path.suffix != ".db3":  # sqlite3 has no compression of its own
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)

    def add(self, topic: str, type_name: str) -> None:
        """Announce a topic, before the first message of any."""
        store = typestore(self._types.distribution)

        def add() -> None:
            self._connections[topic] = self._writer.add_connection(topic, type_name, typestore=store)

        _told(self._path, add)

    def write(self, topic: str, recorded_ns: int, message: Any) -> None:
        """Append a message to a topic that was announced. Raises SaymaskError, such as for a full disk."""
        cdr = self._types.serialise(message)
        _told(self._path, lambda: self._writer.write(self._connections[topic], recorded_ns, cdr))

    def __enter__(self) -> ResultsBag:
        try:
            _told(self._path, self._writer.open)
        except SaymaskError:
            shutil.rmtree(self._temporary, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                _told(self._path, self._writer.close)
                written = self._temporary / self._path.stem
                if self._path.suffix:
                    written /= self._path.name
                _told(self._path, lambda: _name(written, self._path))
            else:
                self._writer.abort()
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)


class OverlayFiles:
    """Pictures of the answers: a video (.mp4, .avi), or without a suffix a folder of PNGs; as `ResultsBag` takes it."""

    def __init__(self, path: Path, rate: float) -> None:
        """`rate`: of a video, in frames per second."""
        check_new(path, "--overlay", (".mp4", ".avi", ""))
        self._path = path
        temporary = _temporary(path)
        self._temporary = temporary.with_name(temporary.name + path.suffix)
        self._video = VideoWriter(self._temporary, rate) if path.suffix else None
        self._count = 0

    def write(self, picture: npt.NDArray[np.uint8]) -> None:
        """Append one picture, uint8 (h, w, 3) RGB, each of the same size."""
        self._count += 1
        if self._video:
            self._video.write(picture)
        else:
            write_picture(self._temporary / f"{self._count:06d}.png", picture)

    def __enter__(self) -> OverlayFiles:
        if not self._video:
            _told(self._path, self._temporary.mkdir)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._video:
                self._video.__exit__(kind, error, trace)
            if error is None and self._count:
                _told(self._path, lambda: _name(self._temporary, self._path))
        finally:
            if self._temporary.is_dir():
                shutil.rmtree(self._temporary, ignore_errors=True)
            else:
                self._temporary.unlink(missing_ok=True)


def check_new(path: Path, option: str, suffixes: tuple[str, ...]) -> None:
    """Raises SaymaskError where `path` cannot become a new file or folder with one of `suffixes` ("": a folder)."""
    if path.suffix not in suffixes:
        names = [f"a name in {suffix}" if suffix else "a folder (a name without a dot)" for suffix in suffixes]
        raise SaymaskError(f"{option} takes {' or '.join(names)}, got {path}")
    if path.exists():
        raise SaymaskError(f"{path} exists already; remove it, or give another name to {option}")
    if not path.parent.is_dir():
        raise SaymaskError(f"cannot write {path}: the folder {path.parent} does not exist; create it first")


def _told(path: Path, act: Callable[[], object]) -> None:
    """`act`, whose faults are told as those of `path`."""
    try:
        act()
    except (OSError, sqlite3.Error, WriterError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SaymaskError(f"cannot write {path}: {reason}") from error


def _name(written: Path, path: Path) -> None:
    """Give what was written its own name, unless something else has taken it meanwhile."""
    if path.exists():
        raise SaymaskError(f"{path} has come into being meanwhile and is left as it is; run again with another name")
    written.rename(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")

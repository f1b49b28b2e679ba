"""Pictures, videos and cameras in; pictures, videos and JSON out. A fault is a SaymaskError that names the file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import LARGEST_SIDE, Frame
from runtime.errors import SaymaskError

Picture = npt.NDArray[np.uint8]

_MAX_BYTES = 256 << 20
_FOURCC = {".mp4": "mp4v", ".avi": "MJPG"}
_DEFAULT_RATE = 25.0  # frames per second, for cameras that do not say


def read_picture(path: Path) -> Frame:
    """A picture file (PNG, JPEG, WebP, BMP, TIFF...) as a Frame; grey becomes RGB, alpha goes, 16 bits become 8."""
    if not path.is_file():
        raise SaymaskError(f"the picture {path} {'is not a file' if path.exists() else 'does not exist'}")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SaymaskError(f"the picture {path} has more than {_MAX_BYTES >> 20} MiB; make it smaller")
        content = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except OSError as error:
        raise SaymaskError(f"cannot read the picture {path}: {error.strerror}") from error
    except cv2.error as error:  # raised instead of None for pictures too large to decode
        raise SaymaskError(f"cannot decode the picture {path}: sides are at most {LARGEST_SIDE} pixels") from error
    if picture is None:
        raise SaymaskError(f"{path} is not a picture that can be decoded; expected a whole PNG or JPEG file")
    return Frame.from_array(picture, "bgr", camera_frame=path.name)


class VideoReader:
    """Frames of a video file or a camera (its number), stamped with the time they were read. Iterate once."""

    def __init__(self, source: Path | int) -> None:
        """Open it. Raises SaymaskError where there is no such file or camera."""
        if isinstance(source, Path) and not source.is_file():
            raise SaymaskError(f"the video {source} {'is not a file' if source.exists() else 'does not exist'}")
        self._name = f"camera {source}" if isinstance(source, int) else str(source)
        self._capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
        if not self._capture.isOpened():
            raise SaymaskError(f"cannot open {self._name}; expected a video that OpenCV decodes, or a connected camera")
        self.rate = self._capture.get(cv2.CAP_PROP_FPS) or _DEFAULT_RATE
        self.length = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        """Frames that the file says it has; 0 for a camera."""

    def __iter__(self) -> Iterator[Frame]:
        try:
            while True:
                there, picture = self._capture.read()
                if not there:
                    return
                yield Frame.from_array(
                    np.asarray(picture, np.uint8), "bgr", stamp_ns=time.time_ns(), camera_frame=self._name
                )
        finally:
            self._capture.release()


class VideoWriter:
    """Writes RGB pictures of one size to an .mp4 or .avi; a context manager that finishes the file."""

    def __init__(self, path: Path, rate: float) -> None:
        """`rate` in frames per second. The file is begun with the first picture."""
        if path.suffix.lower() not in _FOURCC:
            raise SaymaskError(f"cannot write the video {path}: expected a name in {' or '.join(_FOURCC)}")
        _check_folder(path)
        self._path, self._rate = path, rate
        self._writer: cv2.VideoWriter | None = None

    def write(self, picture: Picture) -> None:
        """Append one picture, uint8 (h, w, 3); an odd last row or column is dropped, codecs want even sides."""
        height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
        if self._writer is None:
            code = cv2.VideoWriter.fourcc(*_FOURCC[self._path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._path), code, self._rate, (width, height))
            if not self._writer.isOpened():
                raise SaymaskError(f"cannot write the video {self._path}; try a name in .avi")
        self._writer.write(np.ascontiguousarray(picture[:height, :width, ::-1]))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()


def check_picture_name(path: Path) -> None:
    """Raise SaymaskError where `write_picture` could not write to `path`: to be told before the work, not after it."""
    if not path.suffix or not cv2.haveImageWriter(path.name):
        raise SaymaskError(f"cannot write the picture {path}: expected a name in .png or .jpg")
    _check_folder(path)


def write_picture(path: Path, picture: Picture) -> None:
    """Write uint8 (h, w, 3) RGB or (h, w) grey, in the format that the name ends in."""
    check_picture_name(path)
    pixels = picture if picture.ndim == 2 else np.ascontiguousarray(picture[:, :, ::-1])
    done, content = cv2.imencode(path.suffix, pixels)
    if not done:
        raise SaymaskError(f"cannot write the picture {path}: expected a name in .png or .jpg")
    _write(path, content.tobytes())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as one line of JSON."""
    _check_folder(path)
    _write(path, (json.dumps(value) + "\n").encode())


def _check_folder(path: Path) -> None:
    if path.is_dir():
        raise SaymaskError(f"cannot write {path}: it is a directory; give the name of a file")
    if not path.parent.is_dir():
        raise SaymaskError(f"cannot write {path}: the folder {path.parent} does not exist; create it first")


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: under another name first."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SaymaskError(f"cannot write {path}: {error.strerror}") from error

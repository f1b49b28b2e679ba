"""The bytes of a sensor_msgs/Image as numpy arrays. No ROS import and no cv_bridge: any object with the fields will do.

Encodings as in ROS's `sensor_msgs/image_encodings.hpp`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import LARGEST_SIDE, SMALLEST_SIDE
from runtime.errors import SaymaskError

Octets = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]


class ConversionError(SaymaskError):
    """A message that cannot be what its type says; one line says why. The frame is dropped, nothing else happens."""


# OpenCV names a Bayer pattern after the second row's second and third pixel, ROS after the first row's first two: what
# ROS calls RGGB is OpenCV's BG. (OpenCV has names of its own for ROS's order only since 4.5.)
_BAYER = {
    "bayer_rggb8": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr8": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg8": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg8": cv2.COLOR_BayerGB2RGB,
}
_COLOUR: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    **{name: (1, code) for name, code in _BAYER.items()},
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUYV),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUYV),
}
"""Bytes of a pixel, and how OpenCV makes RGB of it; None where it is."""
# depth_image_proc takes mono16 for millimetres too.
_DEPTH = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4"}
COLOUR_ENCODINGS, DEPTH_ENCODINGS = tuple(_COLOUR), tuple(_DEPTH)
_MOST_QUOTED = 40


def colour_pixels(message: Any) -> Octets:
    """The RGB pixels of a sensor_msgs/Image, uint8 (h, w, 3), contiguous; of rgb8 without padding a view.

    Raises ConversionError for an encoding that is none of COLOUR_ENCODINGS, and wherever the sizes do not fit together.
    """
    if message.encoding not in _COLOUR:
        hint = "; this is a depth image, use another topic" if message.encoding in _DEPTH else ""
        raise ConversionError(
            f"the image's encoding is {quoted(message.encoding)}, expected one of {', '.join(_COLOUR)}{hint}"
        )
    pixel_bytes, code = _COLOUR[message.encoding]
    if pixel_bytes == 2 and message.width % 2:
        raise ConversionError(f"an image in {message.encoding} has an even width, this one {message.width}")
    rows = _rows(message, pixel_bytes)
    if code is None:
        return np.ascontiguousarray(rows.reshape(message.height, message.width, pixel_bytes))
    shape = (message.height, message.width, pixel_bytes) if pixel_bytes > 1 else (message.height, message.width)
    return np.asarray(cv2.cvtColor(rows.reshape(shape), code), np.uint8)


def bayer_pixels(mosaic: Octets, encoding: str) -> Octets:
    """The RGB pixels, uint8 (h, w, 3), of a mosaic uint8 (h, w) in one of ROS's bayer_...8. Raises ConversionError."""
    if encoding not in _BAYER:
        raise ConversionError(f"the mosaic's encoding is {quoted(encoding)}, expected one of {', '.join(_BAYER)}")
    return np.asarray(cv2.cvtColor(mosaic, _BAYER[encoding]), np.uint8)


def depth_metres(message: Any) -> Depth:
    """The depth of a sensor_msgs/Image, float32 (h, w) in metres; 0 where there is no reading.

    16UC1 (mono16) holds millimetres, 32FC1 metres. Raises ConversionError for another encoding, and wherever the sizes
    do not fit together.
    """
    if message.encoding not in _DEPTH:
        raise ConversionError(
            f"the depth image's encoding is {quoted(message.encoding)}, expected 16UC1 (millimetres) or 32FC1 (metres)"
        )
    kind = np.dtype(_DEPTH[message.encoding]).newbyteorder(">" if message.is_bigendian else "<")
    return in_metres(_rows(message, kind.itemsize).view(kind))


def in_metres(values: npt.NDArray[Any]) -> Depth:
    """A new float32 array in metres of unsigned millimetres or floating metres; 0 where a reading is no length."""
    if values.dtype.kind == "u":
        return np.asarray(np.multiply(values, np.float32(1e-3), dtype=np.float32))
    with np.errstate(invalid="ignore"):
        depth: Depth = values.astype(np.float32)
        # NaN: no reading; the infinities: too far and too near (REP 117).
        depth[~((depth > 0) & (depth < np.inf))] = 0
    return depth


def check_sides(width: int, height: int) -> None:
    """Raises ConversionError for an image that is empty, tiny or huge."""
    if not (SMALLEST_SIDE <= width <= LARGEST_SIDE and SMALLEST_SIDE <= height <= LARGEST_SIDE):
        raise ConversionError(
            f"the image is {width}x{height} pixels, each side must be {SMALLEST_SIDE}..{LARGEST_SIDE}"
        )


def quoted(text: str) -> str:
    """A sender's own words for an error line, which they shall not fill."""
    return repr(text if len(text) <= _MOST_QUOTED else text[:_MOST_QUOTED] + "...")


def octets_of(data: Any) -> Octets:
    """A `uint8[]` as rclpy (array.array), rosbags (numpy) or a test (bytes) hold it, uint8 (n,), not copied."""
    if isinstance(data, np.ndarray):
        if data.dtype != np.uint8 or data.ndim != 1:
            raise ConversionError(f"the image's data must be bytes, got {data.dtype} {data.shape}")
        return data
    try:
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise ConversionError(f"the image's data must be bytes, got {type(data).__name__}") from error


def _rows(message: Any, pixel_bytes: int) -> Octets:
    """The bytes of each row without its padding, uint8 (h, w * pixel_bytes): a view."""
    check_sides(message.width, message.height)
    row = message.width * pixel_bytes
    if message.step < row:
        raise ConversionError(
            f"the image's step is {message.step}, {message.width} pixels of {message.encoding} take {row} bytes"
        )
    data = octets_of(message.data)
    if data.size != message.height * message.step:
        raise ConversionError(
            f"the image's data hold {data.size} bytes, {message.height} rows of {message.step} "
            f"are {message.height * message.step}"
        )
    rows: Octets = data.reshape(message.height, message.step)[:, :row]
    return rows

"""The bytes of a sensor_msgs/CompressedImage (JPEG, PNG, compressedDepth) as numpy arrays.

A file's own header is read before it is decoded: a few hundred bytes may claim to be gigabytes of pixels, and what was
cut off on its way would be decoded to half a picture and half of grey.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from saymask_ros.pixels import ConversionError, Depth, Octets, bayer_pixels, check_sides, in_metres, octets_of, quoted

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a header with the picture's size (ITU-T T.81, table B.1)."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xd9"
_DEPTH_HEADER = struct.Struct("<iff")
"""compressed_depth_image_transport's: kind of compression, and two parameters of quantisation."""


def compressed_pixels(message: Any) -> Octets:
    """The RGB pixels of a JPEG or PNG in a sensor_msgs/CompressedImage, uint8 (h, w, 3). Raises ConversionError.

    `format` is as ROS's compressed_image_transport writes and reads it: "rgb8; jpeg compressed bgr8" and the like.
    """
    encoding, _, codec = message.format.partition(";")
    if "compressedDepth" in message.format:
        raise ConversionError(f"the image's format is {quoted(message.format)}, a depth image; use another topic")
    content = octets_of(message.data)
    if encoding.strip().startswith("bayer_"):
        return bayer_pixels(_decoded(content, cv2.IMREAD_GRAYSCALE), encoding.strip())
    # A picture that carries an orientation must not be turned: depth and intrinsics are not.
    picture = _decoded(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if "compressed rgb" in codec:  # red and blue were exchanged before compression, and are again by decoding
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def compressed_depth(message: Any) -> Depth:
    """The depth in a sensor_msgs/CompressedImage, float32 (h, w) in metres; 0 where there is no reading.

    "16UC1; compressedDepth png", "32FC1; compressedDepth png" and "16UC1; png compressed". Raises ConversionError.
    """
    encoding, _, codec = (part.strip() for part in message.format.partition(";"))
    content = octets_of(message.data)
    # compressed_depth_image_transport takes a format without a codec for PNG.
    if encoding not in ("16UC1", "32FC1") or "rvl" in codec or "jpeg" in codec:
        raise ConversionError(
            f"the depth image's format is {quoted(message.format)}, expected '16UC1; compressedDepth png'"
        )
    if "png compressed" in codec and encoding == "16UC1":
        return in_metres(_decoded_depth(content))
    if content.size <= _DEPTH_HEADER.size:
        raise ConversionError(f"the depth image's data hold {content.size} bytes, no PNG")
    _, slope, offset = _DEPTH_HEADER.unpack(content[: _DEPTH_HEADER.size].tobytes())
    values = _decoded_depth(content[_DEPTH_HEADER.size :])
    if encoding == "16UC1":
        return in_metres(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = np.float32(slope) / (values.astype(np.float32) - np.float32(offset))
    return in_metres(np.where(values == 0, np.float32(0), metres))


def _decoded_depth(content: Octets) -> npt.NDArray[Any]:
    values = _decoded(content, cv2.IMREAD_UNCHANGED)
    if values.dtype != np.uint16 or values.ndim != 2:
        raise ConversionError(f"the depth image's PNG must hold 16-bit grey, got {values.dtype} {values.shape}")
    return values


def _decoded(content: Octets, mode: int) -> npt.NDArray[Any]:
    width, height = _size(content)
    check_sides(width, height)
    try:
        picture = cv2.imdecode(content, mode)
    except cv2.error as error:
        raise ConversionError("the compressed image is broken and cannot be decoded") from error
    if picture is None or picture.shape[:2] != (height, width):
        raise ConversionError("the compressed image is broken and cannot be decoded")
    return np.asarray(picture)


def _size(content: Octets) -> tuple[int, int]:
    """Width and height that a whole JPEG or PNG says it has."""
    head = content[:24].tobytes()
    if head.startswith(_PNG):
        if len(head) < 24 or b"IEND" not in content[-64:].tobytes():
            raise ConversionError("the PNG was cut off")
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head.startswith(_JPEG):
        return _jpeg_size(content.tobytes())
    raise ConversionError(f"the compressed image is no JPEG or PNG: it starts with {head[:4].hex(' ') or 'nothing'}")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    at = len(_JPEG)
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", content, at + 5)
            size = width, height
        if marker == _START_OF_SCAN:
            break
        at += 2 + struct.unpack_from(">H", content, at + 2)[0]
    if size is None:
        raise ConversionError("the JPEG is broken: it does not say how large it is")
    if content.rfind(_END_OF_IMAGE, at) < 0:
        raise ConversionError("the JPEG was cut off")
    return size

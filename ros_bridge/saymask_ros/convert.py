"""ROS messages to what the runtime reads, and its answers to ROS messages: by duck typing, without ROS or cv_bridge.

rclpy's messages and those of rosbags have the same fields. Whatever is wrong with a message is a ConversionError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime.datatypes import Frame, Intrinsics
from saymask_ros.answers import (
    detections_message,
    diagnostics_message,
    mask_message,
    overlay_jpeg_message,
    overlay_message,
    point_message,
    pose_message,
    speech_message,
)
from saymask_ros.compressed import compressed_depth, compressed_pixels
from saymask_ros.pixels import ConversionError, Depth, Octets, check_sides, colour_pixels, depth_metres

__all__ = [
    "ConversionError",
    "depth_from_compressed",
    "depth_from_image",
    "detections_message",
    "diagnostics_message",
    "frame_from_compressed",
    "frame_from_image",
    "intrinsics_from_camera_info",
    "mask_message",
    "overlay_jpeg_message",
    "overlay_message",
    "point_message",
    "pose_message",
    "speech_message",
    "stamp_ns",
]

_K_OF, _P_OF = (0, 4, 2, 5), (0, 5, 2, 6)
"""Where fx, fy, cx and cy stand in the rows of CameraInfo's k (3x3) and p (3x4)."""


def stamp_ns(header: Any) -> int:
    """The stamp of a std_msgs/Header in nanoseconds."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


def frame_from_image(message: Any, *, depth: Any = None, camera_info: Any = None) -> Frame:
    """A Frame from a sensor_msgs/Image, with its stamp and frame; see `pixels.COLOUR_ENCODINGS`.

    `depth`: the sensor_msgs/Image of the depth that is registered to it; `camera_info`: its sensor_msgs/CameraInfo. The
    pixels of an rgb8 image are not copied: do not write to the message afterwards. Raises ConversionError.
    """
    return _frame(message, colour_pixels(message), depth, camera_info)


def frame_from_compressed(message: Any, *, depth: Any = None, camera_info: Any = None) -> Frame:
    """A Frame from a sensor_msgs/CompressedImage (JPEG or PNG); otherwise as `frame_from_image`."""
    return _frame(message, compressed_pixels(message), depth, camera_info)


def depth_from_image(message: Any) -> Depth:
    """Depth from a sensor_msgs/Image, float32 (h, w) in metres, 0 where there is no reading.

    16UC1 holds millimetres and 32FC1 metres, in the message's byte order. Raises ConversionError.
    """
    return depth_metres(message)


def depth_from_compressed(message: Any) -> Depth:
    """Depth from a sensor_msgs/CompressedImage of compressed_depth_image_transport (PNG); as `depth_from_image`."""
    return compressed_depth(message)


def intrinsics_from_camera_info(message: Any, *, rectified: bool = False) -> Intrinsics:
    """The pinhole camera of the pixels that were sent, from a sensor_msgs/CameraInfo: its region of interest, binned.

    ROS puts the centre of the first pixel at 0, we put it at 0.5. Binning makes one of a block of pixels, whose centre
    is that of the block. `rectified`: of images in which distortion has been undone (`p` instead of `k`); otherwise
    distortion is left out of account. Raises ConversionError for a camera that is not calibrated.
    """
    values = np.asarray(message.p if rectified else message.k, np.float64)
    fx, fy, cx, cy = values[list(_P_OF if rectified else _K_OF)].tolist()
    if not (np.isfinite([fx, fy, cx, cy]).all() and fx > 0 and fy > 0):
        raise ConversionError(
            f"the camera is not calibrated: camera_info's {'p' if rectified else 'k'} "
            f"says fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g}"
        )
    # 0 means 1 (CameraInfo.msg).
    bin_x, bin_y = message.binning_x or 1, message.binning_y or 1
    return Intrinsics(
        fx=fx / bin_x,
        fy=fy / bin_y,
        cx=(cx + 0.5 - message.roi.x_offset) / bin_x,
        cy=(cy + 0.5 - message.roi.y_offset) / bin_y,
        size=_size_of(message),
    )


def _frame(message: Any, pixels: Octets, depth: Any, camera_info: Any) -> Frame:
    height, width = pixels.shape[:2]
    check_sides(width, height)
    depth_m = None if depth is None else depth_from_image(depth)
    if depth_m is not None and depth_m.shape != (height, width):
        raise ConversionError(
            f"depth is {depth_m.shape[1]}x{depth_m.shape[0]} pixels, the image {width}x{height}; "
            "use the depth that is registered to it"
        )
    return Frame(
        pixels,
        stamp_ns(message.header),
        message.header.frame_id,
        depth_m,
        None if camera_info is None else intrinsics_from_camera_info(camera_info),
    )


def _size_of(camera_info: Any) -> tuple[int, int] | None:
    """Height and width of the images that a CameraInfo is of; None where it does not say."""
    width = camera_info.roi.width or camera_info.width
    height = camera_info.roi.height or camera_info.height
    size = height // (camera_info.binning_y or 1), width // (camera_info.binning_x or 1)
    return size if all(size) else None

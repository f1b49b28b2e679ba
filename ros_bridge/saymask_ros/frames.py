"""A grasp in another frame, by a transform as tf2 gives it. No ROS import: any object with the fields will do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Grasp

Vector = tuple[float, float, float]


def in_frame(grasp: Grasp, transform: Any) -> Grasp:
    """`grasp` in the frame of a geometry_msgs/TransformStamped from the camera's frame; lengths stay, stamps too."""
    moved, turned = transform.transform.translation, transform.transform.rotation
    rotation = rotation_of(turned.x, turned.y, turned.z, turned.w)
    point = rotation @ np.asarray(grasp.point_m) + (moved.x, moved.y, moved.z)
    return replace(
        grasp,
        point_m=_vector(point),
        axis=_vector(rotation @ np.asarray(grasp.axis)),
        approach=_vector(rotation @ np.asarray(grasp.approach)),
        camera_frame=transform.header.frame_id,
    )


def rotation_of(x: float, y: float, z: float, w: float) -> npt.NDArray[np.float64]:
    """The (3, 3) matrix of a quaternion in ROS's order, of any length but 0 (that one: no rotation)."""
    norm = x * x + y * y + z * z + w * w
    if norm == 0.0:  # a message that nobody filled in
        return np.eye(3)
    s = 2.0 / norm
    return np.array(
        [
            [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
            [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
            [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
        ]
    )


def _vector(values: npt.NDArray[np.float64]) -> Vector:
    x, y, z = values.tolist()
    return x, y, z

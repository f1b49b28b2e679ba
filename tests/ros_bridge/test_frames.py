"""A grasp moved into another frame."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.datatypes import Grasp
from saymask_ros.frames import in_frame, rotation_of

GRASP = Grasp((0.1, -0.2, 0.9), (1.0, 0.0, 0.0), 0.05, (0.0, 0.0, 1.0), "camera_optical", 42)
COMPONENTS = st.floats(-1, 1).filter(lambda value: value == 0 or abs(value) > 1e-3)


def transform(translation: tuple[float, float, float], rotation: tuple[float, float, float, float]) -> SimpleNamespace:
    return SimpleNamespace(
        header=SimpleNamespace(frame_id="base_link"),
        transform=SimpleNamespace(
            translation=SimpleNamespace(**dict(zip("xyz", translation, strict=True))),
            rotation=SimpleNamespace(**dict(zip("xyzw", rotation, strict=True))),
        ),
    )


def test_optical_frame_of_a_camera_that_looks_ahead_becomes_the_robots() -> None:
    """REP-103: optical x right, y down, z ahead is the robot's -y, -z, x; the camera is 1.2 m high."""
    moved = in_frame(GRASP, transform((0.3, 0.0, 1.2), (-0.5, 0.5, -0.5, 0.5)))
    assert moved.point_m == pytest.approx((0.3 + 0.9, -0.1, 1.2 + 0.2))
    assert moved.approach == pytest.approx((1, 0, 0), abs=1e-12)
    assert moved.axis == pytest.approx((0, -1, 0), abs=1e-12)
    assert (moved.camera_frame, moved.stamp_ns, moved.width_m) == ("base_link", 42, 0.05)


@given(st.tuples(COMPONENTS, COMPONENTS, COMPONENTS, COMPONENTS))
def test_a_rotation_whatever_the_quaternions_length(quaternion: tuple[float, float, float, float]) -> None:
    rotation = rotation_of(*quaternion)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    x, y, z, w = quaternion
    if any(quaternion):
        np.testing.assert_allclose(rotation @ (x, y, z), (x, y, z), atol=1e-9)  # its axis stays
        half = np.arccos(np.clip(w / np.linalg.norm(quaternion), -1, 1))
        assert np.trace(rotation) == pytest.approx(1 + 2 * np.cos(2 * half), abs=1e-9)

"""Frames from pictures as cameras give them, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime import Frame, SaymaskError


def test_layouts_and_orders(rng: np.random.Generator) -> None:
    rgb = rng.integers(0, 256, (40, 50, 3), np.uint8)
    rgba = np.dstack([rgb, np.full((40, 50), 9, np.uint8)])
    assert np.shares_memory(Frame.from_array(rgb).image, rgb)
    assert np.array_equal(Frame.from_array(rgba).image, rgb)
    assert np.array_equal(Frame.from_array(rgb[:, :, ::-1], "bgr").image, rgb)
    assert np.array_equal(Frame.from_array(rgba[:, :, [2, 1, 0, 3]], "bgr").image, rgb)
    for view in (np.asfortranarray(rgb), np.repeat(rgb, 2, axis=0)[::2], rgb[::-1, ::-1][::-1, ::-1]):
        frame = Frame.from_array(view)
        assert np.array_equal(frame.image, rgb)
        assert frame.image.flags.c_contiguous
    grey = rgb[:, :, 0]
    for picture in (grey, grey[:, :, None]):
        assert np.array_equal(Frame.from_array(picture).image, np.dstack([grey] * 3))


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((40, 50, 3), np.float32), "expected a picture as uint8 0..255, got float32 .*; scale it"),
        (np.full((40, 50, 3), np.nan), "got float64"),
        (np.zeros((40, 50), np.bool_), "got bool"),
        (np.zeros((40, 50), np.uint16), "got uint16"),
        (np.zeros((40, 50, 2), np.uint8), r"got uint8 \(40, 50, 2\)"),
        (np.zeros((1, 40, 50, 3), np.uint8), r"got uint8 \(1, 40, 50, 3\)"),
        (np.zeros((3, 40, 50), np.uint8), r"got uint8 \(3, 40, 50\)"),
        (np.zeros(0, np.uint8), r"got uint8 \(0,\)"),
        (np.zeros((31, 50, 3), np.uint8), r"50x31 pixels, each side must be 32\.\.4096"),
        (np.zeros((4097, 32, 3), np.uint8), "32x4097 pixels"),
        ([[1, 2], [3]], "got list"),
        (None, r"no picture \(None\)"),
        ("picture.png", "got <U11"),
    ],
)
def test_pictures_that_are_refused(array: Any, complaint: str) -> None:
    with pytest.raises(SaymaskError, match=complaint):
        Frame.from_array(array)


def test_other_faults() -> None:
    picture = np.zeros((40, 50, 3), np.uint8)
    with pytest.raises(SaymaskError, match='channels must be "rgb" or "bgr"'):
        Frame.from_array(picture, "gbr")  # type: ignore[arg-type]
    with pytest.raises(SaymaskError, match=r"depth_m must be float32 \(40, 50\) in metres, got float64"):
        Frame.from_array(picture, depth_m=np.zeros((40, 50)))  # type: ignore[arg-type]
    with pytest.raises(SaymaskError, match=r"use Frame\.from_array"):
        Frame(np.zeros((40, 50), np.uint8))
    assert Frame.from_array(picture, depth_m=np.full((40, 50), np.nan, np.float32)).depth_m is not None

"""Letterboxing: aspect, centre, padding, and the way back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runtime import SaymaskError
from runtime.vision.preprocess import PAD_VALUE, Letterbox, letterbox, letterbox_mask


@pytest.mark.parametrize(
    ("source", "inner", "top", "left"),
    [
        ((480, 640), (240, 320), 40, 0),
        ((640, 480), (320, 240), 0, 40),
        ((320, 320), (320, 320), 0, 0),
        ((720, 1280), (180, 320), 70, 0),
        ((32, 32), (320, 320), 0, 0),
        ((32, 4096), (2, 320), 159, 0),
        ((33, 47), (225, 320), 47, 0),
    ],
)
def test_where_a_picture_lies(source: tuple[int, int], inner: tuple[int, int], top: int, left: int) -> None:
    padded, place = letterbox(np.full((*source, 3), 200, np.uint8), (320, 320))
    assert place == Letterbox(source, (320, 320), inner, top, left)
    assert padded.dtype == np.uint8
    assert padded.shape == (320, 320, 3)
    outside = np.ones((320, 320), np.bool_)
    outside[place.window] = False
    assert (padded[outside] == PAD_VALUE).all()
    assert (padded[~outside] == 200).all()


def test_shrinking_averages_and_does_not_shift(tolerance: dict[str, float]) -> None:
    picture = np.zeros((640, 640, 3), np.uint8)
    picture[:, ::2] = 200
    padded, _ = letterbox(picture, (320, 320))
    assert np.abs(padded.astype(int) - 100).max() <= tolerance["uint8"]


def test_layouts_give_the_same_picture(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (50, 70, 3), np.uint8)
    expected, _ = letterbox(picture, (64, 64))
    mirrored = np.ascontiguousarray(picture[:, ::-1])[:, ::-1]
    assert np.array_equal(letterbox(mirrored, (64, 64))[0], expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_])
def test_labels_keep_their_values_and_their_place(dtype: type[Any]) -> None:
    labels = np.zeros((6, 8), dtype)
    labels[2:4, 2:6] = 1
    padded = letterbox_mask(labels, (64, 64), 0)
    assert padded.dtype == dtype
    rows, columns = np.nonzero(padded)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (24, 40, 16, 48)
    # Downwards too, the centre stays.
    small = letterbox_mask(padded, (16, 16), 0)
    rows, columns = np.nonzero(small)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (6, 10, 4, 12)


def test_labels_are_filled_around() -> None:
    padded = letterbox_mask(np.full((10, 20), 5, np.int8), (20, 20), fill=-1)
    assert sorted(set(padded.ravel().tolist())) == [-1, 5]
    assert (padded == 5).sum() == 200


@pytest.mark.parametrize(
    "image", [np.zeros((5, 5, 3), np.float32), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8)]
)
def test_pictures_of_another_kind(image: Any) -> None:
    with pytest.raises(SaymaskError, match=r"letterbox needs uint8 \(height, width, 3\), got"):
        letterbox(image, (64, 64))


def test_impossible_sizes_and_labels() -> None:
    with pytest.raises(SaymaskError, match="every side must be at least 1"):
        letterbox(np.zeros((0, 5, 3), np.uint8), (64, 64))
    with pytest.raises(SaymaskError, match="letterbox_mask needs"):
        letterbox_mask(np.zeros((5, 5), np.int64), (64, 64), 0)  # type: ignore[type-var]

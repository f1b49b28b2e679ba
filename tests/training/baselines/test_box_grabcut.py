"""Foreground of a box: all of it, or what GrabCut cuts out."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from runtime.vision.overlap import mask_iou
from training.baselines.box_grabcut import grabcut, whole_box


@pytest.fixture(scope="module")
def disc() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """A blue disc on a brown table, both noisy, and its mask."""
    labels = np.zeros((100, 140), np.uint8)
    cv2.circle(labels, (60, 50), 25, 1, -1)
    image = np.where(labels[..., None] == 1, (40, 60, 200), (150, 110, 70))
    noise = np.random.default_rng(0).normal(0, 8, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), labels == 1


BOX = (33, 23, 88, 78)


def test_whole_box_is_its_pixels() -> None:
    mask = whole_box(np.zeros((6, 8, 3), np.uint8), (2, 1, 5, 4))
    assert np.argwhere(mask).min(0).tolist() == [1, 2] and np.argwhere(mask).max(0).tolist() == [3, 4]
    assert mask.sum() == 9


def test_grabcut_finds_the_disc_in_its_box(disc: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]) -> None:
    image, truth = disc
    assert mask_iou(whole_box(image, BOX), truth) < 0.7
    assert mask_iou(grabcut(image, BOX), truth) > 0.95


def test_grabcut_answers_the_same_whatever_was_drawn_before(
    disc: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]],
) -> None:
    first = grabcut(disc[0], BOX)
    cv2.setRNGSeed(12345)
    np.testing.assert_array_equal(first, grabcut(disc[0], BOX))


@pytest.mark.parametrize("box", [(0, 0, 140, 100), (5, 5, 8, 60), (139, 99, 140, 100)])
def test_where_grabcut_cannot_start_the_box_stands(
    disc: tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]], box: tuple[int, int, int, int]
) -> None:
    np.testing.assert_array_equal(grabcut(disc[0], box), whole_box(disc[0], box))


def test_grabcut_of_a_plain_picture_is_not_empty() -> None:
    assert grabcut(np.full((40, 40, 3), 90, np.uint8), (10, 10, 30, 30)).any()

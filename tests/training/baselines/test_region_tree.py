"""Segmentation proposals find what a person would outline, at any size, and never the same thing twice."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from runtime.vision.overlap import mask_iou
from training.baselines.region_tree import mask_box, segment_proposals

Picture = tuple[npt.NDArray[np.uint8], list[npt.NDArray[np.bool_]]]


def make_picture(height: int = 120, width: int = 160, noise: float = 4.0) -> Picture:
    """A green disc, and a box of a red and a darker red half, on a noisy grey table; masks of disc, box and halves."""
    rng = np.random.default_rng(3)
    image = np.full((height, width, 3), 140, np.uint8)
    unit = height // 12
    labels = np.zeros((height, width), np.uint8)
    cv2.circle(labels, (3 * unit, 4 * unit), 2 * unit, 1, -1)
    labels[6 * unit : 9 * unit, 8 * unit : 10 * unit] = 2
    labels[6 * unit : 9 * unit, 10 * unit : 12 * unit] = 3
    for label, colour in ((1, (30, 160, 60)), (2, (190, 30, 30)), (3, (120, 20, 20))):
        image[labels == label] = colour
    noisy = np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)
    return noisy, [labels == 1, labels > 1, labels == 2, labels == 3]


@pytest.mark.parametrize(("height", "width"), [(120, 160), (600, 800)])
def test_things_and_their_parts_are_among_the_proposals(height: int, width: int) -> None:
    image, wanted = make_picture(height, width)
    proposals = segment_proposals(image)
    assert proposals.dtype == np.bool_ and proposals.shape[1:] == (height, width)
    for mask in wanted:
        assert max(mask_iou(proposal, mask) for proposal in proposals) > 0.85


def test_the_most_promising_come_first_and_no_two_are_alike() -> None:
    image, (disc, box, *_) = make_picture()
    proposals = segment_proposals(image, count=6)
    assert len(proposals) <= 6
    for thing in (disc, box):
        assert max(mask_iou(proposal, thing) for proposal in proposals) > 0.85
    pairs = [mask_iou(one, other) for i, one in enumerate(proposals) for other in proposals[:i]]
    assert max(pairs) < 0.85  # .8 on every second pixel


def test_the_same_picture_has_the_same_proposals() -> None:
    image, _ = make_picture()
    np.testing.assert_array_equal(segment_proposals(image), segment_proposals(image.copy()))


@pytest.mark.parametrize("shape", [(40, 60), (3, 5), (1, 1)])
def test_a_plain_picture_is_its_own_proposal(shape: tuple[int, int]) -> None:
    proposals = segment_proposals(np.full((*shape, 3), 77, np.uint8))
    assert proposals.shape == (1, *shape) and proposals.all()


def test_box_around_a_mask() -> None:
    mask = np.zeros((10, 20), bool)
    mask[3:5, 7:12] = mask[8, 2] = True
    assert mask_box(mask) == (2, 3, 12, 9)

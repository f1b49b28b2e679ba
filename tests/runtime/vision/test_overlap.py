"""Overlap of masks against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.vision.overlap import mask_iou, overall_iou, overlap, precision_at

INSTANCES = np.array([[0, 0, -1, 1], [0, 0, -1, 1]], np.int8)


@pytest.mark.parametrize(
    ("columns", "referents", "expected"),
    [
        ([0, 1], [0], (4, 4, True)),
        ([0, 3], [1], (2, 4, False)),  # two pixels each on 0 and 1: the lower index wins the tie
        ([3], [0], (0, 6, False)),
        ([2], [1], (0, 4, False)),  # on the background nothing is chosen
        ([], [], (0, 0, False)),
        ([0], [], (0, 2, False)),
        ([0, 1, 3], [0, 1], (6, 6, True)),
    ],
)
def test_overlap(columns: list[int], referents: list[int], expected: tuple[int, int, bool]) -> None:
    mask = np.zeros((2, 4), bool)
    mask[:, columns] = True
    assert overlap(mask, INSTANCES, referents) == expected


def test_mask_iou() -> None:
    left, right = np.zeros((2, 2, 4), bool)
    left[:, :3], right[:, 1:] = True, True
    assert mask_iou(left, right) == 0.5
    assert mask_iou(left, ~left) == 0
    assert mask_iou(np.zeros((2, 4), bool), np.zeros((2, 4), bool)) == 1


def test_overall_iou_is_cumulative_not_the_mean() -> None:
    assert overall_iou([1, 90], [2, 100]) == pytest.approx(91 / 102)


@pytest.mark.parametrize(("level", "expected"), [(0.5, 0.75), (0.6, 0.5), (0.9, 0.25)])
def test_precision_counts_the_level_itself(level: float, expected: float) -> None:
    assert precision_at([0.2, 0.5, 0.6, 0.95], level) == expected


def test_nothing_to_score_is_not_a_number() -> None:
    assert math.isnan(overall_iou([], []))
    assert math.isnan(precision_at([], 0.5))

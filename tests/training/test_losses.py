"""Losses against cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.losses import landmark_cross_entropy, offset_error, soft_dice, total_loss, weighted_logistic


def test_weighted_logistic_weighs_foreground_and_background_apart() -> None:
    logits = torch.zeros(1, 1, 2)  # log 2 everywhere
    targets = torch.tensor([[[1.0, 0.0]]])
    loss = weighted_logistic(logits, targets, foreground=3.0, background=1.0)
    assert loss.item() == pytest.approx((3 + 1) * math.log(2) / 2)


def test_weighted_logistic_of_a_half_covered_cell_uses_half_of_each_weight() -> None:
    loss = weighted_logistic(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.5), foreground=3.0, background=1.0)
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_soft_dice_is_nothing_for_the_right_mask_and_nearly_one_for_the_opposite() -> None:
    targets = torch.zeros(2, 8, 8)
    targets[:, :4] = 1
    logits = torch.stack([targets[0] * 80 - 40, 40 - targets[1] * 80])
    right, wrong = soft_dice(logits, targets).tolist()
    assert right == pytest.approx(0, abs=1e-6)
    assert wrong == pytest.approx(1 - 1 / 65)


def test_landmark_loss_leaves_out_expressions_without_one() -> None:
    logits = torch.tensor([[[0.0, 0.0]], [[5.0, -5.0]]])
    targets = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    assert landmark_cross_entropy(logits, targets).item() == pytest.approx(math.log(2))


def test_offset_error_looks_at_objects_only() -> None:
    offsets = torch.zeros(1, 2, 1, 2)
    targets = torch.tensor([[[[0.5, 9.0]], [[0.1, 9.0]]]])
    on_object = torch.tensor([[[[1.0, 0.0]]]])
    assert offset_error(offsets, targets, on_object).item() == pytest.approx(0.6)


def test_total_is_the_weighted_sum_and_dice_skips_absent_expressions() -> None:
    logits, masks = torch.full((2, 4, 4), -40.0), torch.zeros(2, 4, 4)
    masks[0, :2] = 1
    batch = {"masks": masks, "counts": torch.tensor([1, 0])}
    outputs = {"mask_logits": logits, "count_logits": torch.zeros(2, 3)}
    weights = {"dice": 2.0, "logistic": 0.0, "count": 1.0, "alpha_foreground": 1.0, "alpha_background": 1.0}
    terms = total_loss(outputs, batch, weights)
    assert terms["dice"].item() == pytest.approx(1 - 1 / 9)
    assert terms["loss"].item() == pytest.approx(2 * (1 - 1 / 9) + math.log(3), abs=1e-5)

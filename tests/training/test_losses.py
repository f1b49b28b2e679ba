"""Losses against cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.losses import (
    cell_logistic,
    landmark_cross_entropy,
    low_loss,
    mask_fits,
    offset_error,
    region_loss,
    soft_dice,
    total_loss,
    weighted_logistic,
    word_cross_entropy,
    words_loss,
)


def test_weighted_logistic_weighs_foreground_and_background_apart() -> None:
    logits = torch.zeros(1, 1, 2)  # log 2 everywhere
    targets = torch.tensor([[[1.0, 0.0]]])
    loss = weighted_logistic(logits, targets, foreground=3.0, background=1.0)
    assert loss.item() == pytest.approx((3 + 1) * math.log(2) / 2)


def test_weighted_logistic_of_a_half_covered_cell_uses_half_of_each_weight() -> None:
    loss = weighted_logistic(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.5), foreground=3.0, background=1.0)
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_the_paper_s_equation_by_hand() -> None:
    """Two pixels of foreground at logits 0 and 2, two of background at 0 and -1; alpha_f 1, alpha_b 1/3, W x H = 4."""
    logits = torch.tensor([[[0.0, 2.0], [0.0, -1.0]]])
    targets = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
    expected = (math.log(2) + math.log1p(math.exp(-2)) + (math.log(2) + math.log1p(math.exp(-1))) / 3) / 4
    for loss in (weighted_logistic, cell_logistic):
        assert loss(logits, targets, foreground=1.0, background=1 / 3).item() == pytest.approx(expected)


def test_a_cell_costs_what_its_pixels_cost() -> None:
    pixels = (torch.arange(64).view(1, 8, 8) % 3 == 0).float()
    cells = torch.tensor([[[0.7, -1.2], [0.0, 3.0]]])
    shares = torch.nn.functional.avg_pool2d(pixels[None], 4)[0]
    spread = cells.repeat_interleave(4, 1).repeat_interleave(4, 2)
    expected = weighted_logistic(spread, pixels, foreground=1.0, background=1 / 3)
    torch.testing.assert_close(cell_logistic(cells, shares, foreground=1.0, background=1 / 3), expected)


def test_a_quarter_covered_cell_is_undecided_at_the_papers_weights() -> None:
    logits = torch.zeros(1, 1, 1, requires_grad=True)
    loss = cell_logistic(logits, torch.full((1, 1, 1), 0.25), foreground=1.0, background=1 / 3)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert gradient.item() == pytest.approx(0, abs=1e-7)


def test_region_and_low_loss_are_the_weighted_mean() -> None:
    weights = {"logistic": 2.0, "alpha_foreground": 1.0, "alpha_background": 0.5}
    region = region_loss(torch.zeros(4), torch.tensor([1.0, 0, 0, 0]), weights)
    assert region["logistic"].item() == pytest.approx((1 + 3 * 0.5) / 4 * math.log(2))
    assert region["loss"].item() == pytest.approx(2 * region["logistic"].item())
    low = low_loss(torch.zeros(2, 1, 2), torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]]), weights)
    assert low["loss"].item() == pytest.approx(2 * (1.5 / 2 + 1.0 / 2) / 2 * math.log(2))


def test_what_has_no_weight_is_not_computed() -> None:
    masks = torch.zeros(1, 4, 4)
    weights = {"dice": 0.0, "logistic": 1.0, "count": 0.0, "landmark": 0.0, "offset": 0.0}
    weights |= {"alpha_foreground": 1.0, "alpha_background": 1.0}
    outputs = {"mask_logits": masks, "landmark_logits": masks, "centre_offsets": torch.zeros(1, 2, 4, 4)}
    terms = total_loss(outputs, {"masks": masks, "counts": torch.tensor([0])}, weights)
    assert terms.keys() == {"logistic", "loss"} and terms["loss"].item() == pytest.approx(math.log(2))


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


def test_a_network_that_doubts_learns_when_its_mask_is_wrong() -> None:
    masks = torch.zeros(4, 2, 2)
    masks[:2, 0] = 1
    masks[3] = 1
    logits = torch.full((4, 2, 2), -9.0)
    logits[0, 0] = 9.0  # right
    logits[1, 1] = 9.0  # one is there, and this is another
    labels = torch.tensor([1, 3, 0, 2])
    counts = torch.nn.functional.one_hot(labels, 4) * 40.0
    weights = {"dice": 0.0, "logistic": 0.0, "count": 1.0, "alpha_foreground": 1.0, "alpha_background": 1.0}
    outputs, batch = (
        {"mask_logits": logits, "count_logits": counts},
        {"masks": masks, "counts": torch.tensor([1, 1, 0, 2])},
    )
    assert total_loss(outputs, batch, weights)["count"].item() == pytest.approx(0, abs=1e-6)
    outputs["count_logits"] = counts.roll(1, 0)
    assert total_loss(outputs, batch, weights)["count"].item() > 10


def test_a_mask_fits_from_an_iou_of_one_half_on() -> None:
    targets = torch.zeros(1, 1, 4)
    targets[..., :2] = 1
    for cells, fits in ((1, True), (2, True), (3, True), (4, True)):
        logits = torch.full((1, 1, 4), -1.0)
        logits[..., :cells] = 1
        assert mask_fits(logits, targets).item() is fits
    assert not mask_fits(torch.tensor([[[-1.0, 1, 1, -1]]]), targets).item()  # 1 of 3
    assert not mask_fits(torch.full((1, 1, 4), -1.0), targets).item()


def test_word_loss_counts_every_thing_the_same_and_leaves_the_background_out() -> None:
    logits = torch.zeros(1, 2, 1, 4)
    logits[0, 0, 0, 0] = 9.0  # background: nothing is asked of it
    logits[0, 0, 0, 1] = logits[0, 0, 0, 2] = math.log(3)  # a thing of two cells: 3/4 for its word
    things, words = torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 2)
    things[0, 0, 0, 1:3], words[0, 0, 0] = 1.0, 1.0
    things[0, 1, 0, 3], words[0, 1] = 0.5, 0.5  # half a cell, two words, undecided
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert word_cross_entropy(logits, things, words).item() == pytest.approx(expected)
    terms = words_loss({"word_logits": logits}, {"things": things, "thing_words": words}, {"words": 3.0})
    assert terms["loss"].item() == pytest.approx(3 * expected)


def test_total_is_the_weighted_sum_and_dice_skips_absent_expressions() -> None:
    logits, masks = torch.full((2, 4, 4), -40.0), torch.zeros(2, 4, 4)
    masks[0, :2] = 1
    batch = {"masks": masks, "counts": torch.tensor([1, 0])}
    outputs = {"mask_logits": logits, "count_logits": torch.zeros(2, 3)}
    weights = {"dice": 2.0, "logistic": 0.0, "count": 1.0, "alpha_foreground": 1.0, "alpha_background": 1.0}
    terms = total_loss(outputs, batch, weights)
    assert terms["dice"].item() == pytest.approx(1 - 1 / 9)
    assert terms["loss"].item() == pytest.approx(2 * (1 - 1 / 9) + math.log(3), abs=1e-5)

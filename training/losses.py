"""What the network is trained to do less of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

MISTAKEN = 3
"""The class of networks that doubt: one is there, and the mask does not lie on it."""


def weighted_logistic(logits: Tensor, targets: Tensor, *, foreground: float, background: float) -> Tensor:
    """Per-pixel weighted logistic loss of Hu et al. 2016, equation 2, averaged over W x H: float (N,).

    `logits` and `targets` (N, h, w); targets in 0..1 are the covered share of each cell. The weights alpha_f and
    alpha_b blend by that share.
    """
    weights = background + (foreground - background) * targets
    return (weights * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")).mean((1, 2))


def cell_logistic(logits: Tensor, shares: Tensor, *, foreground: float, background: float) -> Tensor:
    """The same loss where all pixels of a cell take its one score: float (N,).

    `logits` and `shares` (N, h, w): the covered share of each cell in 0..1. Its mean over the cells is equation 2's
    mean over the pixels, so that the balance of alpha_f and alpha_b is the same at every resolution; blending the
    weights as `weighted_logistic` does would leave things that cover less than half a cell unseen.
    """
    covered, bare = foreground * shares, background * (1 - shares)
    return (covered * F.softplus(-logits) + bare * F.softplus(logits)).mean((1, 2))


def region_loss(logits: Tensor, matches: Tensor, weights: dict[str, float]) -> dict[str, Tensor]:
    """Logistic loss of pairs of a box and an expression, `logits` and `matches` (N,), 1 where they belong together."""
    each = weights["alpha_background"] + (weights["alpha_foreground"] - weights["alpha_background"]) * matches
    loss = (each * F.binary_cross_entropy_with_logits(logits.float(), matches, reduction="none")).mean()
    return {"logistic": loss, "loss": weights["logistic"] * loss}


def low_loss(logits: Tensor, masks: Tensor, weights: dict[str, float]) -> dict[str, Tensor]:
    """`cell_logistic` of cells before the deconvolution, `logits` and `masks` (N, rows, columns)."""
    loss = cell_logistic(
        logits.float(), masks, foreground=weights["alpha_foreground"], background=weights["alpha_background"]
    ).mean()
    return {"logistic": loss, "loss": weights["logistic"] * loss}


def mask_fits(logits: Tensor, targets: Tensor) -> Tensor:
    """Whether each mask's IoU with its target is at least one half: bool (N,); `logits` and `targets` (N, h, w)."""
    inside = (logits > 0).to(targets.dtype)
    shared = (inside * targets).sum((1, 2))
    return shared >= 0.5 * (inside.sum((1, 2)) + targets.sum((1, 2)) - shared)


def soft_dice(logits: Tensor, targets: Tensor, smoothing: float = 1.0) -> Tensor:
    """1 minus the soft Dice overlap (Milletari et al. 2016, arXiv 1606.04797) of each mask: float (N,) in 0..1."""
    probabilities = logits.sigmoid()
    shared = 2 * (probabilities * targets).sum((1, 2)) + smoothing
    return 1 - shared / (probabilities.sum((1, 2)) + targets.sum((1, 2)) + smoothing)


def landmark_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy between a softmax over places and where the landmark is, over expressions that have one: scalar.

    `logits` (N, h, w), `targets` (N, h, w) covered share per cell, all zero without a landmark.
    """
    mass = targets.flatten(1).sum(1)
    has_one = (mass > 0).to(logits.dtype)
    wanted = targets.flatten(1) / mass.clamp_min(1e-6)[:, None]
    losses = -(wanted * logits.flatten(1).log_softmax(1)).sum(1)
    return (losses * has_one).sum() / has_one.sum().clamp_min(1)


def offset_error(offsets: Tensor, targets: Tensor, on_object: Tensor) -> Tensor:
    """Mean absolute error of instance-centre offsets (B, 2, h, w) over cells on an object (B, 1, h, w): scalar."""
    errors: Tensor = ((offsets - targets).abs() * on_object).sum() / on_object.sum().clamp_min(1)
    return errors


def word_cross_entropy(logits: Tensor, things: Tensor, thing_words: Tensor) -> Tensor:
    """Cross-entropy between a softmax over the vocabulary and the words that describe each thing, mean of all: scalar.

    `logits` (B, V, h, w); `things` (B, K, h, w) covered share per cell, all zero for no thing; `thing_words` (B, K, V)
    sum to 1 for a thing. Every thing counts the same, however few cells it covers.
    """
    areas = things.sum((2, 3))
    seen = (areas > 0).to(logits.dtype)
    means = torch.einsum("bvhw,bkhw->bkv", logits.log_softmax(1), things) / areas.clamp_min(1e-6)[..., None]
    return -((thing_words * means).sum(2) * seen).sum() / seen.sum().clamp_min(1)


def words_loss(outputs: dict[str, Tensor], batch: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor]:
    """What the image alone is taught, before any expression: the terms "words" and "offset", and "loss"."""
    terms = _image_terms(outputs, batch)
    terms["loss"] = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    return terms


def _image_terms(outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> dict[str, Tensor]:
    terms = {}
    if "centre_offsets" in outputs and "offsets" in batch:
        terms["offset"] = offset_error(outputs["centre_offsets"].float(), batch["offsets"], batch["on_object"])
    if "word_logits" in outputs and "things" in batch:
        terms["words"] = word_cross_entropy(outputs["word_logits"].float(), batch["things"], batch["thing_words"])
    return terms


def total_loss(outputs: dict[str, Tensor], batch: dict[str, Tensor], weights: dict[str, float]) -> dict[str, Tensor]:
    """Every term by name, and their weighted sum as "loss".

    `weights` holds dice, logistic, count, landmark, offset, words, and alpha_foreground and alpha_background.
    Dice needs something to overlap with, so absent expressions are left out of it.
    """
    masks, logits = batch["masks"], outputs["mask_logits"].float()
    present = (batch["counts"] > 0).float()
    logistic = weighted_logistic(
        logits, masks, foreground=weights["alpha_foreground"], background=weights["alpha_background"]
    )
    terms = {}
    if weights["dice"]:
        terms["dice"] = (soft_dice(logits, masks) * present).sum() / present.sum().clamp_min(1)
    terms["logistic"] = logistic.mean()
    if "count_logits" in outputs:
        labels = batch["counts"]
        if outputs["count_logits"].shape[1] > MISTAKEN:
            labels = labels.where((labels != 1) | mask_fits(logits, masks), torch.full_like(labels, MISTAKEN))
        terms["count"] = F.cross_entropy(outputs["count_logits"].float(), labels)
    if "landmark_logits" in outputs and "landmarks" in batch:
        terms["landmark"] = landmark_cross_entropy(outputs["landmark_logits"].float(), batch["landmarks"])
    terms |= _image_terms(outputs, batch)
    terms["loss"] = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    return terms

"""The per-word network: what each word is to learn, and how words become one mask; every number worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from runtime.errors import SaymaskError
from training.models import build_model
from training.models.per_word import NO_WORD_LOGIT, PerWordSegmenter, word_targets

SMALL: dict[str, Any] = {
    "vocabulary_size": 9,
    "word_ids": [4, 2, 7],
    "backbone": "mobilenet_v2",
    "image_size": (64, 96),
    "image_channels": 12,
}


def small(**changes: Any) -> PerWordSegmenter:
    model = build_model("per_word", SMALL | changes)
    assert isinstance(model, PerWordSegmenter)
    return model.eval()


def test_text_is_the_set_of_its_words_up_to_the_true_last() -> None:
    tokens = torch.tensor([[4, 3, 7, 4], [2, 4, 4, 4], [3, 5, 0, 0]])
    words = small().encode_text(tokens, torch.tensor([4, 1, 2]))["words"]
    assert words.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("combine", "expected"), [("average", [1.0, -4.0, NO_WORD_LOGIT]), ("intersection", [-2.0, -4.0, NO_WORD_LOGIT])]
)
def test_words_are_averaged_or_intersected(combine: str, expected: list[float]) -> None:
    maps = torch.tensor([4.0, -4.0, -2.0])[None, :, None, None].expand(1, 3, 2, 2)
    words = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    logits = small(combine=combine).decode({"word_maps": maps}, {"words": words})["mask_logits"]
    assert logits.shape == (3, 2, 2)
    torch.testing.assert_close(logits[:, 0, 0], torch.tensor(expected))


def test_intersection_stays_finite_in_half_precision() -> None:
    maps = torch.tensor([30.0, -30.0, 5.0])[None, :, None, None].half()
    words = torch.tensor([[1, 0, 1]]).half()
    logits = small(combine="intersection").half().decode({"word_maps": maps}, {"words": words})["mask_logits"]
    assert logits.item() == 5


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "vgg16"])
def test_logits_cover_the_image_at_stride_four(backbone: str) -> None:
    model = small(backbone=backbone, fc_width=16)
    pixels = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.inference_mode():
        image = model.encode_image(pixels)
        logits = model.decode(image, model.encode_text(torch.tensor([[4], [2]]), torch.tensor([1, 1])))["mask_logits"]
    assert logits.shape == (2, *model.spec.logit_size) == (2, 16, 24)
    torch.testing.assert_close(logits[0], image["word_maps"][0, 0])


def test_a_word_is_to_be_where_any_expression_with_it_points() -> None:
    # two images, two expressions each, two words
    words = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    masks = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.5, 0.0]], [[1.0, 1.0, 1.0]], [[0.0, 0.0, 1.0]]])
    targets = word_targets(words, masks, 2)
    assert targets.tolist() == [[[[1, 0.5, 0]], [[0, 0.5, 0]]], [[[0, 0, 0]], [[0, 0, 1]]]]


def test_loss_is_the_multi_label_logistic_loss() -> None:
    model = small()
    torch.nn.init.zeros_(model.score.weight)  # every word's logit is its bias, log(.01 / .99), wherever it looks
    masks = torch.zeros(2, 16, 24)
    masks[0, :8, :] = 1  # expression 0 (word 4) refers to the upper half, expression 1 (no known word) to nothing
    batch = {
        "pixels": torch.zeros(1, 64, 96, 3, dtype=torch.uint8),
        "token_ids": torch.tensor([[4], [3]]),
        "lengths": torch.tensor([1, 1]),
        "masks": masks,
    }
    terms = model.loss_terms(batch, {"alpha_foreground": 1.0, "alpha_background": 0.1})
    positive, negative = -math.log(0.01), -0.1 * math.log(0.99)
    expected = 0.5 * positive + 0.5 * negative + 2 * negative  # half of word 4's pixels, all of the other two words'
    assert float(terms["loss"].detach()) == pytest.approx(expected, rel=1e-5)
    torch.autograd.backward(terms["loss"])
    assert model.score.bias is not None and model.score.bias.grad is not None
    up, down, _ = model.score.bias.grad.tolist()
    assert up < 0 < down  # word 4 is to rise, a word that nobody said is to sink


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"combine": "union"}, "unknown combination 'union'"),
        ({"word_ids": []}, "at least one"),
        ({"word_ids": [2, 2]}, "different token ids"),
        ({"word_ids": [1]}, r"2\.\.8"),
        ({"word_ids": [9]}, r"2\.\.8"),
        ({"image_size": (60, 64)}, "multiples of 32"),
        ({"backbone": "resnet"}, "unknown backbone"),
    ],
)
def test_impossible_options(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        build_model("per_word", SMALL | change)

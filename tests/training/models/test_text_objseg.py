"""The 2016 network: sizes, a norm that FP16 survives, coordinates, and a deconvolution that starts bilinear."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from runtime.errors import SaymaskError
from training.models import build_model
from training.models.text_objseg import TextObjsegSegmenter, cell_coordinates, l2_normalise

SMALL: dict[str, Any] = {
    "vocabulary_size": 12,
    "backbone": "mobilenet_v2",
    "image_size": (64, 96),
    "embedding_size": 8,
    "hidden_size": 16,
    "image_channels": 24,
    "classifier_channels": 10,
}


@pytest.mark.parametrize(
    "options", [SMALL, SMALL | {"coordinates": 2}, SMALL | {"backbone": "vgg16", "fc_width": 16}], ids=str
)
def test_logits_have_the_images_size(options: dict[str, Any]) -> None:
    model = build_model("text_objseg", options).eval()
    pixels = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.inference_mode():
        image = model.encode_image(pixels)
        text = model.encode_text(torch.tensor([[3, 4, 5], [6, 0, 0]]), torch.tensor([3, 1]))
        logits = model.decode(image, text)
    assert set(logits) == {"mask_logits"}
    assert logits["mask_logits"].shape == (2, *model.spec.logit_size) == (2, 64, 96)
    assert image["features"].shape[2:] == (2, 3)
    torch.testing.assert_close(image["features"].norm(dim=1), torch.ones(1, 2, 3))
    torch.testing.assert_close(text["sentence"].norm(dim=1), torch.ones(2))


def test_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = TextObjsegSegmenter(vocabulary_size=8803)
    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e6) == 156  # FACTS
    assert model.spec.image_size == (512, 512)
    assert (model.spec.lstm_nodes, model.spec.conv_transpose_nodes) == (1, 1)


def test_sentence_ignores_what_follows_its_last_word() -> None:
    model = build_model("text_objseg", SMALL).eval()
    with torch.inference_mode():
        short = model.encode_text(torch.tensor([[3, 4]]), torch.tensor([2]))["sentence"]
        padded = model.encode_text(torch.tensor([[3, 4, 9, 9]]), torch.tensor([2]))["sentence"]
        longer = model.encode_text(torch.tensor([[3, 4, 9, 9]]), torch.tensor([4]))["sentence"]
    torch.testing.assert_close(short, padded)
    assert (short - longer).abs().max() > 1e-3


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 400.0, 60000.0])
def test_norm_survives_half_precision(scale: float) -> None:
    directions = torch.nn.functional.normalize(torch.randn(1, 1000, 4, 4, generator=torch.Generator().manual_seed(0)))
    loudest = (directions / directions.abs().amax(1, keepdim=True) * scale).half()
    normalised = l2_normalise(loudest).float()
    assert torch.isfinite(normalised).all()
    torch.testing.assert_close(normalised, directions, atol=3e-4, rtol=5e-3)


def test_norm_of_nothing_is_nothing() -> None:
    assert l2_normalise(torch.zeros(2, 8, dtype=torch.float16)).abs().max() == 0


def test_eight_coordinates_are_each_cells_corners_centre_and_size() -> None:
    cells = cell_coordinates(2, 4, 8)[0]
    expected = torch.tensor([0.0, 0.0, 0.25, 0.5, 0.5, 1.0, 0.25, 0.5])  # x, y of minimum, centre, maximum; w, h
    torch.testing.assert_close(cells[:, 1, 2], expected)
    assert cells[0].min() == cells[1].min() == -1
    assert cells[4].max() == cells[5].max() == 1


def test_deconvolution_starts_as_bilinear_interpolation() -> None:
    model = build_model("text_objseg", SMALL)
    assert isinstance(model, TextObjsegSegmenter)
    cells = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    grown = model.upsample(cells)
    assert grown.shape == (1, 1, 128, 128)
    wanted = F.interpolate(cells, scale_factor=32, mode="bilinear", align_corners=False)
    inside = (..., slice(16, -16), slice(16, -16))  # beyond the outer cells' centres the deconvolution fades to zero
    torch.testing.assert_close(grown[inside], wanted[inside], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "resnet"}, "unknown backbone"),
        ({"image_size": (60, 64)}, "multiples of 32"),
        ({"coordinates": 3}, "expected 2"),
    ],
)
def test_impossible_options(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        build_model("text_objseg", SMALL | change)

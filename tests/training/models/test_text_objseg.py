"""The 2016 network: sizes, a norm that FP16 survives, coordinates, and a deconvolution that starts bilinear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from runtime.errors import SaymaskError
from training.models import build_model
from training.models.backbones import VGG16
from training.models.text_objseg import TextObjsegSegmenter, cell_coordinates, l2_normalise, region_coordinates

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


def small(**changes: Any) -> TextObjsegSegmenter:
    torch.manual_seed(3)
    model = build_model("text_objseg", SMALL | changes)
    assert isinstance(model, TextObjsegSegmenter)
    return model


class _FullyConnectedVGG16(nn.Module):
    """VGG-16 as it was published and as torchvision names it: three fully connected layers behind 7x7 cells."""

    def __init__(self, fc_width: int) -> None:
        super().__init__()
        self.features = VGG16(fc_width=1).features
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, fc_width), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(fc_width, fc_width), nn.ReLU(), nn.Dropout(), nn.Linear(fc_width, 1000)),
        )
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.normal_(layer.get_parameter("bias"), std=0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.classifier(self.features(x).flatten(1))
        return scores


@pytest.mark.parametrize(("fc_width", "dtype"), [(64, torch.float64), (4096, torch.float32)], ids=str)
def test_the_convolutional_vgg16_equals_the_fully_connected_one(
    fc_width: int, dtype: torch.dtype, tmp_path: Path
) -> None:
    """To 1e-5 of the largest score, which is the rounding of float32; in float64 to 1e-12."""
    torch.manual_seed(2)
    published = _FullyConnectedVGG16(fc_width).eval()
    path = tmp_path / "vgg16.safetensors"
    save_file(published.state_dict(), path)
    model = small(backbone="vgg16", fc_width=fc_width, image_size=(224, 224)).eval()
    assert isinstance(model.image.backbone, VGG16)
    model.image.backbone.load_published(path)
    path.unlink()
    published.to(dtype)
    model.to(dtype)
    pixels = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    # torchvision's 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225, times 255
    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    with torch.inference_mode():
        expected = published(((pixels.to(dtype) - mean.to(dtype)) / deviation.to(dtype)).permute(0, 3, 1, 2))
        whole, cells = model.image.whole(pixels), model.image(pixels)
    assert cells.shape == (2, 1000, 7, 7)
    largest = expected.abs().max()
    atol = {torch.float64: 1e-12, torch.float32: 1e-5}[dtype]
    for scores in (whole[:, :, 0, 0], cells[:, :, 3, 3]):
        torch.testing.assert_close(scores / largest, expected / largest, atol=atol, rtol=0)


def test_mobilenet_sees_a_crop_as_the_mean_of_its_cells() -> None:
    model = small().eval()
    crops = torch.randint(0, 256, (2, 96, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(model.image.whole(crops)[..., 0, 0], model.image(crops).mean((2, 3)))


@pytest.mark.parametrize("coordinates", [2, 8])
def test_a_box_around_a_cell_has_the_coordinates_of_the_cell(coordinates: int) -> None:
    cells = cell_coordinates(2, 4, 8)[0, :, 1, 2]
    box = torch.cat([cells[:2], cells[4:6]])[None]
    expected = cells if coordinates == 8 else cells[2:4]
    torch.testing.assert_close(region_coordinates(box, coordinates)[0], expected)


def test_a_region_is_scored_by_the_layers_that_score_a_cell() -> None:
    """An image of one cell and a crop of the same pixels, whose box is the whole image, are one thing."""
    model = small(image_size=(32, 32)).eval()
    crops = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        text = model.encode_text(torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1]))
        cells = model.decode_cells(model.encode_image(crops), text)
        scores = model.score_regions(crops, torch.tensor([[-1.0, -1, 1, 1]]).expand(2, -1), text)
    assert scores.shape == (2,) and (scores[0] - scores[1]).abs() > 1e-4
    torch.testing.assert_close(scores, cells[:, 0, 0], atol=1e-5, rtol=1e-4)


def test_classification_is_one_convolution_over_tiled_and_concatenated_planes() -> None:
    """The paper's wording, against the sum of three convolutions that is computed."""
    model = small().eval()
    pixels = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.inference_mode():
        image = model.encode_image(pixels)
        text = model.encode_text(torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1]))
        planes = [
            image["features"].expand(2, -1, -1, -1),
            text["sentence"][:, :, None, None].expand(-1, -1, 2, 3),
            model.coordinates.expand(2, -1, -1, -1),
        ]
        expected = model.upsample(model.score(F.relu(model.classify(torch.cat(planes, 1))))).squeeze(1)
        torch.testing.assert_close(model.decode(image, text)["mask_logits"], expected, atol=1e-5, rtol=1e-4)


def test_images_together_equal_images_one_by_one() -> None:
    """Two images of three expressions each, as training has them, against the robot's way."""
    model = small()
    nn.init.normal_(model.upsample.weight)  # nothing symmetric that would hide a flipped kernel
    pixels = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    ids = torch.tensor([[3, 4, 0, 0], [5, 0, 0, 0], [6, 7, 8, 0], [9, 2, 0, 0], [3, 0, 0, 0], [8, 8, 8, 0]])
    lengths = torch.tensor([2, 1, 3, 2, 1, 3])
    together = model.train().decode_together(model.encode_image(pixels), model.encode_text(ids, lengths))
    model.eval()
    for index in range(2):
        part = slice(3 * index, 3 * index + 3)
        image = model.encode_image(pixels[index : index + 1])
        alone = model.decode(image, model.encode_text(ids[part], lengths[part]))
        torch.testing.assert_close(together["mask_logits"][part], alone["mask_logits"], atol=1e-5, rtol=1e-4)

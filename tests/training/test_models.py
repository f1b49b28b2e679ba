"""The edge network through its public face."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from runtime.errors import SaymaskError
from training.models import ReferringSegmenter, build_model
from training.models.backbones import VGG16, MobileNetV2
from training.models.edge import EdgeSegmenter

OPTIONS = {"vocabulary_size": 30, "image_size": (64, 96), "channels": 16, "embedding_size": 8, "hidden_size": 16}


@pytest.fixture(params=[{}, {"evidence": True}, {"evidence": True, "doubt": True}], ids=["plain", "evidence", "doubt"])
def model(request: pytest.FixtureRequest) -> ReferringSegmenter:
    torch.manual_seed(0)
    built = build_model("edge", OPTIONS | request.param).eval()
    for parameter in built.parameters():  # away from the zero start of some layers, or a wrong wiring would not show
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.2)
    return built


def encode(model: ReferringSegmenter, ids: list[list[int]], lengths: list[int]) -> dict[str, torch.Tensor]:
    return model.encode_text(torch.tensor(ids), torch.tensor(lengths))


def test_shapes_follow_the_spec(model: ReferringSegmenter) -> None:
    image = model.encode_image(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))
    outputs = model.decode(image, encode(model, [[2, 3, 4], [5, 0, 0]], [3, 1]))
    assert image["features_s16"].shape == (1, 16, 4, 6)
    assert image["centre_offsets"].shape == (1, 2, 16, 24)
    assert outputs["mask_logits"].shape == (2, *model.spec.logit_size) == (2, 32, 48)
    assert outputs["count_logits"].shape == (2, model.get_parameter("count.2.weight").shape[0])


def test_padding_does_not_change_the_answer(model: ReferringSegmenter) -> None:
    image = model.encode_image(torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8))
    short = model.decode(image, encode(model, [[2, 3, 4]], [3]))
    padded = model.decode(image, encode(model, [[2, 3, 4, 0, 0, 0, 0]], [3]))
    for name in short:
        torch.testing.assert_close(short[name], padded[name], atol=1e-5, rtol=1e-5)


def test_word_order_matters(model: ReferringSegmenter) -> None:
    image = model.encode_image(torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8))
    forward, backward = (
        model.decode(image, encode(model, [ids], [3]))["mask_logits"] for ids in ([2, 3, 4], [4, 3, 2])
    )
    assert (forward - backward).abs().max() > 1e-4


def test_one_image_shared_equals_one_image_each(model: ReferringSegmenter) -> None:
    pixels = torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8)
    text = encode(model, [[2, 3, 4], [5, 6, 7]], [3, 2])
    shared = model.decode(model.encode_image(pixels), text)
    repeated = model.decode(model.encode_image(pixels.repeat(2, 1, 1, 1)), text)
    for name in shared:
        torch.testing.assert_close(shared[name], repeated[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("model", [{"evidence": True}], indirect=True, ids=["evidence"])
def test_evidence_is_the_log_probability_of_each_word(model: EdgeSegmenter) -> None:
    pixels = torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8)
    scores = model.word_scores(pixels)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(2, 4, 6))
    assert model.lexicon is not None
    evidence = model.lexicon.evidence(model.encode_image(pixels), encode(model, [[2, 3], [3, 9]], [2, 2]))
    expected = torch.stack([scores[0, [2, 3]], scores[1, [3, 9]]]).flatten(2)
    torch.testing.assert_close(evidence, expected.clamp_min(-8) / 4)


@pytest.mark.parametrize("model", [{"evidence": True}], indirect=True, ids=["evidence"])
def test_a_step_follows_the_evidence_of_the_word_it_reads(model: EdgeSegmenter) -> None:
    assert model.lexicon is not None
    pixels = torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8)
    image, text = model.encode_image(pixels), encode(model, [[2, 3, 4]], [3])
    before = model.decode(image, text)["mask_logits"]
    image["seen_total"][..., 1] += 2  # nothing is as likely in the second column
    change = (model.decode(image, text)["mask_logits"] - before).abs()
    assert change.max() > 1e-4


@pytest.mark.parametrize("model", [{"doubt": True}], indirect=True, ids=["doubt"])
def test_doubt_looks_where_the_mask_lies_and_leaves_the_mask_alone(model: EdgeSegmenter) -> None:
    x, sentence = torch.rand(1, 16, 4, 6), torch.rand(1, 16)
    left = torch.full((1, 32, 48), -9.0)
    left[..., :24] = 9
    right = left.flip(2).requires_grad_()
    logits = [model._count(x, sentence, mask) for mask in (left, right)]
    assert (logits[0] - logits[1]).abs().max() > 1e-4
    assert torch.isfinite(model._count(x, sentence, torch.full((1, 32, 48), -90.0))).all()
    torch.autograd.backward(logits[1].sum())
    assert right.grad is None


def test_words_are_scored_with_a_lexicon_only() -> None:
    with pytest.raises(SaymaskError, match=r"no lexicon; train one with --set options\.evidence=true"):
        EdgeSegmenter(**OPTIONS).word_scores(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))  # type: ignore[arg-type]


def test_full_size_stays_within_six_million_parameters() -> None:
    model = build_model("edge", {"vocabulary_size": 1000, "evidence": True})
    assert sum(parameter.numel() for parameter in model.parameters()) <= 6_000_000


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [("mystery", {}, "unknown architecture 'mystery'"), ("edge", {"colour": 1}, "cannot be built")],
)
def test_bad_requests_are_named(architecture: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        build_model(architecture, options)


class _PublishedMobileNet(nn.Module):
    """torchvision's layout: a batch norm after every convolution, under the same names."""

    def __init__(self, folded: MobileNetV2) -> None:
        super().__init__()
        self.features = folded.features
        for module in list(self.modules()):
            if isinstance(module, nn.Sequential):
                self._add_norms(module)

    @staticmethod
    def _add_norms(sequence: nn.Sequential) -> None:
        for index in range(len(sequence) - 1):
            conv = sequence[index]
            if isinstance(conv, nn.Conv2d) and isinstance(sequence[index + 1], nn.Identity):
                without_bias = copy.deepcopy(conv)
                without_bias.bias = None
                sequence[index] = without_bias
                norm = nn.BatchNorm2d(conv.out_channels)
                nn.init.uniform_(norm.weight, 0.5, 1.5)
                nn.init.normal_(norm.bias)
                norm.running_mean = torch.randn(conv.out_channels) * 0.1
                norm.running_var = torch.rand(conv.out_channels) + 0.5
                sequence[index + 1] = norm


def test_published_weights_fold_to_the_same_function(tmp_path: Path) -> None:
    torch.manual_seed(1)
    published = _PublishedMobileNet(MobileNetV2()).eval()
    path = tmp_path / "mobilenet_v2.safetensors"
    save_file(published.state_dict(), path)
    folded = MobileNetV2().eval()
    folded.load_published(path)
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    expected = published.features(x)
    torch.testing.assert_close(folded(x)[-1], expected, atol=1e-4, rtol=1e-4)


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    save_file({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, path)
    with pytest.raises(SaymaskError, match=r"features\.0\.1\.weight is missing"):
        MobileNetV2().load_published(path)


def test_a_file_that_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"not weights")
    with pytest.raises(SaymaskError, match="not a readable state dict"):
        VGG16(fc_width=8).load_published(path)

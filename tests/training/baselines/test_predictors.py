"""Every baseline answers an image and expressions with masks, and `measure` counts what came of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.preprocess import PAD_VALUE
from tests.training.baselines.conftest import save_untrained
from training.baselines import BASELINES, Masks, evaluate_predictor, measure, open_predictor
from training.baselines.region_scores import RegionScorer
from training.baselines.region_tree import mask_box, segment_proposals
from training.data.regions import crop_region, relative_box
from training.expressions.datatypes import Expression
from training.models.text_objseg import TextObjsegSegmenter

TEXTS = ("the red block", "the block on the left", "block")


def test_the_whole_image_scores_the_share_of_its_pixels() -> None:
    instances = np.full((10, 20), -1, np.int8)
    instances[:5, :8] = 0
    instances[9, 19] = 1
    expressions = [
        Expression("the red block", "", "attribute", (0,)),
        Expression("the dot", "", "category", (1,)),
        Expression("the cup", "", "category", ()),
    ]
    figures = evaluate_predictor(
        open_predictor("whole_image"), [(np.zeros((10, 20, 3), np.uint8), instances, expressions)]
    )
    assert figures["n"] == 2 and figures["expressions"] == 3 and figures["images"] == 1
    assert figures["overall_iou"] == pytest.approx(41 / 400)
    assert figures["mean_iou"] == pytest.approx((40 / 200 + 1 / 200) / 2)
    assert figures["precision_at_0.5"] == 0
    assert figures["slices"]["attribute"]["overall_iou"] == pytest.approx(0.2)
    assert figures["right_object"] == 0.5  # most of the objects' pixels are the block's


class Slow:
    """Finds nothing, and takes its time."""

    def masks(self, image: npt.NDArray[np.uint8], texts: Sequence[str]) -> Masks:
        time.sleep(0.02)
        return [np.zeros(image.shape[:2], bool) for _ in texts]


def test_seconds_are_those_of_an_image_with_all_its_expressions() -> None:
    image, instances = np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.int8)
    expressions = [Expression("a", "", "category", (0,)), Expression("b", "", "category", ())]
    measured = measure(Slow(), [(image, instances, expressions)] * 3)
    assert 0.02 <= measured.seconds_per_image < 0.2
    assert [outcome.verdict for outcome in measured.outcomes] == ["NOT_FOUND"] * 6
    assert measured.summary()["overall_iou"] == 0


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "whole_image"])
def test_every_baseline_gives_one_mask_per_expression(
    name: str, region_checkpoint: Path, vocabulary: Vocabulary, picture: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    checkpoint = region_checkpoint
    if name.startswith("per_word"):
        thresholds = {"average": -1.0, "intersection": -2.0}
        checkpoint = save_untrained(tmp_path / "c.safetensors", "per_word", vocabulary, combinations=thresholds)
    masks = open_predictor(name, checkpoint).masks(picture, TEXTS)
    assert len(masks) == len(TEXTS) and all(mask.shape == (48, 64) and mask.dtype == bool for mask in masks)


def test_a_box_is_the_box_of_the_best_proposal(region_checkpoint: Path, picture: npt.NDArray[np.uint8]) -> None:
    proposals = segment_proposals(picture)
    scores = RegionScorer(region_checkpoint).scores(picture, proposals, TEXTS, grey=False)
    assert scores.shape == (len(TEXTS), len(proposals))
    for mask, best in zip(
        open_predictor("box", region_checkpoint).masks(picture, TEXTS), scores.argmax(1), strict=True
    ):
        assert mask_box(mask) == mask_box(proposals[best])
        assert mask.sum() == np.prod(np.subtract(mask_box(mask)[2:], mask_box(mask)[:2]))


@pytest.mark.parametrize("grey", [False, True])
def test_scores_are_the_networks_own_for_each_pair(
    grey: bool, region_checkpoint: Path, picture: npt.NDArray[np.uint8]
) -> None:
    scorer = RegionScorer(region_checkpoint)
    mask = np.zeros((48, 64), bool)
    mask[12:28, 8:18] = mask[20:24, 8:40] = True
    masks = np.concatenate([np.ones((30, 48, 64), bool), mask[None]])  # more than one batch of crops
    scores = scorer.scores(picture, masks, TEXTS, grey=grey)
    shown = np.where(mask[..., None], picture, np.uint8(PAD_VALUE)) if grey else picture
    crop = torch.from_numpy(crop_region(shown, (8, 12, 40, 28)))[None]
    box = torch.from_numpy(relative_box((8, 12, 40, 28), (48, 64)))[None]
    tokens = scorer.vocabulary.encode([TEXTS[1]], scorer.model.spec.max_words)
    assert isinstance(scorer.model, TextObjsegSegmenter)
    with torch.inference_mode():
        text = scorer.model.encode_text(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.lengths))
        expected = scorer.model.score_regions(crop, box, text)
    assert scores[1, 30] == pytest.approx(float(expected), abs=1e-4)
    assert scores[1, 30] != pytest.approx(float(scores[1, 0]), abs=1e-3)


def test_a_networks_masks_are_its_positive_pixels(region_checkpoint: Path, picture: npt.NDArray[np.uint8]) -> None:
    from training.baselines.network import NetworkPredictor

    predictor = NetworkPredictor(region_checkpoint)
    everything = NetworkPredictor(region_checkpoint, threshold=-1e9).masks(picture, TEXTS)
    nothing = NetworkPredictor(region_checkpoint, threshold=1e9).masks(picture, TEXTS)
    assert all(mask.all() for mask in everything) and not any(mask.any() for mask in nothing)
    assert len(predictor.masks(picture, TEXTS)) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mcg", "no baseline 'mcg'; choose from whole_image, per_word_average"),
        ("box", "'box' needs --checkpoint"),
        ("per_word_average", "needs --checkpoint"),
    ],
)
def test_what_cannot_be_opened(name: str, message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        open_predictor(name)


def test_a_checkpoint_of_another_network_is_refused(
    region_checkpoint: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    with pytest.raises(SaymaskError, match="a checkpoint of 'text_objseg', expected one of 'per_word'"):
        open_predictor("per_word_average", region_checkpoint)
    untrained = save_untrained(tmp_path / "c.safetensors", "per_word", vocabulary)
    with pytest.raises(SaymaskError, match="expected 'text_objseg'"):
        open_predictor("proposals", untrained)
    with pytest.raises(SaymaskError, match=r"no threshold for 'average'; run python training/baselines/fit_threshold"):
        open_predictor("per_word_average", untrained)

"""Region batches: the right box for the words, boxes that are not meant beside it, the same again when asked again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from runtime.language.vocabulary import Vocabulary
from training.config import TrainingConfig
from training.data.regions import (
    RegionBatches,
    box_iou,
    crop_region,
    elsewhere,
    relative_box,
    thing_boxes,
)
from training.data.rendered import RenderedShards, epoch_indices
from training.expressions.datatypes import Expression
from training.models import NetworkSpec

SPEC = NetworkSpec((64, 64), (64, 64), 20, 11, 1)
CONFIG = TrainingConfig(
    steps=40, images_per_step=2, regions_per_image=3, expressions_per_image=4, word_drop=0.0, transcript_share=0.0
)
COLOURS = ("red", "green", "blue")


class OneThing:
    """A data set that tells of one thing per image, as ReferIt's masks do."""

    def __len__(self) -> int:
        return 3

    def view(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8], tuple[Expression, ...]]:
        instances = np.full((40, 60), -1, np.int8)
        instances[10:20, 30:50] = 0
        expression = Expression("the red block", "the red block", "attribute", (0,))
        return np.where(instances[..., None] == 0, 200, 90).astype(np.uint8).repeat(3, 2), instances, (expression,)

    def descriptions(self, index: int) -> list[frozenset[str]]:
        return []


@pytest.fixture
def batches(shard_folder: Path, vocabulary: Vocabulary) -> RegionBatches:
    return RegionBatches(RenderedShards([shard_folder]), vocabulary, SPEC, CONFIG)


def words_of_pair(batch: dict[str, torch.Tensor], pair: int, vocabulary: Vocabulary) -> list[str]:
    row = batch["expression_of"][pair]
    return [vocabulary.words[index] for index in batch["token_ids"][row, : batch["lengths"][row]].tolist()]


def is_block(box: torch.Tensor) -> bool:
    """Whether a box is as large as the blocks of conftest.py, 14 x 14 of 64 x 48 pixels."""
    return torch.allclose(box[2:] - box[:2], torch.tensor([28 / 64, 28 / 48]))


def test_shapes_and_dtypes(batches: RegionBatches) -> None:
    batch = batches[0]
    assert {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in batch.items()} == {
        "crops": ((6, 224, 224, 3), torch.uint8),
        "boxes": ((6, 4), torch.float32),
        "token_ids": ((8, 20), torch.int64),
        "lengths": ((8,), torch.int64),
        "region_of": ((24,), torch.int64),
        "expression_of": ((24,), torch.int64),
        "matches": ((24,), torch.float32),
    }


def test_pairs_stay_within_their_image(batches: RegionBatches) -> None:
    batch = batches[3]
    assert torch.equal(batch["region_of"] // 3, batch["expression_of"] // 4)
    pairs = set(zip(batch["region_of"].tolist(), batch["expression_of"].tolist(), strict=True))
    assert len(pairs) == 2 * 3 * 4


def test_colour_words_match_the_crop_of_their_colour_only(batches: RegionBatches, vocabulary: Vocabulary) -> None:
    seen = {0: 0, 1: 0}
    for step in range(12):
        batch = batches[step]
        for pair, match in enumerate(batch["matches"].tolist()):
            colour = next((word for word in words_of_pair(batch, pair, vocabulary) if word in COLOURS), None)
            row = batch["region_of"][pair]
            if colour is None or not is_block(batch["boxes"][row]):
                continue
            shown = COLOURS[int(batch["crops"][row].float().mean((0, 1)).argmax())]
            assert (shown == colour) == bool(match)
            seen[int(match)] += 1
    assert min(seen.values()) > 20


def test_sides_hold_in_the_mirror_too(batches: RegionBatches, vocabulary: Vocabulary) -> None:
    checked = 0
    for step in range(12):
        batch = batches[step]
        for pair, match in enumerate(batch["matches"].tolist()):
            words = words_of_pair(batch, pair, vocabulary)
            if match and ("left" in words or "right" in words):
                box = batch["boxes"][batch["region_of"][pair]]
                assert (float(box[0] + box[2]) < 0) == ("left" in words)
                checked += 1
    assert checked > 10


def test_every_step_has_matches_and_others(batches: RegionBatches) -> None:
    for step in range(10):
        matches = batches[step]["matches"].view(2, 4, 3)
        assert 0 < matches.mean() < 1
        assert bool((matches == 0).any(2).all()), "no expression may match all of its boxes"


def test_a_referent_without_company_is_given_boxes_around_nothing(vocabulary: Vocabulary) -> None:
    config = replace(CONFIG, expressions_per_image=1, augment=False)
    batch = RegionBatches(OneThing(), vocabulary, SPEC, config)[0]
    assert batch["matches"].view(2, 3).sum(1).tolist() == [1, 1]
    wanted = torch.from_numpy(relative_box((30, 10, 50, 20), (40, 60)))
    for row in (0, 3):
        torch.testing.assert_close(batch["boxes"][row], wanted)
        assert bool((batch["crops"][row] == 200).all())


def test_a_step_is_the_same_when_asked_again_and_steps_differ(batches: RegionBatches) -> None:
    again = batches[7]
    for name, tensor in batches[7].items():
        assert torch.equal(tensor, again[name]), name
    assert not torch.equal(batches[8]["crops"], again["crops"])


def test_without_augmentation_a_crop_is_the_images_own_pixels(shard_folder: Path, vocabulary: Vocabulary) -> None:
    views = RenderedShards([shard_folder])
    config = replace(CONFIG, augment=False, images_per_step=1)
    batch = RegionBatches(views, vocabulary, SPEC, config)[0]
    image = views.view(epoch_indices(config, 0, len(views))[0])[0]
    for crop, box in zip(batch["crops"], batch["boxes"], strict=True):
        left, top, right, bottom = ((box.numpy() + 1) / 2 * (64, 48, 64, 48)).round().astype(int).tolist()
        np.testing.assert_array_equal(crop.numpy(), crop_region(image, (left, top, right, bottom)))


def test_boxes_are_where_things_are_seen() -> None:
    instances = np.full((8, 10), -1, np.int8)
    instances[2:5, 3:9] = 4
    instances[0, 0] = instances[7, 9] = 1
    assert thing_boxes(instances) == {1: (0, 0, 10, 8), 4: (3, 2, 9, 5)}


@pytest.mark.parametrize(
    ("box", "expected"), [((0, 0, 80, 40), [-1, -1, 1, 1]), ((20, 10, 60, 40), [-0.5, -0.5, 0.5, 1])]
)
def test_relative_box(box: tuple[int, int, int, int], expected: list[float]) -> None:
    np.testing.assert_allclose(relative_box(box, (40, 80)), expected)


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (3, 5, 300, 400), (10, 0, 12, 400)])
def test_a_crop_of_any_shape_fills_the_square(box: tuple[int, int, int, int]) -> None:
    image = np.full((400, 300, 3), 7, np.uint8)
    crop = crop_region(image, box)
    assert crop.shape == (224, 224, 3) and crop.dtype == np.uint8 and (crop == 7).all()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0, 0, 2, 2), (0, 0, 2, 2), 1.0), ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3), ((0, 0, 1, 1), (1, 1, 2, 2), 0.0)],
)
def test_box_iou(one: tuple[int, int, int, int], other: tuple[int, int, int, int], expected: float) -> None:
    assert box_iou(one, other) == pytest.approx(expected)


def test_boxes_around_nothing_lie_inside_and_keep_their_distance() -> None:
    rng, seen = np.random.default_rng(0), {0: (10, 10, 40, 40), 1: (50, 5, 90, 50)}
    for _ in range(200):
        box = elsewhere((60, 100), seen, rng)
        assert 0 <= box[0] < box[2] <= 100 and 0 <= box[1] < box[3] <= 60
        assert max(box_iou(box, other) for other in seen.values()) <= 0.3


def test_a_picture_of_one_pixel_has_a_box() -> None:
    assert elsewhere((1, 1), {0: (0, 0, 1, 1)}, np.random.default_rng(0)) == (0, 0, 1, 1)

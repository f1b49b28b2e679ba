"""Batches: right targets for the words, in the mirror as well; the same again when asked again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.config import TrainingConfig
from training.data.rendered import RenderedShards, TrainingBatches, centre_offsets, epoch_indices, mirror
from training.models import NetworkSpec

SPEC = NetworkSpec((64, 64), (32, 32), 20, 11, 5)
CONFIG = TrainingConfig(steps=50, images_per_step=3, expressions_per_image=4, word_drop=0.0, transcript_share=0.0)


@pytest.fixture
def batches(shard_folder: Path, vocabulary: Vocabulary) -> TrainingBatches:
    return TrainingBatches(RenderedShards([shard_folder]), vocabulary, SPEC, CONFIG)


def words_in(row: torch.Tensor, length: int, vocabulary: Vocabulary) -> list[str]:
    return [vocabulary.words[index] for index in row[:length].tolist()]


def test_shapes_and_dtypes(batches: TrainingBatches) -> None:
    batch = batches[0]
    shapes = {name: tuple(tensor.shape) for name, tensor in batch.items()}
    assert shapes == {
        "pixels": (3, 64, 64, 3),
        "token_ids": (12, 20),
        "lengths": (12,),
        "masks": (12, 32, 32),
        "counts": (12,),
        "landmarks": (12, 4, 4),
        "offsets": (3, 2, 16, 16),
        "on_object": (3, 1, 16, 16),
    }
    assert batch["pixels"].dtype == torch.uint8 and batch["masks"].dtype == torch.float32


def test_words_lie_on_the_things_that_they_describe(shard_folder: Path, vocabulary: Vocabulary) -> None:
    config = replace(CONFIG, loss=replace(CONFIG.loss, words=1.0))
    batches = TrainingBatches(RenderedShards([shard_folder]), vocabulary, SPEC, config)
    checked = 0
    for step in range(5):
        batch = batches[step]
        assert batch["things"].shape == (3, 16, 4, 4) and batch["thing_words"].shape == (3, 16, 11)
        assert batch["thing_words"].sum(2).tolist() == [[1.0, 1.0] + [0.0] * 14] * 3  # two things, a colour and "block"
        for row in range(12):
            words = words_in(batch["token_ids"][row], int(batch["lengths"][row]), vocabulary)
            colour = next((word for word in words if word in ("red", "green", "blue")), None)
            if colour is None or batch["counts"][row] != 1:
                continue
            thing = int(batch["thing_words"][row // 4, :, vocabulary.id_of(colour)].argmax())
            covered = torch.nn.functional.avg_pool2d(batch["masks"][row][None], 8)[0]
            torch.testing.assert_close(batch["things"][row // 4, thing], covered)
            checked += 1
    assert checked > 10


def test_masks_lie_where_the_words_say_even_in_the_mirror(batches: TrainingBatches, vocabulary: Vocabulary) -> None:
    seen = {"left": 0, "right": 0}
    for step in range(30):
        batch = batches[step]
        for row in range(12):
            words = words_in(batch["token_ids"][row], int(batch["lengths"][row]), vocabulary)
            mask = batch["masks"][row]
            place = batch["on_object"][row // 4, 0]
            side = next((word for word in words if word in seen), None)
            if side is None:
                continue
            columns = mask.sum(0).nonzero()[:, 0].float().mean() / 2  # both objects lie within on_object's 16 columns
            middle = place.sum(0).nonzero()[:, 0].float().mean()
            assert (columns < middle) == (side == "left")
            seen[side] += 1
    assert min(seen.values()) > 10


def test_colour_words_lie_on_their_colour(batches: TrainingBatches, vocabulary: Vocabulary) -> None:
    checked = 0
    for step in range(10):
        batch = batches[step]
        for row in range(12):
            words = words_in(batch["token_ids"][row], int(batch["lengths"][row]), vocabulary)
            colour = next((c for c in ("red", "green", "blue") if c in words), None)
            if colour is None or batch["counts"][row] != 1:
                continue
            inside = torch.nn.functional.interpolate(batch["masks"][row][None, None], scale_factor=2)[0, 0] == 1
            mean = batch["pixels"][row // 4][inside].float().mean(0)
            assert ("red", "green", "blue")[int(mean.argmax())] == colour
            checked += 1
    assert checked > 10


def test_absent_and_several_are_counted(batches: TrainingBatches) -> None:
    for step in range(5):
        batch = batches[step]
        area = batch["masks"].sum((1, 2))
        assert bool(((area == 0) == (batch["counts"] == 0)).all())


def test_a_step_is_the_same_when_asked_again_and_steps_differ(batches: TrainingBatches) -> None:
    again = batches[7]
    for name, tensor in batches[7].items():
        assert torch.equal(tensor, again[name]), name
    assert not torch.equal(batches[8]["pixels"], again["pixels"])


def test_an_epoch_shows_every_view_once(shard_folder: Path) -> None:
    views = RenderedShards([shard_folder])
    config = replace(CONFIG, images_per_step=5)
    assert sorted(epoch_indices(config, 0, len(views)) + epoch_indices(config, 1, len(views))) == list(
        range(len(views))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the left mug", "the right mug"),
        ("leftmost cup right of the jar", "rightmost cup left of the jar"),
        ("jar", "jar"),
    ],
)
def test_mirror(text: str, expected: str) -> None:
    assert mirror(text) == expected


def test_offsets_point_from_each_cell_to_the_centre() -> None:
    instances = np.full((32, 32), -1, np.int8)
    instances[8:16, 16:32] = 3
    offsets, on_object = centre_offsets(instances)
    assert on_object[0].sum() == 2 * 4
    cell = (2, 4)  # centre at y 10, x 18 of 32; the object's at y 12, x 24
    np.testing.assert_allclose(offsets[:, cell[0], cell[1]], [6 / 32, 2 / 32], atol=1e-6)
    assert not offsets[:, 0, 0].any()


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SaymaskError, match=r"no shards in .* python training/render\.py"):
        RenderedShards([tmp_path])


def test_a_weighted_kind_is_drawn_more_often(shard_folder: Path, vocabulary: Vocabulary) -> None:
    views = RenderedShards([shard_folder])
    once = replace(CONFIG, expressions_per_image=1)
    kinds = sorted({expression.kind for i in range(len(views)) for expression in views.view(i)[2]})

    def drawn(kind: str, weights: dict[str, float]) -> int:
        batches = TrainingBatches(views, vocabulary, SPEC, replace(once, kind_weights=weights))
        texts = {e.text for i in range(len(views)) for e in views.view(i)[2] if e.kind == kind}
        texts |= {mirror(text) for text in texts}
        rows = (batches[step] for step in range(50))
        said = [
            " ".join(words_in(row, int(length), vocabulary))
            for batch in rows
            for row, length in zip(batch["token_ids"], batch["lengths"], strict=True)
        ]
        return sum(text in texts for text in said)

    assert len(kinds) > 1
    assert drawn(kinds[0], {kinds[0]: 50.0}) > 140 > drawn(kinds[0], {})

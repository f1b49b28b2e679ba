"""The test folder's reader: labels shift by one, colours keep their order, damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import SaymaskError
from training.data.testset import load_test_set
from training.scenes.datatypes import BACKGROUND

OBJECT = {
    "index": 0,
    "identifier": "jar/7",
    "nouns": ["jar", "pot"],
    "colours": ["red"],
    "material": None,
    "pattern": None,
    "size_m": 0.1,
    "position_m": [0.0, 0.1, 0.0],
    "centre_camera_m": [0.0, 0.0, 1.0],
    "box": [0, 0, 8, 8],
    "visible_pixels": 64,
    "touches_edge": True,
}
EXPRESSION = {
    "text": "the jar",
    "transcript": "pick up the jar",
    "kind": "category",
    "referents": [0],
    "plural": False,
    "landmarks": [],
    "needed": True,
    "pair": -1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """16x24 red image; object 0 in the upper left 8x8, object 1 right of it."""
    (tmp_path / "images").mkdir()
    (tmp_path / "instances").mkdir()
    image = np.zeros((16, 24, 3), np.uint8)
    image[..., 2] = 200  # OpenCV writes BGR
    labels = np.zeros((16, 24), np.uint8)
    labels[:8, :8], labels[:8, 8:16] = 1, 2
    cv2.imwrite(str(tmp_path / "images/0.jpg"), image)
    cv2.imwrite(str(tmp_path / "instances/0.png"), labels)
    several = EXPRESSION | {"referents": [0, 1], "plural": True, "count": "several"}
    record = {
        "file": "images/0.jpg",
        "instances": "instances/0.png",
        "objects": [OBJECT],
        "expressions": [EXPRESSION, several, EXPRESSION | {"referents": []}],
        "scene_seed": 11,
        "table_texture": "oak",
    }
    (tmp_path / "test.json").write_text(json.dumps({"images": [record]}))
    return tmp_path


def test_reads_pixels_labels_and_records(folder: Path) -> None:
    (image,) = load_test_set(folder)
    assert image.image.shape == (16, 24, 3) and image.image.dtype == np.uint8
    assert image.image[4, 4, 0] > 150 and image.image[4, 4, 2] < 50
    assert image.instances.dtype == np.int8
    assert (image.instances[0, 0], image.instances[0, 10], image.instances[15, 0]) == (0, 1, BACKGROUND)
    assert image.objects[0].nouns == ("jar", "pot") and image.objects[0].box == (0, 0, 8, 8)
    assert (image.scene_seed, image.table_texture) == (11, "oak")


def test_masks_are_the_union_of_referents(folder: Path) -> None:
    (image,) = load_test_set(folder)
    assert [int(image.mask(expression).sum()) for expression in image.expressions] == [64, 128, 0]
    assert [expression.count for expression in image.expressions] == ["one", "several", "none"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "test.json").unlink(), r"test\.json: not a readable test set"),
        (lambda folder: (folder / "test.json").write_text("{"), r"test\.json: not a readable test set"),
        (lambda folder: (folder / "images/0.jpg").unlink(), r"0\.jpg: missing"),
        (lambda folder: (folder / "test.json").write_text('{"images": [{}]}'), r"image 0 is malformed"),
        (
            lambda folder: cv2.imwrite(str(folder / "instances/0.png"), np.zeros((8, 8), np.uint8)),
            r"size \(8, 8\) differs",
        ),
    ],
)
def test_damage_is_named(folder: Path, damage: object, message: str) -> None:
    assert callable(damage)
    damage(folder)
    with pytest.raises(SaymaskError, match=message):
        load_test_set(folder)

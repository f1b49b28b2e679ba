"""Test images small enough to check by hand, in the tiny bundle's words: a red and a green thing on a grey table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.testset import write_test_set
from tests.runtime.conftest import make_bundle, tiny_bundle
from training.data.testset import TestImage
from training.expressions.datatypes import Expression
from training.scenes.datatypes import SceneObject

__all__ = ["images", "make_bundle", "test_set", "tiny_bundle"]

SIDE = 48
EXPRESSIONS = (
    Expression("the red thing", "pick up the red thing", "attribute", (0,), pair=0),
    Expression("the green thing", "pick up the green thing", "attribute", (1,), pair=0),
    Expression("the thing on the left", "take the thing on the left", "position", (0,)),
    Expression("the thing", "give me the thing", "category", (0, 1)),
    Expression("the things", "give me the things", "plural", (0, 1), plural=True),
    Expression("the unicorn", "pick up the unicorn", "category", ()),
)


def make_image(seed: int) -> TestImage:
    """Thing 0 (red) on the left, thing 1 (green) on the right, each 12 x 12 pixels, at heights that `seed` moves."""
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    instances = np.full((SIDE, SIDE), -1, np.int8)
    objects = []
    for index, (colour, rgb) in enumerate({"red": (220, 20, 20), "green": (20, 220, 20)}.items()):
        x, y = 6 + 24 * index, 4 + seed % 20
        image[y : y + 12, x : x + 12] = rgb
        instances[y : y + 12, x : x + 12] = index
        objects.append(
            SceneObject(
                index=index,
                identifier=f"thing/{seed}-{index}",
                nouns=("thing",),
                colours=(colour,),
                material="wood",
                pattern=None,
                size_m=0.05,
                position_m=(0.1 * index, 0.0, 0.0),
                centre_camera_m=(0.1 * index, 0.0, 1.0),
                box=(x, y, x + 12, y + 12),
                visible_pixels=144,
                touches_edge=False,
            )
        )
    return TestImage(f"{seed:04}", image, instances, tuple(objects), EXPRESSIONS, scene_seed=seed, table_texture="grey")


@pytest.fixture(scope="session")
def images() -> list[TestImage]:
    return [make_image(seed) for seed in range(4)]


@pytest.fixture(scope="session")
def test_set(images: list[TestImage], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "things-test"
    write_test_set(images, folder, limit_bytes=1_000_000)
    return folder

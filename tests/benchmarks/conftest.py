"""Test images small enough to check by hand: one red and one blue block on a grey table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.testset import write_test_set
from tests.benchmarks.colour_bundle import write_colour_bundle
from training.data.testset import TestImage
from training.expressions.datatypes import Expression
from training.scenes.datatypes import SceneObject

SIDE = 48
EXPRESSIONS = (
    Expression("the red block", "pick up the red block", "attribute", (0,), pair=0),
    Expression("the blue block", "pick up the blue block", "attribute", (1,), pair=0),
    Expression("the block on the left", "take the block on the left", "position", (0,)),
    Expression("the block", "give me the block", "category", (0, 1)),
    Expression("the blocks", "give me the blocks", "plural", (0, 1), plural=True),
    Expression("the green block", "pick up the green block", "attribute", ()),
)


def make_image(seed: int) -> TestImage:
    """Block 0 (red) on the left, block 1 (blue) on the right, each 12 x 12 pixels, at heights that `seed` moves."""
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    instances = np.full((SIDE, SIDE), -1, np.int8)
    objects = []
    for index, (colour, rgb) in enumerate({"red": (220, 20, 20), "blue": (20, 20, 220)}.items()):
        x, y = 6 + 24 * index, 4 + seed % 20
        image[y : y + 12, x : x + 12] = rgb
        instances[y : y + 12, x : x + 12] = index
        objects.append(
            SceneObject(
                index=index,
                identifier=f"block/{seed}-{index}",
                nouns=("block",),
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
    folder = tmp_path_factory.mktemp("data") / "blocks-test"
    write_test_set(images, folder, limit_bytes=1_000_000)
    return folder


@pytest.fixture(scope="session")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_bundle(tmp_path_factory.mktemp("models") / "colour")

"""A data set small enough to look through: coloured squares on a grey table, written as real shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from runtime.language.vocabulary import Vocabulary
from training.expressions.datatypes import Expression
from training.scenes.datatypes import Intrinsics, SceneObject, View
from training.scenes.shards import write_shard

COLOURS = {"red": (200, 30, 30), "green": (40, 160, 50), "blue": (40, 60, 200)}
WORDS = ("the", "block", "left", "right", "pick", "up", *COLOURS)


def make_view(seed: int) -> View:
    """Two blocks of different colours, index 0 on the left, 48 x 64 pixels."""
    rng = np.random.default_rng(seed)
    image = np.full((48, 64, 3), 120, np.uint8)
    instances = np.full((48, 64), -1, np.int8)
    things = []
    for index, name in enumerate(rng.choice(list(COLOURS), 2, replace=False).tolist()):
        x, y = int(rng.integers(2, 14)) + 32 * index, int(rng.integers(2, 30))
        image[y : y + 14, x : x + 14] = COLOURS[name]
        instances[y : y + 14, x : x + 14] = index
        box = (x, y, x + 14, y + 14)
        things.append(
            SceneObject(
                index,
                f"block/{seed}",
                ("block",),
                (name,),
                "wood",
                None,
                0.05,
                (x / 100, 0, 0),
                (0, 0, 1),
                box,
                196,
                False,
            )
        )
    depth = np.ones((48, 64), np.float32)
    gaps = np.full((2, 2), 0.1, np.float32)
    return View(image, instances, depth, Intrinsics(60, 60, 32, 24), tuple(things), gaps, frozenset(), seed, 0, "plain")


def expressions_of(view: View) -> list[Expression]:
    first, second = (thing.colours[0] for thing in view.objects)
    absent = next(name for name in COLOURS if name not in (first, second))

    def say(text: str, kind: str, referents: tuple[int, ...], landmarks: tuple[int, ...] = ()) -> Expression:
        return Expression(text, f"pick up {text}", kind, referents, landmarks=landmarks)  # type: ignore[arg-type]

    return [
        say(f"the {first} block", "attribute", (0,)),
        say(f"the {second} block", "attribute", (1,)),
        say("the left block", "position", (0,)),
        say("the right block", "position", (1,), (0,)),
        say("the block", "category", (0, 1)),
        say(f"the {absent} block", "attribute", ()),
    ]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small spend their time in barriers when several threads share a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for number in range(2):
        views = [make_view(100 * number + seed) for seed in range(5)]
        write_shard(folder / f"shard-{number:05d}.npz", [(v, expressions_of(v)) for v in views], with_depth=False)
    return folder


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_words(WORDS)

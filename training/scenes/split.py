"""Which material belongs to training, validation or test: one rule, by identifier alone.

Whoever holds an identifier ("jar/81723", a mesh's id, a surface's name) can tell its split, so that a test can prove
from the records of two rendered sets that they share nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, get_args

import numpy as np

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

SEED_RANGES: dict[Split, range] = {
    "train": range(0, 1_000_000_000),
    "validation": range(1_000_000_000, 1_200_000_000),
    "test": range(1_200_000_000, 1_600_000_000),
}
"""Seeds of procedural objects and surfaces."""

TEST_PERCENT = 10
VALIDATION_PERCENT = 5

_PROCEDURAL = re.compile(r".+/(\d+)")


def split_of(identifier: str) -> Split:
    """The split that an object or a surface belongs to.

    Procedural things are named "<kind>/<seed>" and go by the range of their seed; files (meshes, surface images) go by
    the SHA-256 of their name: 10 % test, 5 % validation, the rest train. ValueError for a seed outside all ranges.
    """
    procedural = _PROCEDURAL.fullmatch(identifier)
    if procedural:
        seed = int(procedural.group(1))
        for split, seeds in SEED_RANGES.items():
            if seed in seeds:
                return split
        raise ValueError(f"{identifier}: seed {seed} lies in no split; expected one below {SEED_RANGES['test'].stop}")
    percent = int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 100
    if percent < TEST_PERCENT:
        return "test"
    return "validation" if percent < TEST_PERCENT + VALIDATION_PERCENT else "train"


def is_mesh(identifier: str) -> bool:
    """Whether it is a mesh from a file, scanned or modelled by hand, and not made from a seed."""
    return _PROCEDURAL.fullmatch(identifier) is None


def draw_seed(rng: np.random.Generator, split: Split) -> int:
    """A seed for a procedural object or surface of `split`."""
    seeds = SEED_RANGES[split]
    return int(rng.integers(seeds.start, seeds.stop))

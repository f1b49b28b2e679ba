"""One settled arrangement of pooled objects on a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.scenes.datatypes import TabletopObject
from training.scenes.footprints import footprint, footprint_gap
from training.scenes.placement import FEWEST, choose_objects, place
from training.scenes.settling import Pose, TableShape, settle

ASPECTS = ((1, 1), (4, 3), (16, 9))
ASPECT_SHARES = (0.40, 0.45, 0.15)
ATTEMPTS = 8


@dataclass(frozen=True, eq=False)
class Scene:
    """Objects at rest. `objects` are positions in the pool, in the order of the indices used in all ground truth.

    `gap_m` (n, n) float32 and `resting_on` are as in `View`. `against_wall`: a wall stands at the table's far side.
    """

    seed: int
    table: TableShape
    against_wall: bool
    aspect: tuple[int, int]
    objects: tuple[int, ...]
    poses: tuple[Pose, ...]
    gap_m: npt.NDArray[np.float32]
    resting_on: frozenset[tuple[int, int]]

    def hulls(self, pool: Sequence[TabletopObject]) -> list[npt.NDArray[np.float64]]:
        """Hull vertices (k, 3) of each object where it rests, metres."""
        return [pose.apply(pool[i].hull_vertices) for i, pose in zip(self.objects, self.poses, strict=True)]


def make_scene(pool: Sequence[TabletopObject], seed: int) -> Scene:
    """The scene that `seed` makes of `pool`: 3..10 objects at rest. ValueError if the pool never yields three."""
    rng = np.random.default_rng(seed)
    for _ in range(ATTEMPTS):
        table = _random_table(rng)
        chosen = choose_objects(pool, rng)
        things = [pool[i] for i in chosen]
        placed, starts = place(things, table, rng)
        settled = settle([things[i] for i in placed], starts, table)
        if len(settled.kept) >= FEWEST:
            objects = tuple(chosen[placed[i]] for i in settled.kept)
            # the order of placing must not tell which objects were meant to be alike
            order = rng.permutation(len(objects))
            return _scene(pool, seed, rng, table, objects, settled.poses, settled.kept, settled.resting_on, order)
    raise ValueError(f"scene {seed}: fewer than {FEWEST} of the pool's {len(pool)} objects came to rest")


def _random_table(rng: np.random.Generator) -> TableShape:
    if rng.random() < 0.15:
        radius = rng.uniform(0.32, 0.6)
        return TableShape(radius, radius, round=True)
    return TableShape(rng.uniform(0.35, 0.95), rng.uniform(0.3, 0.6))


def _scene(
    pool: Sequence[TabletopObject],
    seed: int,
    rng: np.random.Generator,
    table: TableShape,
    objects: tuple[int, ...],
    poses: tuple[Pose, ...],
    kept: tuple[int, ...],
    resting_on: frozenset[tuple[int, int]],
    order: npt.NDArray[np.int64],
) -> Scene:
    new_index = {kept[old]: new for new, old in enumerate(order)}
    ordered_poses = tuple(poses[i] for i in order)
    ordered = tuple(objects[i] for i in order)
    return Scene(
        seed=seed,
        table=table,
        against_wall=not table.round and bool(rng.random() < 0.35),
        aspect=ASPECTS[int(rng.choice(len(ASPECTS), p=ASPECT_SHARES))],
        objects=ordered,
        poses=ordered_poses,
        gap_m=_gaps([pose.apply(pool[i].hull_vertices) for i, pose in zip(ordered, ordered_poses, strict=True)]),
        resting_on=frozenset((new_index[upper], new_index[lower]) for upper, lower in resting_on),
    )


def _gaps(hulls: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float32]:
    outlines = [footprint(hull) for hull in hulls]
    gaps = np.zeros((len(hulls), len(hulls)), np.float32)
    for i in range(len(hulls)):
        for j in range(i):
            gaps[i, j] = gaps[j, i] = footprint_gap(outlines[i], outlines[j])
    return gaps


def frame_size(aspect: tuple[int, int], long_side: int) -> tuple[int, int]:
    """(height, width) in pixels of a frame whose longer side is `long_side`."""
    return round(long_side * aspect[1] / aspect[0]), long_side

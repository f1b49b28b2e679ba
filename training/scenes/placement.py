"""Which objects share a table and where they are set down before physics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.scenes.datatypes import TabletopObject
from training.scenes.footprints import footprint, footprint_gap
from training.scenes.settling import Pose, TableShape

FEWEST, MOST = 3, 10
SAME_NOUN_SHARE = 0.75
CLEARANCE_M = 0.003
TIGHT_GAP_M = (0.005, 0.030)
TRIES = 40
TALLEST_STACKED_M = 0.16
_LYING = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def choose_objects(pool: Sequence[TabletopObject], rng: np.random.Generator) -> list[int]:
    """Positions in `pool` of 3..10 different objects.

    Three scenes of four hold 2..4 objects of one noun, half of those in different colours: words beside the noun
    matter only where the noun alone does not decide.
    """
    count = int(rng.integers(FEWEST, MOST + 1))
    chosen: list[int] = []
    if rng.random() < SAME_NOUN_SHARE:
        chosen += same_noun_group(pool, rng, int(rng.integers(2, 5)))
        if count >= 6 and rng.random() < 0.4:
            chosen += same_noun_group(pool, rng, 2)
    supports = [i for i, thing in enumerate(pool) if thing.supports]
    if supports and rng.random() < 0.4:
        chosen.append(int(rng.choice(supports)))
    chosen += [int(i) for i in rng.permutation(len(pool))]
    return list(dict.fromkeys(chosen))[:count]


def same_noun_group(pool: Sequence[TabletopObject], rng: np.random.Generator, size: int) -> list[int]:
    """Up to `size` objects that share a noun, one colour each in half of the calls; empty where no noun repeats."""
    by_noun: dict[str, list[int]] = defaultdict(list)
    for i, thing in enumerate(pool):
        for noun in thing.nouns:
            by_noun[noun].append(i)
    repeated = [members for members in by_noun.values() if len(members) > 1]
    if not repeated:
        return []
    members = repeated[int(rng.integers(len(repeated)))]
    members = [members[i] for i in rng.permutation(len(members))]
    if rng.random() < 0.5:
        # a member whose first colour was seen already goes to the back
        first_of = {_first_colour(pool[i]): i for i in reversed(members)}
        distinct = [i for i in members if first_of[_first_colour(pool[i])] == i]
        members = distinct + [i for i in members if i not in distinct]
    return members[:size]


def _first_colour(thing: TabletopObject) -> str:
    return thing.colours[0] if thing.colours else ""


def place(
    objects: Sequence[TabletopObject], table: TableShape, rng: np.random.Generator
) -> tuple[list[int], list[Pose]]:
    """Sets objects down without overlap: free, 5..30 mm beside another one, or on one that `supports`.

    Returns the positions (in `objects`) of those that found room, and their poses 2 mm above what bears them.
    """
    return _Tabletop(objects, table, rng).fill()


class _Tabletop:
    """Objects set down so far, with their outlines."""

    def __init__(self, objects: Sequence[TabletopObject], table: TableShape, rng: np.random.Generator) -> None:
        self._objects, self._table, self._rng = objects, table, rng
        self._placed: list[int] = []
        self._poses: list[Pose] = []
        self._outlines: list[npt.NDArray[np.float64]] = []
        self._free_supports: list[int] = []
        widest = 0.9 * min(table.half_x_m, table.half_y_m)
        self._spread = np.array([1.15, 0.9]) * min(rng.uniform(0.13, 0.30), widest)
        self._tight = rng.choice([0.15, 0.5, 0.9])

    def fill(self) -> tuple[list[int], list[Pose]]:
        # bearers first, so that something can stand on them; else in random order
        order = sorted(self._rng.permutation(len(self._objects)), key=lambda i: not self._objects[i].supports)
        for i in order:
            rotation = self._rotation(self._objects[i])
            if not (self._rng.random() < 0.55 and self._stack(int(i), rotation)):
                self._stand(int(i), rotation)
        return self._placed, self._poses

    def _rotation(self, thing: TabletopObject) -> npt.NDArray[np.float64]:
        angle = self._rng.uniform(0, 2 * np.pi)
        cosine, sine = np.cos(angle), np.sin(angle)
        yaw = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return yaw @ _LYING if self._rng.random() < thing.lying_probability else yaw

    def _stack(self, i: int, rotation: npt.NDArray[np.float64]) -> bool:
        hull = self._objects[i].hull_vertices @ rotation.T
        if np.ptp(hull[:, 2]) > TALLEST_STACKED_M:
            return False
        extent = np.ptp(hull[:, :2], axis=0).max()
        for slot in self._free_supports:
            below = self._poses[slot].apply(self._objects[self._placed[slot]].hull_vertices)
            if extent > 1.05 * np.ptp(below[:, :2], axis=0).min():
                continue
            centre = (below.min(axis=0) + below.max(axis=0))[:2] / 2 - (hull.min(axis=0) + hull.max(axis=0))[:2] / 2
            ground = below[:, 2].max() + 0.002 - hull[:, 2].min()
            self._free_supports.remove(slot)
            self._add(i, Pose(np.array([*(centre + self._rng.normal(0, 0.006, 2)), ground]), rotation), stacked=True)
            return True
        return False

    def _stand(self, i: int, rotation: npt.NDArray[np.float64]) -> None:
        hull = self._objects[i].hull_vertices @ rotation.T
        outline = footprint(hull)
        for _ in range(TRIES):
            beside = self._outlines and self._rng.random() < self._tight
            offset = self._beside(outline) if beside else self._rng.uniform(-self._spread, self._spread)
            moved = outline + offset
            if not self._table.holds(moved):
                continue
            if all(footprint_gap(moved, other) > CLEARANCE_M for other in self._outlines):
                self._add(i, Pose(np.array([*offset, 0.002 - hull[:, 2].min()]), rotation), stacked=False)
                return

    def _beside(self, outline: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Offset that brings `outline` to a tight gap from one that stands already, from a random side."""
        other = self._outlines[int(self._rng.integers(len(self._outlines)))]
        angle = self._rng.uniform(0, 2 * np.pi)
        direction = np.array([np.cos(angle), np.sin(angle)])
        gap = self._rng.uniform(*TIGHT_GAP_M)
        centre = other.mean(axis=0) - outline.mean(axis=0)
        reach = float(np.linalg.norm(other - other.mean(axis=0), axis=1).max())
        reach += float(np.linalg.norm(outline - outline.mean(axis=0), axis=1).max()) + gap
        # a step of the excess gap can never overshoot, because the gap shrinks by no more than the step
        for _ in range(4):
            reach -= footprint_gap(outline + centre + reach * direction, other) - gap
        return np.asarray(centre + reach * direction)

    def _add(self, i: int, pose: Pose, *, stacked: bool) -> None:
        thing = self._objects[i]
        if thing.supports and not stacked:
            self._free_supports.append(len(self._placed))
        self._placed.append(i)
        self._poses.append(pose)
        self._outlines.append(footprint(pose.apply(thing.hull_vertices)))

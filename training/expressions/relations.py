"""Spatial facts of one view, each in a strict and a loose reading.

Strict holds where everybody would agree; loose holds where somebody might. An expression is only kept when both
readings give the same objects, so the margins between them are what makes the ground truth trustworthy.
Sets of objects are bit masks: bit i is the object with index i.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from training.scenes.datatypes import SceneObject, View

Relation = Literal["left", "right", "front", "behind", "beside", "near", "on", "under"]
Axis = Literal["left", "right", "near", "far", "big", "small", "tall"]

RELATIONS: tuple[Relation, ...] = ("left", "right", "front", "behind", "beside", "near", "on", "under")
AXES: tuple[Axis, ...] = ("left", "right", "near", "far", "big", "small", "tall")

MINIMUM_PIXELS = 60.0
"""Visible pixels, at 320 x 240, below which an object cannot be recognised."""
_REFERENCE_AREA = 320 * 240

_DIRECTION_STRICT_M = 0.035
_DIRECTION_LOOSE_M = -0.012
_BESIDE_M = (0.045, 0.095)
_NEAR_M = (0.06, 0.15)
_TOUCHING_M = 0.005
_SUPERLATIVE_RATIO = math.log(1.22)
_ADJECTIVE_RATIO = math.log(1.4)


class Truth(NamedTuple):
    """Objects that certainly match, and those that possibly match (a superset)."""

    strict: int
    loose: int

    def both(self, other: Truth) -> Truth:
        return Truth(self.strict & other.strict, self.loose & other.loose)

    @property
    def decided(self) -> bool:
        return self.strict == self.loose


def members(mask: int) -> Iterator[int]:
    """Indices in a bit mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Layout:
    """What `view` shows, prepared for fast questions.

    `present`: objects with at least one visible pixel; `clear`: those large enough to be recognised.
    Image positions `u`, `v` are fractions of width and height (0..1) of the visible box's centre.
    """

    def __init__(self, view: View) -> None:
        height, width = view.image.shape[:2]
        self.objects: tuple[SceneObject, ...] = view.objects
        least = MINIMUM_PIXELS * height * width / _REFERENCE_AREA
        self.present = sum(1 << i for i, thing in enumerate(view.objects) if thing.visible_pixels > 0)
        self.clear = sum(1 << i for i, thing in enumerate(view.objects) if thing.visible_pixels >= least)
        self.u = [(thing.box[0] + thing.box[2]) / (2.0 * width) for thing in view.objects]
        self.v = [(thing.box[1] + thing.box[3]) / (2.0 * height) for thing in view.objects]
        self._gap: list[list[float]] = view.gap_m.tolist()
        self._on = view.resting_on
        # Plain floats: numpy scalars would turn the bit masks into numpy integers.
        self._position = [[float(value) for value in thing.position_m] for thing in view.objects]
        self._tables: dict[tuple[Relation, int], Truth] = {}

    def known(self, strict: int, loose: int) -> Truth:
        """Keep what is seen: barely visible objects can only be possible matches, hidden ones none."""
        return Truth(strict & self.clear, loose & self.present)

    @cached_property
    def _stacked(self) -> frozenset[tuple[int, int]]:
        """(upper, lower) for every pair in a stack, however many lie between."""
        pairs = set(self._on)
        while True:
            longer = {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs
            if not longer:
                return frozenset(pairs)
            pairs |= longer

    def related(self, relation: Relation, landmark: int) -> Truth:
        """Objects that stand in `relation` to `landmark`."""
        key = (relation, landmark)
        if key not in self._tables:
            strict = loose = 0
            for i in members(self.present & ~(1 << landmark)):
                sure, perhaps = self._holds(relation, i, landmark)
                strict |= sure << i
                loose |= (perhaps or sure) << i
            self._tables[key] = self.known(strict, loose)
        return self._tables[key]

    def _holds(self, relation: Relation, i: int, j: int) -> tuple[bool, bool]:
        gap = self._gap[i][j]
        stacked = (i, j) in self._stacked or (j, i) in self._stacked
        if relation == "beside":
            return gap <= _BESIDE_M[0] and not stacked, gap <= _BESIDE_M[1] and not stacked
        if relation == "near":
            return gap <= _NEAR_M[0] and not stacked, gap <= _NEAR_M[1]
        if relation == "under":
            return self._rests(j, i)
        if relation == "on":
            return self._rests(i, j)
        return self._directed(relation, i, j, stacked)

    def _rests(self, upper: int, lower: int) -> tuple[bool, bool]:
        higher = self._position[upper][2] > self._position[lower][2] + 0.01
        touching = self._gap[upper][lower] < _TOUCHING_M and higher
        return (upper, lower) in self._on, (upper, lower) in self._stacked or touching

    def _directed(self, relation: Relation, i: int, j: int, stacked: bool) -> tuple[bool, bool]:
        right, forward = (self._position[i][k] - self._position[j][k] for k in (0, 1))
        in_image = self.u[i] - self.u[j]
        if relation in ("left", "right"):
            sign = 1.0 if relation == "right" else -1.0
            along, across, seen = sign * right, forward, sign * in_image
        else:
            # Height moves things up the image too, so only the table's own depth counts here.
            along, across = (forward if relation == "behind" else -forward), right
            seen = along
        if stacked:
            return False, along > 0.02
        strict = along >= _DIRECTION_STRICT_M and abs(across) <= along and seen > 0.01
        return strict, along > _DIRECTION_LOOSE_M or seen > 0.0

    def between(self, first: int, second: int) -> Truth:
        """Objects on the stretch of table between two others."""
        strict = loose = 0
        ax, ay = self._position[first][:2]
        bx, by = self._position[second][:2]
        length = math.hypot(bx - ax, by - ay)
        for i in members(self.present & ~(1 << first) & ~(1 << second)):
            x, y = self._position[i][0] - ax, self._position[i][1] - ay
            along = (x * (bx - ax) + y * (by - ay)) / max(length, 1e-6) ** 2
            aside = abs(x * (by - ay) - y * (bx - ax)) / max(length, 1e-6) ** 2
            strict |= (length > 0.08 and 0.25 <= along <= 0.75 and aside <= 0.22) << i
            loose |= (-0.05 <= along <= 1.05 and aside <= 0.55) << i
        return self.known(strict, loose | strict)

    def ranked_by_distance(self, landmark: int, among: int, *, furthest: bool) -> Truth:
        """The one of `among` closest to (or furthest from) `landmark`."""
        x, y = self._position[landmark][:2]
        sign = -1.0 if furthest else 1.0
        gaps = [sign * gap for gap in self._gap[landmark]]
        centres = [sign * math.hypot(p[0] - x, p[1] - y) for p in self._position]
        return _first(among & ~(1 << landmark), ((gaps, 0.025), (centres, 0.02)))

    @cached_property
    def _orders(self) -> dict[Axis, tuple[list[float], ...]]:
        """Per axis, quantities that must agree; smaller comes first."""
        right = [p[0] for p in self._position]
        forward = [p[1] for p in self._position]
        reach = [math.dist((0.0, 0.0, 0.0), thing.centre_camera_m) for thing in self.objects]
        boxes = [(max(1, t.box[2] - t.box[0]), max(1, t.box[3] - t.box[1])) for t in self.objects]
        size = [math.log(max(thing.size_m, 1e-6)) for thing in self.objects]
        seen = [math.log(math.hypot(*box)) for box in boxes]
        height = [math.log(max(2.0 * p[2], 1e-6)) for p in self._position]
        tall = [math.log(box[1]) for box in boxes]
        return {
            "left": (self.u, right),
            "right": (_negated(self.u), _negated(right)),
            "near": (forward, reach),
            "far": (_negated(forward), _negated(reach)),
            "big": (_negated(size), _negated(seen)),
            "small": (size, seen),
            "tall": (_negated(height), _negated(tall)),
        }

    def extreme(self, axis: Axis, among: int, *, adjective: bool = False) -> Truth:
        """The one of `among` at the end of an axis; as an adjective ("big") it must stand out more."""
        if axis in ("big", "small", "tall"):
            if not self._measurable(axis, among):
                return Truth(0, among)
            margins = (_ADJECTIVE_RATIO if adjective else _SUPERLATIVE_RATIO, 0.0)
        else:
            margins = (0.06, 0.015) if axis in ("left", "right") else (0.035, 0.01)
        return _first(among, tuple(zip(self._orders[axis], margins, strict=True)))

    def _measurable(self, axis: Axis, among: int) -> bool:
        """Sizes can be compared by eye only if nothing is cut off; heights only if all stand on the table."""
        if any(self.objects[i].touches_edge for i in members(among)):
            return False
        return axis != "tall" or not any(upper in members(among) for upper, _ in self._on)

    def ordinal(self, rank: int, axis: Axis, among: int) -> Truth:
        """The `rank`-th (1 = first) of `among` counted from one end; undecided unless the whole row is clear."""
        image, metric = self._orders[axis]
        step = 0.04 if axis in ("left", "right") else 0.03
        row = sorted(members(among), key=lambda i: image[i])
        clear = all(image[b] - image[a] >= step and metric[b] > metric[a] for a, b in zip(row, row[1:], strict=False))
        if not clear:
            return Truth(0, among)
        return Truth(1 << row[rank - 1], 1 << row[rank - 1]) if rank <= len(row) else Truth(0, 0)


def _negated(values: Sequence[float]) -> list[float]:
    return [-value for value in values]


def _first(among: int, orders: Sequence[tuple[Sequence[float], float]]) -> Truth:
    """The member smallest in every order by its margin; those not clearly larger remain possible."""
    if not among:
        return Truth(0, 0)
    leading = orders[0][0]
    best = min(members(among), key=lambda i: leading[i])
    loose = 1 << best
    for i in members(among & ~loose):
        if any(order[i] - order[best] < margin for order, margin in orders):
            loose |= 1 << i
    return Truth(1 << best if loose == 1 << best else 0, loose)

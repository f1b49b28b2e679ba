"""Which candidates a selection fits, by where they lie in the picture and how big they are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runtime.datatypes import Box, Candidate
from runtime.language.selection import RELATIONS, Criterion, Selection, read_selection
from runtime.language.telling_apart import CLEAR, Axis, across, along, clusters, extent, gap, typical_size

_ALIKE = 1.1
"""Ratio of sizes below which nobody would call one thing the bigger."""
_SIDES = ("left", "right", "front", "back", "middle")
_STANDS: dict[str, Callable[[Candidate, Box], bool]] = {
    "left_of": lambda candidate, box: across(candidate) < (box[0] + box[2]) / 2,
    "right_of": lambda candidate, box: across(candidate) > (box[0] + box[2]) / 2,
    "before": lambda candidate, box: along(candidate) > box[3],
    "behind": lambda candidate, box: along(candidate) < box[3],
}


@dataclass(frozen=True, eq=False)
class Choice:
    """Candidates from left to right, how each was `described` to the listener, and boxes of named landmarks."""

    candidates: Sequence[Candidate]
    described: Sequence[str]
    landmarks: Mapping[str, Box]


def fitting(selection: Selection, pool: Sequence[int], choice: Choice) -> list[int]:
    """Those of `pool` (indices of candidates) that the selection means; none, one or several."""
    fit = _meeting(selection.wanted, pool, choice)
    if selection.unwanted:
        refused = _meeting(selection.unwanted, pool, choice)
        fit = [index for index in fit if index not in refused] if refused else []
    return fit


def _meeting(criteria: Sequence[Criterion], pool: Sequence[int], choice: Choice) -> list[int]:
    echoed = [index for index in pool if criteria and _echoes(criteria, index, choice)]
    if len(echoed) == 1:  # "in the middle" is what was called so
        return echoed
    fit, candidates = [*pool], choice.candidates
    for kind, name in criteria:
        if kind in RELATIONS:
            fit = _related(kind, fit, candidates, choice.landmarks[name])
    sides = [value for kind, value in criteria if kind == "side"]
    ranks = [int(value) for kind, value in criteria if kind == "rank"]
    ends = [value for kind, value in criteria if kind == "from"]
    if ranks and not ends and len(sides) == 1 and sides != ["middle"]:  # "the second on the right"
        ends, sides = sides, []
    for side in sorted(sides, key=_SIDES.index):
        fit = _middle(fit, candidates) if side == "middle" else _extreme(fit, candidates, side)
    for kind, value in criteria:
        if kind == "size":
            fit = _sized(fit, candidates, value)
    for rank in ranks:
        fit = _ranked(fit, candidates, rank, ends[0] if ends else "left")
    return fit


def _echoes(criteria: Sequence[Criterion], index: int, choice: Choice) -> bool:
    said = read_selection(choice.described[index], (), choice.landmarks)
    return said is not None and set(said.wanted) == set(criteria)


def _extreme(pool: Sequence[int], candidates: Sequence[Candidate], side: str) -> list[int]:
    """Those furthest to a side; all that a listener would not tell apart there."""
    axis: Axis = across if side in ("left", "right") else along
    sign = 1 if side in ("left", "back") else -1
    order = sorted(pool, key=lambda index: sign * axis(candidates[index]))
    # Of two, a small difference is enough to say which is meant.
    clear = CLEAR if len(order) > 2 else CLEAR / 4
    fit = order[:1]
    for index in order[1:]:
        one, other = candidates[fit[0]], candidates[index]
        if sign * (axis(other) - axis(one)) < clear * (extent(one, axis) + extent(other, axis)) / 2:
            fit.append(index)
    return sorted(fit)


def _middle(pool: Sequence[int], candidates: Sequence[Candidate]) -> list[int]:
    """The middle one, or the middle two, of three or more in a line across the picture or straight away from us."""
    if len(pool) < 2:
        return [*pool]
    columns, rows = clusters(candidates, across, pool), clusters(candidates, along, pool)
    line = columns if len(columns) == len(pool) else rows if len(columns) == 1 and len(rows) == len(pool) else []
    return (
        sorted(index for part in line[(len(line) - 1) // 2 : len(line) // 2 + 1] for index in part)
        if len(line) > 2
        else []
    )


def _sized(pool: Sequence[int], candidates: Sequence[Candidate], size: str) -> list[int]:
    """Biggest, smallest, tallest or shortest in pixels; sizes within a tenth are alike."""

    def measure(index: int) -> float:
        return float(candidates[index].area) if size in ("big", "small") else extent(candidates[index], along)

    if not pool:
        return []
    if size in ("big", "tall"):
        most = max(measure(index) for index in pool)
        return [index for index in pool if measure(index) * _ALIKE >= most]
    least = min(measure(index) for index in pool)
    return [index for index in pool if measure(index) <= least * _ALIKE]


def _ranked(pool: Sequence[int], candidates: Sequence[Candidate], rank: int, end: str) -> list[int]:
    axis: Axis = across if end in ("left", "right") else along
    order = sorted(pool, key=lambda index: axis(candidates[index]), reverse=end in ("right", "front"))
    place = rank - 1 if rank > 0 else len(order) + rank
    return [order[place]] if 0 <= place < len(order) else []


def _related(relation: str, pool: Sequence[int], candidates: Sequence[Candidate], box: Box) -> list[int]:
    """Those that stand so to a landmark's box; of near ones only one that is clearly the nearest."""
    if relation in ("near", "away"):
        sign = 1 if relation == "near" else -1
        order = sorted(pool, key=lambda index: sign * gap(candidates[index].box, box))
        if len(order) < 2:
            return order
        lead = abs(gap(candidates[order[0]].box, box) - gap(candidates[order[1]].box, box))
        return order[:1] if lead >= CLEAR * typical_size(candidates) else order
    return [index for index in pool if _STANDS[relation](candidates[index], box)]

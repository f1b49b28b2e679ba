"""How candidates are told apart in words: by their place in the picture, a landmark beside one, or their size.

Left and right are the camera's; what is lower in the picture is taken to be nearer to it, hence "at the front".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import hypot, sqrt

from runtime.datatypes import Box, Candidate
from runtime.language.wording import RANKS, NounPhrase, one_noun

CLEAR = 0.5
"""Candidates whose places differ by less than this share of their own width or height are not told apart by them."""
_NEAR = 1.0
"""A thing further from a landmark than its own size is not "beside" it."""
_CLEARLY_NEARER = 1.0
_BIGGER = 1.5
"""Ratio of areas in pixels; less might be perspective."""

_ACROSS = ("left", "middle", "right")
_ALONG = ("back", "middle", "front")

Axis = Callable[[Candidate], float]


def across(candidate: Candidate) -> float:
    """Pixels from the picture's left edge."""
    return candidate.centroid[0]


def along(candidate: Candidate) -> float:
    """Pixels from the picture's top edge to where the thing stands: larger is nearer to the camera."""
    return float(candidate.box[3])


def extent(candidate: Candidate, axis: Axis) -> float:
    """Width or height in pixels, whichever lies along `axis`; at least 1."""
    x0, y0, x1, y1 = candidate.box
    return float(max(1, x1 - x0 if axis is across else y1 - y0))


def gap(one: Box, other: Box) -> float:
    """Pixels between two boxes; 0 where they touch or overlap."""
    return hypot(
        max(0, one[0] - other[2], other[0] - one[2]),
        max(0, one[1] - other[3], other[1] - one[3]),
    )


def typical_size(candidates: Sequence[Candidate]) -> float:
    """Mean side of the candidates' boxes, in pixels."""
    sides = [sqrt(extent(candidate, across) * extent(candidate, along)) for candidate in candidates]
    return sum(sides) / len(sides) if sides else 1.0


def tell_apart(candidates: Sequence[Candidate], landmarks: Mapping[str, Box], target: str) -> tuple[str, ...]:
    """What to say behind "one" of each candidate: "on the left", "beside the mug", or, before it, "bigger".

    `landmarks`: boxes of named things in camera pixels; those that `target` names tell nothing, every candidate is
    beside them. Empty strings where words tell nothing apart.
    """
    details = [*(_by_place(candidates) or _by_size(candidates) or [""] * len(candidates))]
    beside = _by_landmark(candidates, landmarks, target)
    for index, detail in beside.items():
        details[index] = detail
    if len(details) == 2 and len(beside) == 1:
        ((index, detail),) = beside.items()
        details[1 - index] = details[1 - index] or f"away from {detail.partition(' ')[2]}"
    return tuple(details)


def a_one(detail: str) -> str:
    """ "one on the left", "a bigger one", "the second from the left"."""
    if is_ranked(detail):
        return f"the {detail}"
    return f"a {detail} one" if detail in ("bigger", "smaller") else f"one {detail}".strip()


def the_one(detail: str) -> str:
    """ "the one on the left", "the bigger one", "the second from the left"; "that one" without a detail."""
    if not detail or is_ranked(detail):
        return f"the {detail}" if detail else "that one"
    return f"the {detail} one" if detail in ("bigger", "smaller") else f"the one {detail}"


def is_ranked(detail: str) -> bool:
    """Whether it counts: "second from the left"."""
    return detail.partition(" ")[0] in RANKS


def _by_place(candidates: Sequence[Candidate]) -> list[str] | None:
    if len(candidates) < 2:
        return None
    columns, rows = clusters(candidates, across), clusters(candidates, along)
    if all(len(column) == 1 for column in columns):
        return _in_line(columns, _ACROSS, "on the")
    grid = _in_grid(candidates, columns, along)
    if grid is None and all(len(row) == 1 for row in rows):
        return _in_line(rows, _ALONG, "at the")
    return grid or _in_grid(candidates, rows, across)


def clusters(candidates: Sequence[Candidate], axis: Axis, among: Sequence[int] | None = None) -> list[list[int]]:
    """Indices (all, or those `among` them) in order along `axis`, parted where the next one is clearly further on."""
    order = sorted(range(len(candidates)) if among is None else among, key=lambda index: axis(candidates[index]))
    parts = [order[:1]]
    for last, index in zip(order, order[1:], strict=False):
        one, other = candidates[last], candidates[index]
        clear = axis(other) - axis(one) >= CLEAR * (extent(one, axis) + extent(other, axis)) / 2
        if clear:
            parts.append([index])
        else:
            parts[-1].append(index)
    return parts


def _in_line(parts: Sequence[Sequence[int]], names: tuple[str, str, str], preposition: str) -> list[str]:
    """Details by index of candidates that stand one by one in a line."""
    first, _, last = names
    count = len(parts)
    if count <= 3:
        words = [f"{preposition} {first}", "in the middle", f"{preposition} {last}"]
        ordered = words if count == 3 else [words[0], words[2]]
    else:
        far = "far" if first == "left" else "very"
        ordered = [f"{preposition} {far} {first}"]
        for place in range(1, count - 1):
            end, steps = (first, place) if place < count / 2 else (last, count - 1 - place)
            ordered.append(f"{RANKS[steps]} from the {end}" if steps < len(RANKS) else "")
        ordered.append(f"{preposition} {far} {last}")
    details = [""] * count
    for (index,), detail in zip(parts, ordered, strict=True):
        details[index] = detail
    return details


def _in_grid(candidates: Sequence[Candidate], parts: Sequence[Sequence[int]], inner: Axis) -> list[str] | None:
    """Details where two or three columns (or rows) hold one or two each: "at the front left"; None otherwise."""
    outer_names, inner_names = (_ACROSS, _ALONG) if inner is along else (_ALONG, _ACROSS)
    if not 2 <= len(parts) <= 3 or any(len(part) > 2 for part in parts):
        return None
    details = [""] * len(candidates)
    for part, outer in zip(parts, outer_names if len(parts) == 3 else outer_names[::2], strict=True):
        cells = clusters(candidates, inner, part)
        if len(cells) != len(part):
            return None
        for (index,), name in zip(cells, ("",) if len(cells) == 1 else inner_names[::2], strict=True):
            details[index] = _corner(outer, name)
    return details


def _corner(outer: str, inner: str) -> str:
    """ "on the left", "at the front left", "at the front in the middle"."""
    if not inner:
        return "in the middle" if outer == "middle" else f"{'on' if outer in _ACROSS else 'at'} the {outer}"
    if outer == "middle":
        return f"{'on' if inner in _ACROSS else 'at'} the {inner} in the middle"
    row, column = (inner, outer) if inner in _ALONG else (outer, inner)
    return f"at the {row} {column}"


def _by_size(candidates: Sequence[Candidate]) -> list[str] | None:
    if len(candidates) != 2:
        return None
    first, second = candidates
    if max(first.area, second.area) < _BIGGER * min(first.area, second.area):
        return None
    return ["bigger", "smaller"] if first.area > second.area else ["smaller", "bigger"]


def _by_landmark(candidates: Sequence[Candidate], landmarks: Mapping[str, Box], target: str) -> dict[int, str]:
    """For candidates that a landmark is near to, and much nearer than to any other: "beside the mug"."""
    if len(candidates) < 2:
        return {}
    size = typical_size(candidates)
    named: dict[int, tuple[float, str]] = {}
    told = {one_noun(target), *target.split()}
    for name, box in landmarks.items():
        plain = plain_name(name)
        if not plain or plain.split()[-1] in told:
            continue
        (nearest, index), (next_nearest, _) = sorted(
            (gap(candidate.box, box), index) for index, candidate in enumerate(candidates)
        )[:2]
        if nearest <= _NEAR * size and next_nearest - nearest >= _CLEARLY_NEARER * size:
            relation = "beside" if _stand_beside(candidates[index].box, box) else "near"
            named[index] = min(
                named.get(index, (nearest, f"{relation} the {plain}")), (nearest, f"{relation} the {plain}")
            )
    return {index: detail for index, (_, detail) in named.items()}


def plain_name(name: str) -> str:
    """A landmark's name without its article, in lower case: "mug" of "The mug"."""
    phrase = NounPhrase.of(name.lower())
    return " ".join([*phrase.modifiers, phrase.noun, *phrase.tail.split()]).strip()


def _stand_beside(one: Box, other: Box) -> bool:
    """Whether two boxes lie side by side rather than one before, behind, in or on the other."""
    shared_height = min(one[3], other[3]) - max(one[1], other[1])
    shared_width = min(one[2], other[2]) - max(one[0], other[0])
    lower = max(1, min(one[3] - one[1], other[3] - other[1]))
    narrower = max(1, min(one[2] - one[0], other[2] - other[0]))
    return shared_height >= lower / 2 and shared_width <= narrower / 4

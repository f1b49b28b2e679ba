"""Cuts a mask of several things into single ones, even where they touch.

Where the network says, for every cell, where the centre of the thing under it is (`centre_offsets`), each cell votes
and the votes gather in one heap per thing: neither a contact nor an occluder in front matters. Without that,
connected parts are things, and a part is cut where its waist is narrow.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import Mask

Map = npt.NDArray[np.float32]

MOST_THINGS = 8
_SMALLEST_SHARE = 0.04
"""A heap or part with fewer cells, compared with the largest, is a scrap and joins its neighbour."""
_REACH = 0.5
"""Radius of a heap, as a share of the mean length of its votes: a disc of radius r votes from 2/3 r on average, and the
centres of two equal discs lie at least 2 r apart, so this gathers well within a third of that."""
_APART = 1.6
"""Heaps closer than this many radii are one."""
_HEAP_SIGMA = 1.5
"""Blur, in cells of the offset grid, that finds where votes are dense."""
_WAIST = 0.6
"""A part falls into things where it is narrower than this share of its greatest width (distance to the outline)."""


def split_costs(mask: Mask, centre_offsets: Map | None, padded: tuple[int, int]) -> list[Map]:
    """One float32 (h, w) map of costs for each thing in `mask` bool (h, w); a pixel belongs to the cheapest.

    `mask` is a grid over the padded picture of `padded` (height, width) pixels, `centre_offsets` float32 (2, gh, gw) a
    grid over the same. At most 8 things, largest first. Maps, not labels, so that they can be enlarged smoothly.
    """
    if not mask.any():
        return []
    if centre_offsets is None:
        return _costs_of_parts(mask)
    votes_x, votes_y, length = _votes(centre_offsets, padded)
    cell = max(padded[0] / centre_offsets.shape[1], padded[1] / centre_offsets.shape[2])
    here = _coarse_cells(mask, votes_x.shape)
    centres = _heaps(votes_x[here], votes_y[here], length[here], cell)
    if len(centres) == 1:  # most masks: nothing to share out
        return [np.zeros(mask.shape, np.float32)]
    size = (mask.shape[1], mask.shape[0])
    costs = (np.hypot(votes_x - x, votes_y - y).astype(np.float32) for x, y in centres)
    return [np.asarray(cv2.resize(cost, size, interpolation=cv2.INTER_NEAREST_EXACT), np.float32) for cost in costs]


def _votes(offsets: Map, padded: tuple[int, int]) -> tuple[Map, Map, Map]:
    """Where each cell of the offsets' grid puts its thing's centre (x, y) and how far away that is, padded pixels."""
    rows, columns = offsets.shape[1:]
    x = (np.arange(columns, dtype=np.float32) + 0.5) / columns
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) / rows
    length = np.hypot(offsets[0] * padded[1], offsets[1] * padded[0])
    # No centre lies outside the picture, and a wild vote must not make the grid of heaps huge.
    return np.clip(x + offsets[0], 0, 1) * padded[1], np.clip(y + offsets[1], 0, 1) * padded[0], length


def _coarse_cells(mask: Mask, shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], ...]:
    """Row and column in a grid of `shape` of each cell of `mask`, a finer grid over the same picture."""
    return tuple(
        ((cells + 0.5) * (size / length)).astype(np.intp)
        for cells, size, length in zip(np.nonzero(mask), shape, mask.shape, strict=True)
    )


def _heaps(x: Map, y: Map, length: Map, cell: float) -> list[tuple[float, float]]:
    """Centres of the heaps of votes, largest first: take the densest place, gather its heap, look at what is left."""
    heaps: list[tuple[int, float, float]] = []
    scraps = max(4, len(x) // 50)
    while len(x) >= scraps and len(heaps) < MOST_THINGS:
        peak_x, peak_y = _densest(x, y, cell)
        near = np.hypot(x - peak_x, y - peak_y) < 2 * _HEAP_SIGMA * cell
        reach = max(2 * _HEAP_SIGMA * cell, _REACH * float(length[near].mean()) if near.any() else 0.0)
        taken = np.hypot(x - peak_x, y - peak_y) < reach
        if np.count_nonzero(taken) < scraps:  # what is left is scattered
            break
        centre_x, centre_y = float(x[taken].mean()), float(y[taken].mean())
        if all(np.hypot(centre_x - a, centre_y - b) >= _APART * reach for _, a, b in heaps):
            heaps.append((int(taken.sum()), centre_x, centre_y))
        x, y, length = x[~taken], y[~taken], length[~taken]
    heaps.sort(reverse=True)
    return [(a, b) for count, a, b in heaps if count >= _SMALLEST_SHARE * heaps[0][0]]


def _densest(x: Map, y: Map, cell: float) -> tuple[float, float]:
    """The place with the most votes around it, padded pixels."""
    left, top = float(x.min()), float(y.min())
    columns, rows = int((x.max() - left) / cell) + 1, int((y.max() - top) / cell) + 1
    flat = ((y - top) / cell).astype(np.intp) * columns + ((x - left) / cell).astype(np.intp)
    counts = np.bincount(flat, minlength=rows * columns).reshape(rows, columns).astype(np.float32)
    blurred = cv2.GaussianBlur(counts, (0, 0), _HEAP_SIGMA, borderType=cv2.BORDER_CONSTANT)
    row, column = divmod(int(np.argmax(blurred)), columns)
    return left + (column + 0.5) * cell, top + (row + 0.5) * cell


def _costs_of_parts(mask: Mask) -> list[Map]:
    """Things by shape alone: connected parts, cut at narrow waists."""
    # One ring of background, so that the picture's edge counts as an outline.
    inside = np.pad(mask, 1).view(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    largest = int(boxes[1:, cv2.CC_STAT_AREA].max())
    cores = np.zeros(inside.shape, np.uint8)
    for part in range(1, count):
        if boxes[part, cv2.CC_STAT_AREA] >= _SMALLEST_SHARE * largest:
            here = parts == part
            cores[here & (depth > _WAIST * depth[here].max())] = 1
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cores, connectivity=8)
    order = np.argsort(-boxes[1:, cv2.CC_STAT_AREA])[:MOST_THINGS] + 1
    kept = [
        int(label)
        for label in order
        if boxes[label, cv2.CC_STAT_AREA] >= _SMALLEST_SHARE * boxes[order[0], cv2.CC_STAT_AREA]
    ]
    return [
        cv2.distanceTransform((labels != label).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1].astype(
            np.float32
        )
        for label in kept
    ]

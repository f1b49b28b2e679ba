"""Which depth readings under a mask are of the thing itself.

Three kinds are not. Holes: no reading (0, NaN, infinite). Spill: the mask reaches a little over the outline, and the
reading there is of the table, the wall or a neighbour. Flying pixels: at an outline, time-of-flight cameras mix and
stereo cameras interpolate the depths before and behind, and the reading floats between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import Intrinsics, Mask
from runtime.vision.planes import depth_misses, fit_planes

Array = npt.NDArray[np.float64]

FARTHEST_M = 20.0
"""Beyond the range of indoor depth cameras: a larger value is no reading."""
_MOST_PIXELS = 8_000
"""A mask with more pixels is read on a coarser grid, which bounds the time."""
_RING_SHARE, _NARROWEST_RING = 0.3, 6
"""Width of the ring around the mask that is searched for background: share of the mask's longer side; grid cells."""
_RING_READINGS = 400
_NOISE_READINGS = 4_000
_LEAST_NOISE_M = 0.0005
"""Standard deviation. Rounding to whole millimetres (16UC1 images) hides less than that."""
_SIGMAS = 3.0
_SMOOTHING = 5
"""Cells: the mean of 5 x 5 readings tells a plate from the table below it where a single reading cannot."""
_MOST_BEHIND = 0.1
"""Share of a thing's readings that may lie, by error, behind its background."""
_STEEPEST = 6.0
"""Depth that a surface may gain per metre across: tan 80 deg, where most cameras give no readings any more. A steeper
step is a gap between two surfaces."""
_SCRAP_SHARE = 0.02
"""Pieces smaller than this, compared with the largest, are flying pixels."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What the camera sees of a thing, in metres in its optical frame.

    `points` (n, 3), one for each cell of a regular grid over the mask that shows the thing: measured, or where a
    reading is missing, as deep as the others suggest; empty where nothing was measured. `coverage` 0..1: the share of
    the mask whose own readings were taken; `readings`: how many those are. `spacing_m`: from one point to the next,
    seen from the front. `up` (3,): unit normal, towards the camera, of the plane that the thing rests on or stands
    before; None where no plane is seen around it.
    """

    points: Array
    readings: int
    coverage: float
    spacing_m: float
    up: Array | None


@dataclass(frozen=True, eq=False)
class _Window:
    """The picture around a mask, every `step`-th pixel: `mask` bool and `depth` (h, w) in metres, 0 for no reading.

    `x` (w,) and `y` (h, 1): the ray through a cell is (x, y, 1). `pitch`: between rays, in metres at 1 m of depth.
    """

    mask: Mask
    depth: Array
    x: Array
    y: Array
    pitch: float

    def rays(self, where: Mask) -> Array:
        rows, columns = np.nonzero(where)
        return np.stack([self.x[columns], self.y[rows, 0], np.ones(len(rows))], axis=1)

    def inverse_depth(self, plane: Array) -> Array:
        return np.asarray(self.x * plane[0] + (self.y * plane[1] + plane[2]))


def visible_surface(mask: Mask, depth_m: npt.NDArray[np.floating], intrinsics: Intrinsics) -> Surface:
    """The thing under `mask` bool (h, w), which is not empty; `depth_m` (h, w) in metres along the optical axis."""
    window = _window(mask, depth_m, intrinsics)
    noise = max(_LEAST_NOISE_M, _noise(window.depth))
    own, up = _without_background(window, noise)
    taken, apart = _pieces(window, own, noise)
    readings = int(np.count_nonzero(taken))
    if not readings:
        return Surface(np.zeros((0, 3)), 0, 0.0, 0.0, None)
    own &= ~apart
    depth = window.depth
    holes = own & ~taken
    if holes.any():
        depth[holes] = _suggested(window, taken, holes)
    points = window.rays(own) * depth[own][:, None]
    coverage = readings / np.count_nonzero(window.mask)
    return Surface(points, readings, coverage, window.pitch * float(np.median(points[:, 2])), up)


def _window(mask: Mask, depth_m: npt.NDArray[np.floating], intrinsics: Intrinsics) -> _Window:
    bits = np.ascontiguousarray(mask).view(np.uint8)
    left, top, width, height = cv2.boundingRect(bits)
    step = max(1, round(np.sqrt(cv2.countNonZero(bits) / _MOST_PIXELS)))
    ring = max(_NARROWEST_RING * step, round(_RING_SHARE * max(width, height)))
    rows = slice(max(top - ring, 0), min(top + height + ring, mask.shape[0]), step)
    columns = slice(max(left - ring, 0), min(left + width + ring, mask.shape[1]), step)
    depth = np.array(depth_m[rows, columns], np.float64)
    depth[~((depth > 0) & (depth < FARTHEST_M))] = 0.0  # NaN fails both
    # Our intrinsics have the centre of the first pixel at 0.5.
    x = (np.arange(mask.shape[1], dtype=np.float64)[columns] + 0.5 - intrinsics.cx) / intrinsics.fx
    y = (np.arange(mask.shape[0], dtype=np.float64)[rows] + 0.5 - intrinsics.cy) / intrinsics.fy
    return _Window(mask[rows, columns], depth, x, y[:, None], step / min(intrinsics.fx, intrinsics.fy))


def _noise(depth: Array) -> float:
    """Standard deviation of a reading, metres: by second differences along the rows, which vanish on a plane.

    var(a - 2 b + c) = 6 sigma^2; by the median (1.4826 times it is sigma), which edges do not move. 0 without readings.
    """
    some = depth[:: max(1, depth.size // _NOISE_READINGS)]
    left, middle, right = some[:, :-2], some[:, 1:-1], some[:, 2:]
    second = (left - 2 * middle + right)[(left > 0) & (middle > 0) & (right > 0)]
    return float(1.4826 * np.median(np.abs(second)) / np.sqrt(6.0)) if len(second) else 0.0


def _without_background(window: _Window, noise: float) -> tuple[Mask, Array | None]:
    """The mask less what it spills over planes behind the thing, and the normal of the nearest of those (`up`)."""
    own, up, lowest = window.mask.copy(), None, np.inf
    inside = window.mask & (window.depth > 0)
    total = np.count_nonzero(inside)
    for plane in _planes_around(window, noise) if total else ():
        misses = depth_misses(window.inverse_depth(plane), window.depth)
        if np.count_nonzero(inside & (misses > _SIGMAS * noise)) > _MOST_BEHIND * total:
            continue  # the thing reaches through it: a neighbour's side, say
        spill = _spill(window, misses, noise)
        thing = inside & ~spill
        if np.count_nonzero(thing) > total / 2:
            own &= ~spill
        else:  # the thing itself is flat
            thing = inside
        # For points P at depth z on the ray r: (1 - q . P) / |q| = -miss / (z |q|) is the height above the plane.
        length = float(np.linalg.norm(plane))
        base = float(np.percentile(-misses[thing] / window.depth[thing], 5)) / length
        if base < lowest:
            lowest, up = base, -plane / length
    return own, up


def _planes_around(window: _Window, noise: float) -> list[Array]:
    around = np.flatnonzero((window.depth > 0) & ~window.mask)
    chosen = np.zeros_like(window.mask)
    chosen.flat[around[:: max(1, len(around) // _RING_READINGS)]] = True
    return fit_planes(window.rays(chosen), window.depth[chosen], _SIGMAS * noise, most=2)


def _spill(window: _Window, misses: Array, noise: float) -> Mask:
    """Cells of the mask that lie on a plane, by `misses` (h, w) behind it, as what borders on the mask does.

    Alone and in the mean of their neighbours on the plane; how far such means stray is seen outside the mask.
    """
    near = (window.depth > 0) & (np.abs(misses) <= _SIGMAS * noise)
    size = (_SMOOTHING, _SMOOTHING)
    count = cv2.blur(near.astype(np.float32), size)
    mean = np.abs(cv2.blur(np.where(near, misses, 0.0).astype(np.float32), size)) / np.maximum(count, 1e-6)
    outside = mean[near & ~window.mask]
    spread = 1.4826 * float(np.median(outside)) if len(outside) else 0.0
    on = near & window.mask & (mean <= np.clip(_SIGMAS * spread, _LEAST_NOISE_M, _SIGMAS * noise))
    _, labels = cv2.connectedComponents((on | ~window.mask).view(np.uint8), connectivity=8)
    borders = np.zeros(int(labels.max()) + 1, np.bool_)
    borders[labels[~window.mask]] = True
    return np.asarray(on & borders[labels])


def _pieces(window: _Window, own: Mask, noise: float) -> tuple[Mask, Mask]:
    """The readings of the thing among those of `own`, and the cells of surfaces that are too far from it.

    Neighbours hang together unless the step between them is too steep. The largest piece is the thing's; so is one that
    lies no farther before or behind it than the thing is large: the inside of a cup beyond its rim.
    """
    read, depth = own & (window.depth > 0), window.depth
    limit = _STEEPEST * window.pitch * depth + _SIGMAS * np.sqrt(2.0) * noise
    # Cells at even places, the links between them at odd ones.
    grid = np.zeros((2 * depth.shape[0] - 1, 2 * depth.shape[1] - 1), np.uint8)
    grid[::2, ::2] = read
    grid[::2, 1::2] = read[:, 1:] & read[:, :-1] & (np.abs(np.diff(depth, axis=1)) <= limit[:, 1:])
    grid[1::2, ::2] = read[1:] & read[:-1] & (np.abs(np.diff(depth, axis=0)) <= limit[1:])
    count, labels = cv2.connectedComponents(grid, connectivity=4)
    labels = labels[::2, ::2]
    area = np.bincount(labels[read], minlength=count)
    large = area >= max(2.0, _SCRAP_SHARE * area.max())
    if not large.any():
        return np.zeros_like(read), np.zeros_like(read)
    mean = np.bincount(labels[read], depth[read], minlength=count) / np.maximum(area, 1)
    main = depth[read & (labels == np.argmax(area))]
    rows, columns = np.nonzero(own)
    size = window.pitch * float(main.mean()) * float(np.hypot(np.ptp(rows), np.ptp(columns)))
    near = (mean >= main.min() - size) & (mean <= main.max() + size)
    return read & (large & near)[labels], read & (large & ~near)[labels]


def _suggested(window: _Window, taken: Mask, holes: Mask) -> Array:
    """Depths (n,) for `holes` by the plane through the readings `taken`, no nearer or farther than those."""
    inverse = 1.0 / window.depth[taken]
    plane = np.linalg.lstsq(window.rays(taken), inverse, rcond=None)[0]
    return np.asarray(1.0 / np.clip(window.rays(holes) @ plane, inverse.min(), inverse.max()))

"""From a mask and depth to where a parallel gripper takes hold, in metres in the camera's optical frame (REP-103)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Grasp, Intrinsics, Mask
from runtime.errors import SaymaskError
from runtime.vision.surface import FARTHEST_M, Surface, visible_surface

Array = npt.NDArray[np.float64]

_FEWEST_READINGS = 20
_LEAST_COVERAGE = 0.1
"""With less of the mask measured, what is measured may well lie at one end of the thing."""
_ELONGATED = 1.5
"""Ratio of the standard deviations along the first two principal axes from which a thing has a longest side. Half of a
round thing is hidden from the camera: below this the ratio tells where it is seen from, not how it is made."""
_STANDING = np.cos(np.pi / 4)
_GRAZING = np.sin(np.deg2rad(15.0))
_HALF_FINGER_M = 0.01
"""Fingers of common two-finger hands are 20 to 22 mm wide."""
_TRIMMED_PERCENT = 0.5
"""Of the points between the fingers, on either side, that do not count for the width: noise."""
_SIGN = np.array([1.0, -0.5, 0.25])
"""An axis points along this rather than against it: mostly right, else up, else away. Things that lie across the
picture, stand in it or point away from the camera are all clear of where the sign changes, so that the pose of a thing
at rest does not turn over from frame to frame."""


def locate(
    mask: Mask,
    depth_m: npt.NDArray[np.floating],
    intrinsics: Intrinsics,
    *,
    camera_frame: str,
    stamp_ns: int,
) -> Grasp:
    """Where to take hold of the thing under `mask` bool (h, w).

    `depth_m` float32 (h, w): metres along the optical axis (z, not along the ray), registered to the picture; 0, NaN
    and infinity where there is no reading. Holes, flying pixels at the outline and a mask that spills over a little
    onto table, wall or neighbour are allowed for (runtime/vision/surface.py).

    - `point_m`: the centroid of the visible surface, sum(w P) / sum(w) with P = z (x, y, 1), x = (u - cx) / fx,
      y = (v - cy) / fy over the mask's pixels (u, v), and w = z^2: a pixel covers an area of z^2 / (fx fy) at its
      depth, so that the near end does not count for more. It lies between the camera and the thing's own centre.
    - `axis`: the first principal axis of those points, the eigenvector of their covariance with the largest value
      (Pearson 1901), where the thing is clearly longer than wide; otherwise the line of sight along the table.
    - `approach`, at a right angle to `axis`: straight down onto the plane that the thing rests on (overhead grasp), or
      for a thing that stands, from the side that is seen. The choice is that of Hsiao, Chitta, Ciocarlie and Jones,
      "Contact-reactive grasping of objects with partial shape information", IROS 2010. Where no plane is seen around
      the thing: along the line of sight, the one corridor that is known to be free.
    - `width_m`: extent of the points within a finger's breadth of the centroid, along the way the jaws close, axis x
      approach. Thing without a longest side: the jaws close across the line of sight, where both their places are
      seen. Otherwise the far side may be hidden and the width is a lower bound; open the jaws wider than this.

    Raises SaymaskError for other shapes and dtypes, an uncalibrated camera, an empty mask, and too little depth.
    """
    _check(mask, depth_m, intrinsics)
    surface = visible_surface(mask, depth_m, intrinsics)
    if surface.readings < _FEWEST_READINGS or surface.coverage < _LEAST_COVERAGE:
        raise SaymaskError(_too_little(mask, depth_m, surface))
    points = surface.points
    weights = points[:, 2] ** 2 / np.sum(points[:, 2] ** 2)
    centre = weights @ points
    offsets = points - centre
    axis, approach = _directions(offsets, weights, centre, surface.up)
    closing = np.cross(axis, approach)
    return Grasp(
        point_m=_vector(centre),
        axis=_vector(axis),
        width_m=_width(offsets @ axis, offsets @ closing, surface.spacing_m),
        approach=_vector(approach),
        camera_frame=camera_frame,
        stamp_ns=stamp_ns,
    )


def _check(mask: Mask, depth_m: npt.NDArray[np.floating], intrinsics: Intrinsics) -> None:
    for name, array, kind, wanted in (("mask", mask, "b", "bool"), ("depth_m", depth_m, "f", "float32 metres")):
        value: object = array
        if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind != kind:
            got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise SaymaskError(f"{name} must be {wanted} of (height, width), got {got}")
    if mask.shape != depth_m.shape:
        raise SaymaskError(
            f"mask {mask.shape} and depth {depth_m.shape} differ in size; use depth registered to the colour picture"
        )
    pinhole = (intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy)
    if not np.isfinite(pinhole).all() or min(intrinsics.fx, intrinsics.fy) <= 0:
        raise SaymaskError(f"{intrinsics} is no calibrated camera; fx and fy must be above 0: check its camera_info")
    if not mask.any():
        raise SaymaskError("the mask is empty; locate only what was found")


def _too_little(mask: Mask, depth_m: npt.NDArray[np.floating], surface: Surface) -> str:
    under = depth_m[mask]
    beyond = np.isfinite(under) & (under >= FARTHEST_M)
    if 2 * np.count_nonzero(beyond) > len(under):
        return f"depth under the mask is {np.median(under[beyond]):.4g} m; if that is millimetres, divide by 1000"
    usable = f"{surface.coverage:.0%} of the mask's {len(under)} pixels"
    return f"too little depth under the mask: usable on {usable}; move the camera, or check that depth is registered"


def _directions(offsets: Array, weights: Array, centre: Array, up: Array | None) -> tuple[Array, Array]:
    """Unit `axis` and `approach` (3,), at right angles; `offsets` (n, 3) of the points from their centre."""
    variances, principal = np.linalg.eigh((offsets * weights[:, None]).T @ offsets)
    axis, sight = principal[:, 2], centre / np.linalg.norm(centre)
    approach = sight
    if up is not None:
        along_table = sight - (sight @ up) * up
        if variances[2] >= _ELONGATED**2 * variances[1]:
            approach = sight if abs(axis @ up) > _STANDING else -up
        else:
            approach = -up
            if np.linalg.norm(along_table) > _GRAZING:  # otherwise the camera looks straight down
                axis = along_table / np.linalg.norm(along_table)
    approach = approach - (approach @ axis) * axis
    if np.linalg.norm(approach) < _GRAZING:  # a thing that points at the camera: from its flattest side
        approach = principal[:, 0] if principal[:, 0] @ sight > 0 else -principal[:, 0]
    return axis if axis @ _SIGN > 0 else -axis, approach / np.linalg.norm(approach)


def _width(along: Array, across: Array, spacing_m: float) -> float:
    """Extent in metres of the places `across` (n,) of the points whose places `along` the axis a finger covers."""
    between = across[np.abs(along) <= max(_HALF_FINGER_M, 2 * spacing_m)]
    if not len(between):  # a ring, a fork: nothing at the centroid itself
        between = across
    low, high = np.percentile(between, (_TRIMMED_PERCENT, 100 - _TRIMMED_PERCENT))
    return float(high - low) + spacing_m  # from edge to edge of the outermost pixels, not from centre to centre


def _vector(values: Array) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z

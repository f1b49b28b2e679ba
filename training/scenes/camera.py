"""Pinhole cameras where a robot's head or wrist would hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.scenes.datatypes import Intrinsics

FIELD_OF_VIEW_DEG = (30.0, 75.0)
WIDEST_HORIZONTAL_DEG = 90.0
ELEVATION_DEG = (18.0, 75.0)
ROLL_STD_DEG = 2.0
FARTHEST_M = 1.5
NEAREST_M = 0.16
AIMED_SHARE = (0.016, 0.16)
"""Share of the frame that the middle-sized object is meant to take, drawn evenly on a logarithmic scale."""
NEAR_SHARE = (0.06, 0.30)
"""The same of close-ups: on photographs that people take the thing meant fills 6.6 % at the median, three times as much
as it does without close-ups."""
CLOSE_UPS = 0.35
"""How many of the cameras that training pictures are taken with take one."""
LARGEST_SHARE = 0.40
SMALLEST_SHARE = 0.004
TRIES = 12

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """Pose and pinhole. The columns of `rotation` (3, 3) are the optical axes right, down, forward (REP-103)."""

    position: Array
    rotation: Array
    fovy_deg: float
    width: int
    height: int

    @property
    def intrinsics(self) -> Intrinsics:
        focal = self.height / 2 / np.tan(np.deg2rad(self.fovy_deg) / 2)
        return Intrinsics(fx=float(focal), fy=float(focal), cx=self.width / 2, cy=self.height / 2)

    def to_optical(self, points: Array) -> Array:
        """World points (n, 3) in the camera's optical frame, metres."""
        return np.asarray((points - self.position) @ self.rotation)

    def project(self, points: Array) -> Array:
        """Pixels (n, 2) of world points (n, 3), all in front of the camera."""
        optical = self.to_optical(points)
        pinhole = self.intrinsics
        scaled = optical[:, :2] / np.maximum(optical[:, 2:], 1e-3)
        return np.asarray(scaled * [pinhole.fx, pinhole.fy] + [pinhole.cx, pinhole.cy])

    def from_viewer(self, points: Array) -> Array:
        """World points (n, 3) as (right, forward, up) from the spot on the table below the camera, metres."""
        right = self.rotation[:, 0] * [1.0, 1.0, 0.0]
        right /= np.linalg.norm(right)
        forward = np.array([-right[1], right[0], 0.0])
        ground = self.position * [1.0, 1.0, 0.0]
        return np.asarray((points - ground) @ np.stack([right, forward, [0.0, 0.0, 1.0]], axis=1))


def random_camera(
    rng: np.random.Generator,
    hulls: Sequence[Array],
    size: tuple[int, int],
    azimuth_span: float,
    close_ups: float = 0.0,
) -> Camera:
    """A camera that sees some of the posed `hulls` (each (k, 3)), none of them larger than 40 % of the frame.

    `size` is (height, width) in pixels; `azimuth_span` radians to either side of looking along +y. Of a dozen draws
    the first good one is taken, else the best. `close_ups` is the share of them that takes a close-up.
    """
    best, best_fault = None, np.inf
    for _ in range(TRIES):
        camera = _draw(rng, hulls, size, azimuth_span, close_ups)
        fault = _fault(camera, hulls)
        if best is None or fault < best_fault:
            best, best_fault = camera, fault
        if fault == 0:
            break
    assert best is not None
    return best


def _draw(
    rng: np.random.Generator,
    hulls: Sequence[Array],
    size: tuple[int, int],
    azimuth_span: float,
    close_ups: float,
) -> Camera:
    height, width = size
    widest = np.rad2deg(2 * np.arctan(np.tan(np.deg2rad(WIDEST_HORIZONTAL_DEG) / 2) * height / width))
    fovy = rng.uniform(FIELD_OF_VIEW_DEG[0], min(FIELD_OF_VIEW_DEG[1], widest))
    elevation = np.deg2rad(rng.uniform(*ELEVATION_DEG))
    azimuth = rng.uniform(-azimuth_span, azimuth_span)
    backward = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    # frame area at distance 1 is 4 tan(fovy/2)^2 * aspect; an object covers about 0.6 of its longest side squared
    sizes = [float(np.ptp(hull, axis=0).max()) for hull in hulls]
    near = close_ups > 0 and rng.random() < close_ups  # without them nothing is drawn: test pictures stay as they are
    share = np.exp(rng.uniform(*np.log(NEAR_SHARE if near else AIMED_SHARE)))
    unit_area = 4 * np.tan(np.deg2rad(fovy) / 2) ** 2 * width / height
    distance = float(np.clip(np.sqrt(0.6 * np.median(sizes) ** 2 / (share * unit_area)), NEAREST_M, FARTHEST_M))
    centres = np.array([(hull.min(axis=0) + hull.max(axis=0)) / 2 for hull in hulls])
    # near cameras aim at one of the objects, far ones at their middle; the jitter lets the frame cut objects
    anchor = centres[int(rng.integers(len(centres)))]
    target = anchor + rng.uniform(0, 0.8) * (centres.mean(axis=0) - anchor)
    jitter = 0.25 * distance * np.tan(np.deg2rad(fovy) / 2)
    target = target + rng.normal(0, jitter, 3) * [1.0, 1.0, 0.3]
    return Camera(
        position=target + distance * backward,
        rotation=_look(-backward, np.deg2rad(rng.normal(0, ROLL_STD_DEG))),
        fovy_deg=float(fovy),
        width=width,
        height=height,
    )


def _look(forward: Array, roll: float) -> Array:
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    rolled = np.cos(roll) * right + np.sin(roll) * down
    return np.stack([rolled, np.cross(forward, rolled), forward], axis=1)


def _fault(camera: Camera, hulls: Sequence[Array]) -> float:
    """0 for a useful frame; grows with an object too large or too near, and with too few objects of use."""
    shares = np.array([_share(camera, hull) for hull in hulls])
    useful = int((shares > SMALLEST_SHARE).sum())
    nearest = min(float(camera.to_optical(hull)[:, 2].min()) for hull in hulls)
    fault = max(0.0, float(shares.max()) - LARGEST_SHARE) + max(0, min(3, len(hulls)) - useful)
    return fault + (10.0 if nearest < NEAREST_M / 2 else 0.0) + (10.0 if camera.position[2] < 0.05 else 0.0)


def _share(camera: Camera, hull: Array) -> float:
    """Share of the frame inside the outline of a posed hull, by its bounds clipped to the frame."""
    pixels = camera.project(hull)
    full = np.ptp(pixels, axis=0).prod()
    clipped = np.clip(pixels, 0, [camera.width, camera.height])
    inside = np.ptp(clipped, axis=0).prod() / max(full, 1e-9)
    area = cv2.contourArea(cv2.convexHull(np.ascontiguousarray(pixels, dtype=np.float32)))
    return float(area * inside / (camera.width * camera.height))

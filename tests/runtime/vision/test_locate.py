"""Where to take hold, from depth of which everything is known: boxes, balls and plates traced ray by ray."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.datatypes import Grasp, Intrinsics
from runtime.errors import SaymaskError
from runtime.vision.locate import locate

Array = npt.NDArray[np.float64]
Depth = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

HEIGHT, WIDTH = 240, 320
CAMERA = Intrinsics(300.0, 300.0, 160.0, 120.0)
MM = 1e-3


def rays() -> Array:
    """(h, w, 3) through the pixels' centres, with z = 1."""
    x = (np.arange(WIDTH) + 0.5 - CAMERA.cx) / CAMERA.fx
    y = (np.arange(HEIGHT) + 0.5 - CAMERA.cy) / CAMERA.fy
    return np.dstack([*np.meshgrid(x, y), np.ones((HEIGHT, WIDTH))])


def plane(point: Array, normal: Array) -> Array:
    """Depth of an endless plane, infinite where it is not seen."""
    slope = rays() @ normal
    with np.errstate(divide="ignore"):
        depth = (point @ normal) / slope
    return np.where((slope != 0) & (depth > 0), depth, np.inf)


def ball(centre: Array, radius: float) -> Array:
    """Depth of a ball."""
    directions = rays()
    b, a = directions @ centre, (directions**2).sum(-1)
    inside = b**2 - a * (centre @ centre - radius**2)
    return np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)


def box(centre: Array, axes: Array, half: tuple[float, float, float]) -> Array:
    """Depth of a box with the unit `axes` as rows, by slabs."""
    directions, start = rays() @ axes.T, -(axes @ centre)
    with np.errstate(divide="ignore"):
        ends = np.stack([(-np.array(half) - start) / directions, (np.array(half) - start) / directions])
    near, far = ends.min(0).max(-1), ends.max(0).min(-1)
    return np.where((near < far) & (near > 0), near, np.inf)


def scene(thing: Array, *others: Array) -> tuple[Depth, Mask]:
    """Depth of all together, 0 where nothing is, and where the thing shows."""
    behind = np.minimum.reduce([np.full_like(thing, np.inf), *others])
    depth = np.minimum(thing, behind)
    return np.where(np.isfinite(depth), depth, 0).astype(np.float32), thing < behind


def grasp(depth: npt.NDArray[np.floating], mask: Mask) -> Grasp:
    return locate(mask, depth, CAMERA, camera_frame="head_camera", stamp_ns=7)


def tabletop(pitch_deg: float) -> tuple[Array, Array, Array]:
    """A table half a metre below a camera that looks down by `pitch_deg`: where it is looked at, its up, its right."""
    pitch = np.deg2rad(pitch_deg)
    up = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    return np.array([0.0, 0.0, 0.5 / np.sin(pitch)]), up, np.array([1.0, 0.0, 0.0])


def angle_deg(one: object, other: object) -> float:
    return float(np.rad2deg(np.arccos(np.clip(abs(np.dot(np.asarray(one), np.asarray(other))), 0, 1))))


def test_stamp_and_frame_are_the_pictures() -> None:
    depth, mask = scene(ball(np.array([0, 0, 0.6]), 0.04))
    found = grasp(depth, mask)
    assert (found.camera_frame, found.stamp_ns) == ("head_camera", 7)


def test_a_pixels_centre_lies_half_a_pixel_in() -> None:
    """The optical frame of REP-103: x to the right, y down, z away from the camera."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[130:170, 200:260] = True
    found = grasp(np.ones((HEIGHT, WIDTH), np.float32), mask)
    assert found.point_m == pytest.approx(((230 - 160) / 300, (150 - 120) / 300, 1.0), abs=1e-6)


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.6), (0.12, -0.07, 0.6), (-0.1, 0.08, 0.9)])
def test_the_middle_of_what_is_seen_of_a_ball(centre: tuple[float, float, float]) -> None:
    """The mean height of a half ball over its rim is 2 / 3 of the radius (the volume of half a ball over a disc)."""
    place = np.array(centre)
    depth, mask = scene(ball(place, 0.04))
    towards = place / np.linalg.norm(place)
    expected = place - 2 / 3 * 0.04 * towards
    assert np.linalg.norm(np.array(grasp(depth, mask).point_m) - expected) < 2 * MM


def holes(depth: Depth, mask: Mask, rng: np.random.Generator) -> tuple[Depth, Mask]:
    spoilt = depth.copy()
    spoilt[rng.random(depth.shape) < 0.1] = 0
    spoilt[rng.random(depth.shape) < 0.1] = np.nan
    spoilt[rng.random(depth.shape) < 0.1] = np.inf
    return spoilt, mask


def noise(depth: Depth, mask: Mask, rng: np.random.Generator) -> tuple[Depth, Mask]:
    return (depth + rng.normal(0, 2 * MM, depth.shape) * (depth > 0)).astype(np.float32), mask


def flying(depth: Depth, mask: Mask, rng: np.random.Generator) -> tuple[Depth, Mask]:
    """At the outline the reading is anything between the thing and what is behind it."""
    grown = _grown(mask, 2)
    edge = grown & ~_shrunk(mask, 2)
    near, far = depth[mask].min(), depth.max()
    spoilt = depth.copy()
    spoilt[edge] = rng.uniform(near, far, np.count_nonzero(edge))
    return spoilt, mask


def spilt(depth: Depth, mask: Mask, rng: np.random.Generator) -> tuple[Depth, Mask]:
    return depth, _grown(mask, 3)


def _grown(mask: Mask, by: int) -> Mask:
    grown = mask.copy()
    for _ in range(by):
        grown = grown | np.roll(grown, 1, 0) | np.roll(grown, -1, 0) | np.roll(grown, 1, 1) | np.roll(grown, -1, 1)
    return grown


def _shrunk(mask: Mask, by: int) -> Mask:
    return ~_grown(~mask, by)


@pytest.mark.parametrize("spoil", [holes, noise, flying, spilt])
def test_what_depth_cameras_do(spoil: object, rng: np.random.Generator) -> None:
    look, up, _ = tabletop(40)
    thing = ball(look + 0.05 * up, 0.05)
    depth, mask = scene(thing, plane(look, up))
    clean = np.array(grasp(depth, mask).point_m)
    assert callable(spoil)
    found = grasp(*spoil(depth, mask, rng))
    assert np.linalg.norm(np.array(found.point_m) - clean) < 5 * MM
    assert found.width_m == pytest.approx(0.1, abs=0.012)


@pytest.mark.parametrize("turn_deg", [0.0, 30.0, 75.0, 120.0])
def test_a_bar_on_the_table_is_taken_across_from_above(turn_deg: float) -> None:
    look, up, right = tabletop(60)
    turn = np.deg2rad(turn_deg)
    forward = np.cross(up, right)
    along = np.cos(turn) * right + np.sin(turn) * forward
    axes = np.stack([along, np.cross(up, along), up])
    depth, mask = scene(box(look + 0.01 * up, axes, (0.09, 0.015, 0.01)), plane(look, up))
    found = grasp(depth, mask)
    assert angle_deg(found.axis, along) < 4
    assert np.dot(found.approach, -up) > np.cos(np.deg2rad(8)), "from above, down onto the table"
    # Top and one side are seen: the way across is the thing's own width, and a little more for the side's slant.
    assert 0.028 < found.width_m < 0.042


def test_a_standing_thing_is_taken_from_the_side_that_is_seen() -> None:
    look, up, right = tabletop(30)
    axes = np.stack([right, np.cross(up, right), up])
    depth, mask = scene(box(look + 0.1 * up, axes, (0.025, 0.025, 0.1)), plane(look, up))
    found = grasp(depth, mask)
    assert angle_deg(found.axis, up) < 15
    assert abs(np.dot(found.approach, up)) < 0.35, "not from above"
    assert found.approach[2] > 0.5, "away from the camera"
    assert found.width_m == pytest.approx(0.05, abs=0.006)


def test_without_a_table_in_sight_the_line_of_sight_is_the_way() -> None:
    centre = np.array([0.1, 0.05, 0.7])
    depth, mask = scene(ball(centre, 0.04))
    sight = centre / np.linalg.norm(centre)
    assert angle_deg(grasp(depth, mask).approach, sight) < 3


def test_a_cup_is_one_thing_with_its_inside() -> None:
    """The far inner wall shows beyond the rim, a jump in depth within the thing."""
    look, up, right = tabletop(45)
    axes = np.stack([right, np.cross(up, right), up])
    walls = [
        box(look + 0.05 * up + side * 0.04 * axes[k], axes, (0.04, 0.002, 0.05) if k else (0.002, 0.04, 0.05))
        for k in (0, 1)
        for side in (-1, 1)
    ]
    depth, mask = scene(np.minimum.reduce(walls), plane(look, up))
    x, y, z = grasp(depth, mask).point_m
    assert abs(x) < 3 * MM and (y, z) == pytest.approx(tuple((look + 0.05 * up)[1:]), abs=0.03)


def test_a_neighbour_that_touches_in_the_picture_does_not_move_the_point() -> None:
    look, up, _ = tabletop(40)
    thing, beside = ball(look + 0.04 * up, 0.04), ball(look + 0.04 * up + np.array([0.06, -0.1, 0.15]), 0.06)
    depth, mask = scene(thing, beside, plane(look, up))
    alone = np.array(grasp(depth, mask).point_m)
    assert np.linalg.norm(np.array(grasp(depth, _grown(mask, 3)).point_m) - alone) < 5 * MM


BALL = scene(ball(np.array([0.0, 0.0, 0.6]), 0.04))


@pytest.mark.parametrize(
    ("depth", "mask", "told"),
    [
        (BALL[0], np.zeros((HEIGHT, WIDTH), np.bool_), "the mask is empty"),
        (BALL[0] * 0, BALL[1], "too little depth under the mask: usable on 0% of the mask's"),
        (BALL[0] * 1000, BALL[1], "if that is millimetres, divide by 1000"),
        (BALL[0][:100], BALL[1], "differ in size; use depth registered to the colour picture"),
        ((BALL[0] * 1000).astype(np.uint16), BALL[1], "depth_m must be float32 metres of (height, width), got uint16"),
        (BALL[0], BALL[1].astype(np.uint8), "mask must be bool of (height, width), got uint8"),
        (BALL[0], np.pad(np.ones((3, 3), np.bool_), ((0, 237), (0, 317))), "too little depth"),
    ],
)
def test_what_cannot_be_located(depth: Depth, mask: Mask, told: str) -> None:
    with pytest.raises(SaymaskError) as caught:
        grasp(depth, mask)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("camera", [Intrinsics(0, 300, 160, 120), Intrinsics(300, float("nan"), 160, 120)])
def test_a_camera_that_is_not_calibrated(camera: Intrinsics) -> None:
    with pytest.raises(SaymaskError, match="no calibrated camera"):
        locate(BALL[1], BALL[0], camera, camera_frame="", stamp_ns=0)


def test_the_same_picture_always_gives_the_same_grasp(rng: np.random.Generator) -> None:
    look, up, _ = tabletop(40)
    depth, mask = noise(*scene(ball(look + 0.05 * up, 0.05), plane(look, up)), rng)
    before = depth.copy(), mask.copy()
    assert grasp(depth, mask) == grasp(depth, mask)
    assert np.array_equal(depth, before[0]) and np.array_equal(mask, before[1]), "what is handed in stays as it is"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.9]), st.sampled_from([1e-3, 0.3, 5.0]))
def test_any_depth_gives_a_grasp_or_one_line(seed: int, missing: float, spread: float) -> None:
    """Axis and approach are unit vectors at right angles, and nothing is NaN, whatever the camera says."""
    rng = np.random.default_rng(seed)
    depth = (0.5 + spread * rng.random((60, 80))).astype(np.float32)
    depth[rng.random(depth.shape) < missing] = rng.choice([0.0, np.nan, np.inf, -1.0])
    mask = np.zeros((60, 80), np.bool_)
    top, left = rng.integers(0, 50), rng.integers(0, 70)
    mask[top : top + rng.integers(1, 60), left : left + rng.integers(1, 80)] = True
    try:
        found = locate(mask, depth, Intrinsics(80, 80, 40, 30), camera_frame="", stamp_ns=0)
    except SaymaskError as error:
        told = str(error)
        if "\n" in told:
            raise
        return
    assert np.isfinite([*found.point_m, *found.axis, *found.approach, found.width_m]).all()
    assert np.linalg.norm(found.axis) == pytest.approx(1) and np.linalg.norm(found.approach) == pytest.approx(1)
    assert np.dot(found.axis, found.approach) == pytest.approx(0, abs=1e-6)
    assert found.width_m > 0

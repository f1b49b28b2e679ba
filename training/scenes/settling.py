"""Lets placed objects come to rest on the table: convex hulls in a small MuJoCo model of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from training.scenes.datatypes import TabletopObject

STEP_S = 0.004
SHORTEST_STEPS = 60
LONGEST_STEPS = 350
REST_SPEED = 0.03
"""Largest generalised speed (m/s, rad/s) of a scene at rest."""
STILL_MOVING_SPEED = 0.5
LARGEST_DRIFT_M = 0.25
UPWARD_NORMAL = 0.6
"""Least vertical share of a contact's normal that carries weight; a leaning object touches at less."""
MASS_KG = 0.15
FRICTION = (0.9, 0.02, 0.005)
TABLE_THICKNESS_M = 0.04
_TABLE = -1


@dataclass(frozen=True)
class TableShape:
    """A table top at height 0 around the origin; a round one has the radius `half_x_m`."""

    half_x_m: float
    half_y_m: float
    round: bool = False

    def holds(self, points: npt.NDArray[np.float64], margin_m: float = 0.0) -> bool:
        """Whether all points (n, 2 or 3) lie at least `margin_m` inside the edge."""
        if self.round:
            return bool((np.hypot(points[:, 0], points[:, 1]) <= self.half_x_m - margin_m).all())
        inside_x = np.abs(points[:, 0]) <= self.half_x_m - margin_m
        return bool((inside_x & (np.abs(points[:, 1]) <= self.half_y_m - margin_m)).all())


@dataclass(frozen=True, eq=False)
class Pose:
    """Where an object stands: `position` (3,) of its origin in metres, `rotation` (3, 3) from object to table."""

    position: npt.NDArray[np.float64]
    rotation: npt.NDArray[np.float64]

    def apply(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(points @ self.rotation.T + self.position)


@dataclass(frozen=True, eq=False)
class Settled:
    """What stayed on the table: positions in the given list, poses, and (upper, lower) pairs of those positions."""

    kept: tuple[int, ...]
    poses: tuple[Pose, ...]
    resting_on: frozenset[tuple[int, int]]


def settle(objects: Sequence[TabletopObject], poses: Sequence[Pose], table: TableShape) -> Settled:
    """Runs physics until the scene rests. Objects that fell off, flew, still roll or hang on nothing are left out."""
    model = _hull_model(objects, poses, table)
    data = mujoco.MjData(model)
    for step in range(LONGEST_STEPS):
        mujoco.mj_step(model, data)
        if step >= SHORTEST_STEPS and step % 20 == 0 and np.abs(data.qvel).max() < REST_SPEED:
            break
    mujoco.mj_forward(model, data)
    ends = [Pose(data.xpos[i + 1].copy(), data.xmat[i + 1].reshape(3, 3).copy()) for i in range(len(objects))]
    speeds = np.abs(data.qvel.reshape(len(objects), 6)).max(axis=1)
    well = {
        i
        for i, (thing, start, end) in enumerate(zip(objects, poses, ends, strict=True))
        if speeds[i] < STILL_MOVING_SPEED and _stayed(thing, start, end, table)
    }
    supports = _supports(model, data)
    kept = tuple(sorted(_carried(well, supports)))
    on_table = {upper for upper, lower in supports if lower == _TABLE}
    resting = frozenset(
        (upper, lower) for upper, lower in supports if upper in kept and lower in kept and upper not in on_table
    )
    return Settled(kept, tuple(ends[i] for i in kept), resting)


def _hull_model(objects: Sequence[TabletopObject], poses: Sequence[Pose], table: TableShape) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.option.timestep = STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    half = TABLE_THICKNESS_M / 2
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER if table.round else mujoco.mjtGeom.mjGEOM_BOX,
        size=[table.half_x_m, half, 0] if table.round else [table.half_x_m, table.half_y_m, half],
        pos=[0, 0, -half],
        friction=FRICTION,
    )
    for i, (thing, pose) in enumerate(zip(objects, poses, strict=True)):
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, pose.rotation.ravel())
        body = spec.worldbody.add_body(name=f"object{i}", pos=pose.position, quat=quaternion)
        body.add_freejoint()
        spec.add_mesh(
            name=f"hull{i}",
            uservert=thing.hull_vertices.astype(np.float32).ravel(),
            userface=thing.hull_faces.astype(np.int32).ravel(),
        )
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"hull{i}", mass=MASS_KG, friction=FRICTION, condim=4)
    return spec.compile()


def _stayed(thing: TabletopObject, start: Pose, end: Pose, table: TableShape) -> bool:
    hull = end.apply(thing.hull_vertices)
    centre = hull.mean(axis=0)
    drift = float(np.linalg.norm(centre - start.apply(thing.hull_vertices).mean(axis=0)))
    return bool(hull[:, 2].min() > -0.005 and table.holds(centre[None]) and drift < LARGEST_DRIFT_M)


def _supports(model: mujoco.MjModel, data: mujoco.MjData) -> set[tuple[int, int]]:
    """(upper, lower) pairs in contact whose normal carries weight; `_TABLE` as lower for the table."""
    pairs = set()
    for contact in data.contact:
        first, second = (int(model.geom_bodyid[geom]) - 1 for geom in contact.geom)
        upward = contact.frame[2]  # the normal points from the first geom to the second
        if upward > UPWARD_NORMAL:
            pairs.add((second, first))
        elif upward < -UPWARD_NORMAL:
            pairs.add((first, second))
    return pairs


def _carried(well: set[int], supports: set[tuple[int, int]]) -> set[int]:
    """Those of `well` that the table bears, directly or through others of `well`."""
    carried = {_TABLE}
    while True:
        more = {upper for upper, lower in supports if lower in carried and upper in well} - carried
        if not more:
            return carried - {_TABLE}
        carried |= more

"""Things in rendered pictures with the truth about their surfaces, which `benchmarks/locate.py` measures against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from runtime.datatypes import Intrinsics, Mask
from training.scenes.camera import Camera, random_camera
from training.scenes.datatypes import TabletopObject
from training.scenes.library import Library
from training.scenes.pool import draw_pool
from training.scenes.production import AZIMUTH_AT_WALL
from training.scenes.renderer import ClassicRenderer, Rendering
from training.scenes.scene import make_scene
from training.scenes.settling import Pose
from training.scenes.staging import stage_look, stage_room

Array = npt.NDArray[np.float64]
Depth = npt.NDArray[np.float32]

SIZE = (480, 640)
LEAST_PIXELS = 200
SAMPLES = 12_000
_SEEN_WHOLE = 0.95
_SAME_SURFACE_M = 0.001


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing in one picture with its truth, metres in the camera's optical frame.

    `mask` bool and `depth_m` float32 (h, w); `samples` (n, 3) points spread evenly over its mesh and `visible` (n,)
    which of them the camera sees; `centre` of its bounding box; `whole`: neither hidden by others nor cut.
    """

    mask: Mask
    depth_m: Depth
    intrinsics: Intrinsics
    samples: Array
    visible: npt.NDArray[np.bool_]
    centre: Array
    whole: bool


def rendered_things(scenes: int, seed: int, categories: Sequence[str] = ()) -> Iterator[Thing]:
    """All things of `scenes` scenes of the test split, one picture of each; `categories`: none named, all of them.

    Raises SaymaskError without an OpenGL context.
    """
    rng = np.random.default_rng(seed)
    pool = draw_pool(rng, "test", instances=2, categories=categories)
    library = Library(pool.objects, pool.surfaces, max(SIZE))
    with ClassicRenderer(max(SIZE)) as renderer:
        renderer.load(library)
        for state in tqdm(rng.integers(2**31, size=scenes), desc="scenes", unit="scene", leave=False):
            scene = make_scene(library.objects, int(state))
            library.arrange(scene.objects, scene.poses)
            stage_room(library, scene, rng)
            stage_look(library, scene, rng)
            span = AZIMUTH_AT_WALL if scene.against_wall else np.pi
            camera = random_camera(rng, scene.hulls(library.objects), SIZE, span)
            rendering = renderer.render(camera)
            instances = library.index_of_geom(scene.objects)[rendering.geoms]
            for index, (position, pose) in enumerate(zip(scene.objects, scene.poses, strict=True)):
                mask = instances == index
                if np.count_nonzero(mask) >= LEAST_PIXELS:
                    yield _thing(mask, rendering, camera, library.objects[position], pose, rng)


def _thing(
    mask: Mask, rendering: Rendering, camera: Camera, thing: TabletopObject, pose: Pose, rng: np.random.Generator
) -> Thing:
    pinhole = camera.intrinsics
    intrinsics = Intrinsics(pinhole.fx, pinhole.fy, pinhole.cx, pinhole.cy)
    triangles = np.concatenate([camera.to_optical(pose.apply(part.vertices))[part.faces] for part in thing.parts])
    samples, normals = _spread(triangles, rng)
    seen_at = samples[:, :2] / samples[:, 2:] * [pinhole.fx, pinhole.fy] + [pinhole.cx, pinhole.cy]
    columns, rows = np.floor(seen_at).astype(np.intp).T
    inside = (columns >= 0) & (columns < camera.width) & (rows >= 0) & (rows < camera.height)
    columns, rows = columns.clip(0, camera.width - 1), rows.clip(0, camera.height - 1)
    on_mask = inside & mask[rows, columns]
    # A sample is seen if its own triangle's plane, followed to the centre of its pixel, has the depth that is there.
    level = np.sum(normals * samples, axis=1)
    across = np.sum(normals * rays(rows, columns, intrinsics), axis=1)
    there = np.divide(level, across, out=np.zeros_like(level), where=across < 0)
    visible = on_mask & (level < 0) & (np.abs(there - rendering.depth_m[rows, columns]) < _SAME_SURFACE_M)
    low, high = thing.hull_vertices.min(axis=0), thing.hull_vertices.max(axis=0)
    centre = camera.to_optical(pose.apply((low + high)[None] / 2))[0]
    cut = bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())
    whole = not cut and float(on_mask.mean()) >= _SEEN_WHOLE
    return Thing(mask, rendering.depth_m, intrinsics, samples, visible, centre, whole)


def _spread(triangles: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points (n, 3) even over the area of `triangles` (t, 3, 3), and the unit normals there."""
    crosses = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    areas = np.linalg.norm(crosses, axis=1)
    chosen = rng.choice(len(triangles), SAMPLES, p=areas / areas.sum())
    shares = rng.dirichlet((1.0, 1.0, 1.0), SAMPLES)
    return np.einsum("nk,nkd->nd", shares, triangles[chosen]), crosses[chosen] / areas[chosen, None]


def rays(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], pinhole: Intrinsics) -> Array:
    """(n, 3) rays (x, y, 1) through the centres of pixels."""
    x, y = (columns + 0.5 - pinhole.cx) / pinhole.fx, (rows + 0.5 - pinhole.cy) / pinhole.fy
    return np.stack([x, y, np.ones_like(x)], axis=1)

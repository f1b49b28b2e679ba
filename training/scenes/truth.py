"""Exact ground truth of a rendered view: where each object is, how much of it is seen, and which colours show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.scenes.camera import Camera
from training.scenes.colours import colour_names
from training.scenes.datatypes import SceneObject, TabletopObject, View
from training.scenes.scene import Scene

LEAST_COLOUR_SHARE = 0.15
COLOUR_SAMPLES = 400


def make_view(
    pool: Sequence[TabletopObject],
    scene: Scene,
    camera: Camera,
    image: npt.NDArray[np.uint8],
    instances: npt.NDArray[np.int8],
    depth_m: npt.NDArray[np.float32],
    *,
    view: int,
    table_texture: str,
) -> View:
    """The view with the truth about every object of the scene, seen or not (arrays as in `View`)."""
    objects = tuple(
        _scene_object(index, pool[scene.objects[index]], scene, camera, image, instances)
        for index in range(len(scene.objects))
    )
    return View(
        image=image,
        instances=instances,
        depth_m=depth_m,
        intrinsics=camera.intrinsics,
        objects=objects,
        gap_m=scene.gap_m,
        resting_on=scene.resting_on,
        scene_seed=scene.seed,
        view=view,
        table_texture=table_texture,
    )


def _scene_object(
    index: int,
    thing: TabletopObject,
    scene: Scene,
    camera: Camera,
    image: npt.NDArray[np.uint8],
    instances: npt.NDArray[np.int8],
) -> SceneObject:
    rows, columns = np.nonzero(instances == index)
    box = (0, 0, 0, 0)
    if len(rows):
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    low, high = thing.hull_vertices.min(axis=0), thing.hull_vertices.max(axis=0)
    centre = scene.poses[index].apply(((low + high) / 2)[None])
    height, width = instances.shape
    right, forward, up = (float(value) for value in camera.from_viewer(centre)[0])
    x, y, z = (float(value) for value in camera.to_optical(centre)[0])
    return SceneObject(
        index=index,
        identifier=thing.identifier,
        nouns=thing.nouns,
        colours=visible_colours(thing.colours, image[rows, columns]),
        material=thing.material,
        pattern=thing.pattern,
        size_m=float((high - low).max()),
        position_m=(right, forward, up),
        centre_camera_m=(x, y, z),
        box=box,
        visible_pixels=len(rows),
        touches_edge=bool(len(rows)) and (box[0] == 0 or box[1] == 0 or box[2] == width or box[3] == height),
    )


def visible_colours(declared: Sequence[str], pixels: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    """Those of the `declared` words that at least 15 % of the visible pixels (n, 3) bear out, most frequent first."""
    if not declared or not len(pixels):
        return ()
    step = max(1, len(pixels) // COLOUR_SAMPLES)
    shares = colour_names(pixels[::step])
    borne_out = [word for word in declared if shares.get(word, 0.0) >= LEAST_COLOUR_SHARE]
    return tuple(sorted(borne_out, key=lambda word: -shares[word]))

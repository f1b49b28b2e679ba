"""Domain randomisation of everything around the objects: surfaces, room, clutter in the background, lights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.scenes.library import FURNITURE, LIGHTS, ROOM_MATERIALS, WALLS, Library
from training.scenes.scene import Scene
from training.scenes.settling import TABLE_THICKNESS_M

FLOOR_M = -0.75
CAMERA_RADIUS_M = 2.0
"""Walls that do not stand at the table keep this far away, beyond every camera."""
SPOT, DIRECTIONAL = 0, 1


def stage_room(library: Library, scene: Scene, rng: np.random.Generator) -> None:
    """Table, floor, walls, furniture in the background and sometimes a mat under the objects."""
    table = scene.table
    library.set_table_shape(is_round=table.round)
    half = TABLE_THICKNESS_M / 2
    size = [table.half_x_m, half, 0.0] if table.round else [table.half_x_m, table.half_y_m, half]
    library.place_geom("table", [0.0, 0.0, -half], size)
    # the mat rises 0.2 mm: enough to be drawn above the table, too little to hide an object's foot
    mat_size = rng.uniform([0.12, 0.10], [0.32, 0.25])
    mat_size = np.minimum(mat_size, 0.65 * np.array([table.half_x_m, table.half_y_m]))
    mat_at = rng.uniform(-0.08, 0.08, 2)
    library.place_geom(
        "mat", [*mat_at, -0.0048], [*mat_size, 0.005], rng.normal(0, 0.2), shown=bool(rng.random() < 0.2)
    )
    library.place_geom("floor", [0.0, 0.0, FLOOR_M - 0.05], [5.0, 5.0, 0.05])
    _stage_walls(library, scene, rng)
    _stage_furniture(library, scene, rng)


def _stage_walls(library: Library, scene: Scene, rng: np.random.Generator) -> None:
    behind = scene.table.half_y_m + 0.06 if scene.against_wall else rng.uniform(CAMERA_RADIUS_M, 4.0)
    distances = [behind, *rng.uniform(CAMERA_RADIUS_M, 4.0, WALLS - 1)]
    centres = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]
    for i, (distance, (x, y)) in enumerate(zip(distances, centres, strict=True)):
        size = [0.05, 5.0, 2.0] if x else [5.0, 0.05, 2.0]
        library.place_geom(f"wall{i}", [x * (distance + 0.05), y * (distance + 0.05), FLOOR_M + 2.0], size)


def _stage_furniture(library: Library, scene: Scene, rng: np.random.Generator) -> None:
    """Large boxes behind the table: nameless backdrop, too far and too big to be one of the objects."""
    for i in range(FURNITURE):
        size = rng.uniform([0.15, 0.15, 0.2], [0.6, 0.5, 0.9])
        angle = rng.uniform(0, 2 * np.pi)
        reach = float(np.hypot(scene.table.half_x_m, scene.table.half_y_m) + np.hypot(size[0], size[1]))
        distance = reach + rng.uniform(0.25, 1.0)
        at = [distance * np.cos(angle), distance * np.sin(angle), FLOOR_M + size[2]]
        # the camera may stand there unless the box stays below the table top
        shown = rng.random() < 0.6 and (at[1] > 0 if scene.against_wall else FLOOR_M + 2 * size[2] < 0)
        library.place_geom(f"furniture{i}", at, size, rng.uniform(0, np.pi), shown=bool(shown))


def stage_look(library: Library, scene: Scene, rng: np.random.Generator) -> str:
    """New surfaces and lights for one view; returns the name of the table's surface."""
    surfaces = len(library.surfaces)
    table_surface = int(rng.integers(surfaces))
    for material in ROOM_MATERIALS:
        surface = table_surface if material == "table" else int(rng.integers(surfaces))
        brightness = rng.uniform(0.7, 1.0) if rng.random() < 0.8 else rng.uniform(0.3, 0.6)
        repeats = rng.uniform(0.8, 3.0) if material in ("table", "mat") else rng.uniform(0.3, 1.2)
        library.cover(material, surface, repeats, rng.uniform(0.75, 1.0, 3) * brightness)
    table = library.model.mat("table").id
    library.model.mat_specular[table] = rng.uniform(0.0, 0.5)
    library.model.mat_shininess[table] = rng.uniform(0.1, 0.7)
    library.model.mat_roughness[table] = rng.uniform(0.25, 0.9)
    # a mirror image doubles the time of a frame, so few tables are polished
    library.model.mat_reflectance[table] = rng.uniform(0.03, 0.15) if rng.random() < 0.12 else 0.0
    _stage_lights(library, scene, rng)
    return library.surfaces[table_surface].name


def _stage_lights(library: Library, scene: Scene, rng: np.random.Generator) -> None:
    model = library.model
    count = int(rng.integers(1, LIGHTS + 1))
    total = rng.uniform(0.6, 1.15)
    shares = rng.dirichlet(np.full(count, 2.0))
    shadows = 0 if rng.random() < 0.08 else 1 + int(count > 1 and rng.random() < 0.25)
    for i in range(LIGHTS):
        model.light_active[i] = i < count
        if i >= count:
            continue
        position = _light_position(rng)
        if scene.against_wall and position[1] > scene.table.half_y_m:
            # behind the wall it would lay the wall's shadow across the table
            position[1] = -position[1]
        model.light_pos[i] = position
        model.light_dir[i] = -position / np.linalg.norm(position)
        model.light_type[i] = DIRECTIONAL if rng.random() < 0.4 else SPOT
        model.light_cutoff[i], model.light_exponent[i] = 75.0, rng.uniform(0.0, 1.5)
        model.light_castshadow[i] = i < shadows
        colour = np.clip(total * shares[i] * _tint(rng, 0.14), 0.0, 1.2)
        model.light_diffuse[i], model.light_specular[i] = colour, 0.6 * colour
    headlight = model.vis.headlight
    headlight.ambient[:] = rng.uniform(0.22, 0.48) * _tint(rng, 0.05)
    headlight.diffuse[:] = rng.uniform(0.0, 0.3)


def _light_position(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(48, 88))
    direction = [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    return np.asarray(rng.uniform(1.3, 2.4) * np.array(direction))


def _tint(rng: np.random.Generator, strength: float) -> npt.NDArray[np.float64]:
    """Warm to cold white, (3,) around 1."""
    return 1.0 + rng.uniform(-strength, strength) * np.array([1.0, 0.1, -1.0])

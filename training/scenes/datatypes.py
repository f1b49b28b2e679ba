"""Values that travel inside the scene generator: meshes in, rendered views with ground truth out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

BACKGROUND = -1
"""Value of `View.instances` where no object is seen."""


@dataclass(frozen=True, eq=False)
class Part:
    """One mesh of one material.

    `vertices` (V, 3) metres, z up; `faces` (F, 3) int; `uv` (V, 2) with v growing downwards in the image;
    `normals` (V, 3) unit; `texture` uint8 (h, w, 3) RGB or None; `rgba` multiplies it, each in 0..1.
    `metallic`, `roughness`, `specular`, `shininess` in 0..1, as MuJoCo's materials take them.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int64]
    uv: npt.NDArray[np.float64]
    normals: npt.NDArray[np.float64]
    texture: npt.NDArray[np.uint8] | None = None
    rgba: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 0.0
    roughness: float = 0.5
    specular: float = 0.3
    shininess: float = 0.3


@dataclass(frozen=True, eq=False)
class TabletopObject:
    """A thing that can stand on a table, with the words people use for it.

    `identifier` names it for ever ("jar/81723" by category and seed, or the mesh's own id). `nouns` start with the
    usual one. `colours` start with the dominant one; empty where no colour word fits (clear glass, bare metal).
    The hull is convex and drives physics. `lying_probability`: how often it is laid on its side; `supports`: other
    things may stand on it. Origin at the bottom centre, z up, metres.
    """

    identifier: str
    nouns: tuple[str, ...]
    colours: tuple[str, ...]
    material: str | None
    pattern: str | None
    parts: tuple[Part, ...]
    hull_vertices: npt.NDArray[np.float64]
    hull_faces: npt.NDArray[np.int64]
    lying_probability: float = 0.0
    supports: bool = False

    @cached_property
    def radius_m(self) -> float:
        """Radius of the footprint around the origin."""
        return float(np.linalg.norm(self.hull_vertices[:, :2], axis=1).max())

    @cached_property
    def height_m(self) -> float:
        return float(self.hull_vertices[:, 2].max())


@dataclass(frozen=True)
class SceneObject:
    """What is true of one object in one view.

    `index` is its value in `View.instances`. `colours` keeps only colour words that the visible pixels bear out.
    `size_m` is the longest side of its bounding box. `position_m` is (right, forward, up) seen from the viewer:
    right along the camera's horizontal axis, forward away from the camera along the table, up from the table;
    `centre_camera_m` is the hull's centre in the camera's optical frame (x right, y down, z forward; REP-103).
    `box` is (x0, y0, x1, y1) in pixels, x1 and y1 exclusive, of the visible pixels (all zero when none is visible).
    """

    index: int
    identifier: str
    nouns: tuple[str, ...]
    colours: tuple[str, ...]
    material: str | None
    pattern: str | None
    size_m: float
    position_m: tuple[float, float, float]
    centre_camera_m: tuple[float, float, float]
    box: tuple[int, int, int, int]
    visible_pixels: int
    touches_edge: bool


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera, pixels: u = fx x / z + cx, pixel centres at whole numbers + 0.5."""

    fx: float
    fy: float
    cx: float
    cy: float


@dataclass(frozen=True, eq=False)
class View:
    """One rendered camera frame with its exact ground truth.

    `image` uint8 (h, w, 3) RGB; `instances` int8 (h, w), object index or BACKGROUND; `depth_m` float32 (h, w) along
    the optical axis. `gap_m` (n, n) float32 is the smallest horizontal distance between the hulls of each pair;
    `resting_on` holds (upper, lower) pairs in contact. `scene_seed` and `view` name it; `table_texture` names the
    surface.
    """

    image: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.int8]
    depth_m: npt.NDArray[np.float32]
    intrinsics: Intrinsics
    objects: tuple[SceneObject, ...]
    gap_m: npt.NDArray[np.float32]
    resting_on: frozenset[tuple[int, int]]
    scene_seed: int
    view: int
    table_texture: str

"""Mesh building blocks of the procedural objects: lathe, sweep, strip, rounded box, prism, convex hull.

Every builder returns a `Part` in metres with outward faces, unit normals and `uv` with v growing downwards, so that a
texture's top row lies at the top of an upright part. Builders know nothing of colours: a `Finish` carries the look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from training.scenes.datatypes import Part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Profile = Sequence[tuple[float, float] | None]
"""(radius, height) from the bottom along the outside; None makes the point before it a sharp edge."""


@dataclass(frozen=True, eq=False)
class Finish:
    """How a surface looks: the fields of `Part` that are not shape."""

    texture: npt.NDArray[np.uint8] | None = None
    rgba: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 0.0
    roughness: float = 0.5
    specular: float = 0.3
    shininess: float = 0.3


def build_part(vertices: Floats, faces: Ints, uv: Floats, normals: Floats, finish: Finish) -> Part:
    """A `Part` from its shape and its look; faces without area are dropped (MuJoCo refuses some of them)."""
    corners = vertices[faces]
    double_area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return Part(
        vertices=vertices,
        faces=faces[double_area > 1e-12],
        uv=uv,
        normals=normals,
        texture=finish.texture,
        rgba=finish.rgba,
        metallic=finish.metallic,
        roughness=finish.roughness,
        specular=finish.specular,
        shininess=finish.shininess,
    )


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1; rows without a direction point along the last axis."""
    fallback = np.eye(vectors.shape[-1])[-1]
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.where(length > 1e-15, vectors / np.maximum(length, 1e-15), fallback), np.float64)


def vertex_normals(vertices: Floats, faces: Ints) -> Floats:
    """Area-weighted normals, unit, (V, 3); vertices that share an index are smooth."""
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(sums, faces[:, corner], face_normals)
    return unit(sums)


def grid_part(points: Floats, uv: Floats, finish: Finish, *, wrap: bool) -> Part:
    """A smooth surface over `points` (rows, columns, 3); the normal is d(column) x d(row).

    `wrap`: the last column repeats the first (a seam for the texture) and is shaded as one with it.
    """
    rows, columns = points.shape[:2]
    first = np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]
    right, above = first + 1, first + columns
    lower = np.stack([first, right, above + 1], -1).reshape(-1, 3)
    upper = np.stack([first, above + 1, above], -1).reshape(-1, 3)
    faces = np.concatenate([lower, upper]).astype(np.int64)
    vertices = points.reshape(-1, 3)
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(sums, faces[:, corner], face_normals)
    grid = sums.reshape(rows, columns, 3)
    if wrap:
        grid[:, 0] = grid[:, -1] = grid[:, 0] + grid[:, -1]
    poles = np.ptp(points, axis=1).max(axis=1) < 1e-7
    grid[poles] = grid[poles].sum(axis=1, keepdims=True)
    return build_part(vertices, faces, uv.reshape(-1, 2), unit(grid.reshape(-1, 3)), finish)


def smooth_curve(points: Floats, samples: int) -> Floats:
    """Catmull-Rom curve through `points` (n, d) with about `samples` points; two points stay a straight line."""
    if len(points) == 2:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    per_span = max(2, round(samples / (len(points) - 1)))
    t = np.linspace(0, 1, per_span, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
    joined: Floats = np.concatenate([curve.reshape(-1, points.shape[1]), points[-1:]])
    return joined


def _curves(profile: Profile) -> list[Floats]:
    """The profile cut at its sharp edges."""
    curves: list[list[tuple[float, float]]] = [[]]
    for point in profile:
        if point is None:
            curves.append([curves[-1][-1]])
        else:
            curves[-1].append(point)
    return [np.array(curve, float) for curve in curves if len(curve) > 1]


def lathe(
    profile: Profile,
    finish: Finish,
    *,
    segments: int = 32,
    samples: int = 28,
    squareness: float = 2.0,
    stretch: tuple[float, float] = (1.0, 1.0),
    wobble: Callable[[Floats], Floats] | None = None,
) -> Part:
    """Surface of revolution; `squareness` 2 is round, 4 to 10 a rounded square (exponent of a superellipse).

    `stretch` scales x and y; `wobble(angle)` is added to the relative radius, fully at the profile's top.
    """
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    if squareness > 2.5:  # crowd the samples towards the corners, where the outline bends
        angles = angles + 0.16 * np.sin(4 * angles)
    x, y = np.cos(angles), np.sin(angles)
    outline = (np.abs(x) ** squareness + np.abs(y) ** squareness) ** (-1 / squareness)
    curves = _curves(profile)
    low = min(float(curve[:, 1].min()) for curve in curves)
    span = max(max(float(curve[:, 1].max()) for curve in curves) - low, 1e-9)
    total = sum(len(curve) - 1 for curve in curves)
    pieces = []
    for curve in curves:
        line = smooth_curve(curve, max(3, round(samples * (len(curve) - 1) / total)))
        height = (line[:, 1] - low) / span
        radius = np.clip(line[:, :1], 0, None) * outline[None]
        if wobble is not None:
            radius = radius * (1 + wobble(angles)[None] * np.clip(height, 0, 1)[:, None])
        heights = np.broadcast_to(line[:, 1:], radius.shape)
        points = np.stack([radius * x * stretch[0], radius * y * stretch[1], heights], -1)
        v = np.broadcast_to(1 - height[:, None], radius.shape)
        u = np.broadcast_to(angles[None] / (2 * np.pi), radius.shape)
        pieces.append(grid_part(points, np.stack([u, v], -1), finish, wrap=True))
    return merge(pieces)


def sweep(
    path: npt.ArrayLike,
    radii: npt.ArrayLike,
    finish: Finish,
    *,
    segments: int = 12,
    flatten: float = 1.0,
    squareness: float = 2.0,
    angular: float = 0.0,
    up: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Part:
    """A tube along `path` (n, 3) with the radius of each point and closed ends; v runs along the path.

    `flatten` scales the section along the direction nearest to `up`; `angular` adds five soft edges (a banana's).
    """
    points = np.asarray(path, float)
    radius = np.broadcast_to(np.asarray(radii, float), (len(points),)).astype(float)
    tangent = unit(np.gradient(points, axis=0))
    reference = np.array(up)
    if np.abs(tangent @ reference).max() > 0.98:
        reference = np.array([0.0, 1.0, 0.0]) if abs(reference[1]) < 0.5 else np.array([1.0, 0.0, 0.0])
    side = unit(np.cross(tangent, reference))
    other = np.cross(side, tangent)
    ends = np.concatenate([[0], np.arange(len(points)), [len(points) - 1]])
    radius = np.concatenate([[0.0], radius, [0.0]])
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    x, y = np.cos(angles), np.sin(angles)
    section = (np.abs(x) ** squareness + np.abs(y) ** squareness) ** (-1 / squareness) * (
        1 + angular * np.cos(5 * angles)
    )
    offset = (
        side[ends, None] * (section * x)[None, :, None] - other[ends, None] * (flatten * section * y)[None, :, None]
    )
    surface = points[ends, None] + radius[:, None, None] * offset
    rows = np.concatenate([[0.0], np.linspace(0, 1, len(points)), [1.0]])
    uv = np.stack(np.broadcast_arrays(angles[None] / (2 * np.pi), rows[:, None]), -1)
    return grid_part(surface, uv, finish, wrap=True)


def strip(
    x: Floats,
    centre_y: Floats,
    half_width: Floats,
    height: Callable[[Floats, Floats], Floats],
    thickness: float,
    finish: Finish,
    *,
    across: int = 8,
) -> Part:
    """A thin plate along x (spoons, blades): `height(x, s)` is its middle surface, s in -1..1 across its width."""
    s = np.concatenate([np.linspace(-1, 1, across), np.linspace(1, -1, across)])
    side = np.concatenate([np.ones(across), -np.ones(across)])
    columns, turned = np.append(s, s[:1]), np.append(side, side[:1])
    stations = np.concatenate([x[:1], x, x[-1:]])
    middle, width = np.concatenate([centre_y[:1], centre_y, centre_y[-1:]]), np.concatenate([[0.0], half_width, [0.0]])
    z = height(stations[:, None], columns[None]) + 0.5 * thickness * turned[None]
    y = middle[:, None] + width[:, None] * columns[None]
    points = np.stack([np.broadcast_to(stations[:, None], z.shape), y, z], -1)[:, ::-1]
    span = max(float(np.ptp(x)), 1e-9)
    uv = np.stack(np.broadcast_arrays(0.5 + 0.5 * columns[None, ::-1], (stations[:, None] - x.min()) / span), -1)
    return grid_part(points, uv, finish, wrap=True)


def box(size: Sequence[float] | Floats, finish: Finish, *, bevel: float = 0.0015) -> Part:
    """A box standing on z = 0, its edges rounded off by `bevel`.

    The texture is an atlas of 3 x 2 cells: +x, -x, +y in the upper row, -y, top, bottom in the lower one.
    """
    half = np.asarray(size, float) / 2
    bevel = min(bevel, 0.4 * float(half.min()))
    axes = np.eye(3)
    frames = [(0, 1, 2), (0, -1, 2), (1, -1, 2), (1, 1, 2), (2, 1, 1), (2, -1, 1)]
    outward = [axes[0], -axes[0], axes[1], -axes[1], axes[2], -axes[2]]
    rightward = [axes[1], -axes[1], -axes[0], axes[0], axes[0], -axes[0]]
    upward = [axes[2]] * 4 + [axes[1], axes[1]]
    vertices, normals, uv, faces = [], [], [], []
    for cell in range(len(frames)):
        normal, right, above = outward[cell], rightward[cell], upward[cell]
        column, row = cell % 3, cell // 3
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            inner = a * (half - bevel) * right + b * (half - bevel) * above
            vertices.append(normal * half + inner)
            normals.append(normal)
            uv.append(((column + 0.5 + 0.485 * a) / 3, (row + 0.5 - 0.485 * b) / 2))
        start = 4 * cell
        faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    flat = Part(np.array(vertices), np.array(faces, np.int64), np.array(uv), np.array(normals))
    rounded = _bevel_faces(flat)
    shifted = rounded.vertices + np.array([0, 0, half[2]])
    return build_part(shifted, rounded.faces, rounded.uv, rounded.normals, finish)


def _bevel_faces(flat: Part) -> Part:
    """Closes the gaps between the six faces of `box` by the hull of its 24 corners."""
    hull = ConvexHull(flat.vertices)
    simplices = hull.simplices.astype(np.int64)
    gaps = simplices[np.ptp(simplices // 4, axis=1) > 0]
    corners = flat.vertices[gaps]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", facing, corners.mean(1)) < 0
    gaps[inward] = gaps[inward][:, ::-1]
    count = len(flat.vertices)
    # each gap takes the texture of its first corner, so that no stripe of the whole atlas shows on an edge
    return Part(
        np.concatenate([flat.vertices, flat.vertices[gaps].reshape(-1, 3)]),
        np.concatenate([flat.faces, count + np.arange(gaps.size, dtype=np.int64).reshape(-1, 3)]),
        np.concatenate([flat.uv, np.repeat(flat.uv[gaps[:, 0]], 3, axis=0)]),
        np.concatenate([flat.normals, flat.normals[gaps].reshape(-1, 3)]),
    )


def prism(outline: Floats, thickness: float, finish: Finish, *, bevel: float = 0.0) -> Part:
    """`outline` (n, 2), a simple counter-clockwise polygon, raised from z = 0 to `thickness`; flat shaded.

    `bevel` pulls the top's rim inwards towards each corner's inner side.
    """
    count = len(outline)
    ahead, behind = np.roll(outline, -1, 0) - outline, outline - np.roll(outline, 1, 0)
    inner_side = unit(
        unit(np.stack([-ahead[:, 1], ahead[:, 0]], -1)) + unit(np.stack([-behind[:, 1], behind[:, 0]], -1))
    )
    rim = outline + bevel * inner_side
    top_z = np.full((count, 1), thickness)
    rings = [np.c_[outline, np.zeros(count)], np.c_[outline, top_z - bevel], np.c_[rim, top_z]]
    caps = triangulate(outline)
    pieces = [(rings[2], caps), (rings[0], caps[:, ::-1])]
    following = np.roll(np.arange(count), -1)
    for low, high in ((0, 1), (1, 2)) if bevel > 0 else ((0, 2),):
        quads = np.stack([rings[low], rings[low][following], rings[high][following], rings[high]], 1).reshape(-1, 3)
        start = 4 * np.arange(count)[:, None]
        pieces.append((quads, np.concatenate([start + [0, 1, 2], start + [0, 2, 3]])))
    vertices, faces, normals, offset = [], [], [], 0
    for points, triangles in pieces:
        vertices.append(points)
        faces.append(triangles + offset)
        normals.append(vertex_normals(points, triangles))
        offset += len(points)
    everything = np.concatenate(vertices)
    low_xy, span = outline.min(0), np.maximum(np.ptp(outline, axis=0), 1e-9)
    uv = (everything[:, :2] - low_xy) / span
    uv[:, 1] = 1 - uv[:, 1]
    return build_part(everything, np.concatenate(faces), uv, np.concatenate(normals), finish)


def triangulate(outline: Floats) -> Ints:
    """Ear clipping of a simple counter-clockwise polygon (n, 2): (n - 2, 3) vertex indices."""
    remaining = list(range(len(outline)))
    triangles = []
    while len(remaining) > 3:
        ear = next((i for i in range(len(remaining)) if _is_ear(outline, remaining, i)), 0)
        triangles.append((remaining[ear - 1], remaining[ear], remaining[(ear + 1) % len(remaining)]))
        del remaining[ear]
    triangles.append((remaining[0], remaining[1], remaining[2]))
    return np.array(triangles, np.int64)


def _is_ear(outline: Floats, remaining: list[int], index: int) -> bool:
    a, b, c = outline[remaining[index - 1]], outline[remaining[index]], outline[remaining[(index + 1) % len(remaining)]]
    if (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) <= 1e-14:
        return False
    kept = [
        r
        for k, r in enumerate(remaining)
        if k not in (index, (index - 1) % len(remaining), (index + 1) % len(remaining))
    ]
    points = outline[kept]
    inside = np.ones(len(points), bool)
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= (end[0] - start[0]) * (points[:, 1] - start[1]) - (end[1] - start[1]) * (points[:, 0] - start[0]) >= 0
    return not inside.any()


def merge(parts: Sequence[Part]) -> Part:
    """Parts of one look joined into one; the look is the first part's."""
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    return replace(
        parts[0],
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=True)]),
        uv=np.concatenate([part.uv for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
    )


def move(part: Part, offset: Sequence[float]) -> Part:
    """Shifted by `offset` (x, y, z)."""
    return replace(part, vertices=part.vertices + np.asarray(offset, float))


def scale(part: Part, factors: Sequence[float] | Floats) -> Part:
    """Stretched along x, y and z by positive `factors`, about the origin."""
    by = np.asarray(factors, float)
    return replace(part, vertices=part.vertices * by, normals=unit(part.normals / by))


def planar_uv(part: Part) -> Part:
    """The texture laid on from above instead of wound around: for boards, cloths and other flat things."""
    plan = part.vertices[:, :2]
    uv = (plan - plan.min(0)) / np.maximum(np.ptp(plan, axis=0), 1e-9)
    uv[:, 1] = 1 - uv[:, 1]
    return replace(part, uv=uv)


def rotate(part: Part, axis: str, degrees: float) -> Part:
    """Turned about the x, y or z axis through the origin, right-handed."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return replace(part, vertices=part.vertices @ matrix.T, normals=part.normals @ matrix.T)


def convex_hull(points: Floats) -> tuple[Floats, Ints]:
    """Convex hull with at most about 100 vertices: (vertices (V, 3), outward faces (F, 3)).

    Support points in fixed directions are kept: the hull lies within the true one and touches it at its six extremes.
    """
    chosen = np.unique(np.argmax(points @ _DIRECTIONS.T, axis=0))
    support = points[chosen]
    hull = ConvexHull(support)
    kept, inverse = np.unique(hull.simplices, return_inverse=True)
    vertices, faces = support[kept], inverse.reshape(-1, 3).astype(np.int64)
    corners = vertices[faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", facing, hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces


def _directions() -> Floats:
    """The axes, three rings (footprint, lower and upper rim) and 40 directions spread over the sphere."""
    ring = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    rings = [np.c_[np.cos(ring), np.sin(ring), np.full(18, tilt)] for tilt in (-3.0, 0.0, 3.0)]
    k = np.arange(40) + 0.5
    polar, turn = np.arccos(1 - 2 * k / 40), np.pi * (1 + 5**0.5) * k
    sphere = np.c_[np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)]
    return np.concatenate([np.eye(3), -np.eye(3), *rings, sphere])


_DIRECTIONS = _directions()

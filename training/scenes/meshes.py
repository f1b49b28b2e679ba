"""A folder of meshes with an `objects.json` (scans of a user's own things) as tabletop objects.

objects.json is a list with, for each mesh: "id", "nouns" (usual one first), "colors", "materials", "size_m" (x, y, z),
"mesh" (OBJ, relative path; z up, metres), optional "texture" (relative path), "style", "faces" and "use".
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.scenes.colours import canonical_colour
from training.scenes.datatypes import Part, TabletopObject
from training.scenes.draft import Draft
from training.scenes.geometry import Finish, Floats, build_part, unit
from training.scenes.objects import finish_object
from training.scenes.surfaces import read_picture

SMALLEST_M, LARGEST_M = 0.02, 0.30
MOST_FACES = 12_000
_TEXTURE_SIDE = 256
_SHINY = {"metal": (0.45, 0.7), "glass": (0.15, 0.9), "ceramic": (0.3, 0.5), "plastic": (0.45, 0.35)}
"""(roughness, specular) by material; anything else is matt."""


@dataclass(frozen=True)
class MeshEntry:
    """One usable line of objects.json. `size_m` is (x, y, z); `colours` holds only words of `COLOURS`."""

    identifier: str
    nouns: tuple[str, ...]
    colours: tuple[str, ...]
    material: str | None
    style: str
    size_m: tuple[float, float, float]
    mesh: Path
    texture: Path | None


class Catalogue(list[MeshEntry]):
    """The usable entries; `skipped` counts the others by reason."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped: Counter[str] = Counter()


def load_catalogue(folder: Path) -> Catalogue:
    """Reads and checks `folder`/objects.json; entries that cannot be used are counted in `.skipped`.

    Raises SaymaskError when the file is missing or not a list of entries as described above.
    """
    path = folder / "objects.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SaymaskError(f"cannot read {path}: --objects expects a folder with an objects.json") from error
    except ValueError as error:
        raise SaymaskError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(entries, list):
        raise SaymaskError(f"{path} must hold a list of objects, but holds a {type(entries).__name__}")
    catalogue, seen = Catalogue(), set()
    for number, entry in enumerate(entries):
        checked = _check_entry(folder, path, number, entry)
        if checked.identifier in seen:
            raise SaymaskError(f'{path}: the id "{checked.identifier}" occurs twice; every mesh needs its own')
        seen.add(checked.identifier)
        reason = _reason_to_skip(checked, entry)
        if reason is None:
            catalogue.append(checked)
        else:
            catalogue.skipped[reason] += 1
    return catalogue


def _check_entry(folder: Path, path: Path, number: int, entry: Any) -> MeshEntry:
    where = f"{path}, entry {number}"
    if not isinstance(entry, dict):
        raise SaymaskError(f"{where}: expected an object, got {type(entry).__name__}")
    where += f' ("{entry["id"]}")' if isinstance(entry.get("id"), str) else ""
    for key in ("id", "mesh"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise SaymaskError(f'{where}: "{key}" must be a non-empty text')
    words = {key: entry.get(key, []) for key in ("nouns", "colors", "materials")}
    for key, value in words.items():
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise SaymaskError(f'{where}: "{key}" must be a list of words')
    if not words["nouns"]:
        raise SaymaskError(f'{where}: "nouns" must name the thing at least once, for example ["mug", "cup"]')
    size = entry.get("size_m")
    if (
        not isinstance(size, list)
        or len(size) != 3
        or not all(isinstance(side, (int, float)) and side > 0 for side in size)
    ):
        raise SaymaskError(f'{where}: "size_m" must be three positive lengths in metres')
    colours = [colour for colour in map(canonical_colour, words["colors"]) if colour]
    return MeshEntry(
        identifier=entry["id"],
        nouns=tuple(dict.fromkeys(word.lower() for word in words["nouns"])),
        colours=tuple(dict.fromkeys(colours)),
        material=words["materials"][0].lower() if words["materials"] else None,
        style=str(entry.get("style", "model")),
        size_m=(float(size[0]), float(size[1]), float(size[2])),
        mesh=folder / entry["mesh"],
        texture=folder / entry["texture"] if entry.get("texture") else None,
    )


def _reason_to_skip(entry: MeshEntry, raw: dict[str, Any]) -> str | None:
    longest = max(entry.size_m)
    if not SMALLEST_M <= longest <= LARGEST_M:
        return f"longest side outside {SMALLEST_M * 100:.0f}..{LARGEST_M * 100:.0f} cm"
    if isinstance(raw.get("faces"), int) and raw["faces"] > MOST_FACES:
        return f"more than {MOST_FACES} faces"
    if str(raw.get("use", "")).startswith("test only"):
        return "marked as test only"
    if not entry.mesh.is_file():
        return "mesh file missing"
    if entry.texture is not None and not entry.texture.is_file():
        return "texture file missing"
    return None


def load_mesh(entry: MeshEntry) -> TabletopObject:
    """The mesh as an object in metres, standing on its z = 0 side.

    Raises SaymaskError when the OBJ cannot be read, is empty, or has more than `MOST_FACES` faces.
    """
    groups = _read_obj(entry.mesh)
    if sum(len(group.corners) for group in groups) > MOST_FACES:
        raise SaymaskError(f"{entry.mesh} has more than {MOST_FACES} faces: decimate it first")
    roughness, specular = _SHINY.get(entry.material or "", (0.8, 0.1))
    pictures: dict[Path, npt.NDArray[np.uint8]] = {}
    parts = []
    for group in groups:
        source = group.texture or (entry.texture if len(groups) == 1 or not group.has_colour else None)
        if source is not None and source not in pictures and source.is_file():
            pictures[source] = _read_texture(source)
        texture = pictures.get(source) if source is not None else None
        rgba = (*group.rgb, 1.0) if texture is None else (1.0, 1.0, 1.0, 1.0)
        finish = Finish(texture, rgba, roughness=roughness, specular=specular, shininess=1 - roughness)
        parts.append(_part(group, finish))
    draft = Draft(entry.nouns, tuple(parts), entry.colours, entry.material, None)
    return finish_object(entry.identifier, draft)


def _read_texture(path: Path) -> npt.NDArray[np.uint8]:
    """Palettes (few flat colours, as low-poly sets use them) are shrunk without mixing neighbouring colours."""
    full = read_picture(path, 4096)
    sample = full[:: max(1, full.shape[0] // 96), :: max(1, full.shape[1] // 96)].reshape(-1, 3) // 16
    few = len(np.unique(sample, axis=0)) <= 64
    return read_picture(path, _TEXTURE_SIDE, nearest=few)


@dataclass(eq=False)
class _Group:
    """Triangles of one material: corner positions (F, 3, 3), texture coordinates (F, 3, 2), normals (F, 3, 3)."""

    corners: Floats
    uv: Floats
    normals: Floats
    rgb: tuple[float, float, float]
    texture: Path | None
    has_colour: bool


@dataclass
class _Material:
    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: Path | None = None
    has_colour: bool = False


@dataclass
class _Obj:
    """What the lines of one OBJ file say, faces as triangles of (vertex, uv, normal) indices, -1 where absent."""

    vertices: list[list[float]] = field(default_factory=list)
    uv: list[list[float]] = field(default_factory=list)
    normals: list[list[float]] = field(default_factory=list)
    faces: dict[str, list[list[tuple[int, int, int]]]] = field(default_factory=dict)
    materials: dict[str, _Material] = field(default_factory=dict)

    def corner(self, token: str) -> tuple[int, int, int]:
        """Indices of "v", "v/vt", "v//vn" or "v/vt/vn"; OBJ counts from 1, or from the end when negative."""
        counts = (len(self.vertices), len(self.uv), len(self.normals))
        numbers = [int(part) if part else 0 for part in (token.split("/") + ["", ""])[:3]]
        found = [
            number - 1 if number > 0 else count + number if number < 0 else -1
            for number, count in zip(numbers, counts, strict=True)
        ]
        return found[0], found[1], found[2]


def _read_obj(path: Path) -> list[_Group]:
    obj, current = _Obj(), ""
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            head, *rest = line.split() or [""]
            if head == "v":
                obj.vertices.append([float(number) for number in rest])
            elif head == "vt":
                obj.uv.append([float(number) for number in rest[:2]])
            elif head == "vn":
                obj.normals.append([float(number) for number in rest[:3]])
            elif head == "f":
                corners = [obj.corner(token) for token in rest]
                fan = [[corners[0], corners[k], corners[k + 1]] for k in range(1, len(corners) - 1)]
                obj.faces.setdefault(current, []).extend(fan)
            elif head == "usemtl":
                current = " ".join(rest)
            elif head == "mtllib" and (path.parent / " ".join(rest)).is_file():
                obj.materials.update(_read_mtl(path.parent / " ".join(rest)))
        return _groups(obj, path)
    except (OSError, ValueError, IndexError) as error:
        raise SaymaskError(f"cannot read the mesh {path}: {error}") from error


def _read_mtl(path: Path) -> dict[str, _Material]:
    """Diffuse colour and picture of each material."""
    materials: dict[str, _Material] = {}
    current = _Material()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        head, *rest = line.split() or [""]
        if head == "newmtl":
            current = materials.setdefault(" ".join(rest), _Material())
        elif head == "Kd":
            current.rgb, current.has_colour = (float(rest[0]), float(rest[1]), float(rest[2])), True
        elif head == "map_Kd":
            current.texture = path.parent / rest[-1]
    return materials


def _groups(obj: _Obj, path: Path) -> list[_Group]:
    """Triangles by material; per-vertex colours (`v x y z r g b`) split them further by colour."""
    if not obj.vertices or not obj.faces:
        raise ValueError("it holds no faces")
    positions = np.array([vertex[:3] for vertex in obj.vertices], float)
    painted = all(len(vertex) >= 6 for vertex in obj.vertices)
    vertex_rgb = np.array([vertex[3:6] for vertex in obj.vertices], float) if painted else None
    uv = np.array(obj.uv or [[0.0, 0.0]], float)
    normals = np.array(obj.normals or [[0.0, 0.0, 0.0]], float)
    groups = []
    for name, triangles in obj.faces.items():
        indices = np.array(triangles, np.int64)
        if (
            indices[..., 0].max() >= len(positions)
            or indices[..., 1].max() >= len(uv)
            or indices[..., 2].max() >= len(normals)
        ):
            raise ValueError("a face names a vertex that does not exist")
        material = obj.materials.get(name, _Material())
        for rgb, chosen in _by_colour(indices, vertex_rgb, material):
            corners = positions[chosen[..., 0]]
            lacking = chosen[..., 2] < 0
            given = np.where(lacking[..., None], 0.0, normals[chosen[..., 2]])
            own = _smooth_normals(corners)
            shading = np.where((np.linalg.norm(given, axis=-1, keepdims=True) < 1e-6), own, given)
            coordinates = np.where(chosen[..., 1:2] < 0, 0.0, uv[chosen[..., 1]])
            has_colour = material.has_colour or vertex_rgb is not None
            groups.append(_Group(corners, coordinates, shading, rgb, material.texture, has_colour))
    return groups


def _by_colour(
    indices: npt.NDArray[np.int64], vertex_rgb: Floats | None, material: _Material
) -> list[tuple[tuple[float, float, float], npt.NDArray[np.int64]]]:
    if vertex_rgb is None or material.texture is not None:
        return [(material.rgb, indices)]
    mean = vertex_rgb[indices[..., 0]].mean(axis=1)
    levels, inverse = np.unique(np.round(mean * 7).astype(int), axis=0, return_inverse=True)
    result = []
    for level in range(len(levels)):
        chosen = inverse.ravel() == level
        red, green, blue = mean[chosen].mean(axis=0).clip(0, 1)
        result.append(((float(red), float(green), float(blue)), indices[chosen]))
    return result


def _smooth_normals(corners: Floats, crease_degrees: float = 30.0) -> Floats:
    """Normals (F, 3, 3) for meshes that bring none: smooth at equal positions, save across a crease."""
    face = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    _, place = np.unique(np.round(corners.reshape(-1, 3), 6), axis=0, return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, 3))
    np.add.at(sums, place.ravel(), np.repeat(face, 3, axis=0))
    smooth = unit(sums[place.ravel()]).reshape(-1, 3, 3)
    soft = np.einsum("fkc,fc->fk", smooth, face) > np.cos(np.radians(crease_degrees))
    return np.where(soft[..., None], smooth, face[:, None])


def _part(group: _Group, finish: Finish) -> Part:
    """Corners that agree in position, normal and texture become one vertex."""
    flat_uv = np.stack([group.uv[..., 0], 1 - group.uv[..., 1]], -1)  # OBJ's v grows upwards
    table = np.concatenate([group.corners, group.normals, flat_uv], -1).reshape(-1, 8)
    centred = group.corners.reshape(-1, 3) - group.corners.reshape(-1, 3).mean(0)
    if np.linalg.svd(centred, compute_uv=False)[-1] < 1e-6 * len(centred) ** 0.5:
        table = np.concatenate([table, _back_of(table)])
    rows, faces = np.unique(np.round(table, 6), axis=0, return_inverse=True)
    return build_part(rows[:, :3], faces.reshape(-1, 3).astype(np.int64), rows[:, 6:8], unit(rows[:, 3:6]), finish)


def _back_of(sheet: Floats) -> Floats:
    """The back of a flat sheet, 0.2 mm behind it: MuJoCo refuses a mesh without thickness."""
    triangles = sheet.reshape(-1, 3, 8)
    facing = np.cross(triangles[0, 1, :3] - triangles[0, 0, :3], triangles[0, 2, :3] - triangles[0, 0, :3])
    back = triangles[:, ::-1].copy()
    back[..., :3] -= 2e-4 * unit(facing)
    back[..., 3:6] *= -1
    return back.reshape(-1, 8)

"""A user's folder of meshes: objects.json checked, OBJ files read with their colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.errors import SaymaskError
from training.scenes.meshes import load_catalogue, load_mesh

CUBE_VERTICES = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
CUBE_QUADS = [(1, 3, 4, 2), (5, 6, 8, 7), (1, 2, 6, 5), (3, 7, 8, 4), (1, 5, 7, 3), (2, 4, 8, 6)]


def cube(scale: float = 0.1, rgb: tuple[float, float, float] | None = None) -> str:
    ink = "" if rgb is None else " {} {} {}".format(*rgb)
    lines = [f"v {x * scale} {y * scale} {z * scale}{ink}" for x, y, z in CUBE_VERTICES]
    return "\n".join(lines) + "\n"


def quads(indices: range = range(6)) -> str:
    return "".join("f " + " ".join(str(corner) for corner in CUBE_QUADS[index]) + "\n" for index in indices)


def folder_with(tmp_path: Path, obj: str, **changes: Any) -> Path:
    entry = {
        "id": "my_cube",
        "nouns": ["cube", "block"],
        "colors": ["gray", "silver"],
        "materials": ["plastic"],
        "size_m": [0.1, 0.1, 0.1],
        "style": "scan",
        "mesh": "cube.obj",
        **changes,
    }
    (tmp_path / "cube.obj").write_text(obj)
    (tmp_path / "objects.json").write_text(json.dumps([entry]))
    return tmp_path


def test_cube_becomes_an_object(tmp_path: Path) -> None:
    (entry,) = load_catalogue(folder_with(tmp_path, cube() + quads()))
    thing = load_mesh(entry)
    assert (thing.identifier, thing.nouns, thing.colours, thing.material) == (
        "my_cube",
        ("cube", "block"),
        ("grey",),
        "plastic",
    )
    assert thing.height_m == pytest.approx(0.1) and thing.radius_m == pytest.approx(0.05 * 2**0.5)
    (part,) = thing.parts
    assert len(part.faces) == 12
    corners = part.vertices[part.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(part.normals[part.faces], np.repeat(flat[:, None], 3, axis=1), atol=1e-5)


def test_materials_become_parts_of_their_colour(tmp_path: Path) -> None:
    (tmp_path / "cube.mtl").write_text("newmtl top\nKd 1 0 0\nnewmtl rest\nKd 0 0 1\n")
    obj = "mtllib cube.mtl\n" + cube() + "usemtl top\n" + quads(range(1, 2)) + "usemtl rest\n" + quads(range(2, 6))
    (entry,) = load_catalogue(folder_with(tmp_path, obj))
    top, rest = load_mesh(entry).parts
    assert (top.rgba, rest.rgba) == ((1, 0, 0, 1), (0, 0, 1, 1))
    assert np.ptp(top.vertices[:, 2]) > 1e-4, "MuJoCo refuses a mesh without thickness"


def test_vertex_colours_are_kept(tmp_path: Path) -> None:
    (entry,) = load_catalogue(folder_with(tmp_path, cube(rgb=(0.0, 0.5, 0.25)) + quads()))
    (part,) = load_mesh(entry).parts
    assert part.rgba == pytest.approx((0.0, 0.5, 0.25, 1.0))


def test_texture_is_shrunk_and_upright(tmp_path: Path) -> None:
    picture = np.zeros((1024, 1024, 3), np.uint8)
    picture[:512] = (0, 0, 255)  # the upper half red, as OpenCV writes it
    cv2.imwrite(str(tmp_path / "skin.png"), picture)
    obj = cube() + "vt 0.5 0.9\n" + "".join("f " + " ".join(f"{c}/1" for c in quad) + "\n" for quad in CUBE_QUADS)
    (entry,) = load_catalogue(folder_with(tmp_path, obj, texture="skin.png"))
    (part,) = load_mesh(entry).parts
    assert part.texture is not None and part.texture.shape == (256, 256, 3)
    u, v = part.uv[0]
    assert part.texture[int(v * 256), int(u * 256)].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size_m": [0.5, 0.1, 0.1]}, "longest side outside 2..30 cm"),
        ({"size_m": [0.01, 0.01, 0.01]}, "longest side outside 2..30 cm"),
        ({"faces": 90_000}, "more than 12000 faces"),
        ({"use": "test only (licence not checked)"}, "marked as test only"),
        ({"mesh": "gone.obj"}, "mesh file missing"),
        ({"texture": "gone.png"}, "texture file missing"),
    ],
)
def test_unusable_entries_are_counted(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    catalogue = load_catalogue(folder_with(tmp_path, cube() + quads(), **changes))
    assert not catalogue and catalogue.skipped == {reason: 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, '"id" must be a non-empty text'),
        ({"nouns": []}, "must name the thing at least once"),
        ({"nouns": "cube"}, '"nouns" must be a list of words'),
        ({"size_m": [1, 2]}, "three positive lengths"),
        ({"size_m": ["a", "b", "c"]}, "three positive lengths"),
    ],
)
def test_wrong_entries_say_what_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SaymaskError, match=message) as caught:
        load_catalogue(folder_with(tmp_path, cube(), **changes))
    assert "objects.json, entry 0" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("{}", "must hold a list"), ("[3]", "expected an object, got int")]
)
def test_broken_catalogue(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "objects.json").write_text(text)
    with pytest.raises(SaymaskError, match=message):
        load_catalogue(tmp_path)


def test_missing_catalogue_and_repeated_id(tmp_path: Path) -> None:
    with pytest.raises(SaymaskError, match=r"expects a folder with an objects.json"):
        load_catalogue(tmp_path)
    folder_with(tmp_path, cube() + quads())
    entries = json.loads((tmp_path / "objects.json").read_text())
    (tmp_path / "objects.json").write_text(json.dumps(entries * 2))
    with pytest.raises(SaymaskError, match='"my_cube" occurs twice'):
        load_catalogue(tmp_path)


@pytest.mark.parametrize("obj", ["", "v 0 0 0\n", cube() + "f 1 2 99\n", cube() + "f a b c\n"])
def test_broken_mesh(tmp_path: Path, obj: str) -> None:
    (entry,) = load_catalogue(folder_with(tmp_path, obj))
    with pytest.raises(SaymaskError, match="cannot read the mesh"):
        load_mesh(entry)

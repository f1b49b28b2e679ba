"""The procedural objects through `make_object`: repeatable, well formed, varied, and as coloured as they claim."""

from __future__ import annotations

import time

import numpy as np
import pytest

from training.scenes.colours import COLOURS, colour_names
from training.scenes.datatypes import Part, TabletopObject
from training.scenes.geometry import Floats
from training.scenes.objects import CATEGORIES, make_object

SEEDS = range(12)
MATERIALS = {"metal", "plastic", "glass", "ceramic", "wood", "paper", "cardboard", "fabric", "foam", "rubber"}


def surface_pixels(thing: TabletopObject, count: int = 3000) -> np.ndarray:
    """Unlit colours (count, 3) of points spread evenly over all faces that do not look straight down."""
    rng = np.random.default_rng(0)
    triangles, areas = [], []
    for index, part in enumerate(thing.parts):
        corners = part.vertices[part.faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        double_area = np.linalg.norm(cross, axis=1)
        seen = cross[:, 2] > -0.7 * double_area
        triangles += [(index, face) for face in np.flatnonzero(seen)]
        areas += list(double_area[seen] * part.rgba[3])
    chosen = rng.choice(len(triangles), count, p=np.array(areas) / np.sum(areas))
    weights = rng.dirichlet([1, 1, 1], count)
    colours = np.empty((count, 3))
    for row, (pick, weight) in enumerate(zip(chosen, weights, strict=True)):
        index, face = triangles[pick]
        colours[row] = part_colour(thing.parts[index], weight @ thing.parts[index].uv[thing.parts[index].faces[face]])
    return colours.clip(0, 255).astype(np.uint8)


def part_colour(part: Part, uv: Floats) -> Floats:
    tint = np.array(part.rgba[:3])
    if part.texture is None:
        return 255 * tint
    height, width = part.texture.shape[:2]
    row, column = int(uv[1] % 1 * height), int(uv[0] % 1 * width)
    return np.asarray(part.texture[min(row, height - 1), min(column, width - 1)] * tint)


@pytest.mark.parametrize("category", CATEGORIES)
def test_objects_are_well_formed(category: str) -> None:
    for seed in SEEDS:
        thing = make_object(category, seed)
        assert thing.identifier == f"{category}/{seed}"
        assert thing.nouns and all(noun == noun.lower() for noun in thing.nouns)
        assert set(thing.colours) <= set(COLOURS)
        assert thing.material is None or thing.material in MATERIALS
        assert sum(len(part.faces) for part in thing.parts) / 40 < 100
        for part in thing.parts:
            assert part.faces.min() >= 0 and part.faces.max() < len(part.vertices)
            assert part.uv.shape == (len(part.vertices), 2) and np.isfinite(part.uv).all()
            np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-6)
            assert part.texture is None or (part.texture.dtype == np.uint8 and part.texture.size <= 256 * 256 * 3)
            assert part.metallic < 1 or part.roughness > 0.3, "MuJoCo shows smooth pure metal nearly black"
            # MuJoCo refuses a mesh without thickness
            spread = np.linalg.svd(part.vertices - part.vertices.mean(0), compute_uv=False)
            assert spread[-1] > 1e-5


@pytest.mark.parametrize("category", CATEGORIES)
def test_objects_stand_on_the_origin_inside_their_hull(category: str) -> None:
    for seed in SEEDS:
        thing = make_object(category, seed)
        points = np.concatenate([part.vertices for part in thing.parts])
        low, high = points.min(0), points.max(0)
        np.testing.assert_allclose([low[2], *(low[:2] + high[:2])], 0, atol=1e-9)
        assert 0.015 < (high - low).max() < 0.36
        assert len(thing.hull_vertices) <= 110
        corners = thing.hull_vertices[thing.hull_faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward = np.einsum("ij,ij->i", normals, corners.mean(1) - thing.hull_vertices.mean(0))
        assert (outward > 0).all()
        np.testing.assert_allclose(thing.hull_vertices.min(0), low, atol=1e-9)
        np.testing.assert_allclose(thing.hull_vertices.max(0), high, atol=1e-9)


def test_faces_look_outwards() -> None:
    """Seen from a hull face, the sign of the enclosed volume tells the winding of closed shapes."""
    for category in ("orange", "egg", "ball", "die", "pear", "stapler", "wrench", "spoon", "mug", "plate"):
        for part in make_object(category, 3).parts:
            corners = part.vertices[part.faces] - part.vertices.mean(0)
            volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
            assert volume > 0, (category, volume)
            facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            agreement = np.einsum("ij,ij->i", facing, part.normals[part.faces].sum(1)) > 0
            assert agreement.mean() > 0.97, category


@pytest.mark.parametrize("category", CATEGORIES)
def test_declared_colours_are_on_the_surface(category: str) -> None:
    for seed in range(5):
        thing = make_object(category, seed)
        if thing.colours:
            shares = colour_names(surface_pixels(thing, 800))
            assert shares[thing.colours[0]] > 0.25, (thing.identifier, thing.colours, shares)


def test_same_seed_same_object_and_other_seed_another() -> None:
    for category in CATEGORIES:
        first, again, other = make_object(category, 5), make_object(category, 5), make_object(category, 6)
        for one, two in zip(first.parts, again.parts, strict=True):
            np.testing.assert_array_equal(one.vertices, two.vertices)
            assert one.rgba == two.rgba
            assert one.texture is two.texture or np.array_equal(one.texture, two.texture)  # type: ignore[arg-type]
        same_shape = len(first.hull_vertices) == len(other.hull_vertices)
        assert not (same_shape and np.allclose(first.hull_vertices, other.hull_vertices))


def test_enough_categories_in_many_colours() -> None:
    assert len(CATEGORIES) >= 34
    assert {"jar", "apple", "bottle", "mug", "bowl", "box", "spoon", "book", "banana"} <= set(CATEGORIES)
    for category in ("mug", "cup", "bowl", "plate", "block", "ball", "box", "book", "bottle", "can", "candle"):
        assert len({make_object(category, seed).colours[:1] for seed in range(50)}) >= 9, category


def test_unknown_category() -> None:
    with pytest.raises(KeyError):
        make_object("dragon", 1)


@pytest.mark.slow
def test_making_one_takes_less_than_60_ms() -> None:
    start = time.perf_counter()
    for category in CATEGORIES:
        make_object(category, 7)
    assert (time.perf_counter() - start) / len(CATEGORIES) < 0.06

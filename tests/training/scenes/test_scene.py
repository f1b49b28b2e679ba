"""Settled scenes, cameras and ground truth, checked against geometry that is known by other means."""

from __future__ import annotations

import numpy as np
import pytest

from training.scenes.camera import random_camera
from training.scenes.datatypes import Part, TabletopObject
from training.scenes.footprints import footprint, footprint_gap
from training.scenes.placement import choose_objects, same_noun_group
from training.scenes.scene import Scene, make_scene
from training.scenes.settling import Pose, TableShape, settle
from training.scenes.split import SEED_RANGES, SPLITS, draw_seed, split_of
from training.scenes.truth import visible_colours

TABLE = TableShape(0.5, 0.5)
CORNERS = np.array([[x, y, z] for z in (0.0, 1.0) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
FACES = np.array(
    [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4], [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6],
     [1, 3, 5], [3, 7, 5]]
)  # fmt: skip


def brick(
    size: tuple[float, float, float], noun: str = "block", colour: str = "red", *, supports: bool = False, name: int = 0
) -> TabletopObject:
    vertices = CORNERS * size
    centred = vertices - vertices.mean(axis=0)
    normals = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    part = Part(vertices, FACES, np.zeros((8, 2)), normals, rgba=(0.8, 0.1, 0.1, 1.0))
    return TabletopObject(f"{noun}/{name}", (noun,), (colour,), None, None, (part,), vertices, FACES, 0.0, supports)


@pytest.fixture(scope="module")
def pool() -> list[TabletopObject]:
    rng = np.random.default_rng(0)
    colours = ("red", "green", "blue", "white")
    things = [
        brick(tuple(rng.uniform(0.03, 0.08, 3)), noun, colours[k], name=k)
        for noun in ("block", "box", "sponge", "eraser")
        for k in range(4)
    ]
    return [
        *things,
        brick((0.16, 0.2, 0.03), "book", "blue", supports=True),
        brick((0.15, 0.2, 0.02), "tray", supports=True),
    ]


@pytest.fixture(scope="module")
def scenes(pool: list[TabletopObject]) -> list[Scene]:
    return [make_scene(pool, seed) for seed in range(25)]


def at(x: float, y: float, z: float) -> Pose:
    return Pose(np.array([x, y, z]), np.eye(3))


def test_a_dropped_object_rests_on_the_table_and_one_set_on_it_rests_on_it() -> None:
    things = [brick((0.2, 0.2, 0.04)), brick((0.05, 0.05, 0.05))]
    settled = settle(things, [at(0, 0, 0.003), at(0, 0, 0.045)], TABLE)
    assert settled.kept == (0, 1)
    assert settled.resting_on == {(1, 0)}
    assert settled.poses[0].position[2] == pytest.approx(0.0, abs=2e-3)
    assert settled.poses[1].position[2] == pytest.approx(0.04, abs=2e-3)


def test_an_object_beyond_the_edge_is_left_out_with_what_it_bore() -> None:
    things = [brick((0.05, 0.05, 0.05)), brick((0.05, 0.05, 0.05)), brick((0.04, 0.04, 0.04))]
    settled = settle(things, [at(0, 0, 0.002), at(0.6, 0, 0.002), at(0.6, 0, 0.055)], TABLE)
    assert settled.kept == (0,)


@pytest.mark.parametrize(
    ("offset", "gap"),
    [((0.3, 0.0), 0.2), ((0.3, 0.4), np.hypot(0.2, 0.3)), ((0.05, 0.05), 0.0), ((0.0, 0.0), 0.0)],
)
def test_gap_between_outlines(offset: tuple[float, float], gap: float) -> None:
    square = footprint(CORNERS * 0.1)
    assert footprint_gap(square, square + offset) == pytest.approx(gap, abs=1e-6)


def test_scenes_hold_three_to_ten_objects_at_rest_on_the_table(scenes: list[Scene], pool: list[TabletopObject]) -> None:
    assert all(3 <= len(scene.objects) <= 10 for scene in scenes)
    for scene in scenes:
        borne = {upper for upper, _ in scene.resting_on}
        for index, hull in enumerate(scene.hulls(pool)):
            assert hull[:, 2].min() > -0.005
            assert index in borne or hull[:, 2].min() < 0.03
        bottoms = [hull[:, 2].min() for hull in scene.hulls(pool)]
        for upper, lower in scene.resting_on:
            assert bottoms[upper] > bottoms[lower]
            assert scene.gap_m[upper, lower] == 0
    assert any(scene.resting_on for scene in scenes)


def test_scenes_hold_tight_pairs_and_are_made_by_their_seed(scenes: list[Scene], pool: list[TabletopObject]) -> None:
    gaps = np.concatenate([scene.gap_m[np.triu_indices(len(scene.objects), 1)] for scene in scenes])
    assert ((gaps > 0.002) & (gaps < 0.035)).sum() > len(scenes) / 2
    again = make_scene(pool, 3)
    assert again.objects == scenes[3].objects
    assert all(np.array_equal(a.position, b.position) for a, b in zip(again.poses, scenes[3].poses, strict=True))


def test_three_choices_of_four_repeat_a_noun(pool: list[TabletopObject]) -> None:
    many = [brick((0.05, 0.05, 0.05), f"thing{i // 4}") for i in range(400)]
    rng = np.random.default_rng(1)
    nouns = [[many[i].nouns[0] for i in choose_objects(many, rng)] for _ in range(300)]
    repeated = np.mean([len(set(chosen)) < len(chosen) for chosen in nouns])
    assert 0.68 < repeated < 0.88
    groups = [same_noun_group(pool, rng, 3) for _ in range(200)]
    assert all(len({pool[i].nouns for i in group}) == 1 for group in groups)
    distinct = np.mean([len({pool[i].colours for i in group}) == len(group) for group in groups])
    assert distinct > 0.5


def test_cameras_see_objects_of_useful_size_and_agree_with_their_intrinsics(
    scenes: list[Scene], pool: list[TabletopObject]
) -> None:
    rng = np.random.default_rng(5)
    inside = []
    for number, scene in enumerate(scenes):
        hulls = scene.hulls(pool)
        camera = random_camera(rng, hulls, (240, 320), np.pi, close_ups=number % 2)
        assert 30 <= camera.fovy_deg <= 75
        assert np.allclose(camera.rotation.T @ camera.rotation, np.eye(3), atol=1e-9)
        centres = np.array([hull.mean(axis=0) for hull in hulls])
        optical, pixels = camera.to_optical(centres), camera.project(centres)
        pinhole = camera.intrinsics
        ahead = optical[:, 2] > 1e-3  # a close-up may leave things behind the camera
        assert np.allclose(pixels[ahead, 0], (pinhole.fx * optical[:, 0] / optical[:, 2] + pinhole.cx)[ahead])
        seen = ahead & ((pixels > 0) & (pixels < [320, 240])).all(axis=1)
        inside.append(seen.sum())
        # a step away from the viewer is forward, and a step up is up
        _, forward, up = (camera.from_viewer(centres + step) - camera.from_viewer(centres) for step in np.eye(3) * 0.1)
        assert np.allclose(up, [0, 0, 0.1])
        assert np.allclose(np.linalg.norm(forward, axis=1), 0.1)
        assert (camera.from_viewer(centres)[seen, 1] > -0.3).all()
    assert np.mean(inside) >= 2.5


def test_only_visible_colour_words_are_kept() -> None:
    red, blue = np.full((80, 3), (200, 30, 30), np.uint8), np.full((20, 3), (30, 60, 200), np.uint8)
    assert visible_colours(("blue", "red"), np.concatenate([red, blue])) == ("red", "blue")
    assert visible_colours(("blue", "red"), np.concatenate([red, blue[:5]])) == ("red",)
    assert visible_colours(("green",), red) == ()
    assert visible_colours(("red",), red[:0]) == ()


def test_every_identifier_lies_in_one_split() -> None:
    rng = np.random.default_rng(0)
    for split in SPLITS:
        assert all(split_of(f"jar/{draw_seed(rng, split)}") == split for _ in range(20))
    seeds = sorted(SEED_RANGES.values(), key=lambda span: span.start)
    assert all(first.stop <= second.start for first, second in zip(seeds, seeds[1:], strict=False))
    shares = [split_of(f"mesh_{i}") for i in range(4000)]
    assert shares.count("test") / 4000 == pytest.approx(0.10, abs=0.02)
    assert shares.count("validation") / 4000 == pytest.approx(0.05, abs=0.02)
    with pytest.raises(ValueError, match="no split"):
        split_of("jar/99999999999")


def test_close_ups_fill_more_of_the_frame(scenes: list[Scene], pool: list[TabletopObject]) -> None:
    distances: dict[float, list[float]] = {0.0: [], 1.0: []}
    for close_ups, found in distances.items():
        rng = np.random.default_rng(5)
        for scene in scenes:
            hulls = scene.hulls(pool)
            camera = random_camera(rng, hulls, (240, 320), np.pi, close_ups)
            depth = np.median([camera.to_optical(hull)[:, 2].mean() for hull in hulls])
            found.append(float(depth * np.tan(np.deg2rad(camera.fovy_deg) / 2)))  # half the height of what is seen
    assert np.median(distances[1.0]) < 0.9 * np.median(distances[0.0])

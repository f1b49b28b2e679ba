"""Views made by hand: positions in metres on a table, seen by a camera that maps them to the picture linearly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pytest

from training.scenes.datatypes import Intrinsics, SceneObject, View

HEIGHT, WIDTH = 240, 320
PIXELS_PER_METRE = 400
MakeThing = Callable[..., SceneObject]
MakeView = Callable[..., View]


def _make_thing(
    nouns: str | tuple[str, ...],
    right: float,
    forward: float,
    *colours: str,
    material: str | None = None,
    size: float = 0.06,
    height: float = 0.06,
    up: float | None = None,
    pixels: int = 500,
    cut: bool = False,
) -> SceneObject:
    """One object `size` metres wide; (0, 0) is the middle of the picture. The index is set by the view."""
    u, v = WIDTH / 2 + PIXELS_PER_METRE * right, HEIGHT / 2 - PIXELS_PER_METRE * forward
    half = size * PIXELS_PER_METRE / 2
    tall = height * PIXELS_PER_METRE / 2
    return SceneObject(
        index=-1,
        identifier="hand/0",
        nouns=(nouns,) if isinstance(nouns, str) else nouns,
        colours=colours,
        material=material,
        pattern=None,
        size_m=size,
        position_m=(right, forward, height / 2 if up is None else up),
        centre_camera_m=(right, 0.0, 1.0 + forward),
        box=(round(u - half), round(v - tall), round(u + half), round(v + tall)),
        visible_pixels=pixels,
        touches_edge=cut,
    )


def _make_view(things: Sequence[SceneObject], resting_on: Collection[tuple[int, int]] = ()) -> View:
    """A view of things that are round when seen from above."""
    things = [SceneObject(**{**vars(thing), "index": i}) for i, thing in enumerate(things)]
    centres = np.array([thing.position_m[:2] for thing in things]).reshape(-1, 2)
    radii = np.array([thing.size_m / 2 for thing in things])
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    return View(
        image=np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        instances=np.full((HEIGHT, WIDTH), -1, np.int8),
        depth_m=np.ones((HEIGHT, WIDTH), np.float32),
        intrinsics=Intrinsics(300.0, 300.0, WIDTH / 2, HEIGHT / 2),
        objects=tuple(things),
        gap_m=np.maximum(distances - radii[:, None] - radii[None], 0.0).astype(np.float32),
        resting_on=frozenset(resting_on),
        scene_seed=0,
        view=0,
        table_texture="plain",
    )


@pytest.fixture(scope="session")
def make_thing() -> MakeThing:
    return _make_thing


@pytest.fixture(scope="session")
def make_view() -> MakeView:
    return _make_view

"""Colour words: `colour_names` must agree with what `pick_paint` paints, in light and in shade."""

from __future__ import annotations

import numpy as np
import pytest

from training.scenes.colours import COLOURS, canonical_colour, colour_names, contrasting, pick_paint


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("light", [1.0, 0.8])
def test_paints_are_called_by_their_name(name: str, light: float) -> None:
    rng = np.random.default_rng(1)
    pixels = np.array([pick_paint(rng, (name,)).rgb for _ in range(200)]) * light
    assert colour_names(pixels.astype(np.uint8))[name] > 0.8


@pytest.mark.parametrize(
    ("rgb", "called", "never"),
    [
        ((255, 0, 0), "red", ("green", "blue", "white", "black", "yellow")),
        ((0, 160, 0), "green", ("red", "blue", "purple", "pink")),
        ((20, 40, 200), "blue", ("red", "yellow", "orange", "brown")),
        ((250, 250, 250), "white", ("black", "red", "pink", "blue", "grey")),
        ((10, 10, 10), "black", ("white", "red", "blue", "brown")),
        ((240, 210, 30), "yellow", ("red", "blue", "purple", "brown")),
        ((128, 128, 128), "grey", ("black", "red", "green", "purple")),
    ],
)
def test_clear_cases(rgb: tuple[int, int, int], called: str, never: tuple[str, ...]) -> None:
    shares = colour_names(np.full((10, 3), rgb, np.uint8))
    assert shares[called] == 1
    assert all(shares[name] == 0 for name in never)


def test_shares_count_pixels() -> None:
    pixels = np.array([[200, 30, 30]] * 3 + [[30, 60, 190]], np.uint8)
    shares = colour_names(pixels)
    assert (shares["red"], shares["blue"]) == (0.75, 0.25)


def test_no_pixels() -> None:
    assert set(colour_names(np.empty((0, 3), np.uint8)).values()) == {0.0}


@pytest.mark.parametrize(
    ("word", "expected"), [("gray", "grey"), (" Grey", "grey"), ("red", "red"), ("silver", None), ("colorful", None)]
)
def test_canonical_colour(word: str, expected: str | None) -> None:
    assert canonical_colour(word) == expected


def test_contrasting_is_another_colour() -> None:
    rng = np.random.default_rng(3)
    for _ in range(100):
        paint = pick_paint(rng)
        other = contrasting(rng, paint)
        assert other.name != paint.name

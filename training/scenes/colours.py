"""Colour words: what to paint an object with so that people use the word, and which words a set of pixels bears out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

RGB = tuple[int, int, int]

_SHADES: dict[str, tuple[RGB, ...]] = {
    "red": ((200, 35, 30), (165, 22, 32), (222, 52, 44), (140, 20, 25)),
    "green": ((50, 140, 55), (30, 95, 50), (110, 180, 50), (90, 175, 110), (75, 110, 45)),
    "blue": ((35, 80, 180), (25, 45, 110), (80, 145, 220), (40, 60, 200), (125, 175, 225)),
    "yellow": ((235, 200, 40), (248, 222, 70), (222, 182, 20), (245, 230, 125)),
    "orange": ((235, 120, 25), (240, 145, 45), (222, 98, 18)),
    "purple": ((115, 55, 150), (85, 40, 115), (150, 95, 190), (170, 125, 205)),
    "white": ((238, 236, 230), (246, 246, 246), (228, 226, 215)),
    "black": ((32, 32, 34), (20, 20, 22), (44, 42, 42)),
    "brown": ((115, 72, 40), (88, 54, 34), (142, 94, 56), (105, 60, 42)),
    "pink": ((232, 135, 165), (240, 175, 190), (225, 95, 145), (240, 160, 160)),
    "grey": ((130, 132, 135), (100, 102, 106), (160, 160, 160)),
    "teal": ((30, 140, 140), (20, 105, 110), (70, 175, 170)),
}
COLOURS: dict[str, RGB] = {name: shades[0] for name, shades in _SHADES.items()}
"""The colour words of saymask's own objects, each with a typical RGB value, 0..255."""


@dataclass(frozen=True)
class Paint:
    """A colour word and one RGB value (0..255) that people call by it."""

    name: str
    rgb: RGB

    @property
    def rgba(self) -> tuple[float, float, float, float]:
        return (self.rgb[0] / 255, self.rgb[1] / 255, self.rgb[2] / 255, 1.0)


def jitter(rgb: RGB, rng: np.random.Generator, amount: float = 8.0) -> RGB:
    """`rgb` made lighter or darker as a whole, and a little bit per channel."""
    shifted = np.array(rgb) + rng.uniform(-amount, amount) + rng.uniform(-amount / 2, amount / 2, 3)
    red, green, blue = np.clip(shifted, 0, 255).astype(int)
    return int(red), int(green), int(blue)


def pick_paint(rng: np.random.Generator, names: Sequence[str] | None = None, avoid: Sequence[str] = ()) -> Paint:
    """A random paint among `names` (default: every colour word) without those in `avoid`."""
    choice = [name for name in names or list(COLOURS) if name not in avoid]
    name = choice[int(rng.integers(len(choice)))]
    shades = _SHADES[name]
    return Paint(name, jitter(shades[int(rng.integers(len(shades)))], rng))


def contrasting(rng: np.random.Generator, paint: Paint, names: Sequence[str] | None = None) -> Paint:
    """A paint of another name that stands out from `paint` (at least 60 apart in RGB)."""
    for _ in range(8):
        other = pick_paint(rng, names, avoid=(paint.name,))
        if np.linalg.norm(np.subtract(other.rgb, paint.rgb)) > 60:
            return other
    return other


def canonical_colour(word: str) -> str | None:
    """The colour word of `COLOURS` for a catalogue's word ("gray" is "grey"); None where there is none."""
    word = {"gray": "grey"}.get(word.strip().lower(), word.strip().lower())
    return word if word in COLOURS else None


def colour_names(pixels: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Share (0..1) of `pixels` (n, 3) RGB that a person could call by each colour word, lit or in shade.

    The ranges overlap on purpose (shaded white is also grey, dark orange also brown), so the shares may sum to more
    than 1. Empty input gives zero everywhere.
    """
    if len(pixels) == 0:
        return dict.fromkeys(COLOURS, 0.0)
    scaled = np.ascontiguousarray(pixels, np.uint8).reshape(-1, 1, 3).astype(np.float32) / 255
    hue, saturation, value = (channel.ravel() for channel in cv2.split(cv2.cvtColor(scaled, cv2.COLOR_RGB2HSV)))
    lit = value > 0.1
    chroma = saturation * value  # hue is noise where this is small
    coloured = lit & (chroma > 0.05)
    masks = {
        "red": coloured & ((hue >= 338) | (hue < 17)) & (saturation > 0.42),
        "green": coloured & (hue >= 64) & (hue < 172) & (saturation > 0.18),
        "blue": coloured & (hue >= 192) & (hue < 262) & (saturation > 0.2),
        "yellow": coloured & (hue >= 39) & (hue < 72) & (saturation > 0.28) & (value > 0.3),
        "orange": coloured & (hue >= 11) & (hue < 44) & (saturation > 0.5) & (value > 0.38),
        "purple": coloured & (hue >= 248) & (hue < 328) & (saturation > 0.16),
        "white": (saturation < 0.22) & (value > 0.5),
        "black": (value < 0.26) | ((value < 0.36) & (saturation < 0.3)),
        "brown": coloured
        & ((hue < 46) | (hue > 350))
        & (saturation > 0.2)
        & ((value < 0.66) | ((value < 0.83) & (saturation < 0.74))),
        "pink": coloured & ((hue >= 300) | (hue < 22)) & (saturation > 0.12) & (saturation < 0.72) & (value > 0.45),
        "grey": (saturation < 0.2) & (value > 0.15) & (value < 0.82),
        "teal": coloured & (hue >= 155) & (hue < 206) & (saturation > 0.22),
    }
    return {name: float(masks[name].mean()) for name in COLOURS}

"""What a maker of one category hands back, and the finishes (ceramic, metal, glass...) that makers share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.scenes.colours import RGB, Paint, pick_paint
from training.scenes.datatypes import Part
from training.scenes.geometry import Finish
from training.scenes.patterns import Texture, plain, wood

Rng = np.random.Generator
_WOODS: tuple[RGB, ...] = ((176, 128, 80), (140, 94, 56), (116, 76, 46), (196, 154, 106), (92, 60, 40))


@dataclass(frozen=True, eq=False)
class Draft:
    """A `TabletopObject` that has no identifier, ground contact or hull yet; fields as there."""

    nouns: tuple[str, ...]
    parts: tuple[Part, ...]
    colours: tuple[str, ...] = ()
    material: str | None = None
    pattern: str | None = None
    lying_probability: float = 0.0
    supports: bool = False


def glazed(rng: Rng, texture: Texture | None, rgba: tuple[float, float, float, float] = (1, 1, 1, 1)) -> Finish:
    """Ceramic or smooth plastic, from silk to high gloss."""
    gloss = float(rng.uniform(0.1, 0.9))
    return Finish(texture, rgba, roughness=0.6 - 0.45 * gloss, specular=0.2 + 0.5 * gloss, shininess=gloss)


def painted(paint: Paint, *, roughness: float = 0.5, specular: float = 0.3) -> Finish:
    """One even colour without a texture."""
    return Finish(rgba=paint.rgba, roughness=roughness, specular=specular, shininess=1 - roughness)


def matt(texture: Texture) -> Finish:
    """Paper, skin of bread, cloth."""
    return Finish(texture, roughness=0.85, specular=0.06, shininess=0.1)


def metal(rng: Rng, *, tint: RGB | None = None) -> Finish:
    """Bare metal; not too smooth and not wholly metallic, or MuJoCo shows it nearly black."""
    level = float(rng.uniform(0.55, 0.8))
    rgb = np.array(tint) / 255 if tint else level * np.array([1.0, 1.0, 1.02])
    rgba = (float(rgb[0]), float(rgb[1]), float(min(rgb[2], 1.0)), 1.0)
    return Finish(rgba=rgba, metallic=0.5, roughness=float(rng.uniform(0.35, 0.5)), specular=0.8, shininess=0.7)


def clear(rng: Rng, *, tint: RGB | None = None) -> Finish:
    """Clear glass, or coloured glass of `tint`."""
    if tint is None:
        shade = rng.uniform(0.82, 1.0, 3)
        return Finish(
            rgba=(float(shade[0]), 1.0, float(shade[2]), float(rng.uniform(0.22, 0.4))),
            roughness=0.1,
            specular=1.0,
            shininess=1.0,
        )
    red, green, blue = (channel / 255 for channel in tint)
    return Finish(rgba=(red, green, blue, float(rng.uniform(0.6, 0.85))), roughness=0.1, specular=1.0, shininess=1.0)


def wooden(rng: Rng) -> tuple[Finish, RGB]:
    """Wood and its mean colour."""
    rgb = _WOODS[int(rng.integers(len(_WOODS)))]
    return Finish(wood(rng, rgb), roughness=0.6, specular=0.15, shininess=0.2), rgb


def lacquer(rng: Rng, names: tuple[str, ...] | None = None) -> tuple[Finish, Paint]:
    """A random colour on smooth plastic or enamel, slightly uneven."""
    paint = pick_paint(rng, names)
    return glazed(rng, plain(rng, paint.rgb, amount=1.5, size=32)), paint


def chance(rng: Rng, probability: float) -> bool:
    """True with `probability`."""
    return bool(rng.random() < probability)


def pick(rng: Rng, count: int) -> int:
    """A design number, 0..count - 1."""
    return int(rng.integers(count))

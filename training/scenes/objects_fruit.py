"""Fruit; lying things are modelled as they lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import RGB, jitter
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, pick
from training.scenes.geometry import Finish, Floats, lathe, merge, move, rotate, sweep
from training.scenes.patterns import Texture, noise, skin, to_texture


def solid(rgb: RGB) -> Finish:
    """One even, matt colour."""
    return Finish(rgba=(rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, 1.0), roughness=0.8, specular=0.1)


def skin_finish(rng: Rng, texture: Texture, gloss: float) -> Finish:
    """Skin between dull (gloss 0) and waxed (1), varied a little."""
    gloss = float(np.clip(gloss + rng.uniform(-0.15, 0.15), 0, 1))
    return Finish(texture, roughness=0.7 - 0.5 * gloss, specular=0.15 + 0.4 * gloss, shininess=0.2 + 0.6 * gloss)


def lobes(rng: Rng, count: int, amount: float) -> Callable[[Floats], Floats]:
    """Relative radius by angle: `count` bulges of up to `amount`, a little lopsided."""
    phase = rng.uniform(0, 6)
    second = rng.uniform(0, 0.5) * amount
    return lambda angle: np.asarray(amount * np.cos(count * angle + phase) + second * np.cos(2 * angle))


def stalk(rng: Rng, base: float, length: float, *, thick: float = 0.0016, rgb: RGB = (78, 54, 30)) -> Part:
    """A leaning stalk that starts at height `base`."""
    lean = rng.uniform(-0.6, 0.6)
    t = np.linspace(0, 1, 5)
    return sweep(
        np.c_[lean * length * t**2, 0 * t, base + length * t],
        thick * (1 + 0.3 * t),
        solid(rgb),
        segments=7,
        up=(0, 1, 0),
    )


def apple(rng: Rng) -> Draft:
    """One apple."""
    radius, tall = rng.uniform(0.031, 0.043), rng.uniform(0.88, 1.08)
    name, base, second = (
        ("red", (172, 26, 30), (205, 110, 50)),
        ("red", (140, 20, 30), (180, 40, 40)),
        ("green", (128, 178, 52), (165, 195, 80)),
        ("green", (112, 165, 50), (150, 120, 60)),
        ("yellow", (228, 198, 72), (222, 130, 70)),
    )[pick(rng, 5)]
    base = jitter(base, rng)
    texture = skin(rng, base, second, along=True, share=rng.uniform(0.1, 0.3), spots=80)
    waist = rng.uniform(0.76, 0.9)
    knots = [
        (0, 0.11),
        (0.16, 0.03),
        (0.36, 0.0),
        (0.62, 0.1),
        (waist, 0.42),
        (1.0, 0.95),
        (0.97, 1.28),
        (0.8, 1.6),
        (0.52, 1.75),
        (0.3, 1.73),
        (0.14, 1.6),
        (0, 1.48),
    ]
    body = lathe(
        [(r * radius, z * radius * tall) for r, z in knots],
        skin_finish(rng, texture, 0.6),
        samples=44,
        wobble=lobes(rng, 5, 0.03),
    )
    parts = [body]
    if chance(rng, 0.85):
        parts.append(stalk(rng, 1.48 * radius * tall, radius * rng.uniform(0.3, 0.65)))
    if chance(rng, 0.15):
        leaf = sweep(
            [
                (0, 0, 1.75 * radius * tall),
                (0.01, 0.004, 1.9 * radius * tall),
                (0.022, 0.006, 1.88 * radius * tall),
                (0.03, 0.006, 1.8 * radius * tall),
            ],
            [0.001, 0.006, 0.006, 0.001],
            solid((60, 110, 40)),
            flatten=0.12,
        )
        parts.append(leaf)
    return Draft(("apple",), tuple(parts), (name,))


def _sphere(radius: float, *, squash: float = 1.0, power: float = 1.0) -> list[tuple[float, float] | None]:
    angle = np.linspace(-np.pi / 2, np.pi / 2, 13)
    return [(float(radius * max(np.cos(a), 0.0) ** power), float(radius * squash * (1 + np.sin(a)))) for a in angle]


def orange(rng: Rng) -> Draft:
    """One orange."""
    radius, squash = rng.uniform(0.031, 0.045), rng.uniform(0.86, 1.0)
    base = jitter(((238, 130, 20), (240, 145, 35), (228, 112, 22))[pick(rng, 3)], rng, 6)
    texture = skin(rng, base, (245, 155, 45), along=False, size=192).astype(float)
    texture -= 16 * np.clip(noise(rng, 192, 192, 1.1) - 0.4, 0, 2)[..., None]
    body = lathe(
        _sphere(radius, squash=squash),
        skin_finish(rng, to_texture(texture), 0.35),
        samples=26,
        wobble=lobes(rng, 3, 0.015),
    )
    scar = lathe(
        [(0.0045, 1.97 * radius * squash), (0.003, 2.01 * radius * squash), None, (0, 2.01 * radius * squash)],
        solid((95, 110, 50)),
        segments=8,
        samples=4,
    )
    return Draft(("orange",), (body, scar), ("orange",))


def lemon(rng: Rng) -> Draft:
    """One lemon."""
    radius, lime = rng.uniform(0.023, 0.03), chance(rng, 0.25)
    length = radius * rng.uniform(2.2, 2.8)
    x = np.linspace(-1, 1, 26)
    sides = np.sqrt(np.clip(1 - x**2, 0, 1)) ** rng.uniform(0.85, 1.05)
    nipple = rng.uniform(0.12, 0.26) * np.exp(-(((x - 1) / 0.12) ** 2)) + 0.12 * np.exp(-(((x + 1) / 0.1) ** 2))
    radii = radius * (sides + nipple * (np.abs(x) < 0.999))
    base = jitter((120, 170, 45) if lime else ((242, 214, 45), (248, 224, 80))[pick(rng, 2)], rng, 6)
    second = (150, 185, 60) if lime else (228, 205, 60)
    texture = skin(rng, base, second, along=False)
    body = sweep(np.c_[x * length / 2, 0 * x, 0 * x], radii, skin_finish(rng, texture, 0.4), segments=26)
    return Draft(("lime",) if lime else ("lemon",), (body,), ("green" if lime else "yellow",))


def pear(rng: Rng) -> Draft:
    """One pear."""
    radius, tall = rng.uniform(0.029, 0.038), rng.uniform(0.85, 1.1)
    name, base, second = (
        ("green", (160, 182, 62), (185, 170, 80)),
        ("yellow", (220, 196, 75), (196, 150, 60)),
        ("brown", (140, 98, 52), (150, 118, 60)),
        ("red", (160, 40, 36), (170, 110, 60)),
    )[pick(rng, 4)]
    texture = skin(rng, jitter(base, rng), second, along=False, share=0.22, spots=200)
    neck = rng.uniform(0.4, 0.62)
    knots = [
        (0, 0.06),
        (0.3, 0.0),
        (0.7, 0.15),
        (0.97, 0.62),
        (1.0, 0.95),
        (0.86, 1.4),
        ((0.86 + neck) / 2.1, 1.85),
        (neck, 2.25),
        (neck * 0.8, 2.5),
        (0.2, 2.63),
        (0, 2.6),
    ]
    body = lathe(
        [(r * radius, z * radius * tall) for r, z in knots],
        skin_finish(rng, texture, 0.4),
        samples=40,
        wobble=lobes(rng, 3, 0.025),
    )
    return Draft(
        ("pear",),
        (body, stalk(rng, 2.58 * radius * tall, radius * rng.uniform(0.3, 0.7))),
        (name,),
        lying_probability=0.3,
    )


def banana(rng: Rng) -> Draft:
    """One banana."""
    length, bend = rng.uniform(0.14, 0.2), rng.uniform(1.0, 1.9)
    ripe = chance(rng, 0.85)
    base = jitter((240, 205, 50) if ripe else (140, 172, 52), rng, 8)
    v = np.linspace(0, 1, 64)[:, None, None]
    values = np.ones((64, 32, 1)) * np.array(base, float)
    values = values * (1 - 0.75 * ((v < 0.03) | (v > 0.97)))
    values += np.array((-70.0, -25.0, 0.0)) * np.exp(-(((v - 0.06) / 0.06) ** 2))
    values[noise(rng, 64, 32, 0.8) > rng.uniform(1.8, 3.0)] *= 0.45
    texture = to_texture(values)
    count, fingers = (1 if chance(rng, 0.75) else int(rng.integers(2, 4))), []
    for finger in range(count):
        arc = length / bend
        angle, x = np.linspace(-bend / 2, bend / 2, 30), np.linspace(0, 1, 30)
        girth = rng.uniform(0.015, 0.019) * np.clip(np.minimum((x / 0.16) ** 0.6, ((1 - x) / 0.2) ** 0.7), 0.25, 1)
        girth[:4] = 0.0045
        path = np.c_[arc * np.sin(angle), arc * (1 - np.cos(angle)), 0 * angle]
        part = sweep(path, girth, Finish(texture, roughness=0.5, specular=0.25), segments=15, angular=0.06)
        turned = rotate(move(part, (length * 0.48, -arc * (1 - np.cos(bend / 2)), 0)), "z", 14.0 * finger)
        fingers.append(move(turned, (0, 0, 0.012 * finger)))
    return Draft(
        ("banana",) if count == 1 else ("bananas", "banana"), (merge(fingers),), ("yellow" if ripe else "green",)
    )


def strawberry(rng: Rng) -> Draft:
    """One strawberry."""
    radius = rng.uniform(0.014, 0.02)
    tall = radius * rng.uniform(2.0, 2.7)
    texture = skin(rng, jitter((200, 28, 32), rng), (215, 60, 45), along=False, share=0.15)
    y, x = np.mgrid[:128, :128]
    seeds = ((x + (y // 12 % 2) * 7) % 14 < 2) & (y % 12 < 3)
    texture[seeds] = (228, 190, 90)
    body = lathe(
        [
            (0, 0),
            (0.35 * radius, 0.05 * tall),
            (0.72 * radius, 0.3 * tall),
            (radius, 0.7 * tall),
            (0.85 * radius, 0.92 * tall),
            (0.3 * radius, tall),
            (0, 0.98 * tall),
        ],
        skin_finish(rng, texture, 0.6),
        samples=28,
        wobble=lobes(rng, 3, 0.04),
    )
    t = np.linspace(0, 1, 5)
    leaves = []
    for angle in np.arange(7) * 2 * np.pi / 7:
        path = np.c_[
            t * radius * 0.8 * np.cos(angle),
            t * radius * 0.8 * np.sin(angle),
            tall * (1 + 0.03 * np.sin(t * 3) - 0.05 * t),
        ]
        leaves.append(
            sweep(
                path,
                0.0035 * np.sin(np.pi * np.clip(t * 0.8 + 0.2, 0, 0.98)),
                solid((70, 130, 45)),
                segments=6,
                flatten=0.3,
            )
        )
    parts = [body, merge(leaves)]
    return Draft(("strawberry",), tuple(rotate(part, "x", rng.uniform(95, 115)) for part in parts), ("red",))


FRUIT: dict[str, Callable[[Rng], Draft]] = {
    "apple": apple,
    "orange": orange,
    "lemon": lemon,
    "pear": pear,
    "banana": banana,
    "strawberry": strawberry,
}

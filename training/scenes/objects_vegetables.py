"""Vegetables, egg, bread, doughnut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import jitter
from training.scenes.draft import Draft, Rng, chance, matt, pick
from training.scenes.geometry import Finish, lathe, merge, planar_uv, rotate, scale, sweep
from training.scenes.objects_fruit import lobes, skin_finish, solid, stalk
from training.scenes.patterns import noise, plain, skin, to_texture


def carrot(rng: Rng) -> Draft:
    """One carrot."""
    length, radius = rng.uniform(0.1, 0.18), rng.uniform(0.012, 0.02)
    x = np.linspace(0, 1, 30)
    radii = (
        radius
        * np.clip((1 - x) ** rng.uniform(0.35, 0.7) * np.clip(x / 0.05, 0.3, 1) ** 0.5, 0.06, 1)
        * (1 + 0.025 * np.sin(60 * x))
    )
    values = np.ones((128, 32, 1)) * np.array(jitter((235, 115, 30), rng), float)
    values[rng.integers(0, 128, 14)] *= 0.82
    curve = rng.uniform(-0.012, 0.012)
    parts = [sweep(np.c_[(x - 0.5) * length, curve * x**2, 0 * x], radii, matt(to_texture(values)), segments=16)]
    green = solid(jitter((55, 120, 38), rng))
    t = np.linspace(0, 1, 6)
    reach = rng.uniform(0.012, 0.09) if chance(rng, 0.8) else 0.004
    leaves = []
    for _ in range(7):
        y, z = rng.uniform(-0.6, 0.6), rng.uniform(-0.1, 0.3)
        leaves.append(
            sweep(
                np.c_[-0.48 * length - t * reach, y * reach * t, z * reach * t],
                np.linspace(0.0016, 0.004, 6),
                green,
                segments=6,
                flatten=0.5,
            )
        )
    return Draft(("carrot",), (parts[0], merge(leaves)), ("orange",))


def tomato(rng: Rng) -> Draft:
    """One tomato."""
    small = chance(rng, 0.2)
    radius = rng.uniform(0.013, 0.017) if small else rng.uniform(0.027, 0.042)
    tall = rng.uniform(0.8, 1.15) if chance(rng, 0.8) else 1.5
    base = jitter(((205, 40, 25), (190, 30, 24), (215, 58, 30))[pick(rng, 3)], rng)
    texture = skin(rng, base, (215, 65, 30), along=False)
    knots = [(0, 0.06), (0.3, 0.0), (0.75, 0.18), (1.0, 0.75), (0.93, 1.15), (0.6, 1.5), (0.25, 1.52), (0, 1.42)]
    body = lathe(
        [(r * radius, z * radius * tall) for r, z in knots],
        skin_finish(rng, texture, 0.8),
        samples=32,
        wobble=lobes(rng, 6, 0.0 if small else rng.uniform(0, 0.04)),
    )
    parts = [body]
    if chance(rng, 0.85):
        t, turn = np.linspace(0, 1, 7), rng.uniform(0, 6)
        reach = rng.uniform(0.35, 0.55) * radius
        leaves = [stalk(rng, 1.42 * radius * tall, 0.3 * radius, rgb=(62, 112, 40))]
        for angle in np.arange(5) * 2 * np.pi / 5 + turn:
            path = np.c_[
                t * reach * np.cos(angle), t * reach * np.sin(angle), radius * (1.45 * tall + 0.12 * np.sin(t * 2.6))
            ]
            leaves.append(sweep(path, 0.11 * radius * (1.02 - t * 0.8), solid((62, 112, 40)), segments=6, flatten=0.35))
        parts.append(merge(leaves))
    return Draft(("tomato",), tuple(parts), ("red",))


def egg(rng: Rng) -> Draft:
    """One egg."""
    radius, long = rng.uniform(0.02, 0.025), rng.uniform(1.22, 1.42)
    name, rgb = (("white", (238, 234, 226)), ("brown", (178, 122, 84)), ("brown", (160, 102, 68)))[pick(rng, 3)]
    texture = plain(rng, jitter(rgb, rng, 5), amount=4, sigma=1.0)
    if chance(rng, 0.15):
        texture[noise(rng, 64, 64, 0.8) > 1.9] = (110, 80, 60)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 13)
    outline = [
        (float(radius * max(np.cos(a), 0.0) * (1 - 0.13 * np.sin(a))), float(radius * long * (1 + np.sin(a))))
        for a in angle
    ]
    body = rotate(lathe(outline, skin_finish(rng, texture, 0.2), samples=24), "y", 90)
    return Draft(("egg",), (body,), (name,))


def onion(rng: Rng) -> Draft:
    """One onion."""
    radius = rng.uniform(0.028, 0.042)
    tall = rng.uniform(0.8, 1.0)
    name, base, second = (
        ("brown", (176, 112, 56), (150, 90, 46)),
        ("purple", (108, 34, 96), (130, 56, 118)),
        ("white", (232, 228, 214), (222, 220, 200)),
    )[pick(rng, 3)]
    texture = skin(rng, jitter(base, rng), second, along=True, share=0.4)
    texture[:, ::9] = (texture[:, ::9] * 0.88).astype(np.uint8)
    tip = rng.uniform(0.02, 0.3)
    knots = [(0, 0.06), (0.14, 0.0), (0.62, 0.14), (0.96, 0.6), (1.0, 0.95), (0.93, 1.28), (0.66, 1.62), (0.28, 1.82)]
    knots += [(0.13, 1.92), (0.09, 1.95 + tip)]
    knots.append((0, 1.95 + tip))
    body = lathe(
        [(r * radius, z * radius * tall) for r, z in knots],
        skin_finish(rng, texture, 0.4),
        samples=36,
        wobble=lobes(rng, 4, 0.02),
    )
    return Draft(("onion",), (body,), (name,))


def bread(rng: Rng) -> Draft:
    """One bread."""
    crust = jitter(((182, 118, 58), (150, 92, 44), (166, 104, 52))[pick(rng, 3)], rng)
    texture = skin(rng, crust, (205, 150, 88), along=False, share=0.15)
    finish, design = matt(texture), pick(rng, 4)
    if design == 0:  # loaf
        size = rng.uniform((0.075, 0.04, 0.045), (0.11, 0.052, 0.06))
        body = lathe(
            [(0, 0), (0.92, 0), None, (0.97, 0.45), (1.0, 0.75), (0.85, 1.05), (0.45, 1.2), (0, 1.23)],
            finish,
            squareness=4.0,
            samples=24,
        )
        body = scale(body, (size[0], size[1], size[2]))
        return Draft(("bread", "loaf"), (body,), ("brown",))
    if design == 1:  # baguette
        x = np.linspace(-1, 1, 30)
        radii = rng.uniform(0.02, 0.028) * np.clip(1 - np.abs(x) ** 5, 0.06, 1) * (1 + 0.05 * np.sin(26 * x))
        body = sweep(np.c_[x * rng.uniform(0.09, 0.125), 0 * x, 0 * x], radii, finish, flatten=0.8, segments=16)
        return Draft(("bread", "baguette"), (body,), ("brown",))
    if design == 2:  # bun
        radius = rng.uniform(0.032, 0.048)
        body = lathe(
            [
                (0, 0),
                (0.7 * radius, 0),
                (0.98 * radius, 0.25 * radius),
                (0.85 * radius, 0.75 * radius),
                (0.45 * radius, 1.0 * radius),
                (0, 1.05 * radius),
            ],
            finish,
            samples=20,
            wobble=lobes(rng, 3, 0.03),
        )
        return Draft(("bread", "roll", "bun"), (body,), ("brown",))
    crumb = lathe(
        [(0, 0), (0.96, 0), None, (0.96, 1), None, (0, 1)],
        matt(plain(rng, (196, 148, 92), amount=8)),
        squareness=4.0,
        samples=8,
    )
    edge = lathe([(0.97, 0), (1, 0.1), (1, 0.9), (0.97, 1)], finish, squareness=4.0, samples=8)
    slice_size = (rng.uniform(0.045, 0.06), rng.uniform(0.042, 0.058), rng.uniform(0.012, 0.02))
    return Draft(
        ("bread", "slice of bread", "toast"), (planar_uv(scale(crumb, slice_size)), scale(edge, slice_size)), ("brown",)
    )


def donut(rng: Rng) -> Draft:
    """One donut."""
    major, minor = rng.uniform(0.026, 0.034), rng.uniform(0.013, 0.018)
    name, rgb = (
        ("brown", (92, 54, 32)),
        ("pink", (236, 150, 178)),
        ("white", (240, 236, 226)),
        ("brown", (190, 124, 62)),
    )[pick(rng, 4)]
    angle = np.linspace(0, 2 * np.pi, 17)
    dough = matt(plain(rng, (196, 136, 74), amount=6))
    ring = [
        (float(major + minor * np.cos(a - np.pi / 2)), float(0.9 * minor * (1 + np.sin(a - np.pi / 2)))) for a in angle
    ]
    parts = [lathe(ring, dough, samples=16)]
    texture = plain(rng, jitter(rgb, rng), amount=3, size=128)
    if chance(rng, 0.5):
        for spot in rng.integers(0, 124, (90, 2)):
            texture[spot[0] : spot[0] + 2, spot[1] : spot[1] + 4] = rng.integers(60, 250, 3)
    top = np.linspace(-0.35, np.pi + 0.35, 9)
    icing = [(float(major + 1.06 * minor * np.cos(a)), float(0.9 * minor + 0.97 * minor * np.sin(a))) for a in top]
    parts.append(lathe(icing, Finish(texture, roughness=0.3, specular=0.4, shininess=0.5), samples=16))
    return Draft(("donut", "doughnut"), tuple(parts), (name,))


def pepper(rng: Rng) -> Draft:
    """One pepper."""
    radius, tall = rng.uniform(0.03, 0.04), rng.uniform(1.9, 2.7)
    name, rgb = (
        ("red", (190, 28, 24)),
        ("yellow", (240, 196, 32)),
        ("green", (45, 118, 40)),
        ("orange", (232, 118, 22)),
    )[pick(rng, 4)]
    texture = plain(rng, jitter(rgb, rng), amount=5)
    knots = [
        (0, 0.12),
        (0.2, 0.02),
        (0.5, 0.0),
        (0.78, 0.25),
        (0.9, 0.9),
        (1.0, 0.7 * tall),
        (0.85, 0.93 * tall),
        (0.4, tall),
        (0.15, 0.92 * tall),
        (0, 0.88 * tall),
    ]
    body = lathe(
        [(r * radius, z * radius) for r, z in knots],
        skin_finish(rng, texture, 0.9),
        samples=34,
        wobble=lobes(rng, int(rng.integers(3, 5)), 0.07),
    )
    stem = stalk(rng, 0.86 * tall * radius, 0.7 * radius, thick=0.004, rgb=(70, 110, 45))
    return Draft(("pepper", "bell pepper"), (body, stem), (name,), lying_probability=0.4)


VEGETABLES: dict[str, Callable[[Rng], Draft]] = {
    "carrot": carrot,
    "tomato": tomato,
    "egg": egg,
    "onion": onion,
    "bread": bread,
    "donut": donut,
    "pepper": pepper,
}

"""Cutlery: spoon, fork, knife, spatula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, glazed, lacquer, metal, painted, pick, wooden
from training.scenes.geometry import Finish, Floats, merge, strip, sweep
from training.scenes.patterns import plain


def utensil_finish(rng: Rng, *, metal_share: float = 0.6) -> tuple[Finish, tuple[str, ...], str]:
    """(finish, colour words, material) of cutlery: mostly bare metal, else coloured plastic or wood."""
    draw = rng.random()
    if draw < metal_share:
        return metal(rng), (), "metal"
    if draw < metal_share + 0.1:
        return wooden(rng)[0], ("brown",), "wood"
    finish, paint = lacquer(rng)
    return finish, (paint.name,), "plastic"


def _grip(
    rng: Rng, start: float, end: float, half: float, height: float, finish: Finish, *, flatten: float = 0.55
) -> Part:
    """A handle along x, straight, bellied or waisted."""
    t = np.linspace(0, 1, 14)
    belly = (np.ones(14), 0.8 + 0.3 * np.sin(np.pi * t), 1.05 - 0.25 * np.sin(np.pi * t), 1.15 - 0.4 * t)[pick(rng, 4)]
    ends = np.clip(np.minimum(t, 1 - t) / 0.06, 0.6, 1)
    return sweep(
        np.c_[start + (end - start) * t, 0 * t, 0 * t + height],
        half * belly * ends,
        finish,
        segments=14,
        flatten=flatten,
        squareness=float(rng.uniform(2, 3.5)),
    )


def spoon(rng: Rng) -> Draft:
    """One spoon."""
    length, bowl_half = rng.uniform(0.12, 0.2), rng.uniform(0.014, 0.024)
    finish, colours, material = utensil_finish(rng)
    x = np.linspace(0, 1, 44)
    start = 1 - bowl_half * rng.uniform(2.4, 3.2) / length
    u = np.clip((x - start) / (1 - start), 0, 1)
    round_part = np.sqrt(np.clip(1 - (2 * u - 1) ** 2, 0, 1))
    stem = rng.uniform(0.0025, 0.0045)
    flare = rng.uniform(0, 0.004) * np.clip(1 - x / 0.45, 0, 1)
    width = np.where(x < start + 0.02, stem + flare, 0.0006)
    width = np.maximum(width, bowl_half * round_part * (x > start))
    depth, arch = rng.uniform(0.008, 0.013), rng.uniform(0.002, 0.006)

    def height(position: Floats, s: Floats) -> Floats:
        t = position / length
        inside = np.sqrt(np.clip(1 - (2 * np.clip((t - start) / (1 - start), 0, 1) - 1) ** 2, 0, 1))
        return np.asarray(depth - depth * inside * (1 - s**2) - arch * np.sin(np.pi * np.clip(t / start, 0, 1)))

    thickness = 0.0018 if material == "metal" else 0.0035
    body = strip(x * length, 0 * x, width, height, thickness, finish)
    return Draft(("spoon",), (body,), colours, material)


def fork(rng: Rng) -> Draft:
    """One fork."""
    length, half = rng.uniform(0.14, 0.2), rng.uniform(0.009, 0.014)
    finish, colours, material = utensil_finish(rng)
    x = np.linspace(0, 0.76, 34)
    stem = rng.uniform(0.0025, 0.0042)
    width = stem + 0.003 * np.clip(1 - x / 0.4, 0, 1) + (half - stem) / (1 + np.exp(-(x - 0.66) * 60))
    thickness = 0.0018 if material == "metal" else 0.003
    arch, dip = rng.uniform(0.003, 0.008), rng.uniform(0.003, 0.008)

    def level(t: Floats) -> Floats:
        return np.asarray(
            0.004
            + arch * np.sin(np.pi * np.clip(t / 0.75, 0, 1))
            - dip * np.clip((t - 0.6) / 0.25, 0, 1)
            + 1.3 * dip * np.clip((t - 0.8) / 0.2, 0, 1) ** 2
        )

    parts = [
        strip(
            x * length,
            0 * x,
            width,
            lambda position, s: np.asarray(level(position / length) + 0 * s),
            thickness,
            finish,
        )
    ]
    tines = int(rng.integers(3, 5))
    gap = 2 * half / tines
    for y in (np.arange(tines) - (tines - 1) / 2) * gap:
        t = np.linspace(0.74, 1.0, 9)
        parts.append(
            sweep(
                np.c_[t * length, 0 * t + y, level(t)], np.linspace(0.3, 0.16, 9) * gap, finish, segments=7, flatten=0.6
            )
        )
    return Draft(("fork",), (merge(parts),), colours, material)


def knife(rng: Rng) -> Draft:
    """One knife."""
    length, table = rng.uniform(0.16, 0.24), chance(rng, 0.35)
    blade_finish = metal(rng)
    split = rng.uniform(0.4, 0.52)
    t = np.linspace(split, 1, 24)
    u = (t - split) / (1 - split)
    half = rng.uniform(0.007, 0.014) * (0.75 if table else 1.0)
    tip = rng.uniform(2, 6)
    width = np.maximum(half * np.sqrt(np.clip(1 - u**tip, 0, 1)), 0.0005)
    centre = np.where(u > 0.4, (half - width) * (1 if chance(rng, 0.6) else 0), 0.0)
    blade = strip(
        t * length, centre, width, lambda position, s: 0.006 + 0 * position + 0 * s, 0.0018, blade_finish, across=5
    )
    if table:
        return Draft(
            ("knife", "table knife"),
            (merge([blade, _grip(rng, 0.0, split * length, half * 0.65, 0.006, blade_finish)]),),
            (),
            "metal",
        )
    paint = pick_paint(rng)
    finish, colours = (wooden(rng)[0], ("brown",)) if chance(rng, 0.25) else (painted(paint), (paint.name,))
    grip = _grip(rng, 0.0, split * length + 0.004, rng.uniform(0.009, 0.013), 0.007, finish, flatten=0.62)
    return Draft(("knife", "kitchen knife"), (blade, grip), colours, "metal")


def spatula(rng: Rng) -> Draft:
    """One spatula."""
    length, half = rng.uniform(0.2, 0.28), rng.uniform(0.025, 0.04)
    paint = pick_paint(rng)
    head_finish, material = (glazed(rng, plain(rng, paint.rgb)), "plastic")
    if chance(rng, 0.25):
        head_finish, material = wooden(rng)[0], "wood"
    head_length = half * rng.uniform(2.0, 2.8)
    x = np.linspace(0, 1, 16)
    width = half * np.clip(0.35 + 2.5 * x, 0, 1) * (1 - 0.12 * x) * np.clip((1.04 - x) / 0.06, 0.7, 1)
    tilt = rng.uniform(0.0, 0.02)
    head = strip(
        length - head_length + x * head_length,
        0 * x,
        width,
        lambda position, s: 0.005 + tilt * np.clip((length - position) / head_length, 0, 1) ** 2 + 0 * s,
        0.003,
        head_finish,
    )
    plain_handle = material == "wood" or chance(rng, 0.6)
    grip = sweep(
        [(0, 0, 0.007 + tilt), (length * 0.3, 0, 0.007 + tilt), (length - head_length * 0.9, 0, 0.005 + tilt)],
        [0.008, 0.007, 0.005],
        head_finish if plain_handle else metal(rng),
        flatten=0.6,
    )
    return Draft(("spatula", "turner"), (head, grip), ("brown",) if material == "wood" else (paint.name,), material)


CUTLERY: dict[str, Callable[[Rng], Draft]] = {
    "spoon": spoon,
    "fork": fork,
    "knife": knife,
    "spatula": spatula,
}

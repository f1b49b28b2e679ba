"""Serving: teapot, vase, tray, pitcher."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import pick_paint
from training.scenes.draft import Draft, Rng, chance, clear, glazed, metal, pick, wooden
from training.scenes.geometry import Floats, lathe, merge, planar_uv, rotate, sweep
from training.scenes.objects_tableware import handle, vessel
from training.scenes.patterns import patterned, plain


def teapot(rng: Rng) -> Draft:
    """One teapot."""
    radius = rng.uniform(0.045, 0.065)
    height = radius * rng.uniform(1.1, 2.0)
    colours: tuple[str, ...] = ()
    if chance(rng, 0.15):
        finish, pattern, material = metal(rng), None, "metal"
    else:
        texture, pattern, colours = patterned(rng, pick_paint(rng), plain_share=0.65)
        finish, material = glazed(rng, texture), "ceramic"
    top = rng.uniform(0.4, 0.65)
    belly = rng.uniform(0.35, 0.5)
    body = lathe(
        [
            (0, 0),
            (0.6 * radius, 0),
            None,
            (0.85 * radius, 0.12 * height),
            (radius, belly * height),
            (0.85 * radius, 0.8 * height),
            (top * radius, height),
            None,
            (0, height),
        ],
        finish,
    )
    knob = lathe(
        [
            (top * radius * 1.02, height - 0.002),
            None,
            (top * radius, height + 0.003),
            (0.5 * top * radius, height + 0.011),
            (0.005, height + 0.014),
            (0.009, height + 0.02),
            (0.006, height + 0.028),
            (0, height + 0.029),
        ],
        finish,
    )
    spout_path = np.array([[0.8, 0, 0.35], [1.1, 0, 0.45], [1.35, 0, 0.7], [1.6, 0, 0.95 + rng.uniform(0, 0.15)]]) * [
        radius,
        radius,
        height,
    ]
    spout = sweep(np.array(spout_path), np.linspace(0.016, 0.007, 4), finish, up=(0, 1, 0))
    if chance(rng, 0.25):  # a bow over the lid instead of an ear
        angle = np.linspace(0, np.pi, 24)
        ear = sweep(
            np.c_[radius * 0.85 * np.cos(angle), 0 * angle, 0.8 * height + radius * 0.95 * np.sin(angle)],
            0.004,
            finish,
            up=(0, 1, 0),
        )
    else:
        ear = rotate(
            handle(rng, radius * 0.85, 0.2 * height, 0.85 * height, finish, reach=radius * 0.65, thick=0.005), "z", 180
        )
    return Draft(("teapot", "pot"), (merge([body, knob, spout, ear]),), colours, material, pattern)


def vase(rng: Rng) -> Draft:
    """One vase."""
    radius = rng.uniform(0.03, 0.055)
    height = radius * rng.uniform(2.2, 5.0)
    tint = pick_paint(rng)
    colours: tuple[str, ...] = (tint.name,)
    if chance(rng, 0.2):
        finish, pattern, material = clear(rng, tint=tint.rgb), None, "glass"
    else:
        texture, pattern, colours = patterned(rng, tint, plain_share=0.55)
        finish, material = glazed(rng, texture), "ceramic"
    knots = (
        (0.6, 0.95, 1.0, 0.5, 0.6),
        (0.55, 0.75, 1.0, 0.85, 0.4),
        (0.8, 1.0, 0.6, 0.32, 0.45),
        (0.5, 0.6, 0.72, 0.85, 1.0),
        (0.9, 1.0, 1.0, 0.95, 0.8),
    )[pick(rng, 5)]
    shape = np.array(knots) * rng.uniform(0.92, 1.08, 5)
    outside = [(float(s) * radius, z * height) for s, z in zip(shape, (0.0, 0.25, 0.5, 0.8, 1.0), strict=True)]
    inside = [(max(r - 0.003, 0.002), z) for r, z in outside[:1:-1]]
    body = lathe(
        [(0, 0), outside[0], None, *outside[1:], None, *inside, (0, 0.45 * height)],
        finish,
        samples=34,
        squareness=5.0 if chance(rng, 0.12) else 2.0,
    )
    return Draft(("vase", "flower vase"), (body,), colours, material, pattern)


def tray(rng: Rng) -> Draft:
    """One tray."""
    length, depth, height = rng.uniform(0.1, 0.16), rng.uniform(0.06, 0.11), rng.uniform(0.012, 0.035)
    paint = pick_paint(rng)
    design = pick(rng, 4)
    colours: tuple[str, ...] = ()
    if design == 0:
        finish, colours, material = wooden(rng)[0], ("brown",), "wood"
    elif design == 1:
        finish, material = metal(rng), "metal"
    else:
        finish, colours, material = glazed(rng, plain(rng, paint.rgb)), (paint.name,), "plastic"
    flare = rng.uniform(0.86, 0.97)
    profile: list[tuple[float, float] | None] = [
        (0, 0),
        (flare, 0),
        None,
        (1, height - 0.002),
        (0.995, height),
        (0.98, height),
        None,
        (flare - 0.02, 0.004),
        None,
        (0, 0.004),
    ]
    scaled = [None if point is None else (point[0] * length, point[1]) for point in profile]
    body = lathe(
        scaled,
        finish,
        segments=40,
        squareness=float(rng.uniform(5, 14)) if chance(rng, 0.8) else 2.0,
        stretch=(1.0, depth / length),
    )
    parts = [body]
    if chance(rng, 0.4):
        angle = np.linspace(0, np.pi, 14)
        for side in (-1, 1):
            path = np.c_[
                side * (length * 0.97 + 0.014 * np.sin(angle)), 0.03 * np.cos(angle), 0 * angle + height - 0.004
            ]
            parts.append(sweep(path, 0.003, finish))
    return Draft(("tray",), (planar_uv(merge(parts)),), colours, material, None, supports=True)


def pitcher(rng: Rng) -> Draft:
    """One pitcher."""
    radius = rng.uniform(0.042, 0.06)
    height = radius * rng.uniform(2.5, 4.0)
    paint = pick_paint(rng)
    if chance(rng, 0.2):
        finish, material = clear(rng, tint=paint.rgb), "glass"
    else:
        finish, material = glazed(rng, plain(rng, paint.rgb)), "ceramic" if chance(rng, 0.6) else "plastic"
    foot, belly, lip = ((0.8, 1.05, 0.72), (0.7, 1.1, 0.65), (1.0, 0.9, 0.72))[pick(rng, 3)]

    def spout(angle: Floats) -> Floats:  # one lip, opposite the ear
        return np.asarray(0.4 * np.exp(-(((angle - np.pi) / 0.35) ** 2)))

    profile = vessel(radius, height, 0.003, foot=foot, belly=belly, lip=lip)
    body = lathe(profile, finish, wobble=spout, samples=34)
    ear = handle(
        rng,
        radius * min(belly, lip) * 0.97,
        0.2 * height,
        0.88 * height,
        finish,
        reach=radius * rng.uniform(0.6, 0.9),
        thick=rng.uniform(0.005, 0.008),
    )
    return Draft(("pitcher", "jug"), (body, ear), (paint.name,), material)


SERVING: dict[str, Callable[[Rng], Draft]] = {
    "teapot": teapot,
    "vase": vase,
    "tray": tray,
    "pitcher": pitcher,
}

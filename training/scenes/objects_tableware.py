"""Tableware: mug, cup, bowl, plate, glass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import Paint, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, clear, glazed, metal, painted, pick, wooden
from training.scenes.geometry import Finish, lathe, move, sweep
from training.scenes.patterns import label, patterned

_DRINKS = (("coffee", (58, 34, 20)), ("juice", (238, 150, 30)), ("milk", (240, 238, 230)), ("tea", (150, 80, 30)))


def vessel(
    radius: float, height: float, wall: float, *, foot: float, belly: float, lip: float = 1.0
) -> list[tuple[float, float] | None]:
    """Profile of an open vessel: outside from the foot to the rim, then the inside down to its floor."""
    outside = [
        (foot * radius, 0.0),
        ((foot + belly) / 2 * radius, 0.12 * height),
        (belly * radius, 0.45 * height),
        (lip * radius, height - wall / 2),
    ]
    inside = [(max(r - wall, 0.1 * wall), max(z, 1.5 * wall)) for r, z in outside[::-1]]
    return [
        (0.0, 0.0),
        outside[0],
        None,
        *outside[1:],
        (lip * radius - wall / 2, height),
        *inside[:-1],
        (0.0, 1.3 * wall),
    ]


def handle(rng: Rng, attach: float, low: float, high: float, finish: Finish, *, reach: float, thick: float) -> Part:
    """An ear from height `low` to `high` at radius `attach`, standing out by `reach`: round, square, or drooping."""
    angle = np.linspace(-np.pi / 2 - 0.25, np.pi / 2 + 0.25, 22)
    design = pick(rng, 3)
    power = (1.0, 0.45, 1.0)[design]
    out = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    up = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (power if design == 1 else 1)
    droop = (0.0, 0.0, 0.25)[design] * (high - low) * np.clip(np.cos(angle), 0, 1)
    path = np.c_[attach + reach * out, 0 * angle, (low + high) / 2 + (high - low) / 2 * up - droop]
    return sweep(path, thick, finish, segments=10, flatten=float(rng.uniform(0.6, 1.0)), up=(0, 1, 0))


def _drink(rng: Rng, radius: float, level: float) -> Part:
    """The drink's surface: a thin disc, as MuJoCo refuses a mesh without thickness."""
    rgb = _DRINKS[pick(rng, len(_DRINKS))][1]
    finish = painted(Paint("", rgb), roughness=0.2, specular=0.5)
    low = level - 0.003
    return lathe([(0, low), (radius, low), None, (radius, level), None, (0, level)], finish, segments=28, samples=6)


def mug(rng: Rng) -> Draft:
    """One mug."""
    radius = rng.uniform(0.034, 0.047)
    height = radius * rng.uniform(1.75, 2.7)
    wall = rng.uniform(0.003, 0.005)
    paint = pick_paint(rng)
    design = pick(rng, 5)
    pattern, material = None, "ceramic"
    colours: tuple[str, ...] = (paint.name,)
    if chance(rng, 0.2):
        outside = glazed(rng, label(rng, paint, repeats=int(rng.integers(1, 3))))
    elif chance(rng, 0.12):
        outside, material, colours = metal(rng), "metal", ()
    else:
        texture, pattern, colours = patterned(rng, paint, plain_share=0.62)
        outside = glazed(rng, texture)
    foot, belly, lip = ((0.97, 1, 1), (0.7, 0.85, 1), (0.78, 1.06, 0.92), (1.05, 1.0, 0.93), (0.85, 0.98, 1))[design]
    profile = vessel(radius, height, wall, foot=foot, belly=belly, lip=lip)
    body = lathe(profile, outside, samples=30, squareness=4.0 if chance(rng, 0.08) else 2.0)
    ear_finish = (
        outside
        if material == "metal"
        else Finish(
            rgba=paint.rgba, roughness=outside.roughness, specular=outside.specular, shininess=outside.shininess
        )
    )
    low, high = sorted(rng.uniform((0.1, 0.72), (0.3, 0.93))) * np.array(height)
    ear = handle(
        rng,
        radius * min(belly, lip, 1.0) * 0.97,
        low,
        high,
        ear_finish,
        reach=radius * rng.uniform(0.55, 0.85),
        thick=rng.uniform(0.004, 0.0065),
    )
    parts = [body, ear]
    if chance(rng, 0.3):
        parts.append(_drink(rng, radius * min(lip, belly) - wall * 1.05, height * rng.uniform(0.7, 0.88)))
    return Draft(("mug", "cup"), tuple(parts), colours, material, pattern, lying_probability=0.06)


def cup(rng: Rng) -> Draft:
    """One cup."""
    design = pick(rng, 4)
    paint = pick_paint(rng)
    texture, pattern, colours = patterned(rng, paint, plain_share=0.65)
    if design == 0:  # paper or plastic beaker, sometimes with a lid
        radius, height = rng.uniform(0.036, 0.045), rng.uniform(0.085, 0.14)
        if chance(rng, 0.4):
            texture, pattern, colours = label(rng, paint), None, (paint.name,)
        body = lathe(vessel(radius, height, 0.0015, foot=0.72, belly=0.84), glazed(rng, texture))
        parts = [body]
        material = "paper" if chance(rng, 0.5) else "plastic"
        if chance(rng, 0.35):
            top = pick_paint(rng, ("white", "black", "brown", paint.name))
            rim = [
                (radius * 1.04, height - 0.006),
                None,
                (radius * 1.04, height),
                None,
                (radius * 0.9, height + 0.002),
                (radius * 0.86, height + 0.009),
                None,
                (0.0, height + 0.007),
            ]
            parts.append(lathe(rim, painted(top)))
        return Draft(("cup", f"{material} cup"), tuple(parts), colours, material, pattern, lying_probability=0.15)
    if design == 1:  # teacup on a saucer
        radius = rng.uniform(0.038, 0.048)
        height, finish = radius * rng.uniform(1.1, 1.5), glazed(rng, texture)
        body = lathe(vessel(radius, height, 0.003, foot=0.5, belly=0.82), finish)
        ear = handle(rng, radius * 0.8, 0.3 * height, 0.85 * height, finish, reach=radius * 0.55, thick=0.0035)
        parts = [body, ear]
        if chance(rng, 0.5):
            parts = [move(part, (0, 0, 0.006)) for part in parts]
            parts.append(
                lathe(
                    [
                        (0, 0),
                        (0.9 * radius, 0),
                        (1.6 * radius, 0.014),
                        (1.58 * radius, 0.016),
                        (0.9 * radius, 0.006),
                        (0, 0.006),
                    ],
                    finish,
                )
            )
        return Draft(("cup", "teacup"), tuple(parts), colours, "ceramic", pattern)
    radius = rng.uniform(0.032, 0.044)
    height = radius * rng.uniform(1.4, 2.6)
    foot, belly, lip = ((0.72, 0.86, 1.0), (0.75, 1.03, 0.94))[design - 2]
    material = "plastic" if design == 2 else "ceramic"
    body = lathe(vessel(radius, height, 0.003, foot=foot, belly=belly, lip=lip), glazed(rng, texture))
    return Draft(("cup", "tumbler"), (body,), colours, material, pattern, lying_probability=0.1)


def bowl(rng: Rng) -> Draft:
    """One bowl."""
    radius = rng.uniform(0.05, 0.095)
    height = radius * rng.uniform(0.42, 0.9)
    wall = rng.uniform(0.0025, 0.005)
    material = ("ceramic", "ceramic", "ceramic", "plastic", "wood", "metal")[pick(rng, 6)]
    pattern: str | None = None
    colours: tuple[str, ...] = ()
    if material == "metal":
        finish = metal(rng)
    elif material == "wood":
        finish, colours = wooden(rng)[0], ("brown",)
    else:
        texture, pattern, colours = patterned(rng, pick_paint(rng), plain_share=0.6)
        finish = glazed(rng, texture)
    foot, belly, lip = ((0.45, 0.8, 1), (0.55, 0.97, 1), (0.35, 0.72, 1), (0.6, 0.85, 1), (0.5, 1.0, 0.93))[
        pick(rng, 5)
    ]
    wobble = None
    if chance(rng, 0.12):
        lobes = int(rng.integers(6, 14))
        wobble = lambda angle: 0.03 * np.cos(lobes * angle)  # noqa: E731  (a scalloped rim)
    body = lathe(
        vessel(radius, height, wall, foot=foot, belly=belly, lip=lip),
        finish,
        samples=34,
        squareness=5.0 if chance(rng, 0.12) else 2.0,
        wobble=wobble,
    )
    return Draft(("bowl",), (body,), colours, material, pattern)


def plate(rng: Rng) -> Draft:
    """One plate."""
    radius = rng.uniform(0.065, 0.12)
    height = radius * rng.uniform(0.1, 0.24)
    flat = rng.uniform(0.5, 0.75)
    texture, pattern, colours = patterned(rng, pick_paint(rng), plain_share=0.6)
    material = "ceramic" if chance(rng, 0.75) else "plastic"
    profile = [
        (0, 0),
        (flat * radius, 0),
        None,
        ((flat + 0.1) * radius, 0.35 * height),
        (0.98 * radius, 0.9 * height),
        (radius, 0.97 * height),
        (0.985 * radius, height),
        ((flat + 0.08) * radius, 0.45 * height + 0.001),
        (flat * 0.93 * radius, 0.0035),
        (0, 0.003),
    ]
    stretch = (1.0, float(rng.uniform(0.6, 0.8))) if chance(rng, 0.12) else (1.0, 1.0)
    body = lathe(
        profile,
        glazed(rng, texture),
        segments=40,
        samples=26,
        squareness=7.0 if chance(rng, 0.15) else 2.0,
        stretch=stretch,
    )
    return Draft(("plate", "dish"), (body,), colours, material, pattern, supports=True)


def glass(rng: Rng) -> Draft:
    """One glass."""
    tint = pick_paint(rng, ("blue", "green", "red", "purple", "yellow", "teal", "pink")) if chance(rng, 0.3) else None
    finish = clear(rng, tint=tint.rgb if tint else None)
    colours = (tint.name,) if tint else ()
    radius = rng.uniform(0.028, 0.042)
    if chance(rng, 0.3):  # on a stem
        cup_height, stem = radius * rng.uniform(1.6, 2.8), rng.uniform(0.05, 0.09)
        profile: list[tuple[float, float] | None] = [
            (0, 0),
            (radius * 0.9, 0),
            None,
            (radius * 0.85, 0.002),
            (0.006, 0.006),
            (0.0035, 0.5 * stem),
            (0.005, stem),
            (0.85 * radius, stem + 0.3 * cup_height),
            (radius, stem + 0.55 * cup_height),
            (0.82 * radius, stem + cup_height),
            (0.8 * radius, stem + cup_height),
            (0.97 * radius, stem + 0.55 * cup_height),
            (0.8 * radius, stem + 0.3 * cup_height),
            (0, stem + 0.06),
        ]
        profile[-1] = (0, stem + 0.06 * cup_height)
        return Draft(("glass", "wine glass"), (lathe(profile, finish, samples=40),), colours, "glass")
    height = radius * rng.uniform(1.9, 4.0)
    foot, belly, lip = ((0.78, 0.9, 1.0), (0.98, 1, 1), (0.7, 1.04, 0.9))[pick(rng, 3)]
    faceted = (lambda angle: 0.02 * np.cos(10 * angle)) if chance(rng, 0.2) else None
    parts = [lathe(vessel(radius, height, 0.0025, foot=foot, belly=belly, lip=lip), finish, wobble=faceted)]
    if chance(rng, 0.4) and tint is None:
        level, rgb = height * rng.uniform(0.35, 0.8), _DRINKS[pick(rng, len(_DRINKS))][1]
        fill = [
            (0, 0.004),
            (foot * radius - 0.003, 0.004),
            ((foot + belly) / 2 * radius - 0.003, 0.12 * height + 0.003),
            (min(belly, lip) * radius - 0.004, level),
            None,
            (0, level),
        ]
        parts.insert(0, lathe(fill, Finish(rgba=(rgb[0] / 255, rgb[1] / 255, rgb[2] / 255, 1), roughness=0.3)))
    return Draft(("glass", "drinking glass"), tuple(parts), colours, "glass", lying_probability=0.05)


TABLEWARE: dict[str, Callable[[Rng], Draft]] = {
    "mug": mug,
    "cup": cup,
    "bowl": bowl,
    "plate": plate,
    "glass": glass,
}

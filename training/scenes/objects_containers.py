"""Jar, bottle and can."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import Paint, contrasting, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, clear, glazed, matt, metal, painted, pick
from training.scenes.geometry import Finish, box, lathe, merge, move, sweep
from training.scenes.patterns import label, plain

_FOODS = ("red", "brown", "yellow", "orange", "green", "white", "purple", "black", "pink")


def _lid(rng: Rng, radius: float, low: float, high: float, paint: Paint | None, *, squareness: float = 2.0) -> Part:
    finish = metal(rng) if paint is None else painted(paint, roughness=0.4)
    ridged = (lambda angle: 0.015 * np.cos(26 * angle)) if chance(rng, 0.3) else None
    rounded = min(0.003, 0.3 * (high - low))
    return lathe(
        [(radius, low), (radius, high - rounded), (radius - rounded, high), None, (0, high)],
        finish,
        samples=8,
        squareness=squareness,
        wobble=ridged,
    )


def jar(rng: Rng) -> Draft:
    """One jar."""
    radius = rng.uniform(0.025, 0.052)
    height = radius * rng.uniform(1.6, 3.2)
    squareness = 5.0 if chance(rng, 0.2) else 2.0
    content = pick_paint(rng, _FOODS)
    ceramic = chance(rng, 0.18)
    colours: tuple[str, ...] = (content.name,)
    material = "ceramic" if ceramic else "glass"
    neck = rng.uniform(0.72, 0.95)
    shoulder, shape = rng.uniform(0.68, 0.8), pick(rng, 3)
    belly = (1.0, 1.06, 0.94)[shape]
    profile: list[tuple[float, float] | None] = [
        (0, 0),
        (0.9 * radius, 0),
        None,
        (radius, 0.06 * height),
        (belly * radius, 0.4 * height),
        (radius, shoulder * height),
        (neck * radius, 0.84 * height),
        None,
        (neck * radius, 0.9 * height),
        None,
        (0, 0.9 * height),
    ]
    empty = not ceramic and chance(rng, 0.12)
    finish = clear(rng) if empty else glazed(rng, plain(rng, content.rgb, amount=6 if not ceramic else 2))
    if not empty and not ceramic:
        finish = Finish(finish.texture, roughness=0.12, specular=0.9, shininess=0.9)
    parts = [lathe(profile, finish, squareness=squareness)]
    if empty:
        colours = ()
    if not ceramic and not empty and chance(rng, 0.65):
        low, high = rng.uniform(0.16, 0.28), rng.uniform(0.5, 0.62)
        ground = pick_paint(rng) if chance(rng, 0.4) else pick_paint(rng, ("white", "yellow", content.name))
        sheet = label(rng, ground, repeats=int(rng.integers(1, 4)), accent=content.rgb)
        rings = [
            (radius * 1.012 * (belly if 0.2 < z < 0.6 else 1.0), z * height) for z in (low, (low + high) / 2, high)
        ]
        parts.append(lathe(rings, matt(sheet), samples=6, squareness=squareness))
        colours = (content.name, ground.name)
    lid = None if chance(rng, 0.2) else pick_paint(rng)
    if ceramic and lid is not None and chance(rng, 0.6):
        lid = content
    if not (ceramic and chance(rng, 0.3)):
        wide = neck * rng.uniform(1.04, 1.12)
        parts.append(
            _lid(
                rng,
                wide * radius,
                rng.uniform(0.83, 0.87) * height,
                height * rng.uniform(0.98, 1.06),
                lid,
                squareness=squareness,
            )
        )
    return Draft(("jar",), tuple(parts), colours, material, lying_probability=0.08, supports=chance(rng, 0.5))


def bottle(rng: Rng) -> Draft:
    """One bottle."""
    radius = rng.uniform(0.022, 0.042)
    height = radius * rng.uniform(4.0, 7.2)
    paint = pick_paint(rng)
    design = pick(rng, 6)
    shapes: tuple[list[tuple[float, float] | None], ...] = (
        [(1, 0.03), (1, 0.55), (0.85, 0.66), (0.42, 0.78), (0.38, 0.92)],  # wine
        [(1, 0.03), (1, 0.62), (0.92, 0.74), (0.5, 0.84), (0.4, 0.92)],  # water
        [(1, 0.04), (0.9, 0.3), (1, 0.55), (0.8, 0.72), (0.42, 0.86), (0.4, 0.92)],  # waisted
        [(1, 0.03), (1, 0.76), (0.9, 0.82), (0.45, 0.86), (0.42, 0.92)],  # shampoo
        [(0.85, 0.03), (1, 0.2), (0.95, 0.5), (0.55, 0.72), (0.36, 0.84), (0.36, 0.92)],  # sauce
        [(1, 0.03), (1, 0.85), None, (0.8, 0.87), None, (0.8, 0.92)],  # sports flask
    )
    body_height = height * (0.72 if design in (3, 5) else 1.0)
    profile: list[tuple[float, float] | None] = [(0, 0), (0.85 * radius, 0), None]
    profile += [None if point is None else (point[0] * radius, point[1] * body_height) for point in shapes[design]]
    mouth = profile[-1] or (0.4 * radius, 0.92 * body_height)
    profile += [None, (0, mouth[1])]
    squareness = float(rng.uniform(3.5, 6)) if design in (1, 3) and chance(rng, 0.5) else 2.0
    stretch = (1.0, float(rng.uniform(0.55, 0.8))) if design == 3 and chance(rng, 0.7) else (1.0, 1.0)
    see_through = design in (0, 1, 4) and chance(rng, 0.5)
    clear_tint = None if see_through and chance(rng, 0.3) else paint
    finish = (
        clear(rng, tint=clear_tint.rgb if clear_tint else None)
        if see_through
        else glazed(rng, plain(rng, paint.rgb, amount=1.5))
    )
    colours: tuple[str, ...] = (clear_tint.name,) if clear_tint else ()
    material = "glass" if see_through or design == 0 else "metal" if design == 5 and chance(rng, 0.5) else "plastic"
    parts = [lathe(profile, finish, squareness=squareness, stretch=stretch, samples=34)]
    if design != 5 and chance(rng, 0.7):
        ground = pick_paint(rng) if chance(rng, 0.6) else contrasting(rng, paint, ("white", "black", "yellow"))
        low, high = rng.uniform(0.14, 0.24), rng.uniform(0.4, 0.52)
        widths = np.interp(
            (low, (low + high) / 2, high), [p[1] for p in shapes[design] if p], [p[0] for p in shapes[design] if p]
        )
        rings = [
            (1.015 * w * radius + 0.0004, z * body_height)
            for w, z in zip(widths, (low, (low + high) / 2, high), strict=True)
        ]
        parts.append(lathe(rings, glazed(rng, label(rng, ground)), samples=6, squareness=squareness, stretch=stretch))
        colours = (*colours, ground.name) if colours else ()
    parts.append(_cap(rng, mouth, body_height, design))
    return Draft(("bottle",), tuple(parts), colours, material, lying_probability=0.15)


def _cap(rng: Rng, mouth: tuple[float, float], height: float, design: int) -> Part:
    """Screw cap, pump, or spray head."""
    finish = painted(pick_paint(rng), roughness=0.4)
    radius, low = mouth[0] * 1.12 + 0.0008, mouth[1] - 0.03 * height
    top = low + height * rng.uniform(0.06, 0.12)
    cap = lathe([(radius, low), None, (radius, top), None, (0, top)], finish, samples=6, segments=24)
    kind = pick(rng, 4) if design == 3 else 0
    if kind == 1:
        stem = lathe(
            [
                (0.004, top),
                (0.004, top + 0.022),
                None,
                (0.009, top + 0.022),
                None,
                (0.009, top + 0.03),
                None,
                (0, top + 0.03),
            ],
            finish,
            segments=14,
            samples=6,
        )
        nozzle = sweep(
            [(0, 0, top + 0.027), (0.02, 0, top + 0.028), (0.033, 0, top + 0.022)], 0.0042, finish, up=(0, 1, 0)
        )
        return merge([cap, stem, nozzle])
    if kind == 2:
        head = move(box((0.05, 0.018, 0.02), finish, bevel=0.005), (0.008, 0, top + 0.01))
        neck = lathe([(0.011, top), (0.009, top + 0.014)], finish, segments=16)
        trigger = sweep(
            [(0.02, 0, top + 0.012), (0.026, 0, top - 0.005), (0.022, 0, top - 0.02)], 0.0035, finish, up=(0, 1, 0)
        )
        return merge([cap, head, neck, trigger])
    return cap


def can(rng: Rng) -> Draft:
    """One can."""
    paint = pick_paint(rng)
    design = pick(rng, 4)  # drink, food tin, flat tin, spray
    radius = (rng.uniform(0.026, 0.034), rng.uniform(0.031, 0.05), rng.uniform(0.035, 0.05), rng.uniform(0.022, 0.031))[
        design
    ]
    height = (
        radius * (rng.uniform(3.2, 4.8), rng.uniform(1.8, 2.8), rng.uniform(0.6, 1.1), rng.uniform(4.2, 6.5))[design]
    )
    bare = metal(rng)
    print_finish = Finish(
        label(rng, paint, repeats=int(rng.integers(1, 4))), roughness=0.35, specular=0.6, shininess=0.6
    )
    rim = 0.004
    if design in (0, 3):
        shoulder = 0.84 if design == 0 else 0.75
        body = lathe(
            [
                (0.8 * radius, 0),
                None,
                (radius, 0.05 * height),
                None,
                (radius, 0.92 * height),
                None,
                (shoulder * radius, 0.985 * height),
            ],
            print_finish,
            samples=10,
        )
        top: list[tuple[float, float] | None] = [
            (shoulder * radius, 0.985 * height),
            (shoulder * radius * 1.03, height),
            (shoulder * radius * 0.96, height),
            None,
            (shoulder * radius * 0.93, height - rim),
            None,
            (0, height - rim),
        ]
        parts = [body, lathe(top, bare, samples=8)]
        if design == 0:
            parts.append(
                sweep(
                    np.c_[np.linspace(-0.002, 0.012, 5), np.zeros(5), np.full(5, height - rim + 0.0012)],
                    0.0055,
                    bare,
                    flatten=0.2,
                )
            )
        else:
            cap = painted(pick_paint(rng, ("white", "black", paint.name, "red")), roughness=0.4)
            wide = rng.uniform(0.35, 0.74) * radius
            parts.append(
                lathe(
                    [(wide, height - rim), (wide, height + 0.6 * radius), None, (0, height + 0.62 * radius)],
                    cap,
                    samples=6,
                    segments=20,
                )
            )
    else:
        body = lathe([(radius, 0.03 * height), (radius, 0.96 * height)], print_finish, samples=4)
        ends = lathe(
            [(0, 0), (1.02 * radius, 0), None, (1.02 * radius, 0.035 * height), None, (radius, 0.035 * height)],
            bare,
            samples=6,
        )
        lid = lathe(
            [
                (radius, 0.955 * height),
                (1.025 * radius, 0.96 * height),
                None,
                (1.025 * radius, height),
                None,
                (0.96 * radius, height),
                None,
                (0.95 * radius, height - 0.003),
                None,
                (0, height - 0.003),
            ],
            bare,
            samples=10,
        )
        parts = [body, merge([ends, lid])]
    nouns = (("can", "soda can"), ("can", "tin"), ("can", "tin"), ("can", "spray can"))[design]
    return Draft(nouns, tuple(parts), (paint.name,), "metal", lying_probability=0.15, supports=design in (1, 2))


CONTAINERS: dict[str, Callable[[Rng], Draft]] = {
    "jar": jar,
    "bottle": bottle,
    "can": can,
}

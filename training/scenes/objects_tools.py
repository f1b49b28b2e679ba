"""Tools: scissors, screwdriver, hammer, wrench, pliers, flashlight, brush."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import contrasting, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, glazed, metal, painted, pick, wooden
from training.scenes.geometry import Finish, Floats, box, lathe, merge, move, prism, rotate, strip, sweep
from training.scenes.patterns import plain


def _grip_finish(rng: Rng, *, wood_share: float = 0.2) -> tuple[Finish, tuple[str, ...], str]:
    if chance(rng, wood_share):
        return wooden(rng)[0], ("brown",), "wood"
    paint = pick_paint(rng)
    return painted(paint, roughness=0.5), (paint.name,), "plastic"


def _level(z: float) -> Callable[[Floats, Floats], Floats]:
    """The middle surface of a flat strip."""
    return lambda position, s: np.asarray(z + 0 * position + 0 * s)


def scissors(rng: Rng) -> Draft:
    """One scissors."""
    length, half = rng.uniform(0.065, 0.1), rng.uniform(0.005, 0.0075)
    steel = metal(rng)
    paint = pick_paint(rng)
    finish = painted(paint, roughness=0.45)
    opening = rng.uniform(2, 26)
    ring_x, ring_y = rng.uniform(0.016, 0.026), rng.uniform(0.011, 0.015)
    blades, grips = [], []
    for side in (-1, 1):
        x = np.linspace(0, 1, 12)
        width = np.maximum(half * (1 - x) ** 0.7, 0.0006)
        level = 0.005 + 0.0012 * side
        blade = strip(
            x * (length + 0.008) - 0.008,
            side * (half - width) * 0.5,
            width,
            _level(level),
            0.0018,
            steel,
            across=4,
        )
        angle = np.linspace(0, 2 * np.pi, 26)
        centre = (-0.035 - ring_x, -side * (ring_y + 0.004))
        ring = sweep(
            np.c_[centre[0] + ring_x * np.cos(angle), centre[1] + ring_y * np.sin(angle), 0 * angle + level],
            0.0036,
            finish,
            segments=9,
            flatten=0.9,
        )
        arm = sweep(
            [(-0.002, 0, level), (-0.02, -side * 0.004, level), (-0.038, -side * (ring_y * 0.55 + 0.004), level)],
            [half * 0.9, 0.005, 0.004],
            finish,
            segments=9,
            flatten=0.6,
        )
        blades.append(rotate(blade, "z", side * opening / 2))
        grips += [rotate(part, "z", side * opening / 2) for part in (ring, arm)]
    screw = lathe([(0.0035, 0.003), None, (0.0035, 0.0085), None, (0, 0.0085)], steel, segments=12, samples=4)
    return Draft(("scissors",), (merge([*blades, screw]), merge(grips)), (paint.name,), "metal")


def screwdriver(rng: Rng) -> Draft:
    """One screwdriver."""
    shaft, grip = rng.uniform(0.05, 0.12), rng.uniform(0.07, 0.11)
    radius = rng.uniform(0.01, 0.016)
    finish, colours, _ = _grip_finish(rng, wood_share=0.12)
    ribs = int(rng.integers(5, 9))
    neck, belly = rng.uniform(0.5, 0.75), rng.uniform(0.9, 1.1)
    handle = lathe(
        [
            (0, 0),
            (0.75 * radius, 0.02 * grip),
            (radius, 0.15 * grip),
            (belly * radius, 0.5 * grip),
            (neck * radius, 0.82 * grip),
            (0.75 * radius, 0.95 * grip),
            None,
            (0, grip),
        ],
        finish,
        wobble=lambda angle: 0.06 * np.cos(ribs * angle),
        samples=24,
    )
    parts: list[Part] = [handle]
    if chance(rng, 0.4):
        ring = pick_paint(rng)
        parts.append(
            lathe(
                [(1.06 * radius, 0.3 * grip), (1.1 * radius, 0.38 * grip), (1.06 * radius, 0.46 * grip)],
                painted(ring),
                samples=6,
            )
        )
    thin = rng.uniform(0.0024, 0.0036)
    rod = lathe(
        [
            (thin, grip),
            (thin, grip + shaft * 0.93),
            (thin * (0.4 if chance(rng, 0.5) else 1.3), grip + shaft),
            None,
            (0, grip + shaft),
        ],
        metal(rng),
        segments=12,
        samples=8,
    )
    parts.append(rod)
    return Draft(("screwdriver",), tuple(rotate(part, "y", 90) for part in parts), colours, "metal")


def hammer(rng: Rng) -> Draft:
    """One hammer."""
    length = rng.uniform(0.17, 0.27)
    finish, colours, material = _grip_finish(rng, wood_share=0.5)
    t = np.linspace(0, 1, 14)
    girth = rng.uniform(0.009, 0.013) * (1.1 - 0.3 * t + 0.12 * np.sin(7 * t))
    handle = sweep(np.c_[t * length, 0 * t, 0 * t], girth, finish, flatten=0.8)
    design = pick(rng, 3)
    width = rng.uniform(0.07, 0.1)
    if design == 2:  # mallet
        paint = pick_paint(rng, ("black", "brown", "red", "white", "yellow", "grey"))
        barrel = lathe(
            [(0, 0), (0.024, 0), (0.026, 0.5 * width), (0.024, width), None, (0, width)], painted(paint), samples=10
        )
        head = move(rotate(barrel, "x", 90), (length, width / 2, 0))
        return Draft(("hammer", "mallet"), (handle, head), colours, material)
    steel = metal(rng) if chance(rng, 0.8) else painted(pick_paint(rng, ("black", "grey")))
    face = lathe(
        [(0, 0), (0.013, 0), None, (0.0135, 0.008), (0.0085, 0.016), (0.0105, 0.5 * width)],
        steel,
        segments=20,
        samples=10,
    )
    poll = move(rotate(face, "x", -90), (length, -width / 2, 0))
    middle = move(box((0.024, 0.03, 0.022), steel, bevel=0.004), (length, 0.008, -0.011))
    if design == 0:  # claw
        u = np.linspace(0, 1, 8)
        claws = [
            sweep(
                np.c_[length - 0.02 * u**2, 0.015 + (width / 2 - 0.01) * u, side * (0.004 + 0.004 * u)],
                np.linspace(0.007, 0.003, 8),
                steel,
                segments=8,
                flatten=0.7,
            )
            for side in (-1, 1)
        ]
        rear = merge(claws)
    else:
        rear = sweep(
            [(length, 0.015, 0), (length, 0.3 * width, 0), (length, 0.5 * width, 0)],
            [0.011, 0.009, 0.003],
            steel,
            squareness=4.0,
        )
    return Draft(("hammer",), (handle, merge([poll, middle, rear])), colours, "metal")


def wrench(rng: Rng) -> Draft:
    """One wrench."""
    length, thick = rng.uniform(0.12, 0.22), rng.uniform(0.005, 0.009)
    head, neck = rng.uniform(0.013, 0.02), rng.uniform(0.006, 0.009)
    colours: tuple[str, ...] = ()
    finish = metal(rng)
    if chance(rng, 0.3):
        paint = pick_paint(rng)
        finish, colours = painted(paint, roughness=0.4), (paint.name,)
    jaw = 0.48 * head
    angle = np.linspace(np.radians(35), np.radians(325), 22)
    outer = np.c_[length + head * np.cos(angle), head * np.sin(angle)]
    mouth = np.array(
        [
            [length + head * 0.75, -jaw],
            [length - 0.3 * head, -jaw * 0.8],
            [length - 0.3 * head, jaw * 0.8],
            [length + head * 0.75, jaw],
        ]
    )
    open_end = prism(np.concatenate([outer, mouth]), thick, finish)
    shaft = move(
        box((length - 1.2 * head, 2 * neck, 0.75 * thick), finish, bevel=0.0015),
        (length / 2 - 0.1 * head, 0, 0.12 * thick),
    )
    if chance(rng, 0.5):
        ring = lathe(
            [
                (0.5 * head, 0),
                (0.95 * head, 0),
                None,
                (0.95 * head, thick),
                None,
                (0.55 * head, thick),
                None,
                (0.5 * head, 0),
            ],
            finish,
            samples=9,
            segments=24,
        )
        parts = [open_end, shaft, ring]
    else:
        other = rotate(
            prism(np.concatenate([outer - [length, 0], mouth - [length, 0]]) * 0.85, thick, finish), "z", 180
        )
        parts = [open_end, shaft, other]
    return Draft(("wrench", "spanner"), (merge(parts),), colours, "metal")


def pliers(rng: Rng) -> Draft:
    """One pliers."""
    length = rng.uniform(0.08, 0.11)
    steel, paint = metal(rng), pick_paint(rng)
    grips, jaws = [], []
    opening, nose = rng.uniform(0.05, 0.2), rng.uniform(0.03, 0.055)
    for side in (-1, 1):
        t = np.linspace(0, 1, 14)
        y = side * (0.006 + (0.014 + opening * 0.1) * np.sin(np.pi * np.clip(t * 0.75, 0, 1)) + 0.006 * t)
        grips.append(
            sweep(
                np.c_[-0.015 - t * length, y, 0 * t + 0.007],
                0.0058 + 0.0012 * np.sin(5 * t),
                painted(paint, roughness=0.5),
                segments=10,
                flatten=0.85,
            )
        )
        u = np.linspace(0, 1, 8)
        jaws.append(
            sweep(
                np.c_[u * nose, side * (0.0045 - 0.002 * u + opening * 0.05 * u), 0 * u + 0.007],
                np.linspace(0.0065, 0.0025, 8),
                steel,
                segments=8,
                flatten=0.8,
            )
        )
        jaws.append(
            sweep(
                [(-0.018, side * 0.007, 0.007), (0, side * 0.004, 0.007)],
                [0.0055, 0.0065],
                steel,
                segments=8,
                flatten=0.8,
            )
        )
    joint = lathe([(0, 0), (0.011, 0), None, (0.011, 0.0135), None, (0, 0.0135)], steel, segments=18, samples=6)
    return Draft(("pliers",), (merge([*jaws, joint]), merge(grips)), (paint.name,), "metal")


def flashlight(rng: Rng) -> Draft:
    """One flashlight."""
    length, radius = rng.uniform(0.09, 0.17), rng.uniform(0.011, 0.018)
    paint = pick_paint(rng)
    finish, head = glazed(rng, plain(rng, paint.rgb, amount=1, size=16)), rng.uniform(1.25, 1.8)
    body = lathe(
        [
            (0, 0),
            (0.95 * radius, 0),
            None,
            (radius, 0.03 * length),
            (radius, 0.66 * length),
            (head * radius, 0.8 * length),
            (head * radius, 0.98 * length),
            None,
            (0.92 * head * radius, length),
            None,
            (0.9 * head * radius, 0.96 * length),
        ],
        finish,
        samples=26,
        wobble=(lambda angle: 0.02 * np.cos(8 * angle)) if chance(rng, 0.4) else None,
    )
    lens = lathe(
        [(0.91 * head * radius, 0.965 * length), (0, 0.95 * length)],
        Finish(rgba=(0.86, 0.88, 0.84, 1), roughness=0.2, specular=0.9, shininess=0.9),
        samples=4,
    )
    button = move(
        box((0.009, 0.006, 0.016), painted(contrasting(rng, paint, ("black", "red", "grey", "white"))), bevel=0.002),
        (0, radius, 0.5 * length),
    )
    return Draft(
        ("flashlight", "torch"),
        tuple(rotate(part, "y", 90) for part in (body, lens, button)),
        (paint.name,),
        "plastic" if chance(rng, 0.5) else "metal",
    )


def brush(rng: Rng) -> Draft:
    """One brush."""
    length, design = rng.uniform(0.14, 0.21), pick(rng, 3)
    finish, colours, material = _grip_finish(rng, wood_share=0.35)
    bristle = pick_paint(rng, ("white", "black", "brown", "blue", "red"))
    if design == 0:  # paint brush
        half = rng.uniform(0.012, 0.028)
        t = np.linspace(0, 1, 12)
        handle = sweep(
            np.c_[t * 0.6 * length, 0 * t, 0 * t + 0.008],
            np.interp(t, [0, 0.1, 0.6, 1], [0.006, 0.009, 0.007, half * 0.9]),
            finish,
            flatten=0.5,
        )
        band = move(box((0.12 * length, 2 * half, 0.012), metal(rng), bevel=0.002), (0.66 * length, 0, 0.002))
        hair = move(
            box((0.24 * length, 1.92 * half, 0.01), painted(bristle, roughness=0.9), bevel=0.004),
            (0.83 * length, 0, 0.003),
        )
        return Draft(("brush", "paintbrush"), (handle, band, hair), colours, material)
    if design == 1:  # toothbrush
        t = np.linspace(0, 1, 14)
        handle = sweep(
            np.c_[t * length, 0 * t, 0.005 + 0.003 * np.sin(np.pi * t)],
            np.interp(t, [0, 0.1, 0.5, 0.75, 0.85, 1], [0.004, 0.006, 0.0055, 0.003, 0.0055, 0.005]),
            finish,
            flatten=0.65,
        )
        tuft = move(box((0.026, 0.009, 0.011), painted(bristle, roughness=0.9), bevel=0.001), (0.92 * length, 0, 0.006))
        return Draft(("toothbrush", "brush"), (handle, tuft), colours, material)
    head = lathe([(0, 0), (0.9, 0), (1, 0.5), (0.9, 1), (0, 1)], finish, squareness=3.0, samples=10)
    width, depth = 0.2 * length, rng.uniform(0.02, 0.03)
    points = head.vertices * [width, depth, 0.012] + [width, 0, 0.018]
    scaled = Part(points, head.faces, head.uv, head.normals, head.texture, head.rgba, roughness=head.roughness)
    grip = sweep(
        [(1.9 * width, 0, 0.024), (0.7 * length, 0, 0.026), (length, 0, 0.03)],
        [0.009, 0.009, 0.007],
        finish,
        flatten=0.7,
    )
    tuft = move(box((1.8 * width, 1.7 * depth, 0.019), painted(bristle, roughness=0.9), bevel=0.003), (width, 0, 0))
    return Draft(("brush", "scrubbing brush"), (scaled, grip, tuft), colours, material)


TOOLS: dict[str, Callable[[Rng], Draft]] = {
    "scissors": scissors,
    "screwdriver": screwdriver,
    "hammer": hammer,
    "wrench": wrench,
    "pliers": pliers,
    "flashlight": flashlight,
    "brush": brush,
}

"""Cutlery and cooking: spoon, fork, knife, spatula, pan, pot, cutting board, sponge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import contrasting, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, glazed, lacquer, matt, metal, painted, pick, wooden
from training.scenes.geometry import Finish, Floats, box, lathe, merge, move, rotate, strip, sweep
from training.scenes.patterns import noise, plain, to_texture


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


def pan(rng: Rng) -> Draft:
    """One pan."""
    radius, height = rng.uniform(0.065, 0.095), rng.uniform(0.022, 0.04)
    name = ("black", "black", "red", "grey", "blue", "green", "orange", None)[pick(rng, 8)]
    finish = metal(rng) if name is None else glazed(rng, plain(rng, pick_paint(rng, (name,)).rgb))
    inner = (
        finish
        if name in (None, "black") or chance(rng, 0.4)
        else glazed(rng, plain(rng, pick_paint(rng, ("black", "white")).rgb))
    )
    foot = rng.uniform(0.75, 0.9)
    outside = lathe(
        [(0, 0), (foot * radius, 0), (0.95 * radius, 0.5 * height), (radius, height), None, (0.97 * radius, height)],
        finish,
        segments=36,
    )
    inside = lathe(
        [(0.97 * radius, height), (0.92 * radius, 0.5 * height), (foot * 0.95 * radius, 0.004), (0, 0.004)],
        inner,
        segments=36,
        samples=16,
    )
    length = rng.uniform(0.09, 0.15)
    dark = painted(pick_paint(rng, ("black", "black", "brown", "red"))) if chance(rng, 0.6) else finish
    grip = sweep(
        [
            (0.95 * radius, 0, 0.8 * height),
            (radius + 0.03, 0, height),
            (radius + 0.6 * length, 0, height + 0.014),
            (radius + length, 0, height + 0.012),
        ],
        [0.006, 0.008, 0.011, 0.009],
        dark,
        flatten=0.5,
    )
    return Draft(("pan", "frying pan"), (outside, inside, grip), () if name is None else (name,), "metal")


def pot(rng: Rng) -> Draft:
    """One pot."""
    radius = rng.uniform(0.055, 0.085)
    height = radius * rng.uniform(0.8, 1.4)
    bare = chance(rng, 0.35)
    finish, paint = lacquer(rng)
    if bare:
        finish = metal(rng)
    outside = lathe(
        [
            (0, 0),
            (0.92 * radius, 0),
            (radius, 0.1 * height),
            (radius, height),
            None,
            (1.03 * radius, height),
            None,
            (0.96 * radius, height),
            None,
            (0.95 * radius, 0.006),
            None,
            (0, 0.006),
        ],
        finish,
        segments=36,
    )
    parts = [outside]
    angle = np.linspace(-1, 1, 14) * np.pi / 2
    if chance(rng, 0.55):
        ears = [
            rotate(
                sweep(
                    np.c_[0.98 * radius + 0.022 * np.cos(angle), 0.026 * np.sin(angle), 0 * angle + 0.8 * height],
                    0.004,
                    finish,
                ),
                "z",
                turn,
            )
            for turn in (0.0, 180.0)
        ]
        parts.append(merge(ears))
    else:
        length = rng.uniform(0.09, 0.14)
        grip_finish = painted(pick_paint(rng, ("black", "brown", "grey"))) if chance(rng, 0.6) else finish
        parts.append(
            sweep(
                [
                    (0.97 * radius, 0, 0.8 * height),
                    (radius + 0.4 * length, 0, 0.88 * height),
                    (radius + length, 0, 0.9 * height),
                ],
                [0.006, 0.009, 0.008],
                grip_finish,
                flatten=0.55,
            )
        )
    if chance(rng, 0.45):
        knob = painted(pick_paint(rng, ("black", "grey", paint.name)))
        parts.append(
            lathe(
                [
                    (1.04 * radius, height),
                    (1.04 * radius, height + 0.003),
                    (0.6 * radius, height + 0.013),
                    (0, height + 0.016),
                ],
                finish,
                samples=10,
            )
        )
        parts.append(
            lathe(
                [
                    (0.006, height + 0.014),
                    (0.008, height + 0.024),
                    (0.014, height + 0.03),
                    (0.012, height + 0.035),
                    (0, height + 0.036),
                ],
                knob,
                segments=18,
                samples=12,
            )
        )
    return Draft(("pot", "saucepan"), tuple(parts), () if bare else (paint.name,), "metal")


def cutting_board(rng: Rng) -> Draft:
    """One cutting board."""
    length, width, thick = rng.uniform(0.16, 0.25), rng.uniform(0.1, 0.16), rng.uniform(0.008, 0.02)
    if chance(rng, 0.65):
        finish, colours, material = wooden(rng)[0], ("brown",), "wood"
    else:
        finish, paint = lacquer(rng)
        colours, material = (paint.name,), "plastic"
    design = pick(rng, 3)
    if design == 0:
        parts = [box((length, width, thick), finish, bevel=0.002)]
    else:
        squareness = 2.0 if design == 2 else float(rng.uniform(6, 12))
        parts = [
            lathe(
                [(0, 0), (0.49 * length, 0), None, (0.49 * length, thick), None, (0, thick)],
                finish,
                squareness=squareness,
                stretch=(1.0, 1.0 if design == 2 else width / length),
                segments=36,
                samples=8,
            )
        ]
    if design == 2 or chance(rng, 0.4):
        parts.append(move(box((0.07, 0.03, thick), finish, bevel=0.003), (length / 2 + 0.025, 0, 0)))
    return Draft(("cutting board", "board"), (merge(parts),), colours, material, supports=True)


def sponge(rng: Rng) -> Draft:
    """One sponge."""
    size = rng.uniform((0.075, 0.048, 0.018), (0.115, 0.075, 0.032))
    paint = pick_paint(rng)
    pores = noise(rng, 128, 128, 1.0)
    texture = to_texture(np.array(paint.rgb, float) * (1 - 0.3 * (pores > 1.4))[..., None])
    finish = matt(texture)
    if chance(rng, 0.25):
        body = lathe(
            [(0, 0), (0.5 * size[0], 0), (0.52 * size[0], 0.5 * size[2]), (0.5 * size[0], size[2]), (0, size[2])],
            finish,
            squareness=3.0,
            stretch=(1.0, float(size[1] / size[0])),
            samples=12,
        )
    else:
        body = box(size, finish, bevel=0.004)
    parts, colours = [body], (paint.name,)
    if chance(rng, 0.6):
        pad = contrasting(rng, paint, ("green", "blue", "grey", "white", "black"))
        parts.append(
            move(
                box((size[0], size[1], 0.28 * size[2]), matt(plain(rng, pad.rgb, amount=10, sigma=0.7)), bevel=0.002),
                (0, 0, float(size[2]) * 0.97),
            )
        )
        if chance(rng, 0.6):
            parts = [move(rotate(part, "x", 180), (0, 0, 1.25 * float(size[2]))) for part in parts]
            colours = (paint.name, pad.name)
        else:
            colours = (pad.name, paint.name)
    return Draft(("sponge",), tuple(parts), colours, "foam")


KITCHEN: dict[str, Callable[[Rng], Draft]] = {
    "spoon": spoon,
    "fork": fork,
    "knife": knife,
    "spatula": spatula,
    "pan": pan,
    "pot": pot,
    "cutting_board": cutting_board,
    "sponge": sponge,
}

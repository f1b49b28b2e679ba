"""Cooking: pan, pot, cutting board, sponge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import contrasting, pick_paint
from training.scenes.draft import Draft, Rng, chance, glazed, lacquer, matt, metal, painted, pick, wooden
from training.scenes.geometry import box, lathe, merge, move, planar_uv, rotate, sweep
from training.scenes.patterns import noise, plain, to_texture


def pan(rng: Rng) -> Draft:
    """One pan."""
    radius, height = rng.uniform(0.065, 0.095), rng.uniform(0.022, 0.04)
    name = ("black", "black", "red", "grey", "blue", "green", "orange", None)[pick(rng, 8)]
    finish = metal(rng) if name is None else glazed(rng, plain(rng, pick_paint(rng, (name,)).rgb))
    inner, colours = finish, () if name is None else (name,)
    if name not in (None, "black") and chance(rng, 0.3):  # then the inside is what one mostly sees
        lining = pick_paint(rng, ("black", "white"))
        inner, colours = glazed(rng, plain(rng, lining.rgb)), (lining.name, *colours)
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
    return Draft(("pan", "frying pan"), (outside, inside, grip), colours, "metal")


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
    return Draft(("cutting board", "board"), (planar_uv(merge(parts)),), colours, material, supports=True)


def sponge(rng: Rng) -> Draft:
    """One sponge."""
    size = rng.uniform((0.075, 0.048, 0.018), (0.115, 0.075, 0.032))
    paint = pick_paint(rng)
    pores = noise(rng, 128, 128, 1.0)
    texture = to_texture(np.array(paint.rgb, float) * (1 - 0.3 * (pores > 1.4))[..., None])
    finish = matt(texture)
    if chance(rng, 0.25):
        body = planar_uv(
            lathe(
                [(0, 0), (0.5 * size[0], 0), (0.52 * size[0], 0.5 * size[2]), (0.5 * size[0], size[2]), (0, size[2])],
                finish,
                squareness=3.0,
                stretch=(1.0, float(size[1] / size[0])),
                samples=12,
            )
        )
    else:
        body = box(size, finish, bevel=0.004)
    parts = [body]
    colours: tuple[str, ...] = (paint.name,)
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


COOKWARE: dict[str, Callable[[Rng], Draft]] = {
    "pan": pan,
    "pot": pot,
    "cutting_board": cutting_board,
    "sponge": sponge,
}

"""Desk: book, phone, remote, mouse, pen, tape, stapler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from training.scenes.colours import Paint, contrasting, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, glazed, matt, metal, painted, pick
from training.scenes.geometry import Finish, box, lathe, merge, move, planar_uv, prism, rotate, scale, sweep
from training.scenes.patterns import Texture, atlas, label, noise, plain, to_texture


def book(rng: Rng) -> Draft:
    """One book."""
    width, length, thick = rng.uniform(0.09, 0.15), rng.uniform(0.13, 0.21), rng.uniform(0.008, 0.035)
    paint = pick_paint(rng)
    front = label(rng, paint, width=144, height=200, repeats=1)
    if chance(rng, 0.2):
        front = np.ascontiguousarray(front[::-1, ::-1])
    ground = np.full((32, 32, 3), paint.rgb, np.uint8)
    cover = Finish(atlas([ground, ground, ground, ground, front, ground]), roughness=0.5, specular=0.2)
    board = 0.0022 if chance(rng, 0.5) else 0.0008
    plain_cover = painted(paint)
    top = move(box((width, length, board), cover, bevel=0.0004), (0, 0, thick - board))
    bottom = box((width, length, board), plain_cover, bevel=0.0004)
    spine = move(box((board, length, thick), plain_cover, bevel=0.0004), (-width / 2, 0, 0))
    pages = np.full((64, 64, 3), (236, 232, 220), np.uint8)
    pages[::2] -= np.uint8(24)
    block = move(
        box((width - 0.006, length - 0.006, thick - 2 * board), matt(np.tile(pages, (1, 1, 1))), bevel=0.0002),
        (0, 0, board),
    )
    parts = [top, merge([bottom, spine]), block]
    return Draft(
        ("book",) if board > 0.001 else ("book", "notebook"),
        tuple(parts),
        (paint.name,),
        "paper",
        supports=True,
        lying_probability=0.0,
    )


def _screen(rng: Rng, rgb: tuple[int, int, int]) -> Texture:
    image = np.full((128, 64, 3), rgb, np.uint8)
    if chance(rng, 0.3):
        for row in range(4):
            for column in range(3):
                colour = tuple(int(c) for c in rng.integers(60, 255, 3))
                cv2.rectangle(image, (8 + column * 18, 20 + row * 20), (20 + column * 18, 32 + row * 20), colour, -1)
    return image


def phone(rng: Rng) -> Draft:
    """One phone."""
    width, length, thick = rng.uniform(0.06, 0.078), rng.uniform(0.125, 0.165), rng.uniform(0.007, 0.011)
    paint = pick_paint(rng)
    shell = glazed(rng, plain(rng, paint.rgb, amount=1, size=16))
    body = lathe(
        [(0, 0), (0.98, 0), (1.0, 0.5 * thick), (0.98, thick), None, (0, thick)],
        shell,
        squareness=9.0,
        samples=12,
        segments=44,
    )
    body = scale(body, (width / 2, length / 2, 1.0))
    if chance(rng, 0.55):  # screen up: dark, the shell seen only at the rim
        glass = Finish(atlas([_screen(rng, (20, 22, 26))] * 6), roughness=0.15, specular=0.9, shininess=0.9)
        front = move(box((width * 0.93, length * 0.95, 0.0008), glass, bevel=0.0002), (0, 0, thick - 0.0003))
        return Draft(("phone", "smartphone"), (body, front), ("black",), "glass")
    lens = painted(Paint("black", (25, 25, 28)), roughness=0.2, specular=0.9)
    island = move(
        box((0.022, 0.026 if chance(rng, 0.6) else 0.04, 0.002), lens, bevel=0.0008),
        (-width * 0.26, length * 0.36, thick - 0.0005),
    )
    return Draft(("phone", "smartphone"), (body, island), (paint.name,), "plastic")


def remote(rng: Rng) -> Draft:
    """One remote."""
    width, length, thick = rng.uniform(0.034, 0.052), rng.uniform(0.12, 0.2), rng.uniform(0.014, 0.024)
    paint = pick_paint(rng, ("black", "black", "grey", "white", "blue", "red", "purple", "teal"))
    face = np.full((192, 56, 3), paint.rgb, np.uint8)
    dark = sum(paint.rgb) < 330
    for row in range(int(rng.integers(5, 10))):
        for column in range(3):
            centre = (12 + 16 * column, 60 + 13 * row)
            colour = (185, 185, 185) if dark else (50, 50, 54)
            if row == 0:
                colour = ((200, 50, 40), (60, 150, 60), (60, 90, 190))[column]
            cv2.circle(face, centre, 4, colour, -1, cv2.LINE_AA)
    if chance(rng, 0.6):
        cv2.circle(face, (28, 32), 15, (90, 90, 94) if dark else (60, 60, 64), -1, cv2.LINE_AA)
        cv2.circle(face, (28, 32), 6, paint.rgb, -1, cv2.LINE_AA)
    cv2.circle(face, (12, 10), 4, (205, 40, 35), -1, cv2.LINE_AA)
    ground = np.full((16, 16, 3), paint.rgb, np.uint8)
    finish = Finish(atlas([ground, ground, ground, ground, face, ground]), roughness=0.5, specular=0.3)
    parts = [box((width, length, thick), finish, bevel=rng.uniform(0.002, 0.005))]
    if chance(rng, 0.35):
        parts.append(
            move(
                box(
                    (0.6 * width, 0.6 * width, 0.003),
                    painted(contrasting(rng, paint, ("grey", "black", "white"))),
                    bevel=0.001,
                ),
                (0, 0.28 * length, thick - 0.001),
            )
        )
    return Draft(("remote", "remote control"), tuple(parts), (paint.name,), "plastic")


def _mouse_buttons(rng: Rng, paint: Paint) -> Texture:
    """The shell from above, front at the top: the gaps around its two buttons, often a darker front or sides."""
    shell = np.full((128, 64, 3), paint.rgb, np.uint8)
    gap = tuple(int(0.35 * channel) for channel in paint.rgb) if sum(paint.rgb) > 150 else (110, 110, 112)
    cv2.line(shell, (32, 0), (32, 54), gap, 2)
    if chance(rng, 0.6):
        cv2.ellipse(shell, (32, 54), (34, 8), 0, 0, 180, gap, 2)
    if chance(rng, 0.3):
        shell[:, :9] = shell[:, -9:] = gap
    return shell


def mouse(rng: Rng) -> Draft:
    """One mouse."""
    length, width, height = rng.uniform(0.095, 0.12), rng.uniform(0.055, 0.066), rng.uniform(0.032, 0.042)
    paint = pick_paint(rng)
    peak = rng.uniform(0.1, 0.3)
    body = lathe(
        [(0, 0), (0.96, 0), None, (1.0, 0.25), (0.95, 0.55), (0.7, 0.85), (0.35, 0.98), (0, 1.0)],
        glazed(rng, _mouse_buttons(rng, paint)),
        squareness=float(rng.uniform(2.2, 3.2)),
        samples=24,
    )

    body = planar_uv(scale(body, (width / 2, length / 2, height)))
    points = body.vertices.copy()
    points[:, 2] *= 1 - peak * (points[:, 1] / length + 0.5) ** 2
    body = replace(body, vertices=points)
    dark = painted(Paint("black", (38, 38, 40))) if sum(paint.rgb) > 200 else painted(Paint("grey", (120, 120, 124)))
    top = height * (1 - peak * 0.6)
    wheel = move(
        rotate(
            lathe([(0, 0), (0.011, 0), None, (0.011, 0.007), None, (0, 0.007)], dark, segments=20, samples=6), "y", 90
        ),
        (-0.0035, length * 0.27, top - 0.0105),
    )
    parts = [body, wheel]
    if chance(rng, 0.35):
        t = np.linspace(0, 1, 20)
        cable = np.c_[0.02 * np.sin(3 * t) * t, length * 0.49 + 0.05 * t, 0.006 - 0.004 * t]
        parts.append(sweep(cable, 0.0016, dark, segments=8))
    return Draft(("mouse", "computer mouse"), tuple(parts), (paint.name,), "plastic")


def pen(rng: Rng) -> Draft:
    """One pen."""
    length, radius = rng.uniform(0.12, 0.15), rng.uniform(0.004, 0.0065)
    paint = pick_paint(rng)
    design = pick(rng, 3)
    finish = glazed(rng, plain(rng, paint.rgb, amount=1, size=16))
    if design == 0:  # pencil
        body = lathe([(radius, 0), (radius, 0.87 * length)], painted(paint), segments=6, samples=3)
        tip = lathe(
            [(radius, 0.87 * length), (0.0012, 0.985 * length)],
            matt(plain(rng, (214, 170, 120))),
            segments=12,
            samples=3,
        )
        lead = lathe(
            [(0.0013, 0.98 * length), (0, length)], painted(Paint("black", (40, 40, 42))), segments=8, samples=3
        )
        end = lathe(
            [(0, -0.012), (radius, -0.012), None, (radius, 0)],
            painted(pick_paint(rng, ("pink", paint.name))),
            segments=14,
            samples=4,
        )
        parts: tuple[Part, ...] = (body, tip, lead, end)
        nouns: tuple[str, ...] = ("pencil",)
    elif design == 1:  # marker
        radius *= 1.5
        white = chance(rng, 0.4)
        body = lathe(
            [(0, 0), (radius, 0), None, (radius, 0.62 * length), None, (0.8 * radius, 0.63 * length)],
            finish if not white else painted(Paint("white", (236, 236, 232))),
            segments=20,
            samples=8,
        )
        cap = lathe(
            [
                (1.08 * radius, (0.3 if white else 0.6) * length),
                (1.06 * radius, 0.97 * length),
                (0.9 * radius, length),
                None,
                (0, length),
            ],
            finish,
            segments=20,
            samples=8,
        )
        parts = (body, cap)
        nouns = ("marker", "pen")
    else:
        body = lathe(
            [
                (0, 0),
                (0.7 * radius, 0),
                None,
                (radius, 0.05 * length),
                (radius, 0.82 * length),
                (0.75 * radius, 0.9 * length),
                (0.0012, 0.98 * length),
                (0.0008, length),
            ],
            finish,
            segments=16,
        )
        trim = metal(rng) if chance(rng, 0.6) else painted(pick_paint(rng, ("black", "white", paint.name)))
        clip = move(rotate(box((0.0025, 0.001, 0.038), trim, bevel=0.0003), "z", 0), (0, radius + 0.001, 0.01))
        band = lathe([(1.04 * radius, 0.5 * length), (1.04 * radius, 0.53 * length)], trim, segments=16, samples=3)
        click = lathe([(0, -0.008), (0.0025, -0.008), None, (0.0025, 0.002)], trim, segments=10, samples=4)
        parts = (body, merge([clip, band, click]))
        nouns = ("pen",)
    return Draft(
        nouns, tuple(rotate(part, "y", 90) for part in parts), (paint.name,), "wood" if design == 0 else "plastic"
    )


def tape(rng: Rng) -> Draft:
    """One tape."""
    radius, height = rng.uniform(0.024, 0.055), rng.uniform(0.012, 0.05)
    hole = radius * rng.uniform(0.5, 0.78)
    paint = pick_paint(rng)
    side = to_texture(np.array(paint.rgb, float) + 5 * noise(rng, 64, 16, 0.8)[..., None])
    roll = lathe(
        [(hole + 0.001, 0), (radius, 0), None, (radius, height), None, (hole + 0.001, height)],
        Finish(side, roughness=0.35, specular=0.5, shininess=0.6),
        samples=9,
        segments=40,
    )
    core = pick_paint(rng, ("brown", "white", "grey"))
    inner = lathe(
        [(hole + 0.001, height), (hole - 0.001, height), None, (hole - 0.001, 0), None, (hole + 0.001, 0)],
        painted(core, roughness=0.8),
        samples=9,
        segments=40,
    )
    return Draft(("tape", "roll of tape"), (roll, inner), (paint.name,), "plastic", lying_probability=0.25)


def stapler(rng: Rng) -> Draft:
    """One stapler."""
    length, width = rng.uniform(0.09, 0.15), rng.uniform(0.026, 0.036)
    paint = pick_paint(rng)
    lift = rng.uniform(6, 13)
    outline = np.array(
        [[0, -0.07], [0.95, -0.07], [1, -0.03], [1, 0.03], [0.8, 0.1], [0.4, 0.13], [0.06, 0.13], [0, 0.08]]
    )
    arm = rotate(prism(outline * length, width, painted(paint), bevel=0.003), "x", 90)
    magazine = move(
        box((length * 0.94, width * 0.7, length * 0.07), metal(rng), bevel=0.001),
        (length * 0.49, -width / 2, -0.14 * length),
    )
    foot_paint = Paint("black", (38, 38, 40)) if chance(rng, 0.5) else paint
    upper = [move(rotate(move(part, (0, width / 2, 0)), "y", -lift), (0, 0, 0.19 * length)) for part in (arm, magazine)]
    foot = move(box((length * 1.05, width, 0.05 * length), painted(foot_paint), bevel=0.002), (length * 0.5, 0, 0))
    anvil = move(box((0.1 * length, 0.4 * width, 0.004), metal(rng), bevel=0.001), (0.92 * length, 0, 0.05 * length))
    hinge = move(
        box((0.12 * length, width * 0.9, 0.22 * length), painted(foot_paint), bevel=0.002), (0.05 * length, 0, 0)
    )
    return Draft(("stapler",), (*upper, foot, anvil, hinge), (paint.name,), "plastic")


DESK: dict[str, Callable[[Rng], Draft]] = {
    "book": book,
    "phone": phone,
    "remote": remote,
    "mouse": mouse,
    "pen": pen,
    "tape": tape,
    "stapler": stapler,
}

"""Toys and living room: block, ball, die, candle, clock, cloth."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from training.scenes.colours import Paint, contrasting, pick_paint
from training.scenes.draft import Draft, Rng, chance, clear, glazed, lacquer, matt, metal, painted, pick, wooden
from training.scenes.geometry import Finish, box, lathe, merge, move, planar_uv, prism, rotate, scale, sweep
from training.scenes.patterns import atlas, noise, patterned, plain, to_texture, write


def candle(rng: Rng) -> Draft:
    """One candle."""
    paint, design = pick_paint(rng), pick(rng, 4)
    wax = Finish(plain(rng, paint.rgb, amount=3), roughness=0.5, specular=0.25, shininess=0.4)
    radius = (rng.uniform(0.018, 0.04), rng.uniform(0.008, 0.012), rng.uniform(0.028, 0.04), rng.uniform(0.018, 0.022))[
        design
    ]
    height = (radius * rng.uniform(1.5, 4.0), rng.uniform(0.1, 0.2), radius * rng.uniform(1.3, 2.2), 0.016)[design]
    dip = min(0.005, 0.2 * height)
    profile: list[tuple[float, float] | None] = [
        (0, 0),
        (radius, 0),
        None,
        (radius, height - 0.002),
        (0.94 * radius, height),
        (0.7 * radius, height - dip),
        (0, height - dip),
    ]
    parts = [lathe(profile, wax, squareness=6.0 if design == 0 and chance(rng, 0.2) else 2.0, samples=20)]
    wick = sweep(
        [(0, 0, height - dip), (0, 0, height + 0.002), (0.002, 0, height + 0.007)],
        0.001,
        painted(Paint("black", (40, 36, 34))),
        segments=6,
        up=(0, 1, 0),
    )
    parts.append(wick)
    material: str | None = None
    if design == 1:  # a taper in its holder
        holder = metal(rng) if chance(rng, 0.4) else painted(contrasting(rng, paint))
        base = [
            (0, -0.012),
            (0.034, -0.012),
            None,
            (0.036, -0.008),
            (0.014, -0.004),
            (radius + 0.004, 0.008),
            None,
            (radius, 0.008),
        ]
        parts.append(lathe(base, holder, samples=14))
    elif design == 2:  # poured into a glass
        parts.insert(
            1,
            lathe(
                [
                    (0, -0.003),
                    (radius + 0.002, -0.003),
                    None,
                    (radius + 0.002, height + 0.016),
                    None,
                    (radius, height + 0.016),
                ],
                clear(rng),
                samples=8,
            ),
        )
        material = "glass"
    elif design == 3:  # tea light
        parts.append(
            lathe(
                [(0, -0.001), (radius + 0.0008, -0.001), None, (radius + 0.0008, height), (radius + 0.002, height)],
                metal(rng),
                samples=8,
            )
        )
    return Draft(("candle",), tuple(parts), (paint.name,), material)


def block(rng: Rng) -> Draft:
    """One block."""
    paint, design = pick_paint(rng), pick(rng, 6)
    size = rng.uniform(0.03, 0.055)
    finish = glazed(rng, plain(rng, paint.rgb, amount=2, size=32))
    material = "wood" if chance(rng, 0.6) else "plastic"
    nouns: tuple[str, ...] = ("block", "toy block")
    colours: tuple[str, ...] = (paint.name,)
    if design == 0:  # brick with studs
        count = int(rng.integers(1, 4))
        body = box((0.016 * 2, 0.016 * count, 0.019), finish, bevel=0.0006)
        studs = [
            move(
                lathe([(0.005, 0), (0.005, 0.0036), None, (0, 0.0036)], finish, segments=14, samples=4),
                (x * 0.008, y, 0.019),
            )
            for x in (-1, 1)
            for y in (np.arange(count) - (count - 1) / 2) * 0.016
        ]
        larger = rng.uniform(1.2, 2.2)

        parts = [scale(merge([body, *studs]), (larger, larger, larger))]
        nouns, material = ("block", "toy brick"), "plastic"
    elif design == 1:  # letter
        face = np.full((96, 96, 3), paint.rgb, np.uint8)
        ink = (245, 240, 225) if sum(paint.rgb) < 420 else (40, 40, 44)
        cv2.rectangle(face, (7, 7), (88, 88), ink, 3)
        write(face, str(rng.choice(list("ABCDEFGHKMRSTX123456789"))), (48, 48), (46, 46), ink, cv2.FONT_HERSHEY_DUPLEX)
        parts = [box((size, size, size), Finish(atlas([face] * 6), roughness=0.6), bevel=0.002)]
    elif design == 2:  # cylinder
        parts = [
            lathe([(0, 0), (0.5 * size, 0), None, (0.5 * size, size * 1.2), None, (0, size * 1.2)], finish, samples=6)
        ]
    elif design == 3:  # arch or triangle
        if chance(rng, 0.5):
            outline = np.array([[-0.9, 0], [0.9, 0], [0, 1.0]]) * size
        else:
            angle = np.linspace(0, np.pi, 12)
            outline = (
                np.concatenate(
                    [
                        [[-0.9, 0], [-0.45, 0]],
                        np.c_[-0.45 * np.cos(angle), 0.45 * np.sin(angle)],
                        [[0.9, 0], [0.9, 0.9], [-0.9, 0.9]],
                    ]
                )[1:]
                * size
            )
            outline = np.concatenate([[[-0.9 * size, 0.0]], outline])
            outline = outline[np.r_[True, np.linalg.norm(np.diff(outline, axis=0), axis=1) > 1e-6]]
        parts = [rotate(prism(outline, size * 0.9, painted(paint)), "x", 90)]
    else:
        if design == 4:
            nouns = ("block", "cube")
            dims = np.array([size, size, size])
        else:
            dims = rng.uniform((0.025, 0.025, 0.02), (0.06, 0.09, 0.06))
        if material == "wood" and chance(rng, 0.2):
            finish, colours = wooden(rng)[0], ("brown",)
        parts = [box(dims, finish, bevel=rng.uniform(0.001, 0.003))]
    return Draft(nouns, tuple(parts), colours, material, supports=True)


def ball(rng: Rng) -> Draft:
    """One ball."""
    radius, design = rng.uniform(0.02, 0.05), pick(rng, 5)
    paint = pick_paint(rng)
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 192), np.linspace(0, np.pi, 96))
    values = np.ones((96, 192, 1)) * np.array(paint.rgb, float)
    pattern, material, rough = None, "rubber", 0.6
    colours: tuple[str, ...] = (paint.name,)
    nouns: tuple[str, ...] = ("ball",)
    if design == 0:  # tennis
        paint = Paint("yellow", (205, 222, 60)) if chance(rng, 0.6) else paint
        values = np.ones((96, 192, 1)) * np.array(paint.rgb, float) + 9 * noise(rng, 96, 192, 0.7)[..., None]
        values[np.abs(v - np.pi / 2 - 0.7 * np.sin(2 * u)) < 0.06] = (238, 238, 230)
        radius, nouns, material, rough = 0.0335, ("ball", "tennis ball"), "fabric", 0.9
        colours = (paint.name,) if paint.name != "yellow" else ("yellow", "green")
    elif design == 1:  # beach
        other, count = contrasting(rng, paint), int(rng.integers(3, 6))
        values[(u * count / (2 * np.pi)) % 1 < 0.38] = other.rgb
        colours, pattern, material = (paint.name, other.name), "striped", "plastic"
    elif design == 2:  # spots or seams
        other = contrasting(rng, paint, ("white", "black", "red", "yellow"))
        grid = (np.abs((u * 3 / np.pi) % 1 - 0.5) < 0.16) & (np.abs((v * 3 / np.pi) % 1 - 0.5) < 0.2)
        seams = (np.abs(u % np.pi - np.pi / 2) < 0.03) | (np.abs(v - np.pi / 2) < 0.03)
        values[grid if chance(rng, 0.5) else seams] = other.rgb
    else:
        values += 2 * noise(rng, 96, 192, 2.0)[..., None]
    angle = np.linspace(-np.pi / 2, np.pi / 2, 15)
    outline = [(float(radius * max(np.cos(a), 0.0)), float(radius * (1 + np.sin(a)))) for a in angle]
    body = lathe(
        outline,
        Finish(to_texture(values), roughness=rough, specular=0.4 * (1 - rough), shininess=1 - rough),
        samples=24,
    )
    return Draft(nouns, (body,), colours, material, pattern)


def dice(rng: Rng) -> Draft:
    """One dice."""
    size = rng.uniform(0.018, 0.04)
    paint = pick_paint(rng)
    spots = {
        1: [(0, 0)],
        2: [(-1, -1), (1, 1)],
        3: [(-1, -1), (0, 0), (1, 1)],
        4: [(-1, -1), (1, 1), (-1, 1), (1, -1)],
        5: [(-1, -1), (1, 1), (-1, 1), (1, -1), (0, 0)],
        6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)],
    }
    ink = (245, 245, 245) if sum(paint.rgb) < 430 else (25, 25, 28)
    faces = []
    for number in (1, 6, 2, 5, 3, 4):
        face = np.full((96, 96, 3), paint.rgb, np.uint8)
        for x, y in spots[number]:
            cv2.circle(face, (48 + 24 * x, 48 + 24 * y), 9, ink, -1, cv2.LINE_AA)
        faces.append(face)
    return Draft(
        ("die", "dice"),
        (box((size, size, size), Finish(atlas(faces), roughness=0.3, specular=0.5, shininess=0.6), bevel=0.12 * size),),
        (paint.name,),
        "plastic",
    )


def clock(rng: Rng) -> Draft:
    """One clock."""
    radius, thick = rng.uniform(0.035, 0.055), rng.uniform(0.02, 0.035)
    finish, paint = lacquer(rng)
    face = np.full((192, 192, 3), paint.rgb, np.uint8)
    dial = (242, 240, 232) if chance(rng, 0.7) else paint.rgb
    cv2.circle(face, (96, 96), 78, dial, -1, cv2.LINE_AA)
    ink = (25, 25, 28) if sum(dial) > 380 else (240, 240, 240)
    for hour in range(12):
        angle = hour * np.pi / 6
        near, far = (
            (round(96 + 62 * np.cos(angle)), round(96 + 62 * np.sin(angle))),
            (round(96 + 71 * np.cos(angle)), round(96 + 71 * np.sin(angle))),
        )
        cv2.line(face, near, far, ink, 4)
    for reach, thickness in ((38, 5), (56, 3)):
        angle = rng.uniform(0, 2 * np.pi)
        cv2.line(
            face,
            (96, 96),
            (round(96 + reach * np.cos(angle)), round(96 + reach * np.sin(angle))),
            ink,
            thickness,
            cv2.LINE_AA,
        )
    rim = np.linspace(0, 2 * np.pi, 37)[:-1]
    case = lathe(
        [
            (0, 0),
            (0.94 * radius, 0),
            (radius, 0.3 * thick),
            (radius, 0.9 * thick),
            (0.97 * radius, thick),
            None,
            (0.9 * radius, 0.93 * thick),
        ],
        finish,
        segments=36,
        samples=14,
    )
    disc = prism(np.c_[np.cos(rim), np.sin(rim)] * 0.93 * radius, 0.93 * thick, Finish(face, roughness=0.4))
    parts = [move(rotate(part, "x", 90), (0, 0, radius)) for part in (case, disc)]
    feet = [
        move(
            rotate(lathe([(0.005, -0.012), (0.005, 0.02)], finish, segments=12, samples=3), "y", tilt),
            (x * radius, -thick / 2, 0),
        )
        for x, tilt in ((-0.6, 20), (0.6, -20))
    ]
    parts.append(merge(feet))
    if chance(rng, 0.5):
        bells = [
            move(
                lathe([(0.016, 0), (0.014, 0.007), (0, 0.012)], metal(rng), segments=16, samples=8),
                (x * radius, -thick / 2, 1.88 * radius),
            )
            for x in (-0.45, 0.45)
        ]
        parts.append(merge(bells))
    colours = (paint.name,) if dial == paint.rgb else (paint.name, "white")
    return Draft(("clock", "alarm clock"), tuple(parts), colours, "plastic")


def cloth(rng: Rng) -> Draft:
    """A folded towel or napkin: soft layers."""
    width, length = rng.uniform(0.08, 0.13), rng.uniform(0.08, 0.16)
    paint, layers = pick_paint(rng), int(rng.integers(2, 5))
    texture, pattern, colours = patterned(rng, paint, plain_share=0.5)
    finish, parts, thick = matt(texture), [], rng.uniform(0.005, 0.009)
    for layer in range(layers):
        soft = lathe(
            [(0, 0), (0.97, 0), (1.0, 0.5 * thick), (0.97, thick), (0, thick)],
            finish,
            squareness=8.0,
            samples=10,
            segments=36,
            wobble=lambda angle: 0.01 * np.sin(5 * angle),
        )
        soft = scale(soft, (width / 2 * rng.uniform(0.95, 1.0), length / 2 * rng.uniform(0.95, 1.0), 1.0))
        parts.append(move(soft, (rng.uniform(-0.002, 0.002), rng.uniform(-0.002, 0.002), 0.92 * layer * thick)))
    return Draft(("cloth", "towel"), (planar_uv(merge(parts)),), colours, "fabric", pattern, supports=True)


TOYS: dict[str, Callable[[Rng], Draft]] = {
    "candle": candle,
    "block": block,
    "ball": ball,
    "die": dice,
    "clock": clock,
    "cloth": cloth,
}

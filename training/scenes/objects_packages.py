"""Packages and carriers: box, carton, bag, basket, bucket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import Paint, contrasting, pick_paint
from training.scenes.draft import Draft, Rng, chance, glazed, matt, metal, painted, pick
from training.scenes.geometry import Finish, box, grid_part, lathe, move, rotate, sweep
from training.scenes.patterns import Texture, atlas, label, plain, woven


def _printed_faces(rng: Rng, paint: Paint) -> Texture:
    accent = contrasting(rng, paint).rgb
    front = label(rng, paint, width=128, height=160, repeats=1, accent=accent)
    side = label(rng, paint, width=128, height=160, repeats=1, accent=accent)
    ground = np.full((128, 128, 3), paint.rgb, np.uint8)
    return atlas([side, side, front, front, ground if chance(rng, 0.5) else front, ground])


def carton_box(rng: Rng) -> Draft:
    """One carton box."""
    design = pick(rng, 4)
    size = rng.uniform((0.03, 0.05, 0.06), (0.075, 0.14, 0.19))
    if design == 0:
        size = rng.uniform((0.04, 0.05, 0.03), (0.12, 0.16, 0.09))
    paint = pick_paint(rng)
    if design == 1:  # plain cardboard with tape
        paint = Paint("brown", ((172, 128, 86), (150, 108, 70), (132, 94, 62))[pick(rng, 3)])
        sheet = plain(rng, paint.rgb, amount=4, size=128)
        faces = [sheet] * 6
        if chance(rng, 0.7):
            faces = [sheet.copy() for _ in range(6)]
            for face in faces[2:]:
                face[:, 56:72] = (205, 180, 140)
        return Draft(
            ("box", "cardboard box"),
            (box(size, matt(atlas(faces)), bevel=0.0012),),
            ("brown",),
            "cardboard",
            lying_probability=0.2,
            supports=True,
        )
    if design == 2:  # a box with a lid of its own
        lid_paint = paint if chance(rng, 0.5) else contrasting(rng, paint)
        height = float(size[2]) * 0.6
        body = box((size[0], size[1], height), painted(paint))
        top = move(box((size[0] + 0.004, size[1] + 0.004, 0.3 * height), painted(lid_paint)), (0, 0, 0.75 * height))
        colours = (paint.name, lid_paint.name)
        return Draft(("box",), (body, top), colours, "plastic" if chance(rng, 0.5) else "cardboard", supports=True)
    finish = Finish(_printed_faces(rng, paint), roughness=0.6, specular=0.15, shininess=0.2)
    return Draft(
        ("box", "package"),
        (box(size, finish, bevel=0.001),),
        (paint.name,),
        "cardboard",
        lying_probability=0.3,
        supports=True,
    )


def milk_carton(rng: Rng) -> Draft:
    """One milk carton."""
    width = rng.uniform(0.05, 0.075)
    height = width * rng.uniform(1.7, 2.6)
    paint = pick_paint(rng)
    finish = Finish(_printed_faces(rng, paint), roughness=0.4, specular=0.3, shininess=0.4)
    body = box((width, width, height), finish, bevel=0.0015)
    parts = [body]
    flat = painted(paint, roughness=0.4)
    if chance(rng, 0.7):  # gable: the roof is a lathe of four corners pressed to a ridge
        rise = 0.45 * width
        roof = lathe([(width / 2 * 1.38, 0), (0.001, rise)], flat, segments=4, samples=3)
        roof = rotate(roof, "z", 45)
        ridge = box((width * 0.96, 0.003, 0.5 * rise), flat, bevel=0.0005)
        parts += [move(roof, (0, 0, height - 0.001)), move(ridge, (0, 0, height + 0.55 * rise))]
        sides = [
            rotate(move(box((width * 0.96, 0.002, rise * 1.1), flat, bevel=0.0004), (0, 0, 0)), "x", tilt)
            for tilt in (42.0, -42.0)
        ]
        parts += [
            move(side, (0, sign * width * 0.47, height - 0.001)) for side, sign in zip(sides, (-1, 1), strict=True)
        ]
    if chance(rng, 0.6):
        cap = painted(pick_paint(rng), roughness=0.4)
        turn = lathe([(0.009, 0), (0.009, 0.011), None, (0, 0.011)], cap, segments=18, samples=5)
        parts.append(move(turn, (0, 0.2 * width, height + (0.16 * width if len(parts) > 1 else 0))))
    return Draft(("carton", "milk carton"), tuple(parts), (paint.name,), "cardboard", lying_probability=0.1)


def basket(rng: Rng) -> Draft:
    """One basket."""
    radius, height = rng.uniform(0.06, 0.1), rng.uniform(0.045, 0.09)
    woven_rgb = ((168, 122, 72), (132, 90, 52), (104, 70, 44))[pick(rng, 3)]
    paint = Paint("brown", woven_rgb) if chance(rng, 0.6) else pick_paint(rng)
    finish = matt(np.tile(woven(rng, paint.rgb, size=64), (1, 4, 1)))
    flare, squareness = rng.uniform(0.7, 0.95), float(rng.choice([2.0, 5.0]))
    stretch = (1.0, float(rng.uniform(0.65, 1.0)))
    profile: list[tuple[float, float] | None] = [
        (0, 0),
        (flare * radius, 0),
        None,
        (radius, height),
        (0.95 * radius, height),
        None,
        (flare * radius * 0.94, 0.006),
        None,
        (0, 0.006),
    ]
    body = lathe(profile, finish, squareness=squareness, stretch=stretch, samples=20)
    rim_angle = np.linspace(0, 2 * np.pi, 40)
    parts = [body]
    if squareness == 2.0:
        rim = sweep(
            np.c_[
                0.975 * radius * np.cos(rim_angle), 0.975 * radius * stretch[1] * np.sin(rim_angle), np.full(40, height)
            ],
            0.004,
            painted(paint, roughness=0.8),
        )
        parts.append(rim)
    if chance(rng, 0.4):
        angle = np.linspace(0, np.pi, 24)
        bow = np.c_[
            0.96 * radius * np.cos(angle), 0 * angle, 0.95 * height + radius * rng.uniform(0.7, 1.1) * np.sin(angle)
        ]
        parts.append(sweep(bow, 0.004, painted(paint, roughness=0.8), up=(0, 1, 0)))
    return Draft(("basket",), tuple(parts), (paint.name,), "wood" if paint.name == "brown" else "plastic")


def bag(rng: Rng) -> Draft:
    """A packet of crisps, coffee or sweets: pressed flat at its seams, puffed in the middle."""
    width, height, puff = rng.uniform(0.04, 0.075), rng.uniform(0.1, 0.19), rng.uniform(0.014, 0.032)
    paint = pick_paint(rng)
    sheet = label(rng, paint, width=256, height=192, repeats=2)
    if chance(rng, 0.5):
        sheet = np.ascontiguousarray(np.roll(sheet, 64, axis=1))
    rows, columns = 18, 33
    t, angle = np.linspace(0, 1, rows)[:, None], np.linspace(0, 2 * np.pi, columns)[None]
    standing = chance(rng, 0.4)
    open_ends = np.sin(np.pi * (0.5 + 0.5 * t if standing else t)) ** 0.55
    wrinkle = 1 + 0.1 * np.sin(7 * angle + 9 * t) * (1 - open_ends) + 0.04 * np.sin(3 * angle + 5 * t)
    x = width * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.7 * (1 - 0.08 * open_ends)
    y = (puff * open_ends * wrinkle + 0.0008) * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.9
    points = np.stack(np.broadcast_arrays(x, y, height * t), -1)
    ends = np.concatenate([points[:1] * [0, 0, 1], points, points[-1:] * [0, 0, 1]])
    uv = np.stack(np.broadcast_arrays(angle / (2 * np.pi), 1 - np.concatenate([[[0.0]], t, [[1.0]]])), -1)
    body = grid_part(
        ends, np.ascontiguousarray(uv), Finish(sheet, roughness=0.35, specular=0.5, shininess=0.6), wrap=True
    )
    if not standing:
        body = rotate(body, "x", -90)
    material = "paper" if chance(rng, 0.3) else "plastic"
    return Draft(("bag", "packet"), (body,), (paint.name,), material)


def bucket(rng: Rng) -> Draft:
    """One bucket."""
    radius = rng.uniform(0.045, 0.07)
    height = radius * rng.uniform(1.3, 2.0)
    paint = pick_paint(rng)
    bare = chance(rng, 0.2)
    finish = metal(rng) if bare else glazed(rng, plain(rng, paint.rgb))
    foot = rng.uniform(0.68, 0.85)
    body = lathe(
        [
            (0, 0),
            (foot * radius, 0),
            None,
            (radius, height * 0.96),
            None,
            (1.05 * radius, height * 0.96),
            None,
            (1.05 * radius, height),
            (0.96 * radius, height),
            None,
            (foot * radius * 0.95, 0.004),
            None,
            (0, 0.004),
        ],
        finish,
        samples=16,
    )
    angle, low = np.linspace(0, np.pi, 24), chance(rng, 0.5)
    bow = np.c_[
        radius * 1.04 * np.cos(angle),
        (radius if low else 0) * np.sin(angle),
        height * 0.95 + (0.15 if low else 0.9) * radius * np.sin(angle),
    ]
    bow_finish = metal(rng) if chance(rng, 0.5) else painted(pick_paint(rng, ("white", "black", paint.name)))
    return Draft(
        ("bucket", "pail"),
        (body, sweep(bow, 0.0022, bow_finish, segments=8, up=(0, 1, 0))),
        () if bare else (paint.name,),
        "metal" if bare else "plastic",
    )


PACKAGES: dict[str, Callable[[Rng], Draft]] = {
    "box": carton_box,
    "carton": milk_carton,
    "basket": basket,
    "bag": bag,
    "bucket": bucket,
}

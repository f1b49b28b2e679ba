"""Things that hold food and goods: jar, bottle, can, box, carton, basket, bag, bucket, flower pot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.scenes.colours import Paint, contrasting, pick_paint
from training.scenes.datatypes import Part
from training.scenes.draft import Draft, Rng, chance, clear, glazed, matt, metal, painted, pick
from training.scenes.geometry import Finish, box, grid_part, lathe, merge, move, rotate, sweep
from training.scenes.patterns import Texture, atlas, label, plain, woven

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
    colours, material = (content.name,), "ceramic" if ceramic else "glass"
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


CONTAINERS: dict[str, Callable[[Rng], Draft]] = {
    "jar": jar,
    "bottle": bottle,
    "can": can,
    "box": carton_box,
    "carton": milk_carton,
    "basket": basket,
    "bag": bag,
    "bucket": bucket,
}

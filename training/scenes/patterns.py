"""Textures of the procedural objects: plain, patterned, printed labels, skins of fruit, wood, wicker.

Textures are uint8 (h, w, 3) RGB, at most 256 x 256 or 512 x 128; u runs around an object, v downwards. The colour
that a texture is made for always covers most of it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.scenes.colours import RGB, Paint, contrasting

Texture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
_LETTERS = "AEIOU", "BCDFGKLMNPRSTVZ"
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX)


def noise(rng: np.random.Generator, height: int, width: int, sigma_y: float, sigma_x: float | None = None) -> Floats:
    """Blurred noise (height, width) with mean 0 and deviation 1 that repeats at the borders."""
    raw = rng.standard_normal((height, width))
    sigma_x = sigma_y if sigma_x is None else sigma_x
    pad_y, pad_x = min(height, int(3 * sigma_y) + 1), min(width, int(3 * sigma_x) + 1)
    padded = np.pad(raw, ((pad_y, pad_y), (pad_x, pad_x)), mode="wrap")
    blurred = cv2.GaussianBlur(padded, (0, 0), sigmaX=max(sigma_x, 0.1), sigmaY=max(sigma_y, 0.1))
    cut = blurred[pad_y : pad_y + height, pad_x : pad_x + width]
    return np.asarray((cut - cut.mean()) / (cut.std() + 1e-9), np.float64)


def to_texture(values: Floats) -> Texture:
    """Clipped to 0..255 and made uint8."""
    return np.clip(values, 0, 255).astype(np.uint8)


def plain(rng: np.random.Generator, rgb: RGB, *, amount: float = 3.0, size: int = 64, sigma: float = 2.0) -> Texture:
    """One colour with a slight unevenness of `amount` grey levels."""
    return to_texture(np.array(rgb, float) + amount * noise(rng, size, size, sigma)[..., None])


def patterned(
    rng: np.random.Generator, paint: Paint, *, plain_share: float = 0.5
) -> tuple[Texture, str | None, tuple[str, ...]]:
    """(texture, word for its pattern or None, colour words with the main one first) for painted things."""
    base = plain(rng, paint.rgb, amount=2.0, size=128)
    if rng.random() < plain_share:
        return base, None, (paint.name,)
    other = contrasting(rng, paint)
    y, x = np.mgrid[:128, :128]
    kind = int(rng.integers(6))
    if kind == 0:
        period, word = int(rng.integers(10, 30)), "striped"
        mask = y % period < period * rng.uniform(0.2, 0.4)
    elif kind == 1:
        period = 128 // int(rng.integers(6, 20))
        mask, word = x % period < period * rng.uniform(0.2, 0.4), "striped"
    elif kind == 2:
        period = 128 // int(rng.integers(5, 12))
        shifted = x + (y // period % 2) * period // 2
        away = (shifted % period - period / 2) ** 2 + (y % period - period / 2) ** 2
        mask, word = away < (period * rng.uniform(0.18, 0.3)) ** 2, "dotted"
    elif kind == 3:
        period = 128 // int(rng.integers(5, 12))
        mask, word = (x % period < period * 0.25) ^ (y % period < period * 0.25), "checked"
    elif kind == 4:
        start = int(rng.integers(4, 90))
        mask, word = (y >= start) & (y < start + int(rng.integers(6, 24))), None
    else:
        speck = noise(rng, 128, 128, float(rng.uniform(0.6, 2.0)))
        mask, word = speck > 1.5, "speckled"
    base[mask] = other.rgb
    return base, word, (paint.name, other.name)


def word(rng: np.random.Generator) -> str:
    """A made-up brand name of two or three syllables."""
    vowels, consonants = _LETTERS
    syllables = [rng.choice(list(consonants)) + rng.choice(list(vowels)) for _ in range(int(rng.integers(2, 4)))]
    return "".join(syllables) + (str(rng.choice(list("NRSX"))) if rng.random() < 0.4 else "")


def _ink(rgb: RGB) -> RGB:
    return (245, 245, 240) if sum(rgb) < 380 else (25, 25, 28)


def write(
    image: Texture, text: str, centre: tuple[float, float], size: tuple[float, float], rgb: RGB, font: int
) -> None:
    """`text` centred in a field of `size` (w, h) pixels, in place."""
    (width, height), _ = cv2.getTextSize(text, font, 1.0, 2)
    scale = min(size[0] / max(width, 1), size[1] / max(height, 1))
    thickness = max(1, round(scale * 2.4))
    origin = (round(centre[0] - width * scale / 2), round(centre[1] + height * scale / 2))
    cv2.putText(image, text, origin, font, scale, rgb, thickness, cv2.LINE_AA)


def label(
    rng: np.random.Generator,
    paint: Paint,
    *,
    width: int = 512,
    height: int = 128,
    repeats: int = 2,
    accent: RGB | None = None,
) -> Texture:
    """A printed label: ground in the paint's colour, a graphic, a word and lines of small print, `repeats` times."""
    accent = accent or contrasting(rng, paint).rgb
    image = np.full((height, width, 3), paint.rgb, np.uint8)
    text, font, kind = word(rng), _FONTS[int(rng.integers(len(_FONTS)))], int(rng.integers(7))
    ink, cell = _ink(paint.rgb), width / repeats
    for repeat in range(repeats):
        left, middle = repeat * cell, (repeat + 0.5) * cell
        _graphic(image, kind, (left, cell), accent, rng if repeat == 0 else np.random.default_rng(kind))
        on_accent = kind in (0, 2)
        where = height * (0.5 if on_accent else 0.4)
        write(image, text, (middle, where), (cell * 0.62, height * 0.22), _ink(accent) if on_accent else ink, font)
        for line in range(3):
            y = round(height * (0.8 + 0.06 * line))
            half = cell * (0.12 + 0.1 * ((line * 7 + kind) % 3) / 2)
            cv2.line(image, (round(middle - half), y), (round(middle + half), y), ink, 1)
    return image


def _graphic(image: Texture, kind: int, field: tuple[float, float], rgb: RGB, rng: np.random.Generator) -> None:
    """One of seven decorations inside the columns of `field` (left, width); covers well under half of it."""
    height = image.shape[0]
    left, cell = round(field[0]), round(field[1])
    if kind == 0:
        image[round(height * 0.34) : round(height * 0.66), left : left + cell] = rgb
    elif kind == 1:
        image[: round(height * 0.14), left : left + cell] = rgb
        image[round(height * 0.92) :, left : left + cell] = rgb
    elif kind == 2:
        cv2.ellipse(
            image,
            (left + cell // 2, height // 2),
            (round(cell * 0.36), round(height * 0.3)),
            0,
            0,
            360,
            rgb,
            -1,
            cv2.LINE_AA,
        )
    elif kind == 3:
        corners = np.array([[left, height], [left + cell, round(height * 0.55)], [left + cell, height]])
        cv2.fillPoly(image, [corners], rgb, cv2.LINE_AA)
    elif kind == 4:
        for x in range(left, left + cell, max(8, cell // 9)):
            cv2.line(image, (x, 0), (x, height), rgb, 2)
    elif kind == 5:
        for _ in range(9):
            spot = (left + int(rng.integers(cell)), int(height * rng.uniform(0.5, 1.0)))
            cv2.circle(image, spot, int(height * rng.uniform(0.03, 0.09)), rgb, -1, cv2.LINE_AA)
    else:
        cv2.circle(image, (left + cell // 2, round(height * 0.68)), round(height * 0.16), rgb, -1, cv2.LINE_AA)
        cv2.circle(image, (left + cell // 2, round(height * 0.68)), round(height * 0.2), rgb, 2, cv2.LINE_AA)


def skin(
    rng: np.random.Generator,
    base: RGB,
    second: RGB,
    *,
    along: bool,
    share: float = 0.3,
    spots: int = 0,
    size: int = 128,
) -> Texture:
    """Fruit skin: `base` blushed with `second` over `share` of it, in streaks along v or in patches; pale spots."""
    field = noise(rng, size, size, 16.0, 2.0) if along else noise(rng, size, size, 10.0)
    mix = 1 / (1 + np.exp(-2.5 * (field - np.quantile(field, 1 - share))))
    values = np.array(base, float) * (1 - mix[..., None]) + np.array(second, float) * mix[..., None]
    values += 3 * noise(rng, size, size, 1.0)[..., None]
    if spots:
        where = rng.integers(0, size, (2, spots))
        values[where[0], where[1]] = values[where[0], where[1]] * 0.75 + 55
    return to_texture(values)


def wood(rng: np.random.Generator, rgb: RGB, *, height: int = 128, width: int = 128) -> Texture:
    """Wood grain along v."""
    waves = noise(rng, height, width, height / 6, width / 12)
    x = np.arange(width)[None] / width * 2 * np.pi
    rings = np.sin(x * int(rng.integers(4, 12)) + waves * rng.uniform(0.8, 2.5)) + 0.6 * noise(
        rng, height, width, height / 5, 0.7
    )
    return to_texture(np.array(rgb, float) * (1 + 0.07 * rings[..., None]))


def woven(rng: np.random.Generator, rgb: RGB, *, size: int = 128) -> Texture:
    """Wicker: strands that pass over and under."""
    period = size // int(rng.integers(8, 16))
    y, x = np.mgrid[:size, :size]
    over = (x // period + y // period) % 2 == 0
    across = np.where(over, y % period, x % period) / period
    shade = 0.55 + 0.5 * np.sin(np.pi * across)
    return to_texture(np.array(rgb, float) * shade[..., None] + 5 * noise(rng, size, size, 1.0)[..., None])


def atlas(faces: list[Texture]) -> Texture:
    """Six pictures, +x, -x, +y, -y, top, bottom, as `geometry.box` reads them: 3 x 2 cells of 84 x 128."""
    cells = [cv2.resize(face, (84, 128), interpolation=cv2.INTER_AREA) for face in faces]
    rows = np.concatenate([np.concatenate(cells[:3], axis=1), np.concatenate(cells[3:], axis=1)], axis=0)
    return np.ascontiguousarray(rows, np.uint8)

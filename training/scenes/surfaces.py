"""Pictures for table tops, floors and walls: procedural ones by seed, and any folder of photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.scenes.colours import RGB, jitter, pick_paint
from training.scenes.patterns import Floats, noise, to_texture

_SIZE = 512
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface to lay under or behind things. `name` names it for ever ("wood/17" or a file name without suffix);
    `texture` uint8 (h, w, 3) RGB, at most 512 on its longer side, repeats without a hard seam only when procedural.
    """

    name: str
    texture: npt.NDArray[np.uint8]

    @property
    def sha256(self) -> str:
        """Of the pixels: tells whether two surfaces are the same picture."""
        return hashlib.sha256(np.ascontiguousarray(self.texture).tobytes()).hexdigest()


def _wood(rng: np.random.Generator) -> Floats:
    tones: tuple[RGB, ...] = (
        (150, 100, 60),
        (110, 70, 42),
        (190, 150, 105),
        (85, 55, 38),
        (208, 178, 138),
        (160, 115, 80),
        (62, 42, 32),
        (225, 205, 175),
    )
    base = np.array(jitter(tones[int(rng.integers(len(tones)))], rng, 12), float)
    y = np.arange(_SIZE)[:, None] / _SIZE * 2 * np.pi
    warp = noise(rng, _SIZE, _SIZE, 10, 70) * rng.uniform(0.5, 3.0)
    grain = (
        np.sin(int(rng.integers(4, 24)) * y + warp)
        + 0.5 * noise(rng, _SIZE, _SIZE, 0.8, 45)
        + 0.25 * noise(rng, _SIZE, _SIZE, 0.6, 9)
    )
    values = base * (1 + rng.uniform(0.03, 0.11) * grain[..., None])
    planks = int(rng.integers(0, 8))
    edges = np.linspace(0, _SIZE, planks + 2).astype(int) if planks else np.array([], int)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        values[low:high] = np.roll(values[low:high], int(rng.integers(_SIZE)), axis=1) * rng.uniform(0.85, 1.12)
        values[low : low + 2] *= 0.55
    return values


def _cloth(rng: np.random.Generator) -> Floats:
    first, second = (np.array(pick_paint(rng).rgb, float) for _ in range(2))
    y, x = np.mgrid[:_SIZE, :_SIZE]
    period, kind = _SIZE // int(rng.integers(5, 20)), int(rng.integers(6))
    if kind == 0:
        mask = ((x // period) % 2 + (y // period) % 2) / 2.0
    elif kind == 1:
        mask = (x // period % 2).astype(float)
    elif kind == 2:
        mask = ((x % period - period / 2) ** 2 + (y % period - period / 2) ** 2 < (period * 0.28) ** 2).astype(float)
    elif kind == 3:
        mask = np.clip((noise(rng, _SIZE, _SIZE, period / 4) - 0.4) * 4, 0, 1)
    else:
        mask = np.zeros((_SIZE, _SIZE))
    values = first * (1 - mask[..., None]) + second * mask[..., None]
    weave = (
        0.06 * np.sin(x * 1.6) * np.sin(y * 1.6)
        + 0.03 * noise(rng, _SIZE, _SIZE, 2.0)
        + 0.03 * noise(rng, _SIZE, _SIZE, 30.0)
    )
    return np.asarray(values * (1 + weave)[..., None])


def _stone(rng: np.random.Generator) -> Floats:
    tones: tuple[RGB, ...] = (
        (205, 202, 196),
        (120, 120, 122),
        (62, 64, 68),
        (180, 165, 150),
        (228, 226, 220),
        (150, 140, 126),
    )
    base = np.array(jitter(tones[int(rng.integers(len(tones)))], rng, 12), float)
    values = (
        base
        + rng.uniform(4, 16) * noise(rng, _SIZE, _SIZE, 22)[..., None]
        + rng.uniform(2, 9) * noise(rng, _SIZE, _SIZE, 0.9)[..., None]
    )
    if rng.random() < 0.5:
        veins = np.abs(noise(rng, _SIZE, _SIZE, 26) + 0.15 * noise(rng, _SIZE, _SIZE, 5))
        return np.asarray(values * (1 - rng.uniform(0.1, 0.4) * np.exp(-((veins / 0.05) ** 2)))[..., None])
    grains = noise(rng, _SIZE, _SIZE, float(rng.uniform(0.8, 2.0)))
    values[grains > 1.6] *= 0.6
    values[grains < -1.7] = values[grains < -1.7] * 0.5 + 105
    return values


def _tiles(rng: np.random.Generator) -> Floats:
    first = np.array(pick_paint(rng, ("white", "grey", "brown", "teal", "blue", "black", "red")).rgb, float)
    second = (
        np.array(pick_paint(rng, ("white", "grey", "black", "blue", "green")).rgb, float)
        if rng.random() < 0.3
        else first
    )
    across, down = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    y, x = np.mgrid[:_SIZE, :_SIZE]
    column, row = x * across // _SIZE, y * down // _SIZE
    tone = 1 + 0.05 * rng.standard_normal((down, across))[row, column]
    values = np.where(((column + row) % 2 == 0)[..., None], first, second) * tone[..., None]
    values += 3 * noise(rng, _SIZE, _SIZE, 1.5)[..., None]
    joint = (x * across % _SIZE < 3 * across) | (y * down % _SIZE < 3 * down)
    values[joint] = rng.uniform(60, 225)
    return np.asarray(values)


def _plain(rng: np.random.Generator) -> Floats:
    base = (
        np.array(pick_paint(rng).rgb, float) if rng.random() < 0.4 else rng.uniform(50, 245) + rng.uniform(-14, 14, 3)
    )
    return np.asarray(
        base
        + rng.uniform(0, 4) * noise(rng, _SIZE, _SIZE, 1.0)[..., None]
        + rng.uniform(0, 6) * noise(rng, _SIZE, _SIZE, 60)[..., None]
    )


def _carpet(rng: np.random.Generator) -> Floats:
    base = np.array(pick_paint(rng).rgb, float)
    values = base * (1 + 0.16 * noise(rng, _SIZE, _SIZE, 1.2)[..., None])
    if rng.random() < 0.5:
        other = np.array(pick_paint(rng).rgb, float)
        blobs = noise(rng, _SIZE, _SIZE, float(rng.uniform(8, 40))) > rng.uniform(0.3, 1.2)
        values[blobs] = 0.5 * values[blobs] + 0.5 * other
    return values


_KINDS: tuple[tuple[str, float, Callable[[np.random.Generator], Floats]], ...] = (
    ("wood", 0.34, _wood),
    ("cloth", 0.2, _cloth),
    ("stone", 0.16, _stone),
    ("tiles", 0.08, _tiles),
    ("plain", 0.17, _plain),
    ("carpet", 0.05, _carpet),
)


def make_surface(seed: int) -> Surface:
    """The procedural surface of this seed, 512 x 512, the same for ever, named "<kind>/<seed>"."""
    rng = np.random.default_rng([0x5A7F, seed])
    name, _, maker = _KINDS[int(rng.choice(len(_KINDS), p=[share for _, share, _ in _KINDS]))]
    return Surface(f"{name}/{seed}", to_texture(maker(rng)))


def load_surfaces(folder: Path) -> list[Surface]:
    """Every picture directly in `folder`, by name, shrunk to at most 512 pixels on its longer side.

    Raises SaymaskError when the folder is missing, holds no picture, or a picture cannot be read.
    """
    if not folder.is_dir():
        raise SaymaskError(f"no surface folder {folder}: expected a folder of .jpg or .png pictures")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not paths:
        raise SaymaskError(f"no pictures in {folder}: expected .jpg or .png files directly inside it")
    return [Surface(path.stem, read_picture(path, _SIZE)) for path in paths]


def read_picture(path: Path, longest: int, *, nearest: bool = False) -> npt.NDArray[np.uint8]:
    """An image file as uint8 (h, w, 3) RGB, at most `longest` pixels on a side; `nearest` keeps colours unmixed."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SaymaskError(f"cannot read the picture {path}: expected a .jpg or .png file")
    scale = longest / max(image.shape[:2])
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

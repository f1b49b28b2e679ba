"""What a real camera does to a picture: exposure, white balance, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

BLUR_SHARE = 0.22
METERED_LEVEL = 115.0
"""Mean level (0..255) that automatic exposure aims at."""


def develop(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """A copy of a rendered uint8 (h, w, 3) RGB image as a camera might deliver it."""
    gamma = np.exp(rng.normal(0, 0.12))
    exposure = _metered(image) ** rng.uniform(0.3, 0.9) * np.exp(rng.normal(0, 0.12))
    balance = np.exp(rng.normal(0, 0.035, 3) * [1.0, 0.4, 1.0])
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * exposure * balance
    curves = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    developed = np.stack([cv2.LUT(image[..., k], curves[:, k]) for k in range(3)], axis=-1).astype(np.uint8)
    if rng.random() < BLUR_SHARE:
        developed = _blur(developed, rng)
    strength = abs(rng.normal(0, 3.5))
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(strength)
    return np.clip(developed + noise + 0.5, 0, 255).astype(np.uint8)


def _metered(image: npt.NDArray[np.uint8]) -> float:
    """Gain that automatic exposure would choose; bounded, as a camera's is."""
    return float(np.clip(METERED_LEVEL / max(float(image[::4, ::4].mean()), 1.0), 0.7, 2.5))


def _blur(image: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Out of focus, or moved by a few pixels."""
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.3)), dtype=np.uint8)
    angle, length = rng.uniform(0, np.pi), rng.uniform(1.5, 3.5)
    kernel = np.zeros((9, 9), np.float32)
    for along in np.linspace(-length, length, 25):
        kernel[round(4 + along * np.sin(angle)), round(4 + along * np.cos(angle))] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)

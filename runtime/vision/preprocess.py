"""Fits a picture of any shape into the network's square: aspect kept, centred, grey around. Shared with training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError

PAD_VALUE = 127
"""Grey level around the picture: close to zero after the graph's own x / 127.5 - 1."""

_Label = TypeVar("_Label", np.int8, np.uint8, np.bool_)


@dataclass(frozen=True)
class Letterbox:
    """Where a picture lies inside the padded one. All sizes are (height, width) in pixels.

    A source point (x, y), in pixels with centres at whole numbers + 0.5, lies at
    (left + x * inner[1] / source[1], top + y * inner[0] / source[0]) of the padded picture.
    """

    source: tuple[int, int]
    padded: tuple[int, int]
    inner: tuple[int, int]
    top: int
    left: int

    @staticmethod
    def fit(source: tuple[int, int], padded: tuple[int, int]) -> Letterbox:
        """The largest centred picture of the source's aspect (each side at least one pixel)."""
        if min(*source, *padded) < 1:
            raise SaymaskError(f"cannot letterbox a picture of {source} into {padded}: every side must be at least 1")
        scale = min(padded[0] / source[0], padded[1] / source[1])
        height = min(padded[0], max(1, round(source[0] * scale)))
        width = min(padded[1], max(1, round(source[1] * scale)))
        return Letterbox(source, padded, (height, width), (padded[0] - height) // 2, (padded[1] - width) // 2)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the padded picture that hold the source."""
        return slice(self.top, self.top + self.inner[0]), slice(self.left, self.left + self.inner[1])


def letterbox(
    image: npt.NDArray[np.uint8], size: tuple[int, int], pad_value: int = PAD_VALUE
) -> tuple[npt.NDArray[np.uint8], Letterbox]:
    """Scale and pad `image` uint8 (h, w, 3) to `size` (height, width); returns that and where `image` lies in it.

    Area interpolation where it shrinks (no moire), linear where it grows. Raises SaymaskError for other inputs.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise SaymaskError(f"letterbox needs uint8 (height, width, 3), got {image.dtype} {image.shape}")
    place = Letterbox.fit((image.shape[0], image.shape[1]), size)
    shrinks = place.inner[0] < place.source[0] or place.inner[1] < place.source[1]
    padded = np.full((*size, 3), pad_value, np.uint8)
    padded[place.window] = cv2.resize(
        np.ascontiguousarray(image), place.inner[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return padded, place


def letterbox_mask(labels: npt.NDArray[_Label], size: tuple[int, int], fill: int) -> npt.NDArray[_Label]:
    """Scale and pad a map of labels, one byte each (h, w), as `letterbox` does its picture; `fill` around.

    A cell takes the label at its own centre. Raises SaymaskError for another dtype or shape.
    """
    if labels.ndim != 2 or labels.dtype not in (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.bool_)):
        raise SaymaskError(
            f"letterbox_mask needs int8, uint8 or bool (height, width), got {labels.dtype} {labels.shape}"
        )
    place = Letterbox.fit((labels.shape[0], labels.shape[1]), size)
    padded = np.full(size, fill, labels.dtype)
    # Plain INTER_NEAREST takes the upper left of each cell, which shifts small masks by half a cell.
    padded[place.window] = cv2.resize(
        np.ascontiguousarray(labels).view(np.uint8), place.inner[::-1], interpolation=cv2.INTER_NEAREST_EXACT
    ).view(labels.dtype)
    return padded

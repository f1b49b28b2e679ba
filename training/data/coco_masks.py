"""Segmentations as COCO's files hold them: polygons, or run lengths."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt


def decode_segmentation(segmentation: Any, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """COCO's list of polygons or run-length encoding as bool (h, w) of `size`.

    Raises KeyError, IndexError, TypeError, ValueError or cv2.error for what is malformed, ImportError where masks are
    run-length encoded and pycocotools is not installed.
    """
    mask = np.zeros(size, np.uint8)
    if isinstance(segmentation, list):
        for polygon in segmentation:  # one at a time: OpenCV would leave out what two of them share
            # COCO's coordinates run along the edges of pixels, OpenCV's from centre to centre.
            corners = np.asarray(polygon, np.float64).reshape(-1, 2) - 0.5
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (1,))
        return mask.astype(np.bool_)
    if list(segmentation["size"]) != list(size):
        raise ValueError(f"size {segmentation['size']}, expected {list(size)}")
    from pycocotools import mask as rle  # a development dependency, and polygons do without it

    counts = segmentation["counts"]
    runs = rle.frPyObjects(segmentation, *size) if isinstance(counts, list) else segmentation
    return np.asarray(rle.decode(runs)).astype(np.bool_)


MALFORMED = (KeyError, IndexError, TypeError, ValueError, cv2.error)
"""What `decode_segmentation` raises for a segmentation that is none."""

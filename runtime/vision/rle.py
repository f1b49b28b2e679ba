"""Writes masks as COCO's compressed run lengths, the form that annotation tools and evaluators read.

The format is pycocotools' (cocodataset/cocoapi, common/maskApi.c: rleEncode, rleToString), written here because a robot
should not need a compiler for pycocotools; tests hold it against pycocotools itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from runtime.datatypes import Mask


def encode_rle(mask: Mask) -> dict[str, Any]:
    """{"size": [h, w], "counts": text} of a bool (h, w) mask, as `pycocotools.mask.decode` takes it."""
    flat = mask.ravel(order="F")  # COCO counts down the columns
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
    runs: list[int] = counts.tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)  # the first run is of zeros
    return {"size": list(mask.shape), "counts": "".join(_compressed(runs))}


def _compressed(runs: list[int]) -> list[str]:
    """Each run, from the fourth on less the run two before it, in signed groups of five bits, lowest first."""
    text = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            group, value = value & 0x1F, value >> 5
            more = value != (-1 if group & 0x10 else 0)
            text.append(chr(48 + (group | (0x20 if more else 0))))
    return text

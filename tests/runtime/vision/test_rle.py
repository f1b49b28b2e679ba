"""Our run lengths against pycocotools' own."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco

from runtime.vision.rle import encode_rle

SHAPES = [(1, 1), (1, 7), (9, 1), (32, 47), (480, 640), (1000, 700)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_equal_to_pycocotools(shape: tuple[int, int], share: float, rng: np.random.Generator) -> None:
    noise = rng.random(shape) < share
    block = np.zeros(shape, np.bool_)
    block[shape[0] // 4 : shape[0] // 2 + 1, shape[1] // 3 :] = True
    for mask in (noise, block, ~block, block.T.copy().T):
        ours = encode_rle(mask)
        theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        assert ours["size"] == theirs["size"]
        assert ours["counts"] == theirs["counts"].decode()
        assert np.array_equal(coco.decode(ours), mask)

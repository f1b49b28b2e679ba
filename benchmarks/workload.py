"""What the benchmarks run on: camera frames and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.data.testset import iterate_test_set

TEST_SET = Path(__file__).parent / "data" / "tabletop-test"
PHOTO_SENTENCES = Path(__file__).parent / "data" / "photo-sentences.json"
CAMERA_SIZE = (480, 640)
"""(height, width) of the frames that latency is measured on: what most robot cameras deliver."""


@dataclass(frozen=True, eq=False)
class Request:
    """One camera frame, uint8 (480, 640, 3) RGB, and one expression about it."""

    image: npt.NDArray[np.uint8]
    expression: str


def camera_requests(count: int, folder: Path) -> list[Request]:
    """`count` frames of the test set at camera size, each with its first expression; repeated where it holds fewer.

    Contents hardly matter for the networks' time, but real masks and sentences of real length keep the rest honest.
    Raises SaymaskError when the test set cannot be read or holds none.
    """
    requests = [
        Request(_to_camera(image.image), image.expressions[0].text)
        for image in islice(iterate_test_set(folder), count)
        if image.expressions
    ]
    if not requests:
        raise SaymaskError(f"{folder} holds no image with an expression")
    return [requests[index % len(requests)] for index in range(count)]


def _to_camera(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = CAMERA_SIZE
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(resized, dtype=np.uint8)

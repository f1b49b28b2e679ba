"""Reads a committed test set: a folder with `test.json`, `images/*.jpg` and `instances/*.png`.

What the robot's own checks need of it: pictures, masks and sentences. `training.data.testset` reads the same records
with everything that the scene generator knew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError

_T = TypeVar("_T")


@dataclass(frozen=True)
class Question:
    """One expression, the indices of the objects it denotes (none, one or several), and whether it asks for all."""

    text: str
    referents: tuple[int, ...]
    plural: bool


@dataclass(frozen=True, eq=False)
class TestPicture:
    """`image` uint8 (h, w, 3) RGB; `instances` int8 (h, w), an object's index or -1; what is asked about it."""

    __test__: ClassVar[bool] = False  # pytest would otherwise try to collect a class of this name

    image: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.int8]
    questions: tuple[Question, ...]


def iterate_test_set(folder: Path) -> Iterator[TestPicture]:
    """The pictures of the test set in `folder`, in the order of `test.json`; raises SaymaskError as `read_records`."""
    return read_records(folder, _read_test_picture)


def count_pictures(folder: Path) -> int:
    """How many pictures the test set in `folder` has. Raises SaymaskError where there is no test set."""
    return len(_records(folder / "test.json"))


def read_records(folder: Path, read: Callable[[Path, dict[str, Any]], _T]) -> Iterator[_T]:
    """What `read` makes of each record of `test.json`, given `folder` and the record.

    Raises SaymaskError, naming the file, when one is missing, cannot be read or contradicts another.
    """
    index = folder / "test.json"
    for position, record in enumerate(_records(index)):
        try:
            yield read(folder, record)
        except (KeyError, TypeError, ValueError) as error:
            raise SaymaskError(f"{index}: image {position} is malformed: {error!r}") from error


def _records(index: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(index.read_text(encoding="utf-8"))["images"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SaymaskError(f"{index}: not a readable test set (expected JSON with 'images'): {error}") from error


def read_pixels(folder: Path, record: dict[str, Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]:
    """Image uint8 (h, w, 3) RGB and instances int8 (h, w) of a record. Raises SaymaskError where they do not fit."""
    image = read_picture(folder / record["file"], cv2.IMREAD_COLOR)
    labels = read_picture(folder / record["instances"], cv2.IMREAD_GRAYSCALE)
    if image.shape[:2] != labels.shape:
        raise SaymaskError(
            f"{folder / record['instances']}: size {labels.shape} differs from its image's {image.shape[:2]}"
        )
    # Files hold index + 1 with 0 for the background, because a PNG has no -1.
    instances = (labels.astype(np.int16) - 1).astype(np.int8)
    return np.ascontiguousarray(image[..., ::-1]), instances


def read_picture(path: Path, flags: int) -> npt.NDArray[np.uint8]:
    """The picture at `path`, uint8 (h, w[, 3]), read with OpenCV's `flags`. Raises SaymaskError, naming the file."""
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise SaymaskError(f"{path}: missing or not a picture")
    return picture.astype(np.uint8, copy=False)


def _read_test_picture(folder: Path, record: dict[str, Any]) -> TestPicture:
    image, instances = read_pixels(folder, record)
    questions = tuple(
        Question(str(item["text"]), tuple(item["referents"]), bool(item.get("plural", False)))
        for item in record["expressions"]
    )
    return TestPicture(image, instances, questions)

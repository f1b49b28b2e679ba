"""A committed test set (see `runtime.test_set`) with everything that the scene generator knew about its images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from runtime.test_set import read_pixels, read_records
from training.expressions.datatypes import Expression
from training.scenes.datatypes import SceneObject


@dataclass(frozen=True, eq=False)
class TestImage:
    """One test image with its ground truth and the expressions asked about it.

    `file` is the image's path relative to the folder, as in `test.json`. `image` uint8 (h, w, 3) RGB; `instances`
    int8 (h, w),
    an object's index or `BACKGROUND`. `scene_seed` and `table_texture` name what it was rendered from.
    """

    __test__: ClassVar[bool] = False  # pytest would otherwise try to collect a class of this name

    file: str
    image: npt.NDArray[np.uint8]
    instances: npt.NDArray[np.int8]
    objects: tuple[SceneObject, ...]
    expressions: tuple[Expression, ...]
    scene_seed: int
    table_texture: str

    def mask(self, expression: Expression) -> npt.NDArray[np.bool_]:
        """Visible pixels of all referents of `expression`, bool (h, w); empty where it has none."""
        mask: npt.NDArray[np.bool_] = np.isin(self.instances, expression.referents)
        return mask


def load_test_set(folder: Path) -> list[TestImage]:
    """All images of the test set in `folder`, in the order of `test.json`.

    Raises SaymaskError, naming the file, when one is missing, cannot be read or contradicts another.
    """
    return list(iterate_test_set(folder))


def iterate_test_set(folder: Path) -> Iterator[TestImage]:
    """Like `load_test_set`, one image at a time."""
    return read_records(folder, _read_image)


def _read_image(folder: Path, record: dict[str, Any]) -> TestImage:
    image, instances = read_pixels(folder, record)
    return TestImage(
        file=record["file"],
        image=image,
        instances=instances,
        objects=tuple(SceneObject(**_record(SceneObject, item)) for item in record["objects"]),
        expressions=tuple(Expression(**_record(Expression, item)) for item in record["expressions"]),
        scene_seed=int(record["scene_seed"]),
        table_texture=str(record["table_texture"]),
    )


def _record(kind: type[SceneObject | Expression], item: dict[str, Any]) -> dict[str, Any]:
    """The fields of `kind` in `item`, with JSON's lists as tuples; other keys are for readers of the file only."""
    names = {field.name for field in fields(kind)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items() if key in names}

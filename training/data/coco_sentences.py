"""Reads photographs with COCO instance masks and our own sentences about them, as test images.

The photographs stay where they are; only the sentences, which name photographs and annotation ids, are in this
repository.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.data.testset import TestImage
from training.expressions.datatypes import Expression
from training.scenes.datatypes import BACKGROUND

MOST_OBJECTS = 127
"""Instance maps are int8."""


def load_coco_sentences(folder: Path, sentences: Path) -> list[TestImage]:
    """One test image for each photograph in `folder` that `sentences` speak of.

    `folder` holds `instances.json` (COCO: images, annotations with polygons or RLE) and `images/`. `sentences` is JSON:
    {"sentences": [{"image": file name, "transcript", "text", "kind", "referents": [annotation ids], "plural"}]}.
    Referents become indices into the instance map; where masks overlap, the smaller one is on top.
    Raises SaymaskError, naming the file, for anything missing, unreadable or contradictory.
    """
    spoken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sentence in _read(sentences, "sentences"):
        spoken[sentence["image"]].append(sentence)
    images = {record["file_name"]: record for record in _read(folder / "instances.json", "images")}
    annotations: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in _read(folder / "instances.json", "annotations"):
        annotations[annotation["image_id"]].append(annotation)
    tests = []
    for name, items in spoken.items():
        if name not in images:
            raise SaymaskError(f"{sentences}: speaks of {name}, which {folder / 'instances.json'} does not list")
        tests.append(_test_image(folder, name, annotations[images[name]["id"]], items, sentences))
    return tests


def _test_image(
    folder: Path, name: str, annotations: list[dict[str, Any]], spoken: list[dict[str, Any]], sentences: Path
) -> TestImage:
    path = folder / "images" / name
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SaymaskError(f"{path}: missing or not a picture")
    if len(annotations) > MOST_OBJECTS:
        raise SaymaskError(f"{path}: has {len(annotations)} annotations, at most {MOST_OBJECTS} fit")
    index_of = {annotation["id"]: index for index, annotation in enumerate(annotations)}
    expressions = []
    for item in spoken:
        unknown = [identifier for identifier in item["referents"] if identifier not in index_of]
        if unknown:
            raise SaymaskError(
                f"{sentences}: {item['text']!r} names annotation {unknown[0]}, which {name} does not have"
            )
        referents = tuple(sorted(index_of[identifier] for identifier in item["referents"]))
        expressions.append(
            Expression(item["text"], item["transcript"], item["kind"], referents, plural=bool(item["plural"]))
        )
    return TestImage(
        file=name,
        image=np.ascontiguousarray(picture[..., ::-1]).astype(np.uint8, copy=False),
        instances=_instances(annotations, picture.shape[:2]),
        objects=(),
        expressions=tuple(expressions),
        scene_seed=0,
        table_texture="photograph",
    )


def _instances(annotations: list[dict[str, Any]], size: tuple[int, ...]) -> npt.NDArray[np.int8]:
    instances = np.full(size, BACKGROUND, np.int8)
    masks = [_mask(annotation["segmentation"], size) for annotation in annotations]
    # `area` cannot be trusted: some data sets store the box's.
    for index in sorted(range(len(masks)), key=lambda index: -int(masks[index].sum())):
        instances[masks[index]] = index
    return instances


def _mask(segmentation: Any, size: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Bool (h, w) of COCO polygons (lists of x, y) or run lengths (compressed or not)."""
    if isinstance(segmentation, dict):
        from pycocotools import mask as coco  # of the `dev` extra

        if isinstance(segmentation["counts"], list):
            segmentation = coco.frPyObjects(segmentation, *size)
        decoded: npt.NDArray[np.bool_] = coco.decode(segmentation).astype(bool)
        return decoded
    drawn = np.zeros(size, np.uint8)
    polygons = [np.round(np.array(points, float).reshape(-1, 2)).astype(np.int32) for points in segmentation]
    cv2.fillPoly(drawn, polygons, 1)
    return drawn.astype(bool)


def _read(path: Path, key: str) -> list[dict[str, Any]]:
    try:
        content: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SaymaskError(f"{path}: cannot be read (expected JSON with {key!r}): {error!r}") from error
    return content

"""Reads photographs annotated in COCO's format with spoken sentences about them, as test images.

The folder holds `instances.json` and `images/`; the sentences lie in a JSON of their own, so that they can be
published where the photographs cannot: {"sentences": [{"image", "transcript", "text", "kind", "referents", "plural"}]}.
`referents` are annotation ids; ids in a list of their own ([[7, 8], 9]) together are one thing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from runtime.errors import SaymaskError
from runtime.test_set import read_picture
from training.data.coco_masks import MALFORMED, decode_segmentation
from training.data.testset import TestImage
from training.expressions.datatypes import Expression, Kind
from training.scenes.datatypes import BACKGROUND

_MOST_THINGS = 127  # what an int8 map can number

Thing = tuple[int, ...]
"""The annotation ids that make up one thing, ascending."""


def load_coco_sentences(folder: Path, sentences: Path) -> list[TestImage]:
    """The photographs of `folder` that `sentences` speaks of, in the order in which it first names them.

    Every annotation of such a photograph is a thing of its instance map, smaller ones on top of larger; `objects` is
    empty, for nothing else is known of them. Raises SaymaskError, naming file and place, for JSON that cannot be read,
    a photograph that is missing or differs in size, and an annotation that is unknown, malformed or hidden; ImportError
    where masks are run-length encoded and pycocotools is not installed.
    """
    index = folder / "instances.json"
    coco = _read_json(index, ("images", "annotations"))
    asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
    try:
        for sentence in _read_json(sentences, ("sentences",))["sentences"]:
            asked[sentence["image"]].append(sentence)
    except (KeyError, TypeError) as error:
        raise SaymaskError(
            f"{sentences}: a sentence is malformed, expected an object with 'image': {error!r}"
        ) from error
    try:
        records = {record["file_name"]: record for record in coco["images"]}
        annotations: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        for annotation in coco["annotations"]:
            annotations[annotation["image_id"]][annotation["id"]] = annotation
    except (KeyError, TypeError) as error:
        raise SaymaskError(f"{index}: an image or annotation is malformed: {error!r}") from error
    photographs = []
    for name, spoken in tqdm(asked.items(), desc=folder.name, unit="photograph", leave=False):
        if name not in records:
            raise SaymaskError(
                f"{sentences}: {index} knows no image '{name}'; are these sentences about other photographs?"
            )
        try:
            photographs.append(_photograph(folder, records[name], annotations[records[name]["id"]], spoken))
        except SaymaskError as error:
            raise SaymaskError(f"{sentences}: {name}: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise SaymaskError(f"{sentences} or {index}: {name} is malformed: {error!r}") from error
    return photographs


def _read_json(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    wanted = " and ".join(f"'{key}'" for key in keys)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaymaskError(f"{path}: cannot be read (expected JSON with {wanted}): {error}") from error
    if not (isinstance(value, dict) and all(isinstance(value.get(key), list) for key in keys)):
        raise SaymaskError(f"{path}: expected an object with lists {wanted}")
    return value


def _photograph(
    folder: Path, record: dict[str, Any], annotations: dict[int, dict[str, Any]], spoken: Sequence[dict[str, Any]]
) -> TestImage:
    image = read_picture(folder / "images" / record["file_name"], cv2.IMREAD_COLOR)
    size = image.shape[0], image.shape[1]
    if size != (record["height"], record["width"]):
        raise SaymaskError(f"the photograph is {size} high and wide, {(record['height'], record['width'])} expected")
    things = _things(annotations, spoken)
    instances = _instance_map([_mask(annotations, thing, size) for thing in things], size)
    expressions = tuple(_expression(sentence, things) for sentence in spoken)
    visible = set(np.unique(instances).tolist())
    for expression in expressions:
        if hidden := set(expression.referents) - visible:
            raise SaymaskError(
                f"'{expression.text}': no pixel of annotation {things[hidden.pop()]} shows under the others"
            )
    return TestImage(
        file=record["file_name"],
        image=np.ascontiguousarray(image[..., ::-1]),
        instances=instances,
        objects=(),
        expressions=expressions,
        scene_seed=-1,
        table_texture="photograph",
    )


def _referents(sentence: dict[str, Any]) -> Iterator[Thing]:
    for item in sentence["referents"]:
        yield tuple(sorted(item)) if isinstance(item, list) else (item,)


def _things(annotations: dict[int, dict[str, Any]], spoken: Sequence[dict[str, Any]]) -> list[Thing]:
    """What the map of a photograph numbers: the referents of all its sentences, and all annotations beside them."""
    owners: dict[int, Thing] = {}
    for sentence in spoken:
        for thing in _referents(sentence):
            for number in thing:
                if number not in annotations:
                    raise SaymaskError(f"'{sentence['text']}': the photograph has no annotation {number!r}")
                if owners.setdefault(number, thing) != thing:
                    # One pixel holds one number, so a part cannot be a thing beside the whole.
                    raise SaymaskError(f"annotation {number} is a referent both as {owners[number]} and as {thing}")
    things = sorted({owners.get(number, (number,)) for number in annotations})
    if len(things) > _MOST_THINGS:
        raise SaymaskError(f"{len(things)} annotated things, at most {_MOST_THINGS} can be told apart")
    return things


def _mask(annotations: dict[int, dict[str, Any]], thing: Thing, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    masks = []
    for number in thing:
        try:
            masks.append(decode_segmentation(annotations[number]["segmentation"], size))
        except MALFORMED as error:
            raise SaymaskError(f"the segmentation of annotation {number} is malformed: {error!r}") from error
    union: npt.NDArray[np.bool_] = np.logical_or.reduce(masks)
    return union


def _instance_map(masks: Sequence[npt.NDArray[np.bool_]], size: tuple[int, int]) -> npt.NDArray[np.int8]:
    """The index of each mask where it shows: a smaller one lies on a larger (the fork on the table)."""
    instances = np.full(size, BACKGROUND, np.int8)
    for number in sorted(range(len(masks)), key=lambda number: -int(masks[number].sum())):
        instances[masks[number]] = number
    return instances


def _expression(sentence: dict[str, Any], things: Sequence[Thing]) -> Expression:
    if sentence["kind"] not in get_args(Kind):
        raise SaymaskError(
            f"'{sentence['text']}': kind '{sentence['kind']}', expected one of {', '.join(get_args(Kind))}"
        )
    return Expression(
        text=str(sentence["text"]),
        transcript=str(sentence["transcript"]),
        kind=sentence["kind"],
        referents=tuple(sorted({things.index(thing) for thing in _referents(sentence)})),
        plural=bool(sentence["plural"]),
    )

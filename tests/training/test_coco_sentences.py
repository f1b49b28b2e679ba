"""Photographs with sentences: polygons and run lengths become one map, and damage is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from runtime.errors import SaymaskError
from training.data.coco_sentences import load_coco_sentences
from training.data.testset import TestImage
from training.scenes.datatypes import BACKGROUND

HEIGHT, WIDTH = 40, 60


def square(left: float, top: float, side: float) -> list[float]:
    return [left, top, left + side, top, left + side, top + side, left, top + side]


def run_lengths(left: int, top: int, right: int, bottom: int) -> dict[str, Any]:
    """COCO's uncompressed encoding: column by column, runs of 0 and 1 in turn, 0 first."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    return {"size": [HEIGHT, WIDTH], "counts": np.diff([0, *edges.tolist(), flat.size]).tolist()}


def sentence(text: str, *referents: int | list[int], **other: Any) -> dict[str, Any]:
    return {
        "image": "table.png",
        "transcript": f"pick up {text}",
        "text": text,
        "kind": "category",
        "referents": list(referents),
        "plural": False,
    } | other


ANNOTATIONS: dict[int, Any] = {
    11: [square(0, 10, 30)],  # a tray
    12: [square(5, 15, 10)],  # a cup on it
    13: run_lengths(40, 0, 50, 20),  # a bottle
    14: [square(40, 25, 8), square(44, 25, 8)],  # two polygons that overlap: one pair of scissors
}
SENTENCES = [
    sentence("the cup", 12),
    sentence("the tray", 11),
    sentence("the bottle", 13),
    sentence("the scissors", 14, kind="attribute"),
    sentence("the cup and the bottle", 12, 13, kind="plural", plural=True),
    sentence("the banana"),
]


def write_sentences(folder: Path, *sentences: dict[str, Any]) -> None:
    (folder / "sentences.json").write_text(json.dumps({"source": "this test", "sentences": sentences}))


def write_annotations(folder: Path, segmentations: dict[int, Any]) -> None:
    coco = {
        "images": [{"id": 5, "file_name": "table.png", "height": HEIGHT, "width": WIDTH}],
        # `area` is wrong on purpose: what lies on top is decided by the masks.
        "annotations": [
            {"id": number, "image_id": 5, "category_id": 1, "area": 1000 - number, "segmentation": segmentation}
            for number, segmentation in segmentations.items()
        ],
    }
    (folder / "instances.json").write_text(json.dumps(coco))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 2] = 200  # OpenCV writes BGR
    cv2.imwrite(str(tmp_path / "images/table.png"), image)
    write_annotations(tmp_path, ANNOTATIONS)
    write_sentences(tmp_path, *SENTENCES)
    return tmp_path


def load(folder: Path) -> TestImage:
    (photograph,) = load_coco_sentences(folder, folder / "sentences.json")
    return photograph


def pixels(folder: Path) -> dict[str, int]:
    photograph = load(folder)
    return {item.text: int(photograph.mask(item).sum()) for item in photograph.expressions}


def test_pixels_and_labels(folder: Path) -> None:
    photograph = load(folder)
    assert photograph.file == "table.png"
    assert photograph.image[0, 0].tolist() == [200, 0, 0]
    assert photograph.instances.dtype == np.int8 and photograph.instances.shape == (HEIGHT, WIDTH)
    assert photograph.instances[0, 0] == BACKGROUND
    cup, tray, bottle = (item.referents for item in photograph.expressions[:3])
    assert (photograph.instances[20, 10],) == cup
    assert (photograph.instances[30, 20],) == tray
    assert (photograph.instances[10, 45],) == bottle


def test_polygons_and_run_lengths_cover_what_they_say(folder: Path) -> None:
    found = pixels(folder)
    assert found["the bottle"] == 200
    # OpenCV fills the outline too, so polygons are about half a pixel wider than their area.
    assert found["the cup"] == pytest.approx(10 * 10, abs=21)
    assert found["the scissors"] == pytest.approx(12 * 8, abs=21)  # what the two share is not left out
    assert found["the banana"] == 0


def test_smaller_lies_on_larger_whatever_area_says(folder: Path) -> None:
    found = pixels(folder)
    assert found["the tray"] == pytest.approx(30 * 30 - 10 * 10, abs=61)
    write_annotations(folder, dict(reversed(ANNOTATIONS.items())))
    assert pixels(folder) == found


def test_expressions_keep_kind_count_and_plural(folder: Path) -> None:
    expressions = load(folder).expressions
    assert [item.count for item in expressions] == ["one", "one", "one", "one", "several", "none"]
    assert [item.kind for item in expressions[3:5]] == ["attribute", "plural"]
    assert [item.plural for item in expressions] == [False] * 4 + [True, False]
    assert expressions[0].transcript == "pick up the cup"


def test_ids_in_a_list_are_one_thing(folder: Path) -> None:
    apart = pixels(folder)
    write_sentences(folder, sentence("the cup on its tray", [12, 11]), sentence("the bottle", 13))
    photograph = load(folder)
    assert photograph.expressions[0].count == "one"
    assert int(photograph.mask(photograph.expressions[0]).sum()) == apart["the cup"] + apart["the tray"]


def test_compressed_run_lengths(folder: Path) -> None:
    rle = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    packed = rle.frPyObjects(ANNOTATIONS[13], HEIGHT, WIDTH)
    write_annotations(folder, ANNOTATIONS | {13: {**packed, "counts": packed["counts"].decode()}})
    assert pixels(folder)["the bottle"] == 200


def test_photographs_come_in_the_order_of_their_sentences(folder: Path) -> None:
    coco = json.loads((folder / "instances.json").read_text())
    coco["images"].append({"id": 6, "file_name": "floor.png", "height": HEIGHT, "width": WIDTH})
    coco["images"].append({"id": 7, "file_name": "never spoken of.png", "height": HEIGHT, "width": WIDTH})
    (folder / "instances.json").write_text(json.dumps(coco))
    (folder / "images/floor.png").write_bytes((folder / "images/table.png").read_bytes())
    write_sentences(folder, sentence("the mat", image="floor.png"), *SENTENCES, sentence("the rug", image="floor.png"))
    photographs = load_coco_sentences(folder, folder / "sentences.json")
    assert [item.file for item in photographs] == ["floor.png", "table.png"]
    assert [item.text for item in photographs[0].expressions] == ["the mat", "the rug"]
    assert (photographs[0].instances == BACKGROUND).all()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "instances.json").unlink(), r"instances\.json: cannot be read"),
        (lambda folder: (folder / "instances.json").write_text("{"), r"instances\.json: cannot be read"),
        (lambda folder: (folder / "instances.json").write_text("{}"), r"instances\.json: expected .* 'images' and"),
        (lambda folder: (folder / "sentences.json").write_text("[1,"), r"sentences\.json: cannot be read"),
        (lambda folder: (folder / "sentences.json").write_text("[]"), r"sentences\.json: expected .* 'sentences'"),
        (lambda folder: write_sentences(folder, {"text": "the cup"}), r"sentences\.json: a sentence is malformed"),
        (lambda folder: (folder / "images/table.png").unlink(), r"table\.png: missing or not a picture"),
        (
            lambda folder: cv2.imwrite(str(folder / "images/table.png"), np.zeros((8, 9, 3), np.uint8)),
            r"\(8, 9\) high and wide, \(40, 60\) expected",
        ),
        (lambda folder: write_sentences(folder, sentence("the mug", image="b.jpg")), r"knows no image 'b\.jpg'"),
        (lambda folder: write_sentences(folder, sentence("the mug", 99)), r"table\.png: 'the mug': .*no annotation 99"),
        (
            lambda folder: write_sentences(folder, sentence("the mug", 12, kind="odd")),
            r"'the mug': kind 'odd', expected",
        ),
        (
            lambda folder: write_sentences(folder, sentence("the mug", 12), sentence("both", [11, 12])),
            r"annotation 12 is a referent both as \(12,\) and as \(11, 12\)",
        ),
        (
            lambda folder: write_annotations(folder, ANNOTATIONS | {13: {"size": [4, 4], "counts": [16]}}),
            r"annotation 13 is malformed: .*size \[4, 4\]",
        ),
        (lambda folder: write_annotations(folder, ANNOTATIONS | {12: [[1, 2, 3]]}), r"annotation 12 is malformed"),
        (
            lambda folder: write_annotations(
                folder, ANNOTATIONS | {20: [square(5, 15, 9.9)], 12: [square(5, 15, 9.9)]}
            ),
            r"'the cup': no pixel of annotation",
        ),
    ],
)
def test_damage_is_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(SaymaskError, match=message):
        load(folder)

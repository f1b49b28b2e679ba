"""Photographs with sentences, from a tiny data set written in COCO's published layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco

from runtime.errors import SaymaskError
from training.data.coco_sentences import load_coco_sentences


def rle(rows: slice, columns: slice) -> dict[str, Any]:
    mask = np.zeros((40, 60), np.uint8)
    mask[rows, columns] = 1
    encoded = coco.encode(np.asfortranarray(mask))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


def uncompressed(columns: slice) -> dict[str, Any]:
    """Column-major run lengths: whole columns of a 40 x 60 mask."""
    return {"size": [40, 60], "counts": [40 * columns.start, 40 * (columns.stop - columns.start)]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.full((40, 60, 3), (10, 20, 200), np.uint8))
    annotations = [
        {"id": 7, "image_id": 1, "area": 1, "segmentation": [[0, 0, 29, 0, 29, 39, 0, 39]]},
        {"id": 9, "image_id": 1, "area": 99999, "segmentation": rle(slice(10, 20), slice(10, 20))},
        {"id": 11, "image_id": 1, "area": 5, "segmentation": uncompressed(slice(50, 60))},
    ]
    content = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": annotations}
    (tmp_path / "instances.json").write_text(json.dumps(content))
    write_sentences(tmp_path, {"referents": [9, 7]})
    return tmp_path


def write_sentences(folder: Path, changes: dict[str, Any]) -> None:
    sentence = {
        "image": "a.png",
        "transcript": "pick up the mug",
        "text": "the mug",
        "kind": "category",
        "referents": [],
        "plural": False,
    }
    (folder / "sentences.json").write_text(json.dumps({"sentences": [{**sentence, **changes}]}))


def test_polygons_and_both_kinds_of_run_lengths_are_drawn_smaller_on_top(folder: Path) -> None:
    (test,) = load_coco_sentences(folder, folder / "sentences.json")
    assert test.image[0, 0].tolist() == [200, 20, 10]
    assert test.expressions[0].referents == (0, 1) and test.expressions[0].count == "several"
    assert (test.instances == 1).sum() == 100 and test.instances[15, 15] == 1
    assert (test.instances == 0).sum() == 30 * 40 - 100
    assert (test.instances[:, 50:] == 2).all() and (test.instances[:, 30:50] == -1).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "b.png"}, "speaks of b.png"),
        ({"referents": [8]}, "names annotation 8, which a.png does not have"),
    ],
)
def test_a_wrong_sentence_is_named(folder: Path, changes: dict[str, Any], message: str) -> None:
    write_sentences(folder, changes)
    with pytest.raises(SaymaskError, match=message):
        load_coco_sentences(folder, folder / "sentences.json")


def test_a_missing_photograph_is_named(folder: Path) -> None:
    (folder / "images" / "a.png").unlink()
    with pytest.raises(SaymaskError, match=r"a\.png: missing or not a picture"):
        load_coco_sentences(folder, folder / "sentences.json")


@pytest.mark.parametrize("name", ["instances.json", "sentences.json"])
def test_broken_json_is_named(folder: Path, name: str) -> None:
    (folder / name).write_text("{")
    with pytest.raises(SaymaskError, match=f"{name}: cannot be read"):
        load_coco_sentences(folder, folder / "sentences.json")

"""The committed test set shares nothing with what the committed model was trained on; and the check would notice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from training import fingerprint
from training.data.fingerprints import SAME_PICTURE_BITS, Fingerprints, collect, picture_hash
from training.data.testset import TestImage, load_test_set

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tests() -> list[TestImage]:
    return load_test_set(ROOT / "benchmarks/data/tabletop-test")


@pytest.fixture(scope="module")
def seen() -> Fingerprints:
    return Fingerprints.load(ROOT / "training/checkpoints/tabletop-320.seen.npz")


def fingerprints(tests: list[TestImage]) -> Fingerprints:
    return collect((test.image, [thing.identifier for thing in test.objects], test.table_texture) for test in tests)


def encoded_again(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    small = cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def test_nothing_of_the_test_set_was_trained_on(tests: list[TestImage], seen: Fingerprints) -> None:
    assert len(seen.pictures) > 1000 and len(seen.objects) > 1000 and len(seen.surfaces) > 100
    assert fingerprints(tests).shared_with(seen) == []


def test_a_picture_encoded_again_would_be_noticed(tests: list[TestImage]) -> None:
    for test in tests:
        bits = int(np.bitwise_count(picture_hash(test.image) ^ picture_hash(encoded_again(test.image))).sum())
        assert bits <= SAME_PICTURE_BITS


def test_sharing_one_thing_of_each_kind_is_told(tests: list[TestImage]) -> None:
    first, second = fingerprints(tests[:1]), fingerprints(tests[:2])
    lines = first.shared_with(second)
    assert [line.split()[1].rstrip(",") for line in lines[:2]] == ["objects", "surfaces"]
    assert lines[2] == "picture 0 (as picture 0)"


def test_the_command_notes_shards(shard_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.npz"
    assert fingerprint.main(["--data", str(shard_folder), "--out", str(out)]) == 0
    found = Fingerprints.load(out)
    assert len(found.pictures) == 10 and len(found.objects) == 10 and len(found.surfaces) == 1

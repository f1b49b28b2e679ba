"""The test set on disk: what is written is what training.data.testset reads, and nothing else is overwritten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.make_test_set import drawn, main
from benchmarks.testset import write_test_set
from runtime.errors import SaymaskError
from training.data.testset import TestImage, load_test_set
from training.scenes.datatypes import Intrinsics, View
from training.scenes.shards import write_shard


def test_written_set_reads_back(images: list[TestImage], tmp_path: Path) -> None:
    counts = write_test_set(images, tmp_path / "set", limit_bytes=1_000_000)
    read = load_test_set(tmp_path / "set")

    assert counts["images"] == len(images) == len(read)
    assert counts["expressions"] == sum(len(image.expressions) for image in images)
    assert counts["absent"] == len(images)
    for before, after in zip(images, read, strict=True):
        assert np.array_equal(before.instances, after.instances)
        assert (before.objects, before.expressions) == (after.objects, after.expressions)
        assert (before.scene_seed, before.table_texture) == (after.scene_seed, after.table_texture)
        # JPEG, but not with its colours swapped.
        assert np.abs(before.image.astype(int) - after.image).mean() < 6
    assert counts["bytes"] == sum(path.stat().st_size for path in (tmp_path / "set").rglob("*") if path.is_file())


def test_too_large_set_leaves_the_old_one(images: list[TestImage], tmp_path: Path) -> None:
    out = tmp_path / "set"
    write_test_set(images[:1], out, limit_bytes=1_000_000)
    with pytest.raises(SaymaskError, match="choose fewer --images"):
        write_test_set(images, out, limit_bytes=1_000)
    assert len(load_test_set(out)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_other_folder_is_not_overwritten(images: list[TestImage], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"x")
    with pytest.raises(SaymaskError, match="not a test set"):
        write_test_set(images, tmp_path / "photos", limit_bytes=1_000_000)
    assert (tmp_path / "photos" / "cat.jpg").exists()


def test_drawn_expressions_keep_their_order_and_their_number(images: list[TestImage]) -> None:
    many = tuple(replace(images[0].expressions[0], text=f"mug {number}") for number in range(24))
    chosen = drawn(many, 10, seed=3)
    assert len(chosen) == 10 and list(chosen) == [item for item in many if item in chosen]
    assert drawn(many, 10, seed=3) == chosen != drawn(many, 10, seed=4)
    assert drawn(many[:4], 10, seed=3) == many[:4]


def test_entry_converts_shards(images: list[TestImage], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    views = [(view_of(image, view), image.expressions) for image in images for view in range(2)]
    write_shard(tmp_path / "shard-00000.npz", views, with_depth=False)
    arguments = [str(tmp_path), "--out", str(tmp_path / "out"), "--images", "3", "--expressions", "4"]

    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["images"], result["expressions"]) == (3, 12)
    read = load_test_set(tmp_path / "out")
    # One view of each scene only: the second view of scene 0 would be nearly the same picture.
    assert [image.scene_seed for image in read] == [0, 1, 2]


def test_entry_says_when_shards_hold_too_few(
    images: list[TestImage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shard(tmp_path / "shard-00000.npz", [(view_of(images[0], 0), images[0].expressions)], with_depth=False)
    assert main([str(tmp_path), "--out", str(tmp_path / "out"), "--images", "9"]) == 2
    assert "holds 1 scenes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def view_of(image: TestImage, view: int) -> View:
    """The rendered view that `image` could have come from."""
    count = len(image.objects)
    return View(
        image=image.image,
        instances=image.instances,
        depth_m=np.ones(image.instances.shape, np.float32),
        intrinsics=Intrinsics(50.0, 50.0, 24.0, 24.0),
        objects=image.objects,
        gap_m=np.zeros((count, count), np.float32),
        resting_on=frozenset(),
        scene_seed=image.scene_seed,
        view=view,
        table_texture=image.table_texture,
    )

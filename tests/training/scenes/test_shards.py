"""What a shard gives back is what was put in, and a damaged file says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import SaymaskError
from training.expressions.datatypes import Expression
from training.scenes.datatypes import Intrinsics, SceneObject, View
from training.scenes.shards import read_shard, write_shard

EXPRESSIONS = (
    Expression("the red cup", "grab the red cup", "attribute", (0,)),
    Expression("cups", "take the cups", "plural", (0, 1), plural=True, landmarks=(1,), needed=False, pair=3),
)


def make_view(width: int) -> View:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    instances = np.full((40, width), -1, np.int8)
    instances[5:15, 5:20], instances[20:30, 10:30] = 0, 1
    things = tuple(
        SceneObject(
            i,
            f"cup/{i}",
            ("cup", "mug"),
            ("red",),
            None,
            None,
            0.1,
            (0.1, 0.5, 0.05),
            (0.1, 0.0, 0.7),
            (5, 5, 20, 15),
            150,
            False,
        )
        for i in range(2)
    )
    return View(
        image=np.stack(
            [np.broadcast_to(ramp, (40, width)), np.full((40, width), 40), np.full((40, width), 200)], -1
        ).astype(np.uint8),
        instances=instances,
        depth_m=np.full((40, width), 0.12344, np.float32),
        intrinsics=Intrinsics(100.0, 100.0, width / 2, 20.0),
        objects=things,
        gap_m=np.array([[0, 0.0123], [0.0123, 0]], np.float32),
        resting_on=frozenset({(1, 0)}),
        scene_seed=123,
        view=2,
        table_texture="wood/5",
    )


def test_views_of_different_shapes_come_back_whole(tmp_path: Path) -> None:
    views = [make_view(60), make_view(48)]
    far = replace(views[1], depth_m=np.full((40, 48), 9.0, np.float32))
    write_shard(tmp_path / "shard-00000.npz", [(views[0], EXPRESSIONS), (far, ())], with_depth=True)
    shard = read_shard(tmp_path / "shard-00000.npz")
    assert len(shard) == 2
    for i, view in enumerate(views):
        assert shard.image(i).shape == view.image.shape
        assert np.abs(shard.image(i).astype(int) - view.image).mean() < 3
        assert np.array_equal(shard.instances(i), view.instances)
        assert shard.instances(i).dtype == np.int8
    assert shard.depth_m(0) == pytest.approx(views[0].depth_m, abs=6e-5)
    assert (shard.depth_m(1) == 0).all()
    record = shard.record(0)
    assert record.expressions == EXPRESSIONS
    assert record.objects == views[0].objects
    assert record.resting_on == views[0].resting_on
    assert record.intrinsics == views[0].intrinsics
    assert (record.scene_seed, record.view, record.table_texture) == (123, 2, "wood/5")
    assert record.gap_m == pytest.approx(views[0].gap_m, abs=1e-5)
    assert shard.record(1).expressions == ()


def test_the_same_views_make_the_same_bytes_and_leave_nothing_else(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_shard(tmp_path / name, [(make_view(60), EXPRESSIONS)], with_depth=False)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    with pytest.raises(SaymaskError, match="--depth"):
        read_shard(tmp_path / "a.npz").depth_m(0)
    with pytest.raises(IndexError):
        read_shard(tmp_path / "a.npz").image(1)


def test_files_that_are_no_shards_are_refused(tmp_path: Path) -> None:
    write_shard(tmp_path / "whole.npz", [(make_view(60), ())], with_depth=False)
    cut = tmp_path / "cut.npz"
    cut.write_bytes((tmp_path / "whole.npz").read_bytes()[:500])
    with pytest.raises(SaymaskError, match="not a readable shard"):
        read_shard(cut)
    other = tmp_path / "other.npz"
    np.savez(other, images=np.zeros(3))
    with pytest.raises(SaymaskError, match="it lacks image_offsets"):
        read_shard(other)

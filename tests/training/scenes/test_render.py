"""The renderer against known geometry, and the command from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training import render
from training.scenes.plan import RenderPlan
from training.scenes.shards import read_shard
from training.scenes.split import split_of

SMALL = ("--scenes", "3", "--views", "2", "--long-side", "128", "--workers", "1", "--seed", "5", "--depth")


def run(out: Path, capfd: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert render.main([*SMALL, "--out", str(out), *options]) == 0
    result: dict[str, object] = json.loads(capfd.readouterr().out.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered")
    assert render.main([*SMALL, "--out", str(out), "--split", "test"]) == 0
    return out


def test_truth_agrees_with_the_picture(rendered: Path) -> None:
    shard = read_shard(rendered / "shard-00000.npz")
    assert 4 <= len(shard) <= 6
    checked = 0
    for i in range(len(shard)):
        record, instances, depth = shard.record(i), shard.instances(i), shard.depth_m(i)
        assert max(shard.image(i).shape) == 128
        assert record.expressions
        for thing in record.objects:
            mask = instances == thing.index
            assert mask.sum() == thing.visible_pixels
            if thing.visible_pixels < 30 or thing.touches_edge:
                continue
            checked += 1
            x, y, z = thing.centre_camera_m
            column = record.intrinsics.fx * x / z + record.intrinsics.cx
            row = record.intrinsics.fy * y / z + record.intrinsics.cy
            x0, y0, x1, y1 = thing.box
            # the box is of the visible pixels: an object partly hidden may have its centre just outside
            margin = 0.6 * max(x1 - x0, y1 - y0)
            assert x0 - margin <= column <= x1 + margin
            assert y0 - margin <= row <= y1 + margin
            assert np.abs(depth[mask] - z).max() <= thing.size_m
            assert mask[y0:y1, x0:x1].sum() == mask.sum()
    assert checked > 5


def test_a_set_uses_only_what_belongs_to_its_split(rendered: Path) -> None:
    shard = read_shard(rendered / "shard-00000.npz")
    for i in range(len(shard)):
        record = shard.record(i)
        assert {split_of(thing.identifier) for thing in record.objects} == {"test"}
        assert split_of(record.table_texture) == "test"


def test_the_same_seed_makes_the_same_bytes_and_finished_shards_are_kept(
    rendered: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run(tmp_path, capfd, "--split", "test")
    first = read_shard(tmp_path / "shard-00000.npz")
    assert result["images"] == len(first)
    assert result["expressions"] == sum(len(first.record(i).expressions) for i in range(len(first)))
    assert set(result) >= {"seconds", "images_per_second", "out"}
    assert (tmp_path / "shard-00000.npz").read_bytes() == (rendered / "shard-00000.npz").read_bytes()
    again = run(tmp_path, capfd, "--split", "test")
    assert (again["images"], again["shards_skipped"]) == (0, 1)


def test_another_set_in_the_same_folder_is_refused(rendered: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert render.main([*SMALL, "--out", str(rendered), "--split", "train"]) == 2
    assert "other settings" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shard", "2/2"), "0 <= I < N"),
        (("--views", "0"), "--views 0 is too small"),
        (("--objects", "/nowhere/meshes"), "is not a folder"),
        (("--categories", "jar,jarr"), "'jarr' is not one of apple, bag"),
    ],
)
def test_bad_options_are_told_in_one_line(
    options: tuple[str, ...], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert render.main([*SMALL, "--out", str(tmp_path / "set"), *options]) == 2
    assert message in capfd.readouterr().err.splitlines()[-1]


def test_a_machine_without_a_gl_context_is_told_which_packages_to_install(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert render.main([*SMALL, "--out", str(tmp_path)]) == 2
    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith("error: no off-screen OpenGL context")
    assert "libegl1 libegl-mesa0 libgl1-mesa-dri" in line


def test_shards_are_split_between_machines_without_loss() -> None:
    plan = RenderPlan(500, 0, "train", 3, 320, "classic", False, None, None)
    assert sum(plan.scenes_of(shard) for shard in range(plan.shards)) == 500
    parts = [set(range(i, plan.shards, 3)) for i in range(3)]
    assert set.union(*parts) == set(range(plan.shards))
    assert sum(map(len, parts)) == plan.shards


def test_only_the_named_categories_occur(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, capfd, "--categories", "jar,apple")
    shard = read_shard(tmp_path / "shard-00000.npz")
    seen = {thing.identifier.split("/")[0] for i in range(len(shard)) for thing in shard.record(i).objects}
    assert seen == {"jar", "apple"}

"""Turn rendered shards into the committed test set: `python benchmarks/make_test_set.py rendered/test`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.testset import write_test_set
from benchmarks.workload import TEST_SET
from runtime.entry import command_line
from runtime.errors import SaymaskError
from training.data.testset import TestImage
from training.expressions.datatypes import Expression
from training.scenes.shards import read_shard

LIMIT_BYTES = 12_000_000
"""A clone must stay quick."""


def drawn(expressions: Sequence[Expression], limit: int, seed: int) -> tuple[Expression, ...]:
    """At most `limit` of `expressions` in their order, drawn evenly, so that the generator's own mix of kinds stays."""
    chosen = np.random.default_rng(seed).permutation(len(expressions))[:limit]
    return tuple(expressions[number] for number in sorted(chosen))


def chosen_views(folder: Path, images: int, expressions: int) -> Iterator[TestImage]:
    """`images` views of different scenes, with at most `expressions` expressions each, from the shards in `folder`.

    Raises SaymaskError when the shards hold fewer scenes with expressions.
    """
    scenes: set[int] = set()
    for path in sorted(folder.glob("shard-*.npz")):
        shard = read_shard(path)
        for index in range(len(shard)):
            record = shard.record(index)
            if record.scene_seed in scenes or not record.expressions:
                continue
            scenes.add(record.scene_seed)
            yield TestImage(
                file=f"{len(scenes) - 1:04}",
                image=shard.image(index),
                instances=shard.instances(index),
                objects=record.objects,
                expressions=drawn(record.expressions, expressions, record.scene_seed),
                scene_seed=record.scene_seed,
                table_texture=record.table_texture,
            )
            if len(scenes) == images:
                return
    raise SaymaskError(
        f"{folder} holds {len(scenes)} scenes with expressions, {images} are wanted; "
        f"render more: python training/render.py --scenes {images} --split test --out {folder}"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Write the test set and say what is in it."""
    views = tqdm(chosen_views(args.shards, args.images, args.expressions), total=args.images, unit="image")
    return {"out": str(args.out), **write_test_set(views, args.out, limit_bytes=LIMIT_BYTES)}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("shards", type=Path, help="folder that training/render.py wrote with --split test")
    parser.add_argument("--out", type=Path, default=TEST_SET, help="folder to write; an earlier test set is replaced")
    parser.add_argument("--images", type=int, default=240, help="pictures, each of another scene")
    parser.add_argument("--expressions", type=int, default=10, help="most expressions on one picture")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

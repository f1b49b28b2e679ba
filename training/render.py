"""Renders training scenes with expressions into shards: python training/render.py --scenes 1000 --out data/train.

Several machines share one set by `--shard 0/2`, `--shard 1/2`; an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.entry import command_line
from runtime.errors import SaymaskError
from training.scenes.objects import CATEGORIES
from training.scenes.plan import RenderPlan, shard_path
from training.scenes.split import SPLITS
from training.scenes.workers import render_shards


def build_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="render", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--scenes", type=int, required=True, help="number of scenes of the whole set")
    parser.add_argument("--out", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--seed", type=int, default=0, help="the same seed renders the same set")
    parser.add_argument("--views", type=int, default=3, help="camera views of each scene")
    parser.add_argument("--split", choices=SPLITS, default="train", help="which objects and surfaces may be used")
    parser.add_argument(
        "--objects", type=Path, help="folder of meshes with an objects.json, beside the procedural ones"
    )
    parser.add_argument("--surfaces", type=Path, help="folder of surface images, beside the procedural ones")
    parser.add_argument("--categories", help="procedural categories, such as jar,apple,mug; none: all of them")
    parser.add_argument("--shard", type=_part, default=(0, 1), metavar="I/N", help="render every N-th shard from I on")
    parser.add_argument("--renderer", choices=("classic", "filament"), default="classic", help="filament is slower")
    parser.add_argument("--long-side", type=int, default=320, help="longer side of the images in pixels")
    parser.add_argument("--depth", action="store_true", help="store depth images too")
    parser.add_argument("--workers", type=int, default=_cores(), help="processes, one core each")
    return parser


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _part(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N with 0 <= I < N, for example 0/2")
    return int(index), int(count)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Renders the shards that are still missing; returns what the last line of output says."""
    started = time.perf_counter()
    plan = _plan(arguments)
    plan.claim(arguments.out)
    part, parts = arguments.shard
    mine = range(part, plan.shards, parts)
    todo = [shard for shard in mine if not shard_path(arguments.out, shard).exists()]
    images, expressions = render_shards(plan, arguments.out, todo, workers=arguments.workers)
    seconds = time.perf_counter() - started
    return {
        "images": images,
        "expressions": expressions,
        "seconds": round(seconds, 2),
        "images_per_second": round(images / seconds, 2),
        "shards_skipped": len(mine) - len(todo),
        "out": str(arguments.out),
    }


def _plan(arguments: argparse.Namespace) -> RenderPlan:
    for name, least in (("scenes", 1), ("views", 1), ("workers", 1), ("long_side", 32), ("seed", 0)):
        if getattr(arguments, name) < least:
            option = "--" + name.replace("_", "-")
            raise SaymaskError(f"{option} {getattr(arguments, name)} is too small; expected {least} or more")
    for folder in (arguments.objects, arguments.surfaces):
        if folder is not None and not folder.is_dir():
            raise SaymaskError(f"{folder} is not a folder; name the one that holds the meshes or surface images")
    categories = tuple(arguments.categories.split(",")) if arguments.categories else ()
    for category in categories:
        if category not in CATEGORIES:
            raise SaymaskError(f"--categories: '{category}' is not one of {', '.join(sorted(CATEGORIES))}")
    return RenderPlan(
        scenes=arguments.scenes,
        seed=arguments.seed,
        split=arguments.split,
        views=arguments.views,
        long_side=arguments.long_side,
        renderer=arguments.renderer,
        depth=arguments.depth,
        objects=str(arguments.objects) if arguments.objects else None,
        surfaces=str(arguments.surfaces) if arguments.surfaces else None,
        categories=categories,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return command_line(run, build_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""Note what a training run has seen: `python training/fingerprint.py --data DIR --out FILE.npz`.

The file is committed beside the checkpoint; a test compares it with the committed test set.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from runtime.entry import command_line
from training.data.fingerprints import collect
from training.data.rendered import RenderedShards


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Collect and write; returns the last-line JSON."""
    views = RenderedShards(arguments.data)
    seen = collect(views.sources(index) for index in tqdm(range(len(views)), desc="views"))
    seen.save(arguments.out)
    sizes = {"pictures": len(seen.pictures), "objects": len(seen.objects), "surfaces": len(seen.surfaces)}
    return {**sizes, "out": str(arguments.out)}


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, help="folders of shards that were trained on")
    add("--out", type=Path, default=Path("training/checkpoints/tabletop-320.seen.npz"), help="file to write")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

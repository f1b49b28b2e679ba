"""What the benchmarks of a session over camera frames are told alike."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.workload import TEST_SET
from runtime.backends import BACKENDS
from runtime.bundle import DEFAULT_MODEL


def session_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with --model, --data, --backend, --threads and --out."""
    described = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    add = described.add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle to run")
    add("--data", type=Path, default=TEST_SET, metavar="DIR", help="test set with frames and sentences")
    add("--backend", choices=BACKENDS, default="auto", help="what runs the graphs")
    add("--threads", type=int, metavar="N", help="CPU threads of one graph; none: half of the cores")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return described

"""A process of its own that wants an engine, for test_engine_cache_processes.py.

It says on standard output how far it is: "building", "fsync 1" (the file, not yet in place), "fsync 2" (its folder),
"log: ..." and "loaded ...". Where it was told to stop, it waits for a line on standard input.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

from runtime import SaymaskError
from runtime.backends.engine_cache import EngineCache, EngineKey

PLAN = b"a plan that is longer than one page of memory. " * 200


def key(graph: str = "graph") -> EngineKey:
    return EngineKey(
        graph_sha256=graph,
        flavour="tensorrt",
        version="10.3.0",
        gpu="Orin",
        compute_capability="8.7",
        driver="540.4.0",
        precision="fp16",
        profiles="N=1..16 T=1..24",
        flags="strongly-typed",
    )


def say(line: str) -> None:
    print(line, flush=True)


def reach(place: str, stop: str) -> None:
    say(place)
    if place == stop:
        sys.stdin.readline()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("--stop", default="")
    parser.add_argument("--graphs", nargs="+", default=["graph"])
    parser.add_argument("--limit", type=int, default=1 << 30)
    parser.add_argument("--uid", type=int)
    arguments = parser.parse_args()
    if arguments.uid:
        os.setgroups([])
        os.setgid(arguments.uid)
        os.setuid(arguments.uid)
    logging.basicConfig(stream=sys.stdout, format="log: %(message)s")
    fsync, calls = os.fsync, iter(range(1, 1000))

    def watched_fsync(fd: Any) -> None:
        reach(f"fsync {next(calls)}", arguments.stop)
        fsync(fd)

    os.fsync = watched_fsync  # the moments before and after an engine is put in place

    def build() -> bytes:
        reach("building", arguments.stop)
        return PLAN

    say("ready")
    sys.stdin.readline()
    for graph in arguments.graphs:
        try:
            cache = EngineCache(arguments.directory, limit_bytes=arguments.limit)
            plan = cache.load_or_build(key(graph), build, bytes, label="the image encoder")
            say(f"loaded {plan == PLAN}")
        except SaymaskError as error:
            say(f"error: {error}")


if __name__ == "__main__":
    main()

"""What the runtime costs a robot before it sees anything: `python benchmarks/footprint.py [--extra cpu]`.

`import_ms` and `open_ms` are of new processes; `memory_mib` is their resident memory after import, after loading the
model and after the first answer. `installed_mib` is the size on disk of saymask and of all that it requires with an
extra, by package, from the installed packages' own lists of files; null for one that keeps none (JetPack's TensorRT).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from packaging.requirements import Requirement
from tqdm import tqdm

from benchmarks.cold_start import cold_start
from benchmarks.contenders import CHECKPOINT, check_names
from benchmarks.report import machine, plain, shown, write_json
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned

_ROOT = Path(__file__).resolve().parents[1]


def required(distribution: str, extra: str) -> list[str]:
    """`distribution` and all that it requires on this machine with `extra`, by name; raises SaymaskError.

    What is required and not installed is left out: an extra may hold what only a GPU needs.
    """
    try:
        offered = metadata.metadata(distribution).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError as error:
        raise SaymaskError(f"{distribution} is not installed; install it with: pip install -e '.[{extra}]'") from error
    if extra and extra not in offered:
        raise SaymaskError(f"{distribution} has no extra {extra!r}; it has {', '.join(sorted(offered))}")
    found: dict[str, None] = {}
    waiting = [(distribution, frozenset((extra, "")))]
    while waiting:
        name, extras = waiting.pop(0)
        name = _normal(name)
        if name in found:
            continue
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            sys.stderr.write(f"{name} is not installed and not counted\n")
            continue
        found[name] = None
        for requirement in map(Requirement, requirements):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": wanted}) for wanted in extras):
                waiting.append((requirement.name, frozenset((*requirement.extras, ""))))
    return list(found)


def installed_mib(distribution: str) -> float | None:
    """What the files of an installed package take; None where it does not list them."""
    files = metadata.files(distribution)
    if not files:
        return None
    sizes = (Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())
    return round(sum(sizes) / 2**20, 2)


def own_mib(root: Path = _ROOT) -> float:
    """saymask's own files: of an editable installation the package lists none. Caches are not counted."""
    files = (path for path in (root / "runtime").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return round(sum(path.stat().st_size for path in files) / 2**20, 2)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return the figures."""
    check_names([args.backend])
    if args.repeats < 1:
        raise SaymaskError(f"--repeats must be at least 1, got {args.repeats}")
    starts = [
        cold_start(args.model, args.backend, checkpoint=CHECKPOINT)
        for _ in tqdm(range(args.repeats), desc="processes", leave=False)
    ]
    names = [name for name in required("saymask", args.extra) if name != "saymask"]
    sizes = {"saymask (runtime and its model)": own_mib()} | {name: installed_mib(name) for name in sorted(names)}
    known = [size for size in sizes.values() if size is not None]
    result: dict[str, Any] = {
        "model": shown(args.model),
        "backend": args.backend,
        "extra": args.extra,
        "import_ms": round(median(start.milliseconds["import"] for start in starts), 1),
        "open_ms": round(median(start.milliseconds["open"] for start in starts), 1),
        "first_answer_ms": round(median(start.milliseconds["first_answer"] for start in starts), 1),
        "memory_mib": plain(starts[-1].memory_mib),
        "installed_mib": sizes,
        "installed_mib_total": round(sum(known), 1),
    } | machine()
    sys.stderr.write(table(result) + "\n")
    if args.out:
        write_json(args.out, result)
    return result


def table(result: dict[str, Any]) -> str:
    """The figures for a person."""
    times = [(name, float(result[name])) for name in ("import_ms", "open_ms", "first_answer_ms")]
    memory = [(f"memory, {moment}, MiB", size) for moment, size in result["memory_mib"].items()]
    packages = [*result["installed_mib"].items(), ("together", result["installed_mib_total"])]
    return f"{aligned(('figure', 'value'), [*times, *memory])}\n\n{aligned(('installed', 'MiB'), packages)}"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle")
    add("--backend", default="auto", help="what runs the graphs")
    add("--extra", default="cpu", help="saymask's extra whose packages are counted: cpu, gpu, tensorrt")
    add("--repeats", type=int, default=5, metavar="N", help="new processes; medians are told")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

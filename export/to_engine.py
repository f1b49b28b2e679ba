"""Entry: build a bundle's TensorRT engines on this machine, and keep them only when they answer as its graphs do.

With --check, which needs no GPU: have TensorRT-RTX parse and build every graph, in both precisions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from export.engine_check import Checked, candidates, check_graph
from export.engine_gate import EngineParity, compare_backends
from runtime.backends import open_backend
from runtime.backends.build_progress import BuildProgress
from runtime.backends.cuda import CudaDevice
from runtime.backends.engine_builder import (
    PRECISIONS,
    BuiltPlan,
    DeviceFacts,
    EngineOptions,
    drop_engines,
    engine_key,
    load_engines,
)
from runtime.backends.engine_cache import CachedEngine, EngineCache, EngineKey
from runtime.backends.engine_layers import LayerPrecision, count_precisions, engine_layers
from runtime.backends.self_check import SelfCheck, SelfCheckFailed, check_samples
from runtime.backends.tensorrt_api import TensorRT, find_tensorrt
from runtime.backends.tensorrt_backend import TensorRTBackend
from runtime.bundle import DEFAULT_MODEL, GRAPHS, Bundle, open_bundle
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned
from runtime.test_set import count_pictures, iterate_test_set

_ROOT = Path(__file__).resolve().parents[1]
_TEST_SET = _ROOT / "benchmarks" / "data" / "tabletop-test"


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """See `python export/to_engine.py --help`."""
    options = EngineOptions(arguments.precision or "fp16", arguments.max_expressions, arguments.workspace)
    if arguments.check:
        return run_check(arguments.bundle, options, arguments.precision)
    if len(arguments.bundle) != 1:
        raise SaymaskError("engines are built for one bundle at a time; only --check takes several")
    if arguments.images is not None and arguments.images < 1:
        raise SaymaskError(f"--images must be at least 1, got {arguments.images}")
    return run_build(arguments, open_bundle(arguments.bundle[0]), options)


def run_check(paths: Sequence[Path], options: EngineOptions, precision: str | None) -> dict[str, Any]:
    """Parse and build every graph of `paths` with TensorRT-RTX, in `precision` or in both; the last line's JSON."""
    api = find_tensorrt("tensorrt-rtx")
    wanted = [known for known in PRECISIONS if precision in (None, known)]
    checked = [check_graph(api, candidate, options) for candidate in candidates(paths, wanted)]
    print(_check_table(checked), file=sys.stderr)
    problems = [graph.problem for graph in checked if graph.problem]
    for problem in problems:
        print(f"check: {problem}", file=sys.stderr)
    return {
        "tensorrt": str(api),
        "graphs": [graph.to_json() for graph in checked],
        "problems": problems,
        "passed": bool(checked) and not problems,
    }


def _check_table(checked: Sequence[Checked]) -> str:
    head = ("graph", "precision", "layers", "of which", "s", "plan bytes")
    rows = [
        (graph.file, graph.precision, len(graph.layers), _told(graph.layers), graph.seconds, graph.plan_bytes)
        if not graph.problem
        else (graph.file, graph.precision, None, "REFUSED", None, None)
        for graph in checked
    ]
    return aligned(head, rows)


def _told(layers: Sequence[LayerPrecision]) -> str:
    return ", ".join(f"{count} {precision}" for precision, count in count_precisions(layers).items())


def run_build(arguments: argparse.Namespace, bundle: Bundle, options: EngineOptions) -> dict[str, Any]:
    """Build or load the engines of `bundle`, self-check them and pass them through the gate; the last line's JSON.

    Engines that fail are dropped from the cache. Raises SaymaskError where none can be built, kept or compared.
    """
    pictures = min(count_pictures(arguments.test_set), arguments.images or sys.maxsize)  # before minutes of building
    open_backend(bundle, "ort-cpu").close()  # what is compared with must be there, before engines are kept
    api, cache = find_tensorrt(), EngineCache(arguments.cache)
    facts, engines = build_engines(api, bundle, options, cache)
    kept = {entry.key: entry for entry in cache.entries() if not entry.fault}
    for engine in engines:
        if engine.key not in kept:
            raise SaymaskError(
                f"the engine of {engine.graph} was built but is not kept in {cache.directory}; "
                "free space there, or name another folder with --cache DIR"
            )
    check, parity, problems = _compare(arguments, bundle, options, cache, pictures)
    if problems:
        drop_engines(cache, [engine.key for engine in engines])
    for problem in problems:
        print(f"gate: {problem}", file=sys.stderr)
    return {
        "bundle": str(bundle.directory),
        "tensorrt": str(api),
        "device": asdict(facts),
        "precision": options.precision,
        "engines": [engine.to_json(kept[engine.key]) for engine in engines],
        "build_seconds": round(sum(engine.seconds for engine in engines), 2),
        "self_check": check and asdict(check),
        "parity": parity and parity.to_json(),
        "problems": problems,
        "passed": not problems,
    }


@dataclass(frozen=True, eq=False)
class BuiltEngine:
    """One engine in the cache: its layers after fusion, and what it took to build, 0 where it was there already."""

    graph: str
    key: EngineKey
    layers: tuple[LayerPrecision, ...]
    seconds: float

    def to_json(self, kept: CachedEngine) -> dict[str, Any]:
        """What the last line tells of it."""
        return {
            "graph": self.graph,
            "file": str(kept.path),
            "bytes": kept.size_bytes,
            "cache_key": self.key.digest(),
            "build_seconds": round(self.seconds, 2),
            "precisions": count_precisions(self.layers),
        }


def build_engines(
    api: TensorRT, bundle: Bundle, options: EngineOptions, cache: EngineCache
) -> tuple[DeviceFacts, list[BuiltEngine]]:
    """Put the engines of the three graphs into the cache, and say which layers run in which precision."""
    built: dict[str, BuiltPlan] = {}
    device = CudaDevice()
    try:
        facts = device.facts()
        with device.current():
            loaded = load_engines(api, bundle, options, facts, cache, built=built.__setitem__)
            parsed = {name: plan.layers for name, plan in built.items()}
            layers = {name: engine_layers(api, engine) or parsed.get(name, ()) for name, engine in loaded.items()}
            loaded.clear()  # an engine must be freed while its context is current
    finally:
        device.close()
    engines = [
        BuiltEngine(name, engine_key(api, bundle, name, options, facts), layers[name], _seconds(built.get(name)))
        for name in GRAPHS
    ]
    head = ("graph", "build s", "layers", "of which")
    rows = [(item.graph, item.seconds or None, len(item.layers), _told(item.layers)) for item in engines]
    print(aligned(head, rows), file=sys.stderr)
    return facts, engines


def _seconds(plan: BuiltPlan | None) -> float:
    return plan.seconds if plan else 0.0


def _compare(
    arguments: argparse.Namespace, bundle: Bundle, options: EngineOptions, cache: EngineCache, pictures: int
) -> tuple[SelfCheck | None, EngineParity | None, list[str]]:
    """Self-check, then the test set against ONNX Runtime; what each said, and why the engines may not stay."""
    try:
        with (
            TensorRTBackend(bundle, options=options, cache=cache) as engines,
            open_backend(bundle, "ort-cpu") as reference,
            BuildProgress("comparing with ONNX Runtime") as progress,
        ):
            check = check_samples(bundle, engines, precision=options.precision)
            parity = compare_backends(
                bundle,
                engines,
                reference,
                islice(iterate_test_set(arguments.test_set), pictures),
                max_expressions=options.max_expressions,
                progress=progress,
                expected=pictures,
            )
    except SelfCheckFailed as error:
        return None, None, [str(error)]
    return check, parity, parity.problems(bundle.spec.engine_gate)


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    described = argparse.ArgumentParser(prog="export/to_engine.py", description=__doc__)
    add = described.add_argument
    add(
        "bundle",
        nargs="*",
        type=Path,
        default=[DEFAULT_MODEL],
        help=f"a bundle (default: {DEFAULT_MODEL.name}); with --check several, or .onnx files",
    )
    add("--precision", choices=PRECISIONS, help="of the image graphs (default: fp16; with --check: both)")
    add("--check", action="store_true", help="only try every graph with TensorRT-RTX; needs no GPU")
    add("--workspace", type=int, metavar="MIB", help="scratch memory a layer may use (default: all there is)")
    add(
        "--max-expressions",
        type=int,
        default=EngineOptions.max_expressions,
        metavar="N",
        help="largest batch of expressions (default: %(default)s)",
    )
    add("--cache", type=Path, metavar="DIR", help="where engines are kept (default: SAYMASK_CACHE, else ~/.cache)")
    add("--images", type=int, metavar="N", help="compare on this many pictures of the test set (default: all)")
    add("--test-set", type=Path, default=_TEST_SET, metavar="DIR", help="folder with test.json (default: %(default)s)")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return command_line(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""Do NVIDIA's parser and builder take every graph? TensorRT-RTX builds for any GPU it knows, so none is needed here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.backends.build_progress import BuildProgress
from runtime.backends.engine_builder import EngineOptions, build_plan
from runtime.backends.engine_layers import LayerPrecision, count_precisions
from runtime.backends.network_parser import parsed_spec
from runtime.backends.tensorrt_api import TensorRT
from runtime.bundle import Bundle, open_bundle
from runtime.datatypes import GraphSpec, Precision
from runtime.errors import SaymaskError

_MAX_WORDS = 20
"""Words that a graph outside a bundle is built for."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A graph to be checked; `spec` is None where no `model.json` describes it."""

    path: Path
    precision: str
    spec: GraphSpec | None
    max_words: int
    bundle: Bundle | None

    def read(self) -> bytes:
        """The ONNX file; verified where it is of a bundle."""
        if self.bundle:
            return self.bundle.read(self.path.name)
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise SaymaskError(f"cannot read {self.path}: {error.strerror}") from error


@dataclass(frozen=True)
class Checked:
    """What came of one graph; `problem` is empty where an engine was built."""

    file: str
    precision: str
    layers: tuple[LayerPrecision, ...] = field(default=(), repr=False)
    seconds: float = 0.0
    plan_bytes: int = 0
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "file": self.file,
            "precision": self.precision,
            "layers": len(self.layers),
            "precisions": count_precisions(self.layers),
            "seconds": round(self.seconds, 2),
            "plan_bytes": self.plan_bytes,
            "problem": self.problem,
        }


def candidates(paths: Sequence[Path], precisions: Sequence[Precision]) -> list[Candidate]:
    """Every graph of the bundles (folders) and ONNX files in `paths`; graphs of a bundle in each of `precisions`.

    Raises SaymaskError for a path that is neither, or a bundle that is not sound.
    """
    return [candidate for path in paths for candidate in (_of_bundle(path, precisions) if path.is_dir() else _of(path))]


def _of_bundle(path: Path, precisions: Sequence[Precision]) -> Iterator[Candidate]:
    bundle = open_bundle(path)
    described: list[tuple[Precision, GraphSpec]] = [
        ("fp32", graph)
        for name, graph in bundle.spec.graphs.items()  # the whole network as one graph too, where it was exported
        if "fp32" in precisions or name == "text_encoder"
    ]
    if "fp16" in precisions:
        described += [("fp16", graph) for graph in bundle.spec.half_graphs.values()]
    for precision, graph in described:
        yield Candidate(path / graph.file, precision, graph, bundle.spec.max_words, bundle)


def _of(path: Path) -> Iterator[Candidate]:
    if path.suffix != ".onnx":
        raise SaymaskError(f"{path} is neither a bundle (a folder with model.json) nor an .onnx file")
    yield Candidate(path, "as exported", None, _MAX_WORDS, None)


def check_graph(api: TensorRT, candidate: Candidate, options: EngineOptions) -> Checked:
    """Parse a graph and build its engine, which is thrown away."""
    try:
        content = candidate.read()
        spec = candidate.spec or parsed_spec(api, content, candidate.path.name)
        with BuildProgress(f"building {candidate.path}") as progress:
            built = build_plan(api, content, spec, max_words=candidate.max_words, options=options, progress=progress)
    except SaymaskError as error:
        return Checked(str(candidate.path), candidate.precision, problem=str(error))
    return Checked(str(candidate.path), candidate.precision, built.layers, built.seconds, len(built.plan))

"""Opens a model directory, and refuses one that is not exactly what its `model.json` says. No pickle anywhere.

`model.json` (schema version 2) holds: name, architecture, image_size, pad_value, logit_size, max_words, graphs
(image_encoder, text_encoder, mask_decoder: file, inputs, outputs), half_graphs (the strongly typed FP16 twins of
image_encoder and mask_decoder, or none), engine_gate, thresholds, calibration, vocabulary_sha256 (of the file
vocab.json), files (SHA-256 of every other file), provenance, metrics. `runtime.datatypes.ModelSpec` has the words for
them. In tensor shapes "N" stands for the number of expressions and "T" for the number of words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.datatypes import CONFIDENCE_KINDS, GraphSpec, ModelSpec, Precision, TensorSpec
from runtime.errors import SaymaskError
from runtime.json_reader import JsonReader
from runtime.language.vocabulary import Vocabulary

SCHEMA_VERSION = 2
GRAPHS = ("image_encoder", "text_encoder", "mask_decoder")
HALF_GRAPHS = ("image_encoder", "mask_decoder")
"""What an engine runs in FP16. The text encoder stays FP32: TensorRT refuses an LSTM in FP16 with lengths."""
DEFAULT_MODEL = Path(__file__).parent / "models" / "tabletop-320"

_MAX_JSON_BYTES = 8 << 20
_MAX_FILE_BYTES = (2 << 30) - 1
"""Protobuf's own limit for one ONNX file."""
_DTYPES = ("uint8", "int64", "float32", "float16")
_THRESHOLDS = ("mask_logit", "absent_probability", "ambiguous_probability", "piece_share", "found_confidence")
_ENGINE_GATE = ("mask_iou_mean", "overall_iou_change")
_CALIBRATION = (
    *("count_temperature", "mask_temperature", "evidence_weight", "evidence_offset"),
    *(f"{kind}_{number}" for kind in CONFIDENCE_KINDS for number in ("slope", "offset")),
)


@dataclass(frozen=True, eq=False)
class Bundle:
    """A verified model directory."""

    directory: Path
    spec: ModelSpec
    vocabulary: Vocabulary

    def read(self, file: str) -> bytes:
        """The bytes of a listed file, verified again: it may have changed since the bundle was opened."""
        content = _read_bounded(self.directory / file, _MAX_FILE_BYTES)
        _compare(self.directory / file, hashlib.sha256(content).hexdigest(), self.spec.files[file])
        return content

    def graph(self, name: str, precision: Precision = "fp32") -> bytes:
        """The verified ONNX file of a graph ("image_encoder", "text_encoder", "mask_decoder"), as `ModelSpec.graph`."""
        return self.read(self.spec.graph(name, precision).file)


def open_bundle(directory: Path | str) -> Bundle:
    """Open and verify a model directory: schema, tensor specs, vocabulary and the hash of every file.

    Raises SaymaskError, in one line that names the file and the reason.
    """
    directory = Path(directory)
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        raise SaymaskError(f"the model {directory} {what}; a model is a directory that holds model.json")
    path = directory / "model.json"
    spec = parse_spec(_read_json(path), str(path))
    for file, expected in spec.files.items():
        _compare(directory / file, sha256_of(directory / file), expected)
    return Bundle(directory, spec, _read_vocabulary(directory / "vocab.json"))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as `model.json` lists it. Raises SaymaskError where the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SaymaskError(f"cannot read {path}: {error.strerror}; copy the whole model directory again") from error
    return digest.hexdigest()


def parse_spec(value: Any, where: str = "model.json") -> ModelSpec:
    """Give what `model.json` holds types. Raises SaymaskError that names `where` (the file) and the entry."""
    read = JsonReader(value, where)
    version = read.entry("schema_version")
    if version != SCHEMA_VERSION:
        read.refuse(
            f"schema_version is {version!r}, this saymask reads {SCHEMA_VERSION}; update saymask or export again"
        )
    spec = ModelSpec(
        name=read.text("name"),
        architecture=read.text("architecture"),
        image_size=read.size("image_size"),
        pad_value=read.whole("pad_value", 0, 255),
        logit_size=read.size("logit_size"),
        max_words=read.whole("max_words", 1, 256),
        graphs=_graphs(read.part("graphs")),
        half_graphs=_graphs(read.part("half_graphs")),
        engine_gate=read.part("engine_gate").numbers(_ENGINE_GATE),
        thresholds=read.part("thresholds").numbers(_THRESHOLDS),
        calibration=read.part("calibration").numbers(_CALIBRATION),
        vocabulary_sha256=read.text("vocabulary_sha256"),
        files={name: read.part("files").text(name) for name in read.mapping("files")},
        provenance=read.mapping("provenance"),
        metrics=read.mapping("metrics"),
    )
    for name in spec.files:
        if not name or Path(name).name != name or name == "model.json":
            read.refuse(f"files lists {name!r}; expected plain names of files beside model.json")
    if min(spec.calibration[name] for name in ("count_temperature", "mask_temperature")) <= 0:
        read.refuse("calibration: a temperature must be above 0")
    if min(spec.calibration[f"{kind}_slope"] for kind in CONFIDENCE_KINDS) <= 0:
        read.refuse("calibration: a slope must be above 0, or less sure answers would count as surer")
    if spec.vocabulary_sha256 != spec.files.get("vocab.json"):
        read.refuse(
            "vocabulary_sha256 is not the SHA-256 that files lists for vocab.json; the vocabulary is of another model"
        )
    _check_graphs(spec, spec.graphs, "graphs", read)
    if spec.half_graphs:
        _check_half_graphs(spec, read)
    return spec


def _graphs(graphs: JsonReader) -> dict[str, GraphSpec]:
    return {name: _graph(graphs.part(name)) for name in graphs.value}


def _graph(read: JsonReader) -> GraphSpec:
    inputs, outputs = ([_tensor(item, read) for item in read.items(key)] for key in ("inputs", "outputs"))
    return GraphSpec(read.text("file"), tuple(inputs), tuple(outputs))


def _tensor(value: Any, read: JsonReader) -> TensorSpec:
    entries = value if isinstance(value, dict) else {}
    name, dtype, shape = (entries.get(key) for key in ("name", "dtype", "shape"))
    sized = isinstance(shape, list) and all(size in ("N", "T") or (type(size) is int and size > 0) for size in shape)
    if not isinstance(name, str) or dtype not in _DTYPES or not isinstance(shape, list) or not sized:
        expected = f"a tensor as name, dtype ({', '.join(_DTYPES)}) and shape (numbers, N, T)"
        read.refuse(f"expected {expected}, got {json.dumps(value)[:120]}")
    return TensorSpec(name, dtype, tuple(shape))


def _check_half_graphs(spec: ModelSpec, read: JsonReader) -> None:
    """The twins must fit the text encoder and each other, and have the names and sizes of the FP32 graphs."""
    if sorted(spec.half_graphs) != sorted(HALF_GRAPHS):
        read.refuse(f"half_graphs holds {', '.join(sorted(spec.half_graphs))}; expected {' and '.join(HALF_GRAPHS)}")
    text = {"text_encoder": spec.graphs["text_encoder"]}
    _check_graphs(spec, {**text, **spec.half_graphs}, "half_graphs", read)
    for name in HALF_GRAPHS:
        sizes, twin_sizes = (
            {tensor.name: tensor.shape for tensor in (*graph.inputs, *graph.outputs)}
            for graph in (spec.graphs[name], spec.half_graphs[name])
        )
        if sizes != twin_sizes:
            read.refuse(f"half_graphs.{name} has other inputs or outputs than graphs.{name}; export again")


def _check_graphs(spec: ModelSpec, graphs: Mapping[str, GraphSpec], where: str, read: JsonReader) -> None:
    """Three graphs must fit the sizes of the model, and each other."""
    for name in GRAPHS:
        if name not in graphs:
            read.refuse(f"{where} lacks {name}")
    for name, graph in graphs.items():
        if graph.file not in spec.files:
            read.refuse(f"{where}.{name} is in {graph.file!r}, which files does not list")
    image, text, decoder = (graphs[name] for name in GRAPHS)
    pixels = TensorSpec("pixels", "uint8", (*spec.image_size, 3))
    words = (TensorSpec("token_ids", "int64", ("N", "T")), TensorSpec("lengths", "int64", ("N",)))
    _expect(image.inputs, (pixels,), f"{where}.image_encoder.inputs", read)
    _expect(text.inputs, words, f"{where}.text_encoder.inputs", read)
    features = {tensor.name: tensor for tensor in (*image.outputs, *text.outputs)}
    for tensor in decoder.inputs:
        if features.get(tensor.name) != tensor:
            read.refuse(f"the mask decoder wants {describe(tensor)}, and no encoder puts out exactly that")
    if any(tensor.shape[:1] != ("N",) for tensor in text.outputs):
        read.refuse("every output of the text encoder must have N as its first size")
    answers = [TensorSpec("mask_logits", "float32", ("N", *spec.logit_size))]
    if len(decoder.outputs) > 1:
        doubts = any(tensor.shape == ("N", 4) for tensor in decoder.outputs)
        answers.append(TensorSpec("count_logits", "float32", ("N", 4 if doubts else 3)))
    _expect(decoder.outputs, tuple(answers), f"{where}.mask_decoder.outputs", read)
    offsets = features.get("centre_offsets")
    if offsets and (offsets.dtype != "float32" or len(offsets.shape) != 4 or offsets.shape[:2] != (1, 2)):
        read.refuse(f"expected centre_offsets float32 (1, 2, h, w), got {describe(offsets)}")


def _expect(actual: tuple[TensorSpec, ...], expected: tuple[TensorSpec, ...], where: str, read: JsonReader) -> None:
    if sorted(map(describe, actual)) != sorted(map(describe, expected)):
        read.refuse(
            f"{where}: expected {'; '.join(map(describe, expected))}, got {'; '.join(map(describe, actual)) or 'none'}"
        )


def describe(tensor: TensorSpec) -> str:
    """A tensor in words: "pixels uint8 (320, 320, 3)"."""
    return f"{tensor.name} {tensor.dtype} ({', '.join(map(str, tensor.shape))})"


def _read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes: a broken or hostile one must not fill the robot's memory."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise SaymaskError(f"{path} has {size} bytes, at most {limit} are read; it is not of this model")
        return path.read_bytes()
    except OSError as error:
        raise SaymaskError(f"cannot read {path}: {error.strerror}; copy the whole model directory again") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read_bounded(path, _MAX_JSON_BYTES).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SaymaskError(f"{path} is not JSON: {error}; copy the whole model directory again") from error


def _read_vocabulary(path: Path) -> Vocabulary:
    try:
        return Vocabulary.from_json(_read_json(path))
    except SaymaskError as error:
        raise SaymaskError(f"{path}: {error}") from error


def _compare(path: Path, actual: str, expected: str) -> None:
    if actual != expected:
        raise SaymaskError(
            f"{path} has SHA-256 {actual[:12]}..., model.json says {str(expected)[:12]}...; "
            "the file is damaged or of another model, copy the whole model directory again"
        )

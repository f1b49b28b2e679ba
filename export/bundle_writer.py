"""Writes a model directory whole or not at all, as `runtime.bundle` reads it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import onnx

from export.inspect_graph import tensor_specs
from export.parity import Answers, Probe
from runtime.backends import open_backend
from runtime.backends.self_check import SAMPLES, check_samples
from runtime.bundle import SCHEMA_VERSION, open_bundle, sha256_of
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.preprocess import PAD_VALUE
from training.models import NetworkSpec

_KEPT = ("*.md", "*.png", "*.jpg")
"""The model card and its pictures: written by people, so a new export takes them over."""
_OWN = ("model.json", "vocab.json", SAMPLES, "*.onnx", *_KEPT)
ENGINE_GATE = {"mask_iou_mean": 0.99, "overall_iou_change": 0.005}
"""What an FP16 engine must keep of the FP32 graphs' answers: mean mask IoU at least, change of overall IoU at most."""
_SAMPLED = ("mask_logits", "count_logits")


class BundleDraft:
    """A bundle in the making, in a hidden folder beside `out`; leaving the context without `publish` discards it."""

    def __init__(self, out: Path) -> None:
        """Raises SaymaskError where `out` holds something that is no bundle, which publishing would delete."""
        self.out = out
        if out.exists() and not out.is_dir():
            raise SaymaskError(f"{out} is a file; --out is a directory")
        foreign = [path.name for path in out.glob("*") if not any(path.match(pattern) for pattern in _OWN)]
        if foreign:
            raise SaymaskError(f"{out} holds {foreign[0]}, which is no part of a bundle; choose another --out")
        self.files: dict[str, Path] = {}
        self._graphs: dict[str, Any] = {}
        self._half_graphs: dict[str, Any] = {}

    def __enter__(self) -> BundleDraft:
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f".{self.out.name}-", dir=self.out.parent))
        self.folder.chmod(0o755)  # mkdtemp's 0700 would hide a published bundle from other users
        for pattern in _KEPT:
            for path in self.out.glob(pattern):
                shutil.copy2(path, self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_graphs(self, graphs: Mapping[str, onnx.ModelProto]) -> None:
        """Write each graph as <name>.onnx. Raises SaymaskError where one is too large for its format."""
        for name, graph in graphs.items():
            self.files[name] = self.folder / f"{name}.onnx"
            self._graphs[name] = _write_graph(self.files[name], graph)

    def add_half_graphs(self, graphs: Mapping[str, onnx.ModelProto]) -> None:
        """Write the FP16 twin of each graph as <name>.fp16.onnx."""
        for name, graph in graphs.items():
            self._half_graphs[name] = _write_graph(self.folder / f"{name}.fp16.onnx", graph)

    def add_samples(self, probes: Sequence[Probe], answers: Sequence[Answers], max_words: int) -> None:
        """Write samples.npz, the self-check of the robot: the first expression of each probe, with PyTorch's answer.

        `pixels` uint8 (n, H, W, 3), `ids` int64 (n, max_words), `lengths` int64 (n,), `mask_logits` float32 (n, h, w)
        and, where the network has them, `count_logits` float32 (n, 3).
        """
        ids = np.zeros((len(probes), max_words), np.int64)
        for row, probe in zip(ids, probes, strict=True):
            row[: probe.token_ids.shape[1]] = probe.token_ids[0]
        arrays: dict[str, Any] = {
            "pixels": np.stack([probe.pixels for probe in probes]),
            "ids": ids,
            "lengths": np.array([probe.lengths[0] for probe in probes]),
        }
        arrays |= {
            name: np.stack([answer[name][0] for answer in answers]).astype(np.float32)
            for name in _SAMPLED
            if name in answers[0]
        }
        np.savez_compressed(self.folder / SAMPLES, allow_pickle=False, **arrays)

    def add_description(
        self, *, spec: NetworkSpec, architecture: str, vocabulary: Vocabulary, metadata: Mapping[str, Any]
    ) -> None:
        """Write vocab.json and, last, model.json with the hash of every other file.

        `metadata` holds thresholds, calibration, provenance and metrics.
        """
        _write_json(self.folder / "vocab.json", vocabulary.to_json())
        files = {path.name: sha256_of(path) for path in sorted(self.folder.iterdir())}
        content = {
            "schema_version": SCHEMA_VERSION,
            "name": self.out.name,
            "architecture": architecture,
            "image_size": spec.image_size,
            "pad_value": PAD_VALUE,
            "logit_size": spec.logit_size,
            "max_words": spec.max_words,
            "graphs": self._graphs,
            "half_graphs": self._half_graphs,
            "engine_gate": ENGINE_GATE,
            "vocabulary_sha256": files["vocab.json"],
            "files": files,
            **{key: metadata[key] for key in ("thresholds", "calibration", "provenance", "metrics")},
        }
        _write_json(self.folder / "model.json", content)

    def publish(self) -> None:
        """Open the draft as the robot will, answer its samples, then put it in the place of the old bundle.

        Raises SaymaskError, leaving the old bundle as it is, when the runtime refuses it or answers otherwise.
        """
        bundle = open_bundle(self.folder)
        with open_backend(bundle, "ort-cpu") as backend:
            check_samples(bundle, backend, precision="fp32")
        old = self.folder.with_name(f"{self.folder.name}-old")
        if self.out.exists():
            self.out.rename(old)  # a folder cannot be renamed onto a full one
        self.folder.rename(self.out)
        shutil.rmtree(old, ignore_errors=True)


def replace_card(folder: Path, text: str) -> None:
    """Give a bundle another MODEL_CARD.md and renew its hash in model.json; the folder changes whole or not at all."""
    copied = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)) / folder.name
    try:
        shutil.copytree(folder, copied)
        card = copied / "MODEL_CARD.md"
        card.write_text(text, encoding="utf-8")
        description = json.loads((copied / "model.json").read_text(encoding="utf-8"))
        description["files"] = dict(sorted({**description["files"], card.name: sha256_of(card)}.items()))
        _write_json(copied / "model.json", description)
        folder.rename(copied.with_name("old"))  # a folder cannot be renamed onto a full one
        copied.rename(folder)
    finally:
        shutil.rmtree(copied.parent, ignore_errors=True)


def _write_graph(path: Path, graph: onnx.ModelProto) -> dict[str, Any]:
    """Write and check one ONNX file; returns its entry in model.json."""
    if graph.ByteSize() >= onnx.checker.MAXIMUM_PROTOBUF:
        raise SaymaskError(f"{path.name} would have {graph.ByteSize()} bytes; one ONNX file holds at most 2 GiB")
    path.write_bytes(graph.SerializeToString(deterministic=True))
    onnx.checker.check_model(str(path), full_check=True)
    inputs, outputs = (
        [asdict(tensor) for tensor in tensor_specs(values)] for values in (graph.graph.input, graph.graph.output)
    )
    return {"file": path.name, "inputs": inputs, "outputs": outputs}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""Runs a bundle on the CPU with ONNX Runtime."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime

from runtime.backends import check_feed
from runtime.bundle import GRAPHS, Bundle, describe
from runtime.datatypes import Features, GraphSpec, ImageFeatures, MaskLogits, TensorSpec, TextFeatures, Tokens
from runtime.errors import SaymaskError

_PROVIDERS = ["CPUExecutionProvider"]
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}
_ERRORS_ONLY = 3  # onnxruntime's log severities: 2 warning, 3 error

_Self = TypeVar("_Self", bound="OnnxRuntimeBackend")


class OnnxRuntimeBackend:
    """`Backend` on the CPU. Every run has memory of its own, so features stay valid until `close()`."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Load the three graphs and compare their inputs and outputs with `model.json`. Raises SaymaskError."""
        if threads is not None and not 1 <= threads <= (os.cpu_count() or 1):
            raise SaymaskError(f"threads must be 1..{os.cpu_count()} on this machine, got {threads}")
        self._specs = bundle.spec.graphs
        self._sessions = {name: _load(bundle, name, threads) for name in GRAPHS}
        self._generation = 0

    def encode_text(self, tokens: Tokens) -> list[TextFeatures]:
        """See `Backend.encode_text`."""
        outputs, milliseconds = self._run("text_encoder", {"token_ids": tokens.ids, "lengths": tokens.lengths})
        count = len(tokens.lengths)
        return [
            TextFeatures(
                {name: array[row : row + 1] for name, array in outputs.items()},
                self,
                self._generation,
                milliseconds / count,
            )
            for row in range(count)
        ]

    def encode_image(self, pixels: npt.NDArray[np.uint8]) -> ImageFeatures:
        """See `Backend.encode_image`."""
        outputs, milliseconds = self._run("image_encoder", {"pixels": pixels})
        return ImageFeatures(outputs, self, self._generation, milliseconds)

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        """See `Backend.decode`."""
        if not texts:
            raise SaymaskError("decode needs at least one expression")
        for handle in (image, *texts):
            self._check(handle)
        feeds = {}
        for tensor in self._specs["mask_decoder"].inputs:
            if tensor.name in image.tensors:
                feeds[tensor.name] = image.tensors[tensor.name]
            else:
                rows = [text.tensors[tensor.name] for text in texts]
                feeds[tensor.name] = rows[0] if len(rows) == 1 else np.concatenate(rows)
        outputs, milliseconds = self._run("mask_decoder", feeds)
        offsets = image.tensors.get("centre_offsets")
        return MaskLogits(
            outputs["mask_logits"],
            outputs.get("count_logits"),
            None if offsets is None else offsets[0],
            milliseconds,
        )

    def close(self) -> None:
        """Free the graphs; features made by this backend are refused from now on."""
        self._sessions = {}
        self._generation += 1

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, handle: Features) -> None:
        if handle.owner is not self or handle.generation != self._generation:
            raise SaymaskError(
                "these features are of another or a closed backend; encode the frame and the words again"
            )

    def _run(self, graph: str, feeds: Mapping[str, npt.NDArray[Any]]) -> tuple[dict[str, npt.NDArray[Any]], float]:
        """Check the feeds, run a graph; returns its outputs by name and the milliseconds it took."""
        if not self._sessions:
            raise SaymaskError("the backend is closed; open it again")
        sizes: dict[str, int] = {}
        for tensor in self._specs[graph].inputs:
            check_feed(tensor, feeds[tensor.name], sizes)
        names = [tensor.name for tensor in self._specs[graph].outputs]
        start = time.perf_counter()
        try:
            outputs = self._sessions[graph].run(names, feeds)
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            raise SaymaskError(f"ONNX Runtime failed in {graph}: {_first_line(error)}") from error
        return dict(zip(names, outputs, strict=True)), (time.perf_counter() - start) * 1e3


def _load(bundle: Bundle, name: str, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = _ERRORS_ONLY
    # Spinning burns the cores that the rest of the robot needs, between frames as well.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    graph, path = bundle.spec.graphs[name], bundle.directory / bundle.spec.graphs[name].file
    try:
        session = onnxruntime.InferenceSession(bundle.graph(name), options, providers=_PROVIDERS)
    except SaymaskError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise SaymaskError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {_first_line(error)}"
        ) from error
    _compare(graph, session, str(path))
    return session


def _compare(graph: GraphSpec, session: onnxruntime.InferenceSession, path: str) -> None:
    """What the file holds must be what `model.json` says."""
    for kind, specs, nodes in (
        ("input", graph.inputs, session.get_inputs()),
        ("output", graph.outputs, session.get_outputs()),
    ):
        actual = {node.name: node for node in nodes}
        for spec in specs:
            if spec.name not in actual:
                raise SaymaskError(
                    f"{path} has no {kind} {spec.name}, which model.json lists; it has {', '.join(actual)}"
                )
            if not _fits(spec, actual.pop(spec.name)):
                raise SaymaskError(
                    f"{path}: model.json describes {describe(spec)}, the graph has another dtype or shape"
                )
        if kind == "input" and actual:
            raise SaymaskError(f"{path} wants the input {', '.join(actual)}, which model.json does not list")


def _fits(spec: TensorSpec, node: Any) -> bool:
    """A free size of the graph (a name or None) fits only "N" or "T"; ONNX may leave an output's size unsaid."""
    if _DTYPES.get(node.type) != spec.dtype or len(node.shape) != len(spec.shape):
        return False
    return all(
        not isinstance(actual, int) or actual == expected
        for expected, actual in zip(spec.shape, node.shape, strict=True)
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]

"""The graphs of a bundle alone in ONNX Runtime, on fixed inputs: what the runtime's overhead is measured against."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from benchmarks.workload import Request
from runtime.backends.onnxruntime_backend import SPIN_US, session_options
from runtime.bundle import GRAPHS, open_bundle
from runtime.vision.preprocess import letterbox

Tensors = dict[str, npt.NDArray[Any]]


def bare_calls(
    model: Path, request: Request, *, threads: int | None, spin_us: int = SPIN_US
) -> dict[str, Callable[[], object]]:
    """One call per graph, by the graph's name, on the inputs that `request` leads to."""
    bundle = open_bundle(model)
    sessions = {name: open_session(bundle.graph(name), threads, spin_us) for name in GRAPHS}
    pixels, _ = letterbox(request.image, bundle.spec.image_size)
    tokens = bundle.vocabulary.encode([request.expression], bundle.spec.max_words)
    feeds: dict[str, Tensors] = {
        "image_encoder": {"pixels": pixels},
        "text_encoder": {"token_ids": tokens.ids, "lengths": tokens.lengths},
    }
    features: Tensors = {}
    for name in ("image_encoder", "text_encoder"):
        outputs = [node.name for node in sessions[name].get_outputs()]
        features |= dict(zip(outputs, sessions[name].run(None, feeds[name]), strict=True))
    feeds["mask_decoder"] = {node.name: features[node.name] for node in sessions["mask_decoder"].get_inputs()}
    return {name: partial(sessions[name].run, None, feeds[name]) for name in GRAPHS}


def open_session(graph: bytes | str, threads: int | None, spin_us: int = SPIN_US) -> onnxruntime.InferenceSession:
    """`graph` (its bytes or its file) in ONNX Runtime on the CPU.

    Its threads are those of the runtime: ratios show our code, not an option.
    """
    return onnxruntime.InferenceSession(graph, session_options(threads, spin_us), providers=["CPUExecutionProvider"])

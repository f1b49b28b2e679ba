"""Runs a bundle with ONNX Runtime, on the CPU or an NVIDIA GPU."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime

from runtime.backends import check_feed
from runtime.bundle import GRAPHS, Bundle, describe
from runtime.datatypes import Features, GraphSpec, ImageFeatures, MaskLogits, TensorSpec, TextFeatures, Tokens
from runtime.errors import SaymaskError
from runtime.hardware import require_driver

Provider = Literal["cpu", "cuda"]
_PROVIDERS: dict[Provider, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_KEPT_ON = {"cuda": "cuda"}
"""Where a provider leaves the image features that the decoder reads, if not in the host's memory."""
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
}
SPIN_US = 30
"""For how long a thread without work looks for some before it sleeps, microseconds."""
_BOUNDS_SPINNING = (1, 26)  # the first onnxruntime that reads spin_duration_us
_ERRORS_ONLY = 3  # onnxruntime's log severities: 2 warning, 3 error

_Self = TypeVar("_Self", bound="OnnxRuntimeBackend")


class OnnxRuntimeBackend:
    """`Backend` in FP32. Every run has memory of its own, so features stay valid until `close()`."""

    def __init__(self, bundle: Bundle, *, provider: Provider = "cpu", threads: int | None = None) -> None:
        """Load the three graphs and compare their inputs and outputs with `model.json`.

        Raises SaymaskError where they differ, and where `provider` is not what ONNX Runtime then runs on.
        """
        if threads is not None and not 1 <= threads <= (os.cpu_count() or 1):
            raise SaymaskError(f"threads must be 1..{os.cpu_count()} on this machine, got {threads}")
        self._specs = bundle.spec.graphs
        self._sessions = {name: _load(bundle, name, provider, threads) for name in GRAPHS}
        self.description = _describe(provider)
        self._kept_on = _KEPT_ON.get(provider)
        self._kept = {tensor.name for tensor in self._specs["image_encoder"].outputs} & {
            tensor.name for tensor in self._specs["mask_decoder"].inputs
        }
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

    def _run(self, graph: str, feeds: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Check the feeds, run a graph; returns its outputs by name and the milliseconds it took."""
        if not self._sessions:
            raise SaymaskError("the backend is closed; open it again")
        sizes: dict[str, int] = {}
        for tensor in self._specs[graph].inputs:
            if isinstance(feeds[tensor.name], np.ndarray):  # else it is what the encoder left on the GPU
                check_feed(tensor, feeds[tensor.name], sizes)
        names = [tensor.name for tensor in self._specs[graph].outputs]
        start = time.perf_counter()
        try:
            if self._kept_on:
                outputs = self._run_bound(self._sessions[graph], names, feeds, self._kept_on)
            else:
                outputs = self._sessions[graph].run(names, feeds)
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            raise SaymaskError(f"ONNX Runtime failed in {graph}: {_first_line(error)}") from error
        return dict(zip(names, outputs, strict=True)), (time.perf_counter() - start) * 1e3

    def _run_bound(
        self, session: onnxruntime.InferenceSession, names: list[str], feeds: Mapping[str, Any], device: str
    ) -> list[Any]:
        """As `session.run`, with the image features left on the GPU instead of being copied out and in again."""
        binding = session.io_binding()
        for name, value in feeds.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, np.ascontiguousarray(value))
            else:
                binding.bind_ortvalue_input(name, value)
        for name in names:
            binding.bind_output(name, device if name in self._kept else "cpu")
        session.run_with_iobinding(binding)
        outputs = zip(names, binding.get_outputs(), strict=True)
        return [value if name in self._kept else value.numpy() for name, value in outputs]


def probe(bundle: Bundle, provider: Provider) -> str:
    """What a backend with this provider runs on. Raises SaymaskError where it cannot run here."""
    if provider != "cpu":  # what is listed as available is what it was compiled with: only a session shows more
        _load(bundle, "text_encoder", provider, None)
    return _describe(provider)


def _describe(provider: Provider) -> str:
    return f"ONNX Runtime {onnxruntime.__version__} on the {'CPU' if provider == 'cpu' else 'GPU'}"


def session_options(threads: int | None, spin_us: int = SPIN_US) -> onnxruntime.SessionOptions:
    """How many threads a graph gets on the CPU (None: half of the cores, two at least), and how they wait for work.

    A thread that sleeps between two operators is woken too late, which costs these small graphs a fifth of their time;
    one that spins for longer burns the cores that the rest of the robot needs (`benchmarks/threads.py`).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(_cores(), max(2, _cores() // 2))
    bounded = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= _BOUNDS_SPINNING
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if bounded and spin_us else "0")
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(spin_us))
    options.add_session_config_entry("session.force_spinning_stop", "1")  # none between two frames
    return options


def _cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load(bundle: Bundle, name: str, provider: Provider, threads: int | None) -> onnxruntime.InferenceSession:
    wanted = _PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        require_driver()  # without a GPU another package would not help
        raise SaymaskError(
            f"the installed onnxruntime {onnxruntime.__version__} has no {wanted}; exchange it for onnxruntime-gpu"
        )
    options = session_options(threads)
    options.log_severity_level = _ERRORS_ONLY
    graph, path = bundle.spec.graphs[name], bundle.directory / bundle.spec.graphs[name].file
    missing = _preload_cuda() if provider == "cuda" else ""
    try:
        # Without enable_fallback=0 a GPU that fails is replaced by the CPU, at load or in a later run.
        session = onnxruntime.InferenceSession(bundle.graph(name), options, providers=[wanted], enable_fallback=0)
    except SaymaskError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise SaymaskError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {_first_line(error)}"
        ) from error
    running = session.get_providers()[0]
    if running != wanted:
        reason = missing or "is there a GPU, and CUDA and cuDNN as ONNX Runtime wants them?"
        raise SaymaskError(f"ONNX Runtime took {running} where {wanted} was asked for: {reason}")
    _compare(graph, session, str(path))
    return session


def _preload_cuda() -> str:
    """Load CUDA's libraries where pip put them; returns what ONNX Runtime says of the first that is missing."""
    told = io.StringIO()
    if hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        with contextlib.redirect_stdout(told):
            onnxruntime.preload_dlls()
    return told.getvalue().strip().partition("\n")[0]


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

"""What runs the three graphs of a bundle: one protocol; `runtime.backends.choice` takes an implementation."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from runtime.bundle import Bundle, describe
from runtime.datatypes import ImageFeatures, MaskLogits, TensorSpec, TextFeatures, Tokens
from runtime.errors import SaymaskError

if TYPE_CHECKING:
    from runtime.backends.choice import Choice

BACKENDS = ("auto", "tensorrt", "ort-cuda", "ort-cpu")

_Backend = TypeVar("_Backend", bound="Backend")


class Backend(Protocol):
    """Runs a bundle's graphs. One thread at a time; a context manager that closes itself.

    Feeds are checked by name, dtype and shape before anything runs. Features may live on a GPU and in memory that the
    backend uses again: then an old handle is refused with a SaymaskError, as is one of another or a closed backend.
    """

    def encode_text(self, tokens: Tokens) -> list[TextFeatures]:
        """One handle per expression."""

    def encode_image(self, pixels: npt.NDArray[np.uint8]) -> ImageFeatures:
        """Encode a letterboxed picture, uint8 (h, w, 3) RGB; normalisation is in the graph."""

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        """Join one picture with one or more expressions, in one batch. The answer is in host memory and stays valid."""

    def close(self) -> None:
        """Free everything; a second call does nothing."""

    def __enter__(self: _Backend) -> _Backend: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_backend(bundle: Bundle, backend: str = "auto", *, threads: int | None = None) -> Backend:
    """Load a bundle's graphs into a backend.

    "tensorrt" (FP16 engines on an NVIDIA GPU, built at the first start), "ort-cuda" or "ort-cpu" (ONNX Runtime);
    "auto" takes the first of these that can run here, and logs which and why (logger "saymask"). `threads` bounds the
    CPU threads of one graph of ONNX Runtime (None: half of the cores, two at least). Raises SaymaskError for an
    unknown backend, one that cannot run here, or a graph that cannot be loaded.
    """
    from runtime.backends.choice import open_fastest, open_named  # they need `Backend`

    if backend not in BACKENDS:
        raise SaymaskError(f"there is no backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    return open_fastest(bundle, threads) if backend == "auto" else open_named(bundle, backend, threads)[0]


def choose(bundle: Bundle) -> Choice:
    """What "auto" would take, and why not the faster ones; see `runtime.backends.choice.choose`."""
    from runtime.backends.choice import choose as chosen

    return chosen(bundle)


def check_feed(spec: TensorSpec, array: npt.NDArray[np.generic], sizes: dict[str, int]) -> None:
    """Refuse an array that is not what a graph expects. `sizes` remembers what "N" and "T" stand for within one run."""
    expected = tuple(
        sizes.setdefault(size, actual) if isinstance(size, str) else size
        for size, actual in zip(spec.shape, array.shape, strict=False)
    )
    if array.dtype != np.dtype(spec.dtype) or array.ndim != len(spec.shape) or array.shape != expected:
        raise SaymaskError(f"the graph expects {describe(spec)}, got {array.dtype} {array.shape}")

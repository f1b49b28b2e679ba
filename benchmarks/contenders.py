"""What `--compare` can name, each as a Segmenter: the runtime's backends, PyTorch with and without its compiler, and
other bundles by their folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runtime import Segmenter
from runtime.backends import BACKENDS, Backend
from runtime.bundle import open_bundle
from runtime.errors import SaymaskError

CHECKPOINT = Path(__file__).resolve().parents[1] / "training" / "checkpoints" / "tabletop-320.safetensors"
_COMPILED = {"torch": False, "torch-compile": True}
CONTENDERS = (*_COMPILED, *BACKENDS)


class Contender(Segmenter):
    """A segmenter whose backend can be asked for its own times."""

    @property
    def backend(self) -> Backend:
        """What runs the network."""
        return self._backend


class _TorchContender(Contender):
    """The segmenter on PyTorch, which the runtime itself must not know of."""

    def __init__(self, model: Path, backend: Backend) -> None:
        super().__init__(model, backend="ort-cpu")  # vocabulary and bundle; its graphs are closed unused
        self._backend.close()
        self._backend = backend


def open_contender(name: str, model: Path, *, checkpoint: Path = CHECKPOINT, threads: int | None = None) -> Contender:
    """The segmenter of `model` on the contender `name`; where that is a bundle's folder, its own on the best backend.

    Raises SaymaskError or ImportError that says why it cannot run on this machine.
    """
    if is_bundle(name):
        return Contender(Path(name), backend="auto", threads=threads)
    if name not in _COMPILED:
        return Contender(model, backend=name, threads=threads)
    # libgomp reads this when torch is loaded: threads that spin after every operator slow whatever takes its turn next.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from benchmarks.torch_backend import TorchBackend

    return _TorchContender(
        model, TorchBackend(open_bundle(model), checkpoint, compiled=_COMPILED[name], threads=threads)
    )


def is_bundle(name: str) -> bool:
    """Whether a contender's name is another bundle's folder."""
    return name not in CONTENDERS and (Path(name) / "model.json").is_file()


def check_names(names: Sequence[str]) -> None:
    """Raises SaymaskError for a name that is no contender: a slip of the pen is not "cannot run here"."""
    for name in names:
        if name not in CONTENDERS and not is_bundle(name):
            raise SaymaskError(
                f"there is no backend {name!r}; choose from {', '.join(CONTENDERS)}, or give a bundle's folder"
            )

"""A bundle's checkpoint in PyTorch behind the runtime's `Backend` protocol: what the ONNX graphs are compared with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from export.to_onnx import read_checkpoint
from runtime.bundle import Bundle
from runtime.datatypes import ImageFeatures, MaskLogits, TextFeatures, Tokens
from runtime.errors import SaymaskError
from training.models.base import Features


class TorchBackend:
    """`Backend` in PyTorch, on the GPU where there is one, else on the CPU; float32.

    With `compiled` image encoder and mask decoder go through torch.compile, which the first pass waits for; the text
    encoder, 2 % of the time and of many lengths, does not.
    """

    def __init__(self, bundle: Bundle, checkpoint: Path, *, compiled: bool = False, threads: int | None = None) -> None:
        """Load `checkpoint`. Raises SaymaskError where the bundle was not exported from it."""
        source = read_checkpoint(checkpoint)
        expected = bundle.spec.provenance.get("checkpoint_sha256")
        actual = source.metadata["provenance"]["checkpoint_sha256"]
        if expected != actual:
            raise SaymaskError(
                f"{bundle.directory} was exported from a checkpoint {str(expected)[:12]}..., {checkpoint} is "
                f"{str(actual)[:12]}...; give the right one by --checkpoint"
            )
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = source.model.to(self.device)
        self._encode_image: Callable[[Tensor], Features] = self._model.encode_image
        self._decode: Callable[[Features, Features], Features] = self._model.decode
        if compiled:
            self._encode_image, self._decode = torch.compile(self._encode_image), torch.compile(self._decode)

    def encode_text(self, tokens: Tokens) -> list[TextFeatures]:
        """See `runtime.backends.Backend.encode_text`."""
        ids, lengths = self._tensor(tokens.ids), self._tensor(tokens.lengths)
        features, milliseconds = self._timed(lambda: self._model.encode_text(ids, lengths))
        count = len(tokens.lengths)
        return [
            TextFeatures(
                {name: value[row : row + 1] for name, value in features.items()}, self, 0, milliseconds / count
            )
            for row in range(count)
        ]

    def encode_image(self, pixels: npt.NDArray[np.uint8]) -> ImageFeatures:
        """See `runtime.backends.Backend.encode_image`."""
        features, milliseconds = self._timed(lambda: self._encode_image(self._tensor(pixels)[None]))
        return ImageFeatures(features, self, 0, milliseconds)

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        """See `runtime.backends.Backend.decode`."""
        words = {name: torch.cat([text.tensors[name] for text in texts]) for name in texts[0].tensors}

        def answer() -> dict[str, npt.NDArray[Any]]:
            return {name: value.cpu().numpy() for name, value in self._decode(dict(image.tensors), words).items()}

        outputs, milliseconds = self._timed(answer)
        offsets = image.tensors.get("centre_offsets")
        return MaskLogits(
            outputs["mask_logits"],
            outputs.get("count_logits"),
            None if offsets is None else offsets[0].cpu().numpy(),
            milliseconds,
        )

    def close(self) -> None:
        """Free the GPU's memory."""
        self._model = self._model.to("meta")

    def __enter__(self) -> TorchBackend:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _timed(self, call: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], float]:
        start = time.perf_counter()
        try:
            with torch.inference_mode():
                result = call()
        except RuntimeError as error:  # such as the compiler's, where there is no C++ compiler
            raise SaymaskError(f"PyTorch failed: {str(error).strip().partition(chr(10))[0][:300]}") from error
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return result, (time.perf_counter() - start) * 1e3

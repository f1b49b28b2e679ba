"""Runs a bundle on an NVIDIA GPU with TensorRT engines: FP16 where the bundle has it, PyCUDA underneath."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from runtime.backends import check_feed
from runtime.backends.cuda import CudaDevice
from runtime.backends.engine_builder import EngineOptions, drop_engines, engine_key, graph_precision, load_engines
from runtime.backends.engine_cache import EngineCache
from runtime.backends.engine_runner import EngineRunner, RunTimes, allocate_buffers, host_tensors, sized
from runtime.backends.self_check import SelfCheckFailed, check_samples
from runtime.backends.tensorrt_api import TensorRT, find_tensorrt
from runtime.bundle import GRAPHS, Bundle
from runtime.datatypes import Features, GraphSpec, ImageFeatures, MaskLogits, TextFeatures, Tokens
from runtime.errors import SaymaskError

# Letterboxing stays on the CPU. Into 320x320 it takes one x86 core 0.09 ms from 640x480 and 1.8 ms from 1920x1080. A
# GPU that did it would take in 921 kB (6.2 MB) of each frame instead of 307 kB: at some 10 GB/s 0.1 ms (0.6 ms) to copy
# into pinned memory and as much to upload, so nothing is won at the size of usual cameras, and little above. And its
# resize would have to equal OpenCV's area average, with which the network was trained. Normalisation is in the graph,
# so that pixels travel as uint8, a quarter of the bytes. They hold no NaN; answers that do are refused.

DEFAULT_OPTIONS = EngineOptions()
"""FP16, and 16 expressions in a batch."""

_ONE_MASK = "one_mask"
"""The decoder's second context."""

_Self = TypeVar("_Self", bound="TensorRTBackend")


class TensorRTBackend:
    """`Backend` on one GPU, from any thread; calls wait for each other.

    Image features stay on the GPU, in memory that the next `encode_image` uses again: then an old handle is refused.
    Text features are kept in host memory: they are some 20 kB that a decode of several expressions has to gather into
    one batch anyway, and so they cost no GPU memory and never grow stale.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        options: EngineOptions | None = None,
        cache: EngineCache | None = None,
        device: int = 0,
        cuda_graphs: bool = True,
    ) -> None:
        """Load the engines of `bundle` from `cache`, building what is missing, and answer its samples with them.

        `options`: DEFAULT_OPTIONS unless given; `cuda_graphs`: launch one frame and one expression as
        CUDA graphs. Raises SaymaskError without a GPU, PyCUDA or TensorRT, where a build fails, memory is short, or
        the engines' answers are not the trained network's; nothing is left allocated then.
        """
        self._options = options or DEFAULT_OPTIONS
        self._largest = {"N": self._options.max_expressions, "T": bundle.spec.max_words}
        self._vocabulary_size = len(bundle.vocabulary)
        self._frame = 0  # which use of the image features' memory is the valid one
        self.times: dict[str, RunTimes] = {}
        """By graph, of its latest run."""
        cache = cache or EngineCache()
        self._cuda = CudaDevice(device)  # before TensorRT, whose import takes longer
        # Frees at garbage collection and at the interpreter's end what nobody has closed.
        self._closing = weakref.finalize(self, self._cuda.close)
        try:
            self._graphs = _graphs(bundle, self._options)
            api = find_tensorrt()
            self.description = _describe(api, self._cuda, self._options)
            with self._cuda.current():
                self._prepare(api, bundle, cache, cuda_graphs)
            self._check_samples(api, bundle, cache)
        except BaseException:
            self.close()
            raise

    def _check_samples(self, api: TensorRT, bundle: Bundle, cache: EngineCache) -> None:
        """Kept engines too: it takes three frames and warms everything up. Wrong ones are not kept any longer."""
        try:
            check_samples(bundle, self, precision=self._options.precision)
        except SelfCheckFailed:
            facts = self._cuda.facts()
            drop_engines(cache, [engine_key(api, bundle, name, self._options, facts) for name in GRAPHS])
            raise

    def _prepare(self, api: TensorRT, bundle: Bundle, cache: EngineCache, cuda_graphs: bool) -> None:
        on_host = host_tensors(self._graphs)
        free = {size for spec in self._graphs["mask_decoder"].inputs for size in spec.shape}
        self._usual = {name: size for name, size in {**self._largest, "N": 1}.items() if name in free}
        engines = load_engines(api, bundle, self._options, self._cuda.facts(), cache)
        self._buffers = allocate_buffers(self._cuda, self._graphs, frozenset().union(*on_host.values()), self._largest)
        self._runners: dict[str, EngineRunner] = {}
        # The decoder has a context for one expression, which is what a robot wants of every frame, and one for others.
        for key, name in {**{name: name for name in GRAPHS}, _ONE_MASK: "mask_decoder"}.items():
            self._runners[key] = EngineRunner(
                api, engines[name], self._graphs[name], self._cuda, self._buffers, on_host[name]
            )
        if cuda_graphs:
            self._runners["image_encoder"].capture({})
            self._runners[_ONE_MASK].capture(self._usual)

    def encode_text(self, tokens: Tokens) -> list[TextFeatures]:
        """See `Backend.encode_text`. Longer lists than `max_expressions` are encoded in several batches."""
        feeds: dict[str, npt.NDArray[Any]] = {"token_ids": tokens.ids, "lengths": tokens.lengths}
        self._check("text_encoder", feeds)
        self._check_words(tokens)
        features: list[TextFeatures] = []
        with self._gpu():
            for rows in _batches(len(tokens.lengths), self._options.max_expressions):
                batch = {name: array[rows] for name, array in feeds.items()}
                count, words = batch["token_ids"].shape
                outputs, milliseconds = self._run("text_encoder", batch, {"N": count, "T": words})
                for row in range(count):
                    own = {name: array[row : row + 1].copy() for name, array in outputs.items()}
                    features.append(TextFeatures(own, self, 0, milliseconds / count))
        return features

    def encode_image(self, pixels: npt.NDArray[np.uint8]) -> ImageFeatures:
        """See `Backend.encode_image`. Features of an earlier picture are lost."""
        feeds = {"pixels": pixels}
        self._check("image_encoder", feeds)
        with self._gpu():
            self._frame += 1
            outputs, milliseconds = self._run("image_encoder", feeds, {})
            kept = {name: array.copy() for name, array in outputs.items()}
            return ImageFeatures(kept, self, self._frame, milliseconds)

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        """See `Backend.decode`. More than `max_expressions` are decoded in several batches.

        Raises SaymaskError for features of an earlier picture or of another backend, for texts that were encoded with
        different numbers of words, and for an answer that is not finite (FP16 has overflowed).
        """
        if not texts:
            raise SaymaskError("decode needs at least one expression")
        with self._gpu():
            self._check_handles(image, texts)
            answers = [self._decode_batch(texts[rows]) for rows in _batches(len(texts), self._options.max_expressions)]
        offsets = image.tensors.get("centre_offsets")
        counts = [outputs["count_logits"] for outputs, _ in answers if "count_logits" in outputs]
        return MaskLogits(
            _joined([outputs["mask_logits"] for outputs, _ in answers]),
            _joined(counts) if counts else None,
            None if offsets is None else offsets[0],
            sum(milliseconds for _, milliseconds in answers),
        )

    def close(self) -> None:
        """Free everything on the GPU; features made by this backend are refused from now on."""
        self._closing()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _gpu(self) -> Iterator[None]:
        if not self._closing.alive:
            raise SaymaskError("the backend is closed; open it again")
        with self._cuda.current():
            yield

    def _check(self, graph: str, feeds: Mapping[str, npt.NDArray[Any]]) -> None:
        sizes: dict[str, int] = {}
        for spec in self._graphs[graph].inputs:
            check_feed(spec, feeds[spec.name], sizes)

    def _check_words(self, tokens: Tokens) -> None:
        """A GPU does not refuse an index outside its table: it reads whatever lies there."""
        words = tokens.ids.shape[1]
        if not 1 <= words <= self._largest["T"]:
            raise SaymaskError(f"expressions have 1..{self._largest['T']} words, got {words}")
        if tokens.ids.size and not 0 <= tokens.ids.min() <= tokens.ids.max() < self._vocabulary_size:
            raise SaymaskError(f"failed in text_encoder: word ids must be 0..{self._vocabulary_size - 1}")
        if tokens.ids.size and not 1 <= tokens.lengths.min() <= tokens.lengths.max() <= words:
            raise SaymaskError(f"failed in text_encoder: lengths must be 1..{words}")

    def _check_handles(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> None:
        handles: tuple[Features, ...] = (image, *texts)
        if any(handle.owner is not self for handle in handles):
            raise SaymaskError("these features are of another backend; encode the frame and the words again")
        if image.generation != self._frame:
            raise SaymaskError("these image features were overwritten by a later picture; encode the frame again")

    def _decode_batch(self, texts: Sequence[TextFeatures]) -> tuple[dict[str, npt.NDArray[Any]], float]:
        """The answers to at most `max_expressions` on the picture encoded last, and the milliseconds they took."""
        feeds: dict[str, npt.NDArray[Any]] = {}
        sizes = {"N": 1}
        for spec in self._graphs["mask_decoder"].inputs:
            if spec.name in texts[0].tensors:
                rows = [text.tensors[spec.name] for text in texts]
                for row in rows:
                    check_feed(spec, row, sizes)
                feeds[spec.name] = rows[0] if len(rows) == 1 else np.concatenate(rows)
        sizes["N"] = len(texts)
        views, milliseconds = self._run(_ONE_MASK if sizes == self._usual else "mask_decoder", feeds, sizes)
        answers = {name: array.copy() for name, array in views.items()}
        for name, array in answers.items():
            if not np.isfinite(array).all():
                raise SaymaskError(
                    f"{name} are not finite: the {self._options.precision} engine overflowed; use precision fp32"
                )
        return answers, milliseconds

    def _run(
        self, name: str, feeds: Mapping[str, npt.NDArray[Any]], sizes: Mapping[str, int]
    ) -> tuple[dict[str, npt.NDArray[Any]], float]:
        """What a runner puts out for the host, as views that the next run overwrites, and the milliseconds it took."""
        for key, array in feeds.items():
            np.copyto(self._buffers[key].host(array.shape), array, casting="no")
        runner = self._runners[name]
        times = self.times[name] = runner.run(sizes)
        outputs = {spec.name: self._buffers[spec.name].host(sized(spec, sizes)) for spec in runner.downloads}
        return outputs, times.latency


def probe(bundle: Bundle) -> str:
    """What a backend would run on; no engine is built. Raises SaymaskError where it cannot run here."""
    cuda = CudaDevice()
    try:
        _graphs(bundle, DEFAULT_OPTIONS)
        return _describe(find_tensorrt(), cuda, DEFAULT_OPTIONS)
    finally:
        cuda.close()


def _describe(api: TensorRT, cuda: CudaDevice, options: EngineOptions) -> str:
    return f"{api} on {cuda.facts().gpu}, {options.precision}"


def _graphs(bundle: Bundle, options: EngineOptions) -> dict[str, GraphSpec]:
    return {name: bundle.spec.graph(name, graph_precision(name, options)) for name in GRAPHS}


def _joined(batches: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    return batches[0] if len(batches) == 1 else np.concatenate(batches)


def _batches(count: int, largest: int) -> list[slice]:
    return [slice(first, min(first + largest, count)) for first in range(0, count, largest)]

"""Does the exported network answer as the trained one does? Logits number by number, and masks pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from export.graphs import WHOLE
from runtime.language.vocabulary import Vocabulary
from runtime.vision.overlap import mask_iou
from runtime.vision.preprocess import letterbox
from training.data.testset import iterate_test_set
from training.models import NetworkSpec, ReferringSegmenter

LOGIT_TOLERANCE = 1e-4
"""Largest difference of a logit, and how close to the threshold a pixel must be to fall on the other side."""
MEAN_IOU = 0.999

Array = npt.NDArray[Any]
Answers = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Probe:
    """One picture and N expressions: `pixels` uint8 (H, W, 3), `token_ids` int64 (N, T), `lengths` int64 (N,)."""

    pixels: npt.NDArray[np.uint8]
    token_ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]


def random_probes(spec: NetworkSpec, seed: int = 0) -> Iterator[Probe]:
    """Four pictures, each with another number of expressions and of words; every length from 1 to max_words occurs."""
    rng = np.random.default_rng(seed)
    height, width = spec.image_size
    lengths = (
        np.array([1]),
        rng.integers(1, spec.max_words + 1, 2),
        rng.integers(1, max(2, spec.max_words // 2), 8),
        rng.permutation(spec.max_words) + 1,
    )
    for row, size in enumerate(lengths):
        blobs = cv2.resize(rng.random((8, 8, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
        grain = rng.normal(0, 12, (height, width, 3))
        pixels = np.zeros((height, width, 3)) if row == 1 else blobs * 255 + grain
        ids = rng.integers(1, spec.vocabulary_size, (len(size), size.max()))
        ids[np.arange(size.max()) >= size[:, None]] = 0
        yield Probe(pixels.clip(0, 255).astype(np.uint8), ids.astype(np.int64), size.astype(np.int64))


def test_set_probes(folder: Path, spec: NetworkSpec, vocabulary: Vocabulary, limit: int | None) -> Iterator[Probe]:
    """Each image of a test set with all its expressions, as the runtime would feed them; at most `limit` images."""
    for number, image in enumerate(iterate_test_set(folder)):
        if limit is not None and number >= limit:
            return
        if image.expressions:
            pixels, _ = letterbox(image.image, spec.image_size)
            tokens = vocabulary.encode([expression.text for expression in image.expressions], spec.max_words)
            yield Probe(pixels, tokens.ids, tokens.lengths)


def answer_in_torch(model: ReferringSegmenter, probe: Probe) -> Answers:
    """The trained network's answers, and the image features that its decoder may leave to the runtime, by name."""
    with torch.inference_mode():
        image = model.encode_image(torch.from_numpy(probe.pixels)[None])
        text = model.encode_text(torch.from_numpy(probe.token_ids), torch.from_numpy(probe.lengths))
        answers = {**image, **model.decode(image, text)}
    return {name: tensor.numpy() for name, tensor in answers.items()}


class OnnxNetwork:
    """Runs ONNX files on the CPU: the three graphs of a bundle one after the other, or the whole one."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._sessions = {
            name: onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for name, path in files.items()
        }

    def answer(self, probe: Probe) -> Answers:
        """Everything that the graphs put out, by name."""
        values: Answers = {"pixels": probe.pixels, "token_ids": probe.token_ids, "lengths": probe.lengths}
        for session in self._sessions.values():
            outputs = [output.name for output in session.get_outputs()]
            feeds = {item.name: values[item.name] for item in session.get_inputs()}
            values |= zip(outputs, session.run(outputs, feeds), strict=True)
        return values


@dataclass
class Parity:
    """How far two networks were apart over all the probes compared so far.

    `threshold` is the mask logit above which a pixel belongs to the mask. `max_abs_err` is over every logit and every
    value that the runtime reads; infinite where one is not a number. `stray_pixels`: pixels on different sides of the
    threshold though the logit is further from it than the tolerance.
    """

    threshold: float
    max_abs_err: float = 0.0
    ious: list[float] = field(default_factory=list)
    stray_pixels: int = 0
    missing: set[str] = field(default_factory=set)

    @property
    def mask_iou_mean(self) -> float:
        return float(np.mean(self.ious)) if self.ious else 0.0

    def compare(self, expected: Answers, actual: Answers) -> None:
        """Count in the answers to one probe. Values that only one graph hands to the next are not compared."""
        for name in ("mask_logits", "count_logits", "centre_offsets"):
            if name not in expected:
                continue
            if name not in actual or actual[name].shape != expected[name].shape:
                self.missing.add(name)
                continue
            error = float(np.abs(actual[name].astype(np.float64) - expected[name]).max())
            self.max_abs_err = max(self.max_abs_err, error if np.isfinite(error) else np.inf)
        if "mask_logits" not in self.missing:
            self._compare_masks(expected["mask_logits"], actual["mask_logits"])

    def _compare_masks(self, expected: Array, actual: Array) -> None:
        for logits, other in zip(expected, actual, strict=True):
            mask, other_mask = logits > self.threshold, other > self.threshold
            self.ious.append(mask_iou(mask, other_mask))
            far = np.abs(logits - self.threshold) > LOGIT_TOLERANCE
            self.stray_pixels += int(np.count_nonzero((mask != other_mask) & far))

    def problems(self) -> list[str]:
        """Why the gate stays shut; empty where it opens."""
        found = [f"the graphs do not answer {name} as the network does" for name in sorted(self.missing)]
        if not self.ious:
            found.append("nothing was compared")
        if not self.max_abs_err <= LOGIT_TOLERANCE:
            found.append(f"logits differ by {self.max_abs_err:.2e}, allowed are {LOGIT_TOLERANCE:.0e}")
        if self.mask_iou_mean < MEAN_IOU:
            found.append(f"mean mask IoU is {self.mask_iou_mean:.6f}, needed are {MEAN_IOU}")
        if self.stray_pixels:
            found.append(f"{self.stray_pixels} pixels differ though their logit is not near the threshold")
        return found


def split_networks(files: Mapping[str, Path]) -> dict[str, OnnxNetwork]:
    """The three graphs as one network and, where it was exported, the whole graph as another."""
    networks = {"parts": OnnxNetwork({name: path for name, path in files.items() if name != WHOLE})}
    if WHOLE in files:
        networks[WHOLE] = OnnxNetwork({WHOLE: files[WHOLE]})
    return networks

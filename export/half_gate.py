"""Do the FP16 twins of a bundle answer as its FP32 graphs do? Asked of the twins as FP16 computes them, with rounding.

An engine's own answers are asked again on the robot, by export/to_engine.py; here a twin that could never pass is not
even written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from export.engine_gate import EngineParity, compare_backends
from export.parity import Answers, Parity, Probe
from export.rounding import open_unoptimised, round_every_node
from runtime.backends.onnxruntime_backend import OnnxRuntimeBackend
from runtime.bundle import GRAPHS, HALF_GRAPHS, Bundle
from runtime.datatypes import ImageFeatures, MaskLogits, TextFeatures, Tokens
from runtime.test_set import TestPicture


class RoundedBackend(OnnxRuntimeBackend):
    """`Backend` of a bundle's FP16 twins, computed on the CPU with FP16's rounding and overflow."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        super().__init__(bundle, threads=threads)
        self._specs = {name: bundle.spec.graph(name, "fp16") for name in GRAPHS}
        self.description = "FP16, rounded node by node on the CPU"
        for name in HALF_GRAPHS:
            twin = onnx.load_model_from_string(bundle.graph(name, "fp16"))
            self._sessions[name] = open_unoptimised(round_every_node(twin), threads)


@dataclass(frozen=True)
class HalfParity:
    """How far the rounded twins were from the FP32 graphs.

    `gate`: model.json's engine_gate; `logits`: over every logit and every raw mask of the network; `scored`: over the
    test set, in camera pixels and against its ground truth, None where there was no test set.
    """

    gate: Mapping[str, float]
    logits: Parity
    scored: EngineParity | None

    def problems(self) -> list[str]:
        """Why the gate stays shut; empty where it opens."""
        gate = self.gate
        found = [] if self.logits.max_abs_err < float("inf") else ["an answer is not a finite number"]
        if not self.logits.mask_iou_mean >= gate["mask_iou_mean"]:
            found.append(f"mean mask IoU is {self.logits.mask_iou_mean:.4f}, needed are {gate['mask_iou_mean']}")
        if self.scored:
            found += self.scored.problems(gate)
        return [f"FP16 twins: {problem}" for problem in dict.fromkeys(found)]

    def to_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "fp16_mask_iou_mean": self.logits.mask_iou_mean,
            "fp16_mask_iou_min": min(self.logits.ious, default=0.0),
            "fp16_max_abs_err": self.logits.max_abs_err,
            "fp16_overall_iou_change": self.scored.overall_iou_change if self.scored else None,
        }


def compare_halves(bundle: Bundle, probes: Iterable[Probe], pictures: Iterable[TestPicture] | None) -> HalfParity:
    """Ask the rounded twins and the FP32 graphs about every probe, and everything about the test set's `pictures`.

    Raises SaymaskError where an answer about a picture is not finite although those to the probes were.
    """
    answers: deque[MaskLogits] = deque()
    parity = Parity(bundle.spec.thresholds["mask_logit"])
    with _Noted(bundle, answers) as twins, _Compared(bundle, answers, parity) as reference:
        for probe in probes:
            tokens = Tokens(probe.token_ids, probe.lengths, ((),) * len(probe.lengths))
            for backend in (twins, reference):
                backend.decode(backend.encode_image(probe.pixels), backend.encode_text(tokens))
        scored = None
        if pictures is not None and parity.max_abs_err < float("inf"):  # else there is nothing to score
            scored = compare_backends(bundle, twins, reference, pictures)
    return HalfParity(bundle.spec.engine_gate, parity, scored)


class _Noted(RoundedBackend):
    """Notes each of its answers."""

    def __init__(self, bundle: Bundle, answers: deque[MaskLogits]) -> None:
        super().__init__(bundle)
        self._answers = answers

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        logits = super().decode(image, texts)
        self._answers.append(logits)
        return logits


class _Compared(OnnxRuntimeBackend):
    """The FP32 graphs, asked what the twins were asked before: compares its answers with the oldest one noted."""

    def __init__(self, bundle: Bundle, answers: deque[MaskLogits], parity: Parity) -> None:
        super().__init__(bundle)
        self._answers, self._parity = answers, parity

    def decode(self, image: ImageFeatures, texts: Sequence[TextFeatures]) -> MaskLogits:
        logits = super().decode(image, texts)
        self._parity.compare(_by_name(logits), _by_name(self._answers.popleft()))
        return logits


def _by_name(logits: MaskLogits) -> Answers:
    named = {"mask_logits": logits.mask, "count_logits": logits.count, "centre_offsets": logits.centre_offsets}
    return {name: array for name, array in named.items() if array is not None}

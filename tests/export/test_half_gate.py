"""The gate between the FP16 twins, rounded, and the FP32 graphs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from export.engine_gate import EngineParity
from export.half_gate import HalfParity, RoundedBackend, compare_halves
from export.parity import Parity, Probe
from runtime.backends.self_check import check_samples
from runtime.bundle import DEFAULT_MODEL, Bundle, open_bundle
from runtime.test_set import iterate_test_set

TEST_SET = Path(__file__).parents[2] / "benchmarks" / "data" / "tabletop-test"
GATE = {"mask_iou_mean": 0.99, "overall_iou_change": 0.005}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(DEFAULT_MODEL)


def test_the_released_twins_answer_the_samples(bundle: Bundle) -> None:
    with RoundedBackend(bundle, threads=1) as backend:
        check = check_samples(bundle, backend, precision="fp16")
    assert check.max_abs_err > 1e-3  # it is FP16 that was asked
    assert check.mask_iou_mean > 0.99


def test_the_released_twins_pass_on_pictures_and_probes(bundle: Bundle) -> None:
    pixels = np.full((*bundle.spec.image_size, 3), 200, np.uint8)
    probe = Probe(pixels, np.array([[2, 3, 0], [4, 5, 6]]), np.array([2, 3]))
    parity = compare_halves(bundle, [probe], islice(iterate_test_set(TEST_SET), 2))
    figures = parity.to_json()
    assert parity.problems() == []
    assert parity.scored is not None and parity.scored.pictures == 2
    assert len(parity.logits.ious) == parity.scored.expressions + 2
    assert 0.99 <= figures["fp16_mask_iou_mean"] < 1
    assert 1e-3 < figures["fp16_max_abs_err"] < 0.2
    assert abs(figures["fp16_overall_iou_change"]) <= 0.005


def _scored(mask_iou_mean: float, change: float) -> EngineParity:
    return EngineParity(1, 1, mask_iou_mean, mask_iou_mean, 0.5, change, 0.0, 0.0)


@pytest.mark.parametrize(
    ("ious", "error", "scored", "problems"),
    [
        ([1.0, 0.99], 0.1, None, []),
        ([1.0, 0.99], 0.1, _scored(0.99, -0.005), []),
        ([], 0.1, None, ["FP16 twins: mean mask IoU is 0.0000, needed are 0.99"]),
        ([1.0, 0.97], 0.1, _scored(1.0, 0.0), ["FP16 twins: mean mask IoU is 0.9850, needed are 0.99"]),
        ([1.0], 0.1, _scored(0.9, 0.0), ["FP16 twins: mean mask IoU is 0.9000, needed are 0.99"]),
        ([1.0], 0.1, _scored(1.0, -0.006), ["FP16 twins: overall IoU changes by -0.0060, allowed are 0.005"]),
        ([1.0], np.inf, None, ["FP16 twins: an answer is not a finite number"]),
    ],
)
def test_what_shuts_the_gate(ious: list[float], error: float, scored: EngineParity | None, problems: list[str]) -> None:
    logits = Parity(threshold=0.0, max_abs_err=error, ious=ious)
    assert HalfParity(GATE, logits, scored).problems() == problems

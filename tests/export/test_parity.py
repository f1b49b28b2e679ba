"""The measure behind the gate: what it lets pass and what not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from export.parity import Answers, Parity

Logits = npt.NDArray[np.float32]


def _logits() -> Logits:
    """Two masks of 100x100: one covers the left half clearly, one is empty."""
    logits = np.full((2, 100, 100), -3, np.float32)
    logits[0, :, :50] = 3
    return logits


def _shifted(logits: Logits, by: float) -> Logits:
    return (logits + by).astype(np.float32)


def _flipped(logits: Logits, pixels: int) -> Logits:
    changed = logits.copy()
    changed[0].flat[:pixels] *= -1
    return changed


def _parity(expected: Answers, actual: Answers, threshold: float = 0.0) -> Parity:
    parity = Parity(threshold)
    parity.compare(expected, actual)
    return parity


def test_equal_answers_pass_and_empty_against_empty_counts_one() -> None:
    parity = _parity({"mask_logits": _logits()}, {"mask_logits": _logits()})
    assert parity.problems() == []
    assert (parity.max_abs_err, parity.ious, parity.mask_iou_mean) == (0, [1.0, 1.0], 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda logits: _shifted(logits, 2e-4), "logits differ by 2.00e-04"),
        (lambda logits: _shifted(logits, float("nan")), "logits differ by inf"),
        (lambda logits: _flipped(logits, 1), "1 pixels differ"),
        (lambda logits: _flipped(logits, 50), "mean mask IoU is 0.99"),
        (lambda logits: logits[:, :50], "do not answer mask_logits"),
    ],
)
def test_what_keeps_the_gate_shut(change: object, message: str) -> None:
    assert callable(change)
    parity = _parity({"mask_logits": _logits()}, {"mask_logits": change(_logits())})
    assert any(message in problem for problem in parity.problems())


def test_pixels_on_the_threshold_may_fall_on_either_side() -> None:
    expected, actual = _logits(), _logits()
    expected[0, 0, :3], actual[0, 0, :3] = 5e-5, -3e-5
    parity = _parity({"mask_logits": expected}, {"mask_logits": actual})
    assert parity.problems() == []
    assert parity.stray_pixels == 0
    assert parity.ious[0] < 1


def test_the_models_own_threshold_counts() -> None:
    logits = _logits()
    logits[1] = 0.5
    assert _parity({"mask_logits": logits}, {"mask_logits": _shifted(logits, 1e-5)}, threshold=0.5).ious == [1.0, 0.0]


@pytest.mark.parametrize("name", ["count_logits", "centre_offsets"])
def test_everything_the_runtime_reads_is_compared(name: str) -> None:
    masks = {"mask_logits": _logits()}
    other = np.ones((2, 3), np.float32)
    assert _parity({**masks, name: other}, {**masks, name: other}).problems() == []
    assert _parity({**masks, name: other}, {**masks, name: other + 1e-3}).problems()
    assert f"answer {name} as" in _parity({**masks, name: other}, masks).problems()[0]


def test_comparing_nothing_does_not_pass() -> None:
    assert "nothing was compared" in Parity(0.0).problems()

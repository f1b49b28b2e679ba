"""Metrics against cases worked out by hand."""

from __future__ import annotations

import math

import pytest

from training.metrics import Outcome, auroc, expected_calibration_error, summarise


def outcome(**changes: object) -> Outcome:
    values: dict[str, object] = {
        "kind": "category",
        "count": "one",
        "plural": False,
        "intersection": 8,
        "union": 10,
        "chosen": True,
        "absent_probability": 0.1,
        "several_probability": 0.1,
        "verdict": "FOUND",
        "confidence": 0.9,
    }
    return Outcome(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 1.0),
        ([0.9, 0.1], [False, True], 0.0),
        ([0.5, 0.5, 0.5], [True, False, False], 0.5),
        ([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.75),
    ],
)
def test_auroc(scores: list[float], positive: list[bool], expected: float) -> None:
    assert auroc(scores, positive) == pytest.approx(expected)


def test_auroc_without_both_classes_is_nan() -> None:
    assert math.isnan(auroc([0.1, 0.2], [True, True]))


def test_expected_calibration_error_weights_bins_by_size() -> None:
    # Bin of 0.95: three answers, two right: gap 0.95 - 2/3; bin of 0.05: one answer, wrong: gap 0.05.
    error = expected_calibration_error([0.95, 0.95, 0.95, 0.05], [True, True, False, False])
    assert error == pytest.approx(0.75 * (0.95 - 2 / 3) + 0.25 * 0.05)


def test_confidence_of_exactly_one_falls_into_the_last_bin() -> None:
    assert expected_calibration_error([1.0], [True]) == 0


@pytest.mark.parametrize(
    ("changes", "correct"),
    [
        ({}, True),
        ({"intersection": 4}, False),  # right object, IoU under one half
        ({"chosen": False}, False),
        ({"verdict": "NOT_FOUND"}, False),
        ({"count": "none", "intersection": 0, "union": 0, "verdict": "NOT_FOUND"}, True),
        ({"count": "none", "verdict": "FOUND"}, False),
        ({"count": "several", "verdict": "AMBIGUOUS"}, True),
        ({"count": "several", "verdict": "FOUND"}, False),
        ({"count": "several", "plural": True, "verdict": "FOUND"}, True),
    ],
)
def test_what_counts_as_a_correct_answer(changes: dict[str, object], correct: bool) -> None:
    assert outcome(**changes).correct is correct


def test_summary_separates_choice_from_doubt() -> None:
    outcomes = [
        outcome(),
        outcome(kind="relation", intersection=0, union=20, chosen=False),
        outcome(count="none", chosen=False, intersection=0, union=5, absent_probability=0.8),  # FOUND all the same
        outcome(count="several", several_probability=0.7, verdict="AMBIGUOUS", intersection=10),
        outcome(kind="plural", count="several", plural=True, several_probability=0.9, verdict="NOT_FOUND"),
    ]
    summary = summarise(outcomes)
    assert summary["n"] == 4 and summary["expressions"] == 5
    assert summary["overall_iou"] == pytest.approx(26 / 50)
    assert summary["right_object"] == 0.5  # of the two expressions with one referent
    assert summary["slices"]["relation"]["mean_iou"] == 0
    assert summary["absent_auroc"] == 1
    assert summary["ambiguous_auroc"] == 1  # the plural one does not take part
    assert summary["wrong_found_rate"] == pytest.approx(2 / 3)
    assert summary["coverage"] == pytest.approx(2 / 3)

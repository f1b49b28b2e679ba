"""Metrics against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.datatypes import Verdict
from runtime.vision.postprocess import Answer
from training.expressions.datatypes import Expression
from training.metrics import Outcome, auroc, expected_calibration_error, outcome_of, risk_coverage, summarise
from training.scenes.datatypes import SceneObject


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
        ({"verdict": "UNSURE"}, True),  # what is offered is the right one
        ({"verdict": "UNSURE", "chosen": False}, False),
        ({"count": "several", "verdict": "UNSURE"}, False),
    ],
)
def test_what_counts_as_a_correct_answer(changes: dict[str, object], correct: bool) -> None:
    assert outcome(**changes).correct is correct


@pytest.mark.parametrize(
    ("text", "kind", "identifier", "groups"),
    [
        ("the red mug", "attribute", "mug/1200000001", ("colour",)),
        ("the metal mug", "attribute", "mug/1200000001", ()),
        ("the orange left of the red mug", "relation", "orange/1200000001", ()),
        ("the vase", "category", "quat_UpdatedMod_Vase", ("withheld_scan",)),  # split test by its name's hash
        ("the vase", "category", "absent", ()),
    ],
)
def test_groups_beside_the_kind(text: str, kind: str, identifier: str, groups: tuple[str, ...]) -> None:
    thing = SceneObject(0, identifier, ("mug",), (), None, None, 0.1, (0, 0, 0), (0, 0, 1), (0, 0, 4, 4), 16, False)
    referents = () if identifier == "absent" else (0,)
    expression = Expression(text, text, kind, referents)  # type: ignore[arg-type]
    full = np.ones((4, 4), np.bool_)
    answer = Answer(full, Verdict.FOUND, 0.9, (), (0.0, 1.0, 0.0), full)
    scored = outcome_of(expression, np.zeros((4, 4), np.int8), answer, [thing])
    assert scored.groups == groups
    slices = summarise([scored])["slices"]
    assert set(slices) == ({kind, *groups} if referents else set())


def test_risk_and_coverage_by_hand() -> None:
    outcomes = [
        outcome(confidence=0.9),
        outcome(confidence=0.8, verdict="UNSURE"),
        outcome(confidence=0.7, count="none", chosen=False),
        outcome(confidence=0.6),
        outcome(confidence=0.5, verdict="NOT_FOUND"),  # deserves FOUND, and no threshold gives it
    ]
    covered, wrong = risk_coverage(outcomes[::-1])
    assert covered.tolist() == [0.25, 0.5, 0.5, 0.75]
    assert wrong.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])
    summary = summarise(outcomes)
    assert summary["coverage_at_2_percent_wrong"] == 0.5
    assert (summary["coverage"], summary["unsure_rate"]) == (0.5, 0.2)


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
    assert summary["unsure_rate"] == 0 and summary["coverage_at_2_percent_wrong"] == pytest.approx(1 / 3)
    assert summary["wrong_found_rate"] == pytest.approx(2 / 3)
    assert summary["coverage"] == pytest.approx(2 / 3)

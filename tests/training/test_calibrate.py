"""The threshold below which a thing is offered and not found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.test_metrics import outcome
from training.calibrate import fit_confidences, least_confidence
from training.metrics import Outcome


def found(confidence: float, *, right: bool, plural: bool = False) -> Outcome:
    return outcome(confidence=confidence, chosen=right, plural=plural)


RANKED = [found(0.2, right=False), found(0.4, right=True), found(0.6, right=False), found(0.8, right=True)]


@pytest.mark.parametrize(("wrong", "threshold"), [(0.0, 0.8), (0.34, 0.4), (0.33, 0.8), (0.5, 0.0)])
def test_as_many_as_may_be_wrong_and_no_more(wrong: float, threshold: float) -> None:
    assert least_confidence(RANKED[::-1], wrong) == threshold
    kept = [o for o in RANKED if o.confidence >= threshold]
    assert sum(not o.chosen for o in kept) <= wrong * len(kept)


def test_plurals_are_found_at_any_confidence() -> None:
    plurals = [found(0.1, right=False, plural=True), found(0.1, right=True, plural=True)]
    assert least_confidence([*RANKED, *plurals], 0.4) == 0.4  # two of five
    assert least_confidence([*RANKED, *plurals], 0.34) == 0.8  # one of three


def test_where_no_threshold_is_strict_enough_nothing_is_found() -> None:
    assert least_confidence([found(0.9, right=False)], 0.02) == 1.0


def test_other_verdicts_have_no_part_in_it() -> None:
    others = [outcome(confidence=0.9, chosen=False, verdict=verdict) for verdict in ("AMBIGUOUS", "NOT_FOUND")]
    assert least_confidence([*others, found(0.5, right=True)], 0.0) == 0.0


def test_confidences_are_carried_to_what_came_true() -> None:
    """Nine answers in ten right at a confidence of 0.6, half of them at 0.5: the curve says 0.9 and 0.5."""
    surer = [found(0.6, right=i % 10 > 0) for i in range(1000)]
    fitted = fit_confidences([*surer, *(found(0.5, right=i % 2 > 0) for i in range(1000))])
    slope, offset = fitted["found_slope"], fitted["found_offset"]
    assert offset == pytest.approx(0, abs=0.02)
    assert 1 / (1 + np.exp(-slope * np.log(0.6 / 0.4) - offset)) == pytest.approx(0.9, abs=0.01)
    assert fitted["absent_slope"] == fitted["plural_slope"] == 1 and fitted["ambiguous_offset"] == 0
    few = fit_confidences([replace(found(0.9, right=True), plural=True)])
    assert 1 < few["plural_slope"] < 1.2, "one answer is no evidence"

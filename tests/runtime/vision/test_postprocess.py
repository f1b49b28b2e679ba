"""From logits to an answer: geometry, verdict, confidence, and things apart even where they touch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from runtime import SaymaskError, Verdict
from runtime.datatypes import CONFIDENCE_KINDS
from runtime.vision.postprocess import Answer, interpret, measure, unletterbox_logits
from runtime.vision.preprocess import Letterbox

Map = npt.NDArray[np.float32]
THRESHOLDS = {
    "mask_logit": 0.0,
    "absent_probability": 0.5,
    "ambiguous_probability": 0.5,
    "piece_share": 0.7,
    "found_confidence": 0.0,
}
SQUARE = Letterbox.fit((160, 160), (320, 320))


def answer(
    logits: Map,
    counts: list[float] | None,
    offsets: Map | None = None,
    *,
    plural: bool = False,
    temperature: float = 1.0,
    weight: float = 0.0,
    place: Letterbox = SQUARE,
    found: float = 0.0,
    scale: dict[str, float] | None = None,
) -> Answer:
    return interpret(
        logits,
        None if counts is None else np.array(counts, np.float32),
        offsets,
        place,
        thresholds=THRESHOLDS | {"found_confidence": found},
        calibration={
            "count_temperature": temperature,
            "mask_temperature": 1.0,
            "evidence_weight": weight,
            "evidence_offset": 2.0,
            **{f"{kind}_slope": 1.0 for kind in CONFIDENCE_KINDS},
            **{f"{kind}_offset": 0.0 for kind in CONFIDENCE_KINDS},
        }
        | (scale or {}),
        plural=plural,
    )


def discs(*circles: tuple[float, float, float], size: int = 160) -> tuple[Map, Map, list[npt.NDArray[np.bool_]]]:
    """Logits and centre offsets (80x80) of discs (x, y, radius in logit cells); later ones lie in front."""
    y, x = np.mgrid[:size, :size] + 0.5
    owner = np.full((size, size), -1)
    for index, (cx, cy, radius) in enumerate(circles):
        owner[np.hypot(x - cx, y - cy) < radius] = index
    logits = np.where(owner >= 0, 6, -6).astype(np.float32)
    offsets = np.zeros((2, size, size), np.float32)
    for index in range(len(circles)):
        here = owner == index
        offsets[0][here] = (x[here].mean() - x[here]) / size
        offsets[1][here] = (y[here].mean() - y[here]) / size
    return logits, offsets[:, ::2, ::2], [owner == index for index in range(len(circles))]


@pytest.mark.parametrize("source", [(480, 640), (640, 480), (33, 47), (720, 1280), (100, 3000), (320, 320)])
def test_logits_land_where_the_picture_was(source: tuple[int, int]) -> None:
    """A ramp over the padded picture must come back as the same ramp in source pixels."""
    place = Letterbox.fit(source, (320, 320))
    grid_y, grid_x = (np.mgrid[:160, :160] + 0.5) * 2  # padded pixels at the cells' centres
    y, x = np.mgrid[: source[0], : source[1]] + 0.5
    for grid, expected in (
        (grid_x, place.left + x * place.inner[1] / source[1]),
        (grid_y, place.top + y * place.inner[0] / source[0]),
    ):
        full = unletterbox_logits(grid.astype(np.float32), place)
        assert full.shape == source
        assert full.dtype == np.float32
        # Within half a cell of the border there is nothing to interpolate with; OpenCV 4 rounds to 1/32 cell.
        assert np.abs(full - expected).max() <= 1.001
        inner = (np.abs(expected - expected.min()) > 2) & (np.abs(expected - expected.max()) > 2)
        assert np.abs(full - expected)[inner].max(initial=0) <= 2 / 32


def test_padding_does_not_bleed_into_the_picture() -> None:
    place = Letterbox.fit((480, 640), (320, 320))
    logits = np.full((160, 160), 100, np.float32)
    logits[20:140] = -1
    assert (unletterbox_logits(logits, place) == -1).all()


@pytest.mark.parametrize(
    ("counts", "plural", "verdict"),
    [
        ([0, 5, 0], False, Verdict.FOUND),
        ([5, 0, 0], False, Verdict.NOT_FOUND),
        ([5, 0, 0], True, Verdict.NOT_FOUND),
        ([0, 0, 5], False, Verdict.AMBIGUOUS),
        ([0, 0, 5], True, Verdict.FOUND),
        ([0.1, 0, 0], False, Verdict.FOUND),
        (None, False, Verdict.FOUND),
    ],
)
def test_verdict(counts: list[float] | None, plural: bool, verdict: Verdict) -> None:
    logits, offsets, _ = discs((50, 50, 20))
    assert answer(logits, counts, offsets, plural=plural).verdict is verdict


@pytest.mark.parametrize("source", [(1224, 1280), (1280, 1224), (480, 640), (640, 481), (33, 4096)])
def test_an_empty_mask_of_any_camera(source: tuple[int, int]) -> None:
    found = answer(np.full((80, 80), -5, np.float32), [0.0, 0.0, 0.0], place=Letterbox.fit(source, (320, 320)))
    assert found.verdict is Verdict.NOT_FOUND
    assert found.mask.shape == source and not found.mask.any()


def test_confidence_is_calibrated() -> None:
    logits, _, _ = discs((50, 50, 20))
    mask_probability = 1 / (1 + np.exp(-6))
    softmax = np.exp([0, 2, 0]) / np.exp([0, 2, 0]).sum()
    assert answer(logits, [0, 2, 0]).confidence == pytest.approx(softmax[1] * mask_probability, abs=1e-6)
    cooled = np.exp([0, 1, 0]) / np.exp([0, 1, 0]).sum()
    cool = answer(logits, [0, 2, 0], temperature=2)
    assert cool.confidence == pytest.approx(cooled[1] * mask_probability, abs=1e-6)
    assert cool.count_probabilities == pytest.approx(cooled, abs=1e-6)
    assert answer(logits, [2, 0, 0]).confidence == pytest.approx(softmax[1], abs=1e-6)


def test_a_fourth_logit_tells_that_the_mask_is_wrong() -> None:
    logits, _, _ = discs((50, 50, 20))
    scores = np.exp([0.0, 2.0, 0.0, 1.0])
    none, right, several, mistaken = scores / scores.sum()
    found = answer(logits, [0, 2, 0, 1])
    assert found.verdict is Verdict.FOUND
    assert found.count_probabilities == pytest.approx((none, right + mistaken, several), abs=1e-6)
    assert found.confidence == pytest.approx(right, abs=1e-6)
    assert answer(logits, [0, 1, 0, 3], found=0.5).verdict is Verdict.UNSURE
    mask_probability = 1 / (1 + np.exp(-6))
    assert answer(logits, [0, 2, 0, 1], plural=True).confidence == pytest.approx(
        (1 - none) * mask_probability, abs=1e-6
    )


@pytest.mark.parametrize(
    ("kind", "counts", "plural"),
    [
        ("found", [0, 2, 0], False),
        ("plural", [0, 2, 0], True),
        ("ambiguous", [0, 1, 3], False),
        ("absent", [3, 0, 0], 0),
    ],
)
def test_each_kind_of_answer_has_its_own_scale(kind: str, counts: list[float], plural: bool) -> None:
    logits, _, _ = discs((80, 80, 20))
    plain = answer(logits, counts, plural=plural).confidence
    scaled = answer(logits, counts, plural=plural, scale={f"{kind}_slope": 0.5, f"{kind}_offset": -1.0}).confidence
    assert scaled == pytest.approx(1 / (1 + np.exp(1) * ((1 - plain) / plain) ** 0.5), abs=1e-6)
    others = {f"{other}_offset": -1.0 for other in CONFIDENCE_KINDS if other != kind}
    assert answer(logits, counts, plural=plural, scale=others).confidence == plain
    assert answer(np.full_like(logits, -9), [9, 0, 0]).confidence < 1  # certainty itself has no odds


@pytest.mark.parametrize(
    ("counts", "plural", "verdict"),
    [
        ([0, 2, 0], False, Verdict.UNSURE),
        ([0, 2, 0], True, Verdict.FOUND),
        ([0, 0, 3], False, Verdict.AMBIGUOUS),
        ([3, 0, 0], False, Verdict.NOT_FOUND),
    ],
)
def test_one_thing_below_the_confidence_to_act_on_is_offered(
    counts: list[float], plural: bool, verdict: Verdict
) -> None:
    logits, _, (disc,) = discs((50, 50, 20))
    offered = answer(logits, counts, plural=plural, found=0.99)
    assert offered.verdict is verdict
    if verdict is Verdict.UNSURE:
        sure = answer(logits, counts)
        assert sure.verdict is Verdict.FOUND and sure.confidence == offered.confidence < 0.99
        assert np.array_equal(offered.mask, disc) and len(offered.candidates) == 1


def test_weak_pieces_are_left_out_where_one_thing_was_meant() -> None:
    logits, _, (large, small) = discs((40, 40, 20), (120, 120, 8))
    both = large | small
    assert np.array_equal(answer(logits, [0, 3, 0]).raw_mask, large)
    assert np.array_equal(answer(logits, [0, 0, 3]).raw_mask, both)  # several were counted: a choice to offer
    assert np.array_equal(answer(logits, [0, 3, 0], plural=True).raw_mask, both)
    assert np.array_equal(answer(logits, None).raw_mask, both)  # a network that does not count is not second-guessed


def test_a_sure_mask_speaks_against_none_and_an_unsure_one_for_it() -> None:
    sure, _, _ = discs((50, 50, 20))  # logits of 6 inside
    unsure = sure - 6
    for logits, evidence in ((sure, 6.0), (unsure, 0.0)):
        none = np.exp(1 - 0.5 * (evidence - 2.0))
        expected = none / (none + np.exp(2) + 1)
        assert answer(logits, [1, 2, 0], weight=0.5).count_probabilities[0] == pytest.approx(expected, abs=1e-5)


def test_without_counts_presence_is_the_surest_pixel() -> None:
    dark = np.full((160, 160), -3, np.float32)
    absent = answer(dark, None)
    assert absent.verdict is Verdict.NOT_FOUND
    assert absent.confidence == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-6)


@pytest.mark.parametrize(
    "circles",
    [
        pytest.param([(40, 80, 20), (80, 80, 20)], id="side by side"),
        pytest.param([(40, 80, 20), (72, 80, 20)], id="one hides a fifth of the other"),
        pytest.param([(30, 80, 20), (70, 80, 20), (110, 80, 20)], id="a row of three"),
        pytest.param([(60, 80, 30), (98, 80, 9)], id="large and small"),
        pytest.param([(40, 40, 6), (52, 40, 6)], id="two small ones"),
        pytest.param([(40, 40, 12), (120, 120, 12)], id="far apart"),
    ],
)
def test_touching_things_are_cut_by_their_votes(
    circles: list[tuple[float, float, float]], rng: np.random.Generator
) -> None:
    logits, offsets, things = discs(*circles)
    noisy = offsets + rng.normal(0, 0.008, offsets.shape).astype(np.float32)
    candidates = answer(logits, [0, 0, 9], noisy).candidates
    assert len(candidates) == len(things)
    for candidate, thing in zip(candidates, things, strict=True):
        overlap = (candidate.mask & thing).sum() / (candidate.mask | thing).sum()
        assert overlap > 0.9


def test_a_thing_behind_a_bar_stays_one() -> None:
    """Two parts that vote for the same centre are one thing, though nothing joins them."""
    logits, offsets, _ = discs((80, 80, 30))
    logits[:, 76:84] = -6
    assert len(answer(logits, [0, 0, 9], offsets).candidates) == 1
    assert len(answer(logits, [0, 0, 9], None).candidates) == 2


@pytest.mark.parametrize(
    ("circles", "count"),
    [
        ([(40, 80, 20), (76, 80, 20)], 2),
        ([(40, 40, 12), (120, 120, 12)], 2),
        ([(80, 80, 30)], 1),
        ([(80, 80, 30), (150, 20, 2)], 1),
    ],
)
def test_without_votes_shape_decides(circles: list[tuple[float, float, float]], count: int) -> None:
    logits, _, _ = discs(*circles)
    result = answer(logits, [0, 0, 9], None)
    assert len(result.candidates) == count
    assert sum(item.area for item in result.candidates) == result.mask.sum()


def test_one_thing_asked_for_is_the_one_with_most_evidence() -> None:
    """A half-sure patch on a neighbour that it touches must not widen what the robot grasps; the raw mask shows it."""
    logits, offsets, things = discs((40, 80, 20), (76, 80, 18))
    logits[things[0]] = 1
    result = answer(logits, [0, 9, 0], offsets)
    assert result.verdict is Verdict.FOUND and len(result.candidates) == 1
    assert (result.mask & things[1]).sum() / (result.mask | things[1]).sum() > 0.9
    assert result.raw_mask.sum() > 1.5 * result.mask.sum()
    both = answer(logits, [0, 9, 0], offsets, plural=True)
    assert (both.mask == both.raw_mask).all() and len(both.candidates) == 2


def test_candidates_go_from_left_to_right() -> None:
    logits, offsets, _ = discs((120, 30, 25), (20, 100, 12), (70, 60, 18))
    xs = [item.centroid[0] for item in answer(logits, [0, 0, 9], offsets, plural=True).candidates]
    assert len(xs) == 3
    assert xs == sorted(xs)


def test_random_offsets_never_break_the_answer(rng: np.random.Generator) -> None:
    logits, _, _ = discs((80, 80, 50))
    for scale in (0.01, 0.3, 100.0):
        offsets = rng.normal(0, scale, (2, 80, 80)).astype(np.float32)
        result = answer(logits, [0, 0, 9], offsets)
        assert 1 <= len(result.candidates) <= 8
        assert sum(item.area for item in result.candidates) == result.mask.sum()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(value: float) -> None:
    logits, offsets, _ = discs((80, 80, 20))
    broken = logits.copy()
    broken[3, 3] = value
    broken_offsets = offsets.copy()
    broken_offsets[0, 40, 40] = value
    for arguments in (
        (broken, [0, 5, 0], offsets),
        (logits, [0, value, 0], offsets),
        (logits, [0, 0, 9], broken_offsets),
    ):
        with pytest.raises(SaymaskError, match="NaN or infinity"):
            answer(*arguments)


def test_measures() -> None:
    mask = np.zeros((40, 50), np.bool_)
    mask[10:14, 20:30] = True
    assert measure(mask) == ((20, 10, 30, 14), (25.0, 12.0), 40)

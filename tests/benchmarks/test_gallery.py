"""The contact sheet shows what it says: failures only, every kind in turn, the truth outlined."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.accuracy import Scored, score
from benchmarks.gallery import choose, contact_sheet, fault_of, main, tile
from runtime import Segmenter
from training.data.testset import TestImage
from training.metrics import Outcome


@pytest.fixture(scope="module")
def scored(tiny_bundle: Path, images: list[TestImage]) -> list[Scored]:
    with Segmenter(tiny_bundle) as segmenter:
        return [item for image in images for item in score(segmenter, image)]


def test_failures_and_successes_part_the_answers(scored: list[Scored]) -> None:
    failures, successes = choose(scored, "failures", 100), choose(scored, "successes", 100)
    assert not any(item.outcome.correct for item in failures) and all(item.outcome.correct for item in successes)
    assert len(failures) + len(successes) == len(scored)
    assert choose(scored, "all", 3) == scored[:3]


def test_kinds_take_turns_and_the_surest_comes_first(scored: list[Scored]) -> None:
    failures = choose(scored, "failures", 3)
    assert len({item.expression.kind for item in failures}) == 3
    first = failures[0]
    same_kind = [i for i in scored if i.expression.kind == first.expression.kind and not i.outcome.correct]
    assert first.outcome.confidence == max(item.outcome.confidence for item in same_kind)


def test_the_truth_is_outlined_in_white(scored: list[Scored]) -> None:
    named = {item.expression.text: tile(item)[:180, :300] for item in scored[:6]}  # above the caption
    white = {text: int((picture > 220).all(-1).sum()) for text, picture in named.items()}
    assert white["the red thing"] > 50  # the outline of 12 x 12 pixels of 48
    assert white["the unicorn"] == 0


def test_every_wrong_answer_has_one_fault() -> None:
    right = Outcome("category", "one", False, 60, 100, True, 0.1, 0.1, "FOUND", 0.9)
    assert fault_of(right) is None
    faults = {
        "nothing is there": replace(right, count="none"),
        "one is there, said none": replace(right, verdict="NOT_FOUND"),
        "right pixels, another verdict": replace(right, verdict="AMBIGUOUS"),
        "part of it, or more than it": replace(right, intersection=49),
        "another thing": replace(right, chosen=False),
    }
    assert {name: fault_of(outcome) for name, outcome in faults.items()} == {name: name for name in faults}


def test_a_short_last_row_is_filled_with_white() -> None:
    sheet = contact_sheet([np.zeros((4, 6, 3), np.uint8)] * 5, columns=2)
    assert sheet.shape == (12, 12, 3)
    assert (sheet[8:, 6:] == 255).all() and not sheet[8:, :6].any()


def test_entry_writes_the_sheet(
    tiny_bundle: Path, test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "failures.png"
    assert main(["--model", str(tiny_bundle), "--data", str(test_set), "--count", "2", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["shown"] == 2 and sum(told["faults"].values()) == told["answers"]
    picture = cv2.imread(str(out))
    assert picture is not None and picture.shape == (460, 800, 3)

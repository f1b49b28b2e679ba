from __future__ import annotations

import re
from random import Random

import pytest

from training.expressions.phrasing import phrase, transcript, words
from training.expressions.programs import At, Coloured, Extreme, Made, Not, Ordinal, Program, Ranked, Related

BOWL = Program("bowl")
PROGRAMS = [
    Program("mug"),
    Program("mug", (Coloured("red"),)),
    Program("block", (Made("wood"),)),
    Program("mug", (At("left"),)),
    Program("mug", (Extreme("near"),)),
    Program("bottle", (Ordinal(2, "left"),)),
    Program("mug", (Related("left", BOWL),)),
    Program("mug", (Ranked(BOWL, furthest=True),)),
    Program("mug", (Not(Coloured("red")),)),
    Program("mug", (Coloured("red"),), plural=True),
    Program("mug", plural=True, number=2),
]


def _all(program: Program) -> set[str]:
    return {phrase(program, Random(seed)) for seed in range(300)}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (Program("mug"), {"the mug", "mug"}),
        (Program("mug", (Coloured("red"),)), {"the red mug", "red mug", "the mug that is red"}),
        (Program("block", (Made("wood"),)), {"the wooden block"}),
        (Program("mug", (At("left"),)), {"the left mug", "the mug on the left", "mug that is on the left side"}),
        (Program("mug", (Extreme("left"),)), {"the leftmost mug", "the mug furthest to the left"}),
        (Program("bottle", (Ordinal(2, "left"),)), {"the second bottle from the left"}),
        (Program("mug", (Related("left", BOWL),)), {"the mug that is to the left of the bowl", "mug left of the bowl"}),
        (Program("one", (Related("beside", BOWL),)), {"the one beside the bowl", "the one next to the bowl"}),
        (Program("mug", (Ranked(BOWL, furthest=False),)), {"the mug closest to the bowl"}),
        (Program("mug", (Not(Coloured("red")),)), {"the mug that is not red", "mug which is not red"}),
        (Program("mug", plural=True, number=2), {"both mugs", "the two mugs"}),
        (Program("spoon", plural=True), {"all the spoons", "the spoons"}),
    ],
)
def test_what_people_say_is_among_the_phrases(program: Program, expected: set[str]) -> None:
    assert expected <= _all(program)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: phrase(program, Random(1)))
def test_phrases_are_plain_words_of_the_closed_set(program: Program) -> None:
    known = words() | {"mug", "mugs", "bowl", "bottle", "block", "red", "wooden"}
    for text in _all(program):
        assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", text)
        assert set(text.split()) <= known


def test_same_generator_state_gives_twins() -> None:
    for seed in range(100):
        left = phrase(Program("mug", (Related("left", BOWL),)), Random(seed)).split()
        right = phrase(Program("mug", (Related("right", BOWL),)), Random(seed)).split()
        assert [(a, b) for a, b in zip(left, right, strict=True) if a != b] == [("left", "right")]


def test_a_landmark_carries_no_clause_that_could_belong_to_the_head() -> None:
    texts = _all(Program("mug", (Related("behind", Program("bowl", (Coloured("red"),))),)))
    assert all(re.search(r"behind (the )?red bowl$", text) for text in texts)


def test_transcripts_wrap_the_text() -> None:
    said = {transcript("red mug", Random(seed)) for seed in range(400)}
    assert {"pick up the red mug", "can you grab the red mug please", "where is the red mug"} <= said
    assert all("red mug" in line for line in said)
    assert all(set(line.split()) <= words() | {"red", "mug"} for line in said)
    assert not any("the both" in transcript("both mugs", Random(seed), plural=True) for seed in range(200))


def test_nouns_without_a_plural_are_refused() -> None:
    with pytest.raises(ValueError, match="'bread' has no plural"):
        phrase(Program("bread", plural=True), Random(0))

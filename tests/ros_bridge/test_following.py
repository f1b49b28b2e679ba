"""Which thing is which from answer to answer, and which changes of the answer are told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runtime.datatypes import Box
from saymask_ros.following import Gist, SteadyAnswer, follow
from tests.runtime.language.made_up_answers import BIG_RIGHT, LEFT, MIDDLE, RIGHT, SMALL_LEFT, candidate

MS = 1_000_000
S = 1_000 * MS


def moved(box: Box, dx: int, dy: int = 0) -> Box:
    return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy


@pytest.mark.parametrize(
    ("old", "new", "became"),
    [
        ([LEFT, RIGHT], [LEFT, RIGHT], [0, 1]),
        ([LEFT, RIGHT], [moved(LEFT, 40), moved(RIGHT, 40)], [0, 1]),
        ([LEFT, RIGHT], [moved(LEFT, 10, -15), moved(RIGHT, -20, 10)], [0, 1]),
        ([LEFT, RIGHT], [RIGHT], [None, 0]),
        ([LEFT, RIGHT], [LEFT], [0, None]),
        ([LEFT, RIGHT], [], [None, None]),
        ([], [LEFT], []),
        ([LEFT, RIGHT], [LEFT, MIDDLE, RIGHT], [0, 2]),
        ([LEFT], [RIGHT], [None]),
        ([LEFT], [moved(LEFT, 59)], [0]),
        ([LEFT], [moved(LEFT, 61)], [None]),
        ([(100, 50, 140, 110), (105, 150, 145, 210)], [(104, 150, 144, 210), (106, 50, 146, 110)], [1, 0]),
        # Two that touch: half-way to the neighbour it is anybody's guess.
        ([(100, 100, 140, 160), (140, 100, 180, 160)], [(118, 100, 158, 160), (158, 100, 198, 160)], [0, 1]),
        ([(100, 100, 140, 160), (140, 100, 180, 160)], [(120, 100, 160, 160)], [None, None]),
        ([(100, 100, 140, 160), (140, 100, 180, 160)], [(100, 100, 180, 160)], [None, None]),
        ([SMALL_LEFT], [(10, 110, 60, 170)], [None]),  # more than twice the size
        ([BIG_RIGHT], [(200, 110, 270, 160)], [0]),  # the arm hides half of it
        ([BIG_RIGHT], [(230, 100, 250, 130)], [None]),  # a tenth is something else
    ],
)
def test_what_becomes_of_things(old: Sequence[Box], new: Sequence[Box], became: Sequence[int | None]) -> None:
    things = [candidate(box) for box in new]
    followed = follow([candidate(box) for box in old], things)
    assert followed == [None if index is None else things[index] for index in became]


FOUND: Gist = ("FOUND", 1)
NOTHING: Gist = ("NOT_FOUND", 0)
TWO: Gist = ("AMBIGUOUS", 2)
THREE: Gist = ("AMBIGUOUS", 3)


def told(gists: Sequence[Gist], *, period_ns: int = 100 * MS, settle_ns: int = S) -> list[tuple[int, Gist]]:
    """(index, gist) of what is told of answers that come every `period_ns`."""
    steady = SteadyAnswer()
    return [(i, gist) for i, gist in enumerate(gists) if steady.is_news(gist, 7 * S + i * period_ns, settle_ns)]


@pytest.mark.parametrize(
    ("gists", "expected"),
    [
        ([FOUND], [(0, FOUND)]),
        ([FOUND] * 50, [(0, FOUND)]),
        ([FOUND] * 5 + [NOTHING] * 10, [(0, FOUND)]),
        ([FOUND] * 5 + [NOTHING] * 11, [(0, FOUND), (15, NOTHING)]),
        ([FOUND, NOTHING] * 300, [(0, FOUND)]),
        ([FOUND, NOTHING, TWO] * 300, [(0, FOUND)]),
        ([NOTHING] + ([FOUND] * 9 + [NOTHING]) * 3, [(0, NOTHING), (13, FOUND)]),  # mostly found
        ([NOTHING] + ([FOUND] + [NOTHING] * 9) * 60, [(0, NOTHING)]),
        ([NOTHING] + [TWO, THREE] * 20, [(0, NOTHING), (11, TWO)]),  # it is several, however many
        ([TWO] + [TWO, THREE] * 100, [(0, TWO)]),
        ([TWO] + [THREE] * 11, [(0, TWO), (11, THREE)]),
        # Every change that is told doubles the time that the next must hold.
        (
            [FOUND] + [NOTHING] * 11 + [FOUND] * 21 + [NOTHING] * 41,
            [(0, FOUND), (11, NOTHING), (32, FOUND), (73, NOTHING)],
        ),
        ([FOUND] + [NOTHING] * 11 + [FOUND] * 20, [(0, FOUND), (11, NOTHING)]),
    ],
)
def test_what_is_told_of_changing_answers(gists: Sequence[Gist], expected: list[tuple[int, Gist]]) -> None:
    assert told(gists) == expected


def test_a_slow_flicker_is_soon_left_alone() -> None:
    """Ten minutes of an answer that turns over every two seconds: five sentences, not three hundred."""
    gists = ([FOUND] * 20 + [NOTHING] * 20) * 150
    assert len(told(gists)) <= 5


def test_a_pause_of_the_camera_is_no_evidence() -> None:
    steady = SteadyAnswer()
    assert steady.is_news(FOUND, 0, S)
    assert not steady.is_news(NOTHING, 60 * S, S)
    assert not steady.is_news(NOTHING, 120 * S, S)
    assert steady.is_news(NOTHING, 180 * S, S)


def test_a_person_who_speaks_starts_anew() -> None:
    steady = SteadyAnswer()
    for number, gist in enumerate([FOUND] + [NOTHING] * 11 + [FOUND] * 20):
        steady.is_news(gist, number * 100 * MS, S)
    steady.restart(FOUND)
    assert not steady.is_news(FOUND, 4 * S, S)
    assert [steady.is_news(NOTHING, 4 * S + i * 100 * MS, S) for i in range(1, 12)] == [False] * 10 + [True]
    steady.restart()
    assert steady.is_news(NOTHING, 6 * S, S)


def test_no_patience_tells_every_change() -> None:
    assert told([FOUND, NOTHING, FOUND], settle_ns=0) == [(0, FOUND), (1, NOTHING), (2, FOUND)]


def test_a_clock_that_stands_still_or_goes_back_tells_nothing_new() -> None:
    assert told([FOUND] + [NOTHING] * 99, period_ns=0) == [(0, FOUND)]
    assert told([FOUND] + [NOTHING] * 99, period_ns=-10 * MS) == [(0, FOUND)]

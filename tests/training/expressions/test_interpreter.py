"""Known answers on hand-made scenes, for every kind of step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from training.expressions.interpreter import execute, is_needed
from training.expressions.programs import (
    At,
    Between,
    BetweenBoth,
    Coloured,
    Extreme,
    Made,
    Not,
    Ordinal,
    Outcome,
    Program,
    Ranked,
    Related,
    Sized,
    Step,
    kind_of,
)
from training.expressions.relations import Layout
from training.scenes.datatypes import SceneObject, View

Thing = Callable[..., SceneObject]
Views = Callable[..., View]
UNDECIDED = "undecided"


@pytest.fixture(scope="module")
def kitchen(make_thing: Thing, make_view: Views) -> Layout:
    """Three mugs in a row (red, blue, red), a bowl far left, an apple in front on a plate, a book at the back."""
    t = make_thing
    things = [
        t(("mug", "cup"), -0.12, 0.0, "red", material="ceramic", size=0.06),
        t(("mug", "cup"), 0.0, 0.0, "blue", material="ceramic", size=0.14),
        t(("mug", "cup"), 0.12, 0.0, "red", material="ceramic", size=0.06, height=0.12),
        t("bowl", -0.3, 0.0, "white"),
        t("apple", 0.0, -0.2, "green", up=0.06),
        t("plate", 0.0, -0.2, "grey", size=0.12, height=0.02),
        t("book", 0.0, 0.27, "brown", material="paper", size=0.12),
    ]
    return Layout(make_view(things, {(4, 5)}))


def _mug(*steps: Step, **more: Any) -> Program:
    return Program("mug", steps, **more)


BOWL, BOOK, PLATE, BLUE_MUG = Program("bowl"), Program("book"), Program("plate"), _mug(Coloured("blue"))
CASES: list[tuple[Program, tuple[int, ...] | str]] = [
    (Program("bowl"), (3,)),
    (Program("mug"), (0, 1, 2)),
    (Program("cup"), (0, 1, 2)),
    (Program("hammer"), ()),
    (Program("glass"), UNDECIDED),
    (Program("fruit"), (4,)),
    (Program("thing"), (0, 1, 2, 3, 4, 5, 6)),
    (_mug(Coloured("blue")), (1,)),
    (_mug(Coloured("red")), (0, 2)),
    (_mug(Coloured("yellow")), ()),
    (_mug(Coloured("orange")), UNDECIDED),
    (_mug(Made("ceramic")), (0, 1, 2)),
    (_mug(Made("wood")), ()),
    (_mug(Made("plastic")), UNDECIDED),
    (_mug(Sized("big")), (1,)),
    (_mug(Sized("small")), UNDECIDED),
    (_mug(Sized("tall")), (2,)),
    (_mug(At("left")), (0,)),
    (_mug(At("right")), (2,)),
    (_mug(At("middle")), (1,)),
    (_mug(At("front")), UNDECIDED),
    (Program("bowl", (At("left"),)), (3,)),
    (Program("bowl", (At("right"),)), ()),
    (Program("book", (At("back"),)), (6,)),
    (Program("apple", (At("front"),)), (4,)),
    (Program("book", (At("front left"),)), ()),
    (_mug(Extreme("left")), (0,)),
    (_mug(Extreme("big")), (1,)),
    (Program("thing", (Extreme("left"),)), (3,)),
    (Program("thing", (Extreme("far"),)), (6,)),
    (Program("bowl", (Extreme("left"),)), UNDECIDED),
    (Program("hammer", (Extreme("left"),)), ()),
    (_mug(Ordinal(2, "left")), (1,)),
    (_mug(Ordinal(3, "left")), (2,)),
    (_mug(Ordinal(4, "right")), ()),
    (_mug(Related("right", BLUE_MUG)), (2,)),
    (_mug(Related("left", BLUE_MUG)), (0,)),
    (_mug(Related("left", BOWL)), ()),
    (_mug(Related("right", BOWL)), (0, 1, 2)),
    (_mug(Related("behind", BOOK)), ()),
    (_mug(Related("beside", BLUE_MUG)), (0, 2)),
    (_mug(Related("beside", BOOK)), ()),
    (_mug(Related("left", Program("mug"))), UNDECIDED),
    (_mug(Related("left", Program("hammer"))), ()),
    (Program("apple", (Related("on", PLATE),)), (4,)),
    (Program("plate", (Related("under", Program("apple")),)), (5,)),
    (_mug(Related("on", PLATE)), ()),
    (Program("bowl", (Related("left", _mug(Extreme("left"))),)), (3,)),
    (Program("bowl", (Related("left", BOWL),)), UNDECIDED),
    (_mug(Ranked(BOWL, furthest=False)), (0,)),
    (_mug(Ranked(BOWL, furthest=True)), (2,)),
    (_mug(Ranked(BOOK, furthest=False)), (1,)),
    (_mug(Ranked(PLATE, furthest=True)), UNDECIDED),
    (_mug(Between(_mug(At("left")), _mug(At("right")))), (1,)),
    (_mug(BetweenBoth(_mug(Coloured("red"), plural=True))), (1,)),
    (_mug(Not(Coloured("red"))), (1,)),
    (_mug(Not(Coloured("blue"))), (0, 2)),
    (_mug(Not(Coloured("purple"))), UNDECIDED),
    (_mug(Not(Related("left", BOWL))), (0, 1, 2)),
    (Program("apple", (Not(Related("on", PLATE)),)), ()),
    (_mug(Coloured("red"), plural=True), (0, 2)),
    (_mug(Coloured("red"), plural=True, number=2), (0, 2)),
    (_mug(plural=True, number=2), UNDECIDED),
    (_mug(plural=True, number=3), (0, 1, 2)),
    (Program("bowl", plural=True), UNDECIDED),
    (Program("hammer", plural=True, number=2), ()),
]


@pytest.mark.parametrize(("program", "expected"), CASES, ids=lambda value: str(value)[:70])
def test_known_answers(kitchen: Layout, program: Program, expected: tuple[int, ...] | str) -> None:
    outcome = execute(program, kitchen)
    assert (UNDECIDED if outcome is None else outcome.referents) == expected


def test_landmarks_come_nearest_first(kitchen: Layout) -> None:
    chain = Program("bowl", (Related("left", _mug(Related("left", BLUE_MUG))),))
    assert execute(chain, kitchen) == Outcome((3,), (0, 1))


def test_absent_relation_keeps_the_landmark_that_exists(kitchen: Layout) -> None:
    assert execute(_mug(Related("left", BOWL)), kitchen) == Outcome((), (3,))
    assert execute(_mug(Related("left", Program("hammer"))), kitchen) == Outcome((), ())


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [(0, (0,)), (20, UNDECIDED), (59, UNDECIDED), (60, (0, 1))],
    ids=["hidden", "speck", "59", "60"],
)
def test_barely_visible_objects_leave_the_count_in_doubt(
    make_thing: Thing, make_view: Views, pixels: int, expected: tuple[int, ...] | str
) -> None:
    layout = Layout(make_view([make_thing("mug", -0.1, 0.0, "red"), make_thing("mug", 0.1, 0.0, "red", pixels=pixels)]))
    for program in (Program("mug"), _mug(Coloured("red")), _mug(Not(Coloured("blue")))):
        outcome = execute(program, layout)
        assert (UNDECIDED if outcome is None else outcome.referents) == expected
    if expected == UNDECIDED:
        assert execute(_mug(Extreme("left")), layout) is None


def test_an_object_without_colour_words_leaves_colours_of_its_noun_open(make_thing: Thing, make_view: Views) -> None:
    layout = Layout(
        make_view(
            [make_thing("mug", -0.1, 0.0, "red"), make_thing("mug", 0.1, 0.0), make_thing("bowl", 0.3, 0.0, "red")]
        )
    )
    assert execute(_mug(Coloured("red")), layout) is None
    assert execute(_mug(Not(Coloured("red"))), layout) is None
    assert execute(Program("bowl", (Coloured("red"),)), layout) == Outcome((2,))


def test_things_cut_by_the_frame_are_not_measured(make_thing: Thing, make_view: Views) -> None:
    whole, cut = make_thing("mug", -0.1, 0.0, size=0.12), make_thing("mug", 0.1, 0.0, cut=True)
    assert execute(_mug(Extreme("big")), Layout(make_view([whole, cut]))) is None


def test_stacked_things_are_not_beside_each_other(make_thing: Thing, make_view: Views) -> None:
    layout = Layout(make_view([make_thing("mug", 0.02, 0.0, up=0.1), make_thing("book", 0.0, 0.0, size=0.2)], {(0, 1)}))
    assert execute(_mug(Related("beside", BOOK)), layout) == Outcome((), (1,))


def test_a_relation_between_strict_and_loose_is_undecided(make_thing: Thing, make_view: Views) -> None:
    """5 cm aside and 12 cm deeper: some say right of it, some say behind it."""
    layout = Layout(make_view([make_thing("mug", 0.05, 0.12), make_thing("bowl", 0.0, 0.0)]))
    assert execute(_mug(Related("right", BOWL)), layout) is None
    assert execute(_mug(Related("behind", BOWL)), layout) == Outcome((0,), (1,))
    assert execute(_mug(Related("left", BOWL)), layout) == Outcome((), (1,))


@pytest.mark.parametrize(
    ("program", "kind", "needed"),
    [
        (Program("bowl"), "category", True),
        (_mug(Coloured("blue")), "attribute", True),
        (Program("bowl", (Coloured("white"),)), "attribute", False),
        (_mug(Sized("big")), "attribute", True),
        (_mug(At("left")), "position", True),
        (_mug(Extreme("left")), "superlative", True),
        (_mug(Ordinal(2, "left")), "ordinal", True),
        (_mug(Related("left", BLUE_MUG)), "relation", True),
        (_mug(Coloured("red"), Related("left", BLUE_MUG)), "relation", False),
        (Program("apple", (Related("on", PLATE),)), "relation", False),
        (_mug(Not(Coloured("red"))), "negation", True),
        (_mug(Coloured("red"), plural=True), "plural", True),
    ],
)
def test_kind_and_need(kitchen: Layout, program: Program, kind: str, needed: bool) -> None:
    outcome = execute(program, kitchen)
    assert outcome is not None
    assert kind_of(program) == kind
    assert is_needed(program, outcome, kitchen) is needed

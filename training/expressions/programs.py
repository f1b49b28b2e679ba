"""Referring expressions as small programs, executed on a view's ground truth.

A program takes all objects that a noun covers and narrows them by steps, in order. Every filter answers twice
(see `relations`): a program is decided only where the strict and the loose answer agree and no barely visible object
may be meant. Steps that compare objects with each other ("leftmost") need a decided set to compare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from training.expressions.datatypes import Kind
from training.expressions.nouns import names, nouns_for
from training.expressions.relations import Axis, Layout, Relation, Truth, members
from training.scenes.datatypes import SceneObject

Place = Literal["left", "right", "front", "back", "middle", "front left", "front right", "back left", "back right"]
PLACES: tuple[Place, ...] = ("left", "right", "front", "back", "middle")
CORNERS: tuple[Place, ...] = ("front left", "front right", "back left", "back right")

COLOUR_NEIGHBOURS: dict[str, frozenset[str]] = {
    "red": frozenset({"orange", "pink", "brown", "purple"}),
    "orange": frozenset({"red", "yellow", "brown"}),
    "yellow": frozenset({"orange", "green", "brown", "white"}),
    "green": frozenset({"teal", "yellow"}),
    "teal": frozenset({"green", "blue"}),
    "blue": frozenset({"teal", "purple"}),
    "purple": frozenset({"blue", "pink", "red"}),
    "pink": frozenset({"red", "purple", "white"}),
    "brown": frozenset({"orange", "red", "black", "yellow"}),
    "white": frozenset({"grey", "pink", "yellow"}),
    "grey": frozenset({"white", "black"}),
    "black": frozenset({"grey", "brown"}),
}
"""Colours that people (and lamps) mix up."""

_MATERIAL_NEIGHBOURS = (
    {"plastic", "rubber", "foam"},
    {"plastic", "ceramic", "glass", "porcelain", "clay", "stone"},
    {"plastic", "metal"},
    {"paper", "cardboard"},
    {"plastic", "paper", "cardboard"},
    {"cloth", "fabric", "leather", "felt"},
    {"wood", "wooden", "cardboard", "bamboo"},
)


@dataclass(frozen=True)
class Coloured:
    """Of that colour."""

    colour: str


@dataclass(frozen=True)
class Made:
    """Of that material."""

    material: str


@dataclass(frozen=True)
class Sized:
    """`axis` is big, small or tall: the one that clearly stands out among the rest."""

    axis: Axis


@dataclass(frozen=True)
class At:
    """In a part of the picture, or at that end of the row."""

    place: Place


@dataclass(frozen=True)
class Extreme:
    """The one at the end of an order."""

    axis: Axis


@dataclass(frozen=True)
class Ordinal:
    """The `rank`-th counted from an end."""

    rank: int
    axis: Axis


@dataclass(frozen=True)
class Related:
    """In a relation to the one object that `landmark` names."""

    relation: Relation
    landmark: Program


@dataclass(frozen=True)
class Ranked:
    """Closest to, or furthest from, a landmark."""

    landmark: Program
    furthest: bool


@dataclass(frozen=True)
class Between:
    """On the stretch of table between two objects."""

    first: Program
    second: Program


@dataclass(frozen=True)
class BetweenBoth:
    """Between the two that a plural names ("between the two mugs")."""

    landmarks: Program


@dataclass(frozen=True)
class Not:
    """Certainly not so."""

    step: Coloured | Made | Related


Step = Coloured | Made | Sized | At | Extreme | Ordinal | Related | Ranked | Between | BetweenBoth | Not


@dataclass(frozen=True)
class Program:
    """`number` is a count that a plural states ("the two mugs"); it must then be true, or nothing may match."""

    noun: str
    steps: tuple[Step, ...] = ()
    plural: bool = False
    number: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Indices, ascending; landmarks with the nearest one in the chain first."""

    referents: tuple[int, ...]
    landmarks: tuple[int, ...] = ()


class _UndecidedError(Exception):
    """The words could be read more than one way on this view."""


def execute(program: Program, layout: Layout) -> Outcome | None:
    """What `program` denotes on `layout`, or None where that cannot be said for certain."""
    landmarks: list[int] = []
    try:
        truth = noun_truth(program.noun, layout)
        for step in program.steps:
            truth = _apply(step, truth, layout, landmarks, plural=program.plural)
    except _UndecidedError:
        return None
    if not truth.decided:
        return None
    count = truth.strict.bit_count()
    if program.plural and (count == 1 or (program.number is not None and count not in (0, program.number))):
        return None
    return Outcome(tuple(members(truth.strict)), tuple(dict.fromkeys(landmarks)))


def noun_truth(noun: str, layout: Layout) -> Truth:
    """Objects that `noun` certainly, and possibly, names."""
    strict = loose = 0
    for i, thing in enumerate(layout.objects):
        sure, perhaps = names(noun, nouns_for(thing))
        strict |= sure << i
        loose |= perhaps << i
    return layout.known(strict, loose)


def _apply(step: Step, truth: Truth, layout: Layout, landmarks: list[int], *, plural: bool) -> Truth:
    match step:
        case Coloured() | Made():
            return truth.both(_attribute(step, layout))
        case Not(step=inner):
            if isinstance(inner, Related):
                held = _related(inner, layout, landmarks)
                if not landmarks:
                    raise _UndecidedError
            else:
                held = _attribute(inner, layout)
            # What is not certainly so might not be so: the readings change places.
            return Truth(truth.strict & ~held.loose, truth.loose & ~held.strict & ~_mask(landmarks))
        case Related():
            return truth.both(_related(step, layout, landmarks))
        case Between(first=first, second=second):
            ends = [_landmark(first, layout, landmarks), _landmark(second, layout, landmarks)]
            return truth.both(_between(ends, layout))
        case BetweenBoth(landmarks=pair):
            outcome = execute(pair, layout)
            if outcome is None or len(outcome.referents) != 2:
                raise _UndecidedError
            landmarks.extend(outcome.referents)
            return truth.both(_between(list(outcome.referents), layout))
        case Ranked(landmark=landmark, furthest=furthest):
            return _ranked(landmark, furthest, _settled(truth), layout, landmarks)
        case Sized(axis=axis):
            return _compared(layout.extreme(axis, _settled(truth), adjective=True), truth)
        case Extreme(axis=axis):
            return _compared(layout.extreme(axis, _settled(truth)), truth)
        case Ordinal(rank=rank, axis=axis):
            return _compared(layout.ordinal(rank, axis, _settled(truth)), truth)
        case At(place=place):
            return _placed(place, truth, layout, plural=plural)


def _mask(indices: list[int]) -> int:
    return sum(1 << i for i in set(indices))


def _settled(truth: Truth) -> int:
    if not truth.decided:
        raise _UndecidedError
    return truth.strict


def _compared(result: Truth, among: Truth) -> Truth:
    """Comparing one object with nothing says nothing; comparing none gives none."""
    if among.strict.bit_count() == 1:
        raise _UndecidedError
    return result


def _attribute(step: Coloured | Made, layout: Layout) -> Truth:
    strict = loose = 0
    for i, thing in enumerate(layout.objects):
        if isinstance(step, Coloured):
            sure, perhaps = _has_colour(step.colour, thing)
        else:
            sure, perhaps = _has_material(step.material, thing)
        strict |= sure << i
        loose |= perhaps << i
    return layout.known(strict, loose)


def _has_colour(colour: str, thing: SceneObject) -> tuple[bool, bool]:
    """The dominant colour names an object for certain; further ones, and its neighbours, might."""
    if not thing.colours:
        return False, True
    dominant = thing.colours[0]
    perhaps = colour in thing.colours or colour in COLOUR_NEIGHBOURS.get(dominant, frozenset())
    return colour == dominant, perhaps


def _has_material(material: str, thing: SceneObject) -> tuple[bool, bool]:
    if thing.material is None:
        return False, True
    sure = thing.material == material
    return sure, sure or any({thing.material, material} <= group for group in _MATERIAL_NEIGHBOURS)


def _landmark(program: Program, layout: Layout, landmarks: list[int]) -> int | None:
    """Index of the one object that `program` names; None where there is certainly none."""
    outcome = execute(program, layout)
    if outcome is None or len(outcome.referents) > 1:
        raise _UndecidedError
    if not outcome.referents:
        return None
    landmarks.extend((*outcome.referents, *outcome.landmarks))
    return outcome.referents[0]


def _related(step: Related, layout: Layout, landmarks: list[int]) -> Truth:
    landmark = _landmark(step.landmark, layout, landmarks)
    return Truth(0, 0) if landmark is None else layout.related(step.relation, landmark)


def _between(ends: list[int | None] | list[int], layout: Layout) -> Truth:
    first, second = ends
    if first is None or second is None:
        return Truth(0, 0)
    if first == second:
        raise _UndecidedError
    return layout.between(first, second)


def _ranked(landmark: Program, furthest: bool, among: int, layout: Layout, landmarks: list[int]) -> Truth:
    anchor = _landmark(landmark, layout, landmarks)
    if anchor is None:
        return Truth(0, 0)
    rest = among & ~(1 << anchor)
    if rest.bit_count() == 1:
        raise _UndecidedError
    return layout.ranked_by_distance(anchor, rest, furthest=furthest)


_LOW, _LOW_LOOSE, _HIGH, _HIGH_LOOSE = 0.40, 0.58, 0.60, 0.42
_ENDS: dict[str, Axis] = {"left": "left", "right": "right", "front": "near", "back": "far"}


def _placed(place: Place, truth: Truth, layout: Layout, *, plural: bool) -> Truth:
    """Of several, "on the left" compares them; of one, of plurals and of corners, it names a part of the picture."""
    area = truth.both(_area(place, layout))
    if plural or place in CORNERS:
        return area
    among = _settled(truth)
    if among.bit_count() < 2:
        return area
    if place == "middle":
        return _middle_of_row(among, layout)
    if among.bit_count() > 2 and area.decided and area.strict.bit_count() > 1:
        spread = [(layout.u if place in ("left", "right") else layout.v)[i] for i in members(area.strict)]
        if max(spread) - min(spread) < 0.1:
            return area
    first = layout.extreme(_ENDS[place], among)
    if among.bit_count() == 2 or not first.strict:
        return first
    leader = first.strict.bit_length() - 1
    values = layout.u if place in ("left", "right") else layout.v
    rivals = sum(1 << i for i in members(area.loose & ~first.strict) if abs(values[i] - values[leader]) < 0.25)
    return Truth(0 if rivals else first.strict, first.loose | rivals)


def _area(place: Place, layout: Layout) -> Truth:
    strict = loose = 0
    for i in members(layout.present):
        u, v = layout.u[i], layout.v[i]
        sure = perhaps = True
        for side in ("left", "right") if place == "middle" else place.split():
            value = u if side in ("left", "right") else v
            if place == "middle":
                sure = abs(u - 0.5) < 0.12 and abs(v - 0.5) < 0.14
                perhaps = abs(u - 0.5) < 0.25 and abs(v - 0.5) < 0.28
            elif side in ("left", "back"):
                sure, perhaps = sure and value < _LOW, perhaps and value < _LOW_LOOSE
            else:
                sure, perhaps = sure and value > _HIGH, perhaps and value > _HIGH_LOOSE
        strict |= sure << i
        loose |= perhaps << i
    return layout.known(strict, loose)


def _middle_of_row(among: int, layout: Layout) -> Truth:
    """The middle one of three that stand side by side; anything else has no clear middle."""
    if among.bit_count() != 3:
        return Truth(0, among)
    row = [layout.v[i] for i in members(among)]
    wide = [layout.u[i] for i in members(among)]
    if max(row) - min(row) > max(wide) - min(wide):
        return Truth(0, among)
    return layout.ordinal(2, "left", among)


_HARDNESS: tuple[Kind, ...] = (
    "category", "attribute", "position", "superlative", "ordinal", "relation", "negation", "plural",
)  # fmt: skip


def kind_of(program: Program) -> Kind:
    """The hardest step that the program takes, in the order of `_HARDNESS`."""
    if program.plural:
        return "plural"
    kinds: list[Kind] = ["category"]
    for step in program.steps:
        match step:
            case Coloured() | Made() | Sized():
                kinds.append("attribute")
            case At():
                kinds.append("position")
            case Extreme():
                kinds.append("superlative")
            case Ordinal():
                kinds.append("ordinal")
            case Not():
                kinds.append("negation")
            case Related() | Ranked() | Between() | BetweenBoth():
                kinds.append("relation")
    return max(kinds, key=_HARDNESS.index)


def is_needed(program: Program, outcome: Outcome, layout: Layout) -> bool:
    """False where leaving out one step still gives the same referents."""
    for k in range(len(program.steps)):
        shorter = execute(replace(program, steps=program.steps[:k] + program.steps[k + 1 :]), layout)
        if shorter is not None and shorter.referents == outcome.referents:
            return False
    return True

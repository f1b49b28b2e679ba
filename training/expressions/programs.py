"""Referring expressions as small programs: a noun, and steps that narrow what it covers.

What a program denotes on a view is found by `interpreter.execute`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.expressions.datatypes import Kind
from training.expressions.relations import Axis, Relation

Place = Literal["left", "right", "front", "back", "middle", "front left", "front right", "back left", "back right"]
PLACES: tuple[Place, ...] = ("left", "right", "front", "back", "middle")
CORNERS: tuple[Place, ...] = ("front left", "front right", "back left", "back right")


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

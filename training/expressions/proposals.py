"""Guesses at programs that may say something worth learning about a view.

Nothing here decides what a program denotes: it proposes, `programs.execute` judges. The guesses lean towards sets of
objects that share a noun, because only those need more than the noun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from training.expressions.attributes import COLOUR_NEIGHBOURS, noun_truth
from training.expressions.datatypes import Kind
from training.expressions.interpreter import execute
from training.expressions.nouns import GENERIC, hypernyms_for, lookalikes, nouns_for, plural_of
from training.expressions.programs import (
    CORNERS,
    PLACES,
    At,
    Between,
    BetweenBoth,
    Coloured,
    Extreme,
    Made,
    Not,
    Ordinal,
    Place,
    Program,
    Ranked,
    Related,
    Sized,
    Step,
)
from training.expressions.relations import AXES, RELATIONS, Axis, Layout, members

_RELATION_WEIGHTS = (4, 4, 3, 3, 4, 2, 3, 1)
_COLOURS = tuple(COLOUR_NEIGHBOURS)
_OPPOSITE_PLACES: dict[str, Place] = {"left": "right", "right": "left", "front": "back", "back": "front"}
_SWAPS_OF_AXIS: dict[str, tuple[Axis, ...]] = {
    "left": ("right",), "right": ("left",), "near": ("far",), "far": ("near",),
    "big": ("small", "tall"), "small": ("big",), "tall": ("big", "small"),
}  # fmt: skip


class Proposer:
    """Random programs about one layout. `noun_pool`: nouns of things that might have been there."""

    def __init__(self, layout: Layout, noun_pool: Sequence[str], random: Random) -> None:
        self._layout, self._random = layout, random
        self._things = layout.objects
        self._clear = list(members(layout.clear))
        self._nouns = {i: nouns_for(self._things[i]) for i in self._clear}
        here = {noun for nouns in self._nouns.values() for noun in nouns}
        self._groups = {noun: list(members(noun_truth(noun, layout).strict)) for noun in sorted(here)}
        self._weights = [1 + 7 * self._has_siblings(i) for i in self._clear]
        self._colours = sorted({thing.colours[0] for i in self._clear if (thing := self._things[i]).colours})
        self._absent = [noun for noun in noun_pool if not noun_truth(noun, layout).loose]
        self._lookalikes = [noun for noun in lookalikes(here) if noun in set(self._absent)]
        self._simple = self._simple_landmarks()
        self._chained: list[tuple[Program, int]] = []
        self._chained = self._chained_landmarks()

    def _has_siblings(self, i: int) -> bool:
        return any(len(self._groups[noun]) > 1 for noun in self._nouns[i])

    def _noun_of(self, i: int) -> str:
        nouns = self._nouns[i]
        return nouns[0] if self._random.random() < 0.55 else self._random.choice(nouns)

    def _absent_noun(self) -> str | None:
        near = self._lookalikes and self._random.random() < 0.45
        pool = self._lookalikes if near else self._absent
        return self._random.choice(pool) if pool else None

    def _target(self) -> int:
        return self._random.choices(self._clear, self._weights)[0]

    def _head(self, *, absent: float = 0.04, generic: float = 0.08) -> tuple[str, int]:
        """A noun and the object it was chosen for; an absent noun comes with an object all the same."""
        target = self._target()
        draw = self._random.random()
        noun: str | None = None
        if draw < absent:
            noun = self._absent_noun()
        elif draw < absent + generic:
            noun = self._random.choice(GENERIC)
        elif draw < absent + generic + 0.06:
            noun = self._random.choice(hypernyms_for(self._nouns[target]) or (None,))
        return noun or self._noun_of(target), target

    def _simple_landmarks(self) -> list[tuple[Program, int]]:
        """Objects that a noun, or a colour and a noun, picks out alone."""
        found: list[tuple[Program, int]] = []
        for i in self._clear:
            for noun in self._nouns[i]:
                bare = Program(noun)
                coloured = Program(noun, tuple(Coloured(colour) for colour in self._things[i].colours[:1]))
                if self._names(bare, i):
                    found.append((bare, i))
                    if self._random.random() < 0.15 and coloured.steps and self._names(coloured, i):
                        found.append((coloured, i))
                elif coloured.steps and self._names(coloured, i):
                    found.append((coloured, i))
        return found

    def _names(self, program: Program, i: int) -> bool:
        outcome = execute(program, self._layout)
        return outcome is not None and outcome.referents == (i,)

    def _chained_landmarks(self) -> list[tuple[Program, int]]:
        """Objects picked out by a step behind the noun, where the noun alone names several.

        Only then can "the mug beside the book on the left" not be read as the mug that is on the left.
        """
        found: list[tuple[Program, int]] = []
        for noun, group in self._groups.items():
            if len(group) < 2:
                continue
            steps: list[Step] = [At(place) for place in (*PLACES[:4], *self._random.sample(CORNERS, 2))]
            steps += [Extreme(axis) for axis in AXES]
            steps += [self._relation_to(i) for i in self._random.sample(group, 2) if len(self._simple) > 1]
            for step in steps:
                program = Program(noun, (step,))
                outcome = execute(program, self._layout)
                if outcome is not None and len(outcome.referents) == 1:
                    found.append((program, outcome.referents[0]))
        return found

    def _landmark(self, besides: int, *, simple: bool = False) -> tuple[Program, int] | None:
        chained = self._chained and not simple and self._random.random() < 0.25
        options = self._chained if chained else self._simple
        for _ in range(4):
            if not options:
                break
            program, index = self._random.choice(options)
            if index != besides:
                return program, index
        return None

    def _relation_to(self, target: int, *, simple: bool = True) -> Related:
        """A relation to some landmark, more often than not one that `target` stands in."""
        landmark = self._landmark(target, simple=simple)
        if landmark is None or self._random.random() < 0.04:
            return Related(self._random.choice(RELATIONS), Program(self._absent_noun() or GENERIC[0]))
        program, index = landmark
        relation = self._random.choices(RELATIONS, _RELATION_WEIGHTS)[0]
        if self._random.random() < 0.75:
            true = [r for r in RELATIONS if self._layout.related(r, index).strict >> target & 1]
            rare = [r for r in true if r in ("on", "under")]
            relation = self._random.choice(rare or true or [relation])
        return Related(relation, program)

    def _colour_for(self, target: int) -> str:
        draw = self._random.random()
        own = self._things[target].colours
        if own and draw < 0.6:
            return own[0]
        return self._random.choice(self._colours if self._colours and draw < 0.85 else _COLOURS)

    def category(self) -> Program:
        """A noun alone."""
        if self._random.random() < 0.3 and (absent := self._absent_noun()):
            return Program(absent)
        nouns = self._nouns[self._random.choice(self._clear)]
        broader = hypernyms_for(nouns) if self._random.random() < 0.15 else ()
        return Program(self._random.choice(broader or nouns))

    def attribute(self) -> Program:
        """A noun with a colour, a material or a size."""
        noun, target = self._head(generic=0.16)
        material = self._things[target].material
        draw = self._random.random()
        if draw < 0.12 and noun not in GENERIC:
            return Program(noun, (Sized(self._random.choice(("big", "small", "tall"))),))
        if draw < 0.24 and material:
            if self._random.random() < 0.3:
                material = self._random.choice([t.material for t in self._things if t.material])
            return Program(noun, (Made(material),))
        steps: tuple[Step, ...] = (Coloured(self._colour_for(target)),)
        return Program(noun, (*steps, Made(material)) if material and draw > 0.95 else steps)

    def relation(self) -> Program:
        """A noun, perhaps with its colour, and where it is from something else."""
        noun, target = self._head(generic=0.13)
        steps: tuple[Step, ...] = ()
        if self._random.random() < 0.15 and self._things[target].colours:
            steps = (Coloured(self._things[target].colours[0]),)
        draw = self._random.random()
        step = self._between(target) if draw < 0.08 else self._ranked(target) if draw < 0.22 else None
        return Program(noun, (*steps, step or self._relation_to(target, simple=False)))

    def _ranked(self, target: int) -> Step | None:
        landmark = self._landmark(target, simple=True)
        return Ranked(landmark[0], furthest=self._random.random() < 0.35) if landmark else None

    def _between(self, target: int) -> Step | None:
        pairs = [(noun, group) for noun, group in self._groups.items() if len(group) == 2 and target not in group]
        for noun, (first, second) in pairs:
            if self._layout.between(first, second).strict >> target & 1 and plural_of(noun):
                return BetweenBoth(Program(noun, plural=True, number=2))
        for _ in range(6):
            ends = self._landmark(target, simple=True), self._landmark(target, simple=True)
            if ends[0] and ends[1] and self._layout.between(ends[0][1], ends[1][1]).strict >> target & 1:
                return Between(ends[0][0], ends[1][0])
        return None

    def position(self) -> Program:
        """A noun and a part of the picture."""
        noun, _ = self._head(generic=0.05)
        corner = self._random.random() < (0.7 if noun in GENERIC else 0.25)
        return Program(noun, (At(self._random.choice(CORNERS if corner else PLACES)),))

    def superlative(self) -> Program:
        """The one at an end of an order."""
        noun, target = self._head(generic=0.2)
        colours = self._things[target].colours
        steps: tuple[Step, ...] = (Coloured(colours[0]),) if colours and self._random.random() < 0.15 else ()
        return Program(noun, (*steps, Extreme(self._random.choice(AXES))))

    def ordinal(self) -> Program:
        """The second, third... from an end."""
        least = 2 if self._random.random() < 0.3 else 3
        rows = [noun for noun, group in self._groups.items() if len(group) >= least]
        noun = self._random.choice(rows) if rows and self._random.random() < 0.85 else self._head(generic=0.1)[0]
        rank = self._random.choice((2, 2, 2, 3, 3, 4))
        return Program(noun, (Ordinal(rank, self._random.choice(("left", "right", "left", "right", "near", "far"))),))

    def negation(self) -> Program:
        """A noun and what its referent is not."""
        noun, target = self._head(generic=0.0)
        if self._random.random() < 0.6:
            return Program(noun, (Not(Coloured(self._colour_for(target))),))
        return Program(noun, (Not(self._relation_to(target)),))

    def plural(self) -> Program | None:
        """All of some; None where the noun has no plural."""
        noun, target = self._head(absent=0.1, generic=0.05)
        if plural_of(noun) is None:
            return None
        draw = self._random.random()
        steps: tuple[Step, ...] = ()
        if draw < 0.35:
            steps = (Coloured(self._colour_for(target)),)
        elif draw < 0.5:
            steps = (self._relation_to(target),)
        elif draw < 0.6:
            steps = (At(self._random.choice(PLACES[:4])),)
        elif noun in GENERIC:
            return None
        program = Program(noun, steps, plural=True)
        outcome = execute(program, self._layout)
        count = len(outcome.referents) if outcome else 0
        numbered = not steps and noun != "one" and self._random.random() < 0.45
        return replace(program, number=count if 2 <= count <= 6 else 2) if numbered else program

    def twins(self, program: Program) -> list[Program]:
        """Programs that differ from this one in one value, in random order."""
        others = [noun for noun in self._groups if noun != program.noun] + self._random.sample(
            self._lookalikes, min(2, len(self._lookalikes))
        )
        found = [replace(program, noun=noun) for noun in self._random.sample(others, min(3, len(others)))]
        for k, step in enumerate(program.steps):
            swaps = self._step_twins(step)
            found += [replace(program, steps=(*program.steps[:k], swap, *program.steps[k + 1 :])) for swap in swaps]
        self._random.shuffle(found)
        return [twin for twin in found if not twin.plural or plural_of(twin.noun)]

    def _step_twins(self, step: Step) -> list[Step]:
        match step:
            case Coloured(colour=colour):
                colours = (*self._colours, self._random.choice(_COLOURS))
                return [Coloured(other) for other in colours if other != colour]
            case Related(relation=relation, landmark=landmark):
                swapped: list[Step] = [Related(r, landmark) for r in RELATIONS if r != relation]
                bare = [p for p, _ in self._simple if not p.steps] if not landmark.steps else []
                few = self._random.sample(bare, min(3, len(bare)))
                return [*swapped, *(Related(relation, other) for other in few if other != landmark)]
            case At(place=place) if place in _OPPOSITE_PLACES:
                return [At(_OPPOSITE_PLACES[place])]
            case At(place=place) if place in CORNERS:
                return [At(corner) for corner in CORNERS if corner != place]
            case Extreme(axis=axis):
                return [Extreme(swap) for swap in _SWAPS_OF_AXIS[axis]]
            case Sized(axis=axis):
                return [Sized(swap) for swap in _SWAPS_OF_AXIS[axis]]
            case Ordinal(rank=rank, axis=axis):
                return [Ordinal(5 - rank, axis), *(Ordinal(rank, swap) for swap in _SWAPS_OF_AXIS[axis])]
            case Ranked(landmark=landmark, furthest=furthest):
                others = [p for p, _ in self._simple if p != landmark and not p.steps and not landmark.steps]
                return [Ranked(other, furthest) for other in others]
            case Not(step=inner):
                return [Not(swap) for swap in self._step_twins(inner) if isinstance(swap, Coloured | Made | Related)]
            case _:
                return []

    def makers(self) -> dict[Kind, Callable[[], Program | None]]:
        """The proposing method of each kind."""
        return {
            "category": self.category,
            "attribute": self.attribute,
            "relation": self.relation,
            "position": self.position,
            "superlative": self.superlative,
            "ordinal": self.ordinal,
            "negation": self.negation,
            "plural": self.plural,
        }

"""Executes programs on a view's ground truth.

A program takes all objects that its noun covers and narrows them step by step. Every filter answers twice (see
`relations`): a program is decided only where the strict and the loose answer agree, which also means that no barely
visible object may be meant. Steps that compare objects with each other ("leftmost") need a decided set to compare.
"""

from __future__ import annotations

from dataclasses import replace

from training.expressions.attributes import attribute_truth, noun_truth
from training.expressions.programs import (
    CORNERS,
    At,
    Between,
    BetweenBoth,
    Coloured,
    Extreme,
    Made,
    Not,
    Ordinal,
    Outcome,
    Place,
    Program,
    Ranked,
    Related,
    Sized,
    Step,
)
from training.expressions.relations import Axis, Layout, Truth, members


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


def _apply(step: Step, truth: Truth, layout: Layout, landmarks: list[int], *, plural: bool) -> Truth:
    match step:
        case Coloured() | Made():
            return truth.both(attribute_truth(step, layout))
        case Not(step=inner):
            if isinstance(inner, Related):
                held = _related(inner, truth, layout, landmarks)
                if not landmarks:
                    raise _UndecidedError
            else:
                held = attribute_truth(inner, layout)
            # What is not certainly so might not be so: the readings change places.
            return Truth(truth.strict & ~held.loose, truth.loose & ~held.strict & ~_mask(landmarks))
        case Related():
            return truth.both(_related(step, truth, layout, landmarks))
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


def _landmark(program: Program, layout: Layout, landmarks: list[int]) -> int | None:
    """Index of the one object that `program` names; None where there is certainly none."""
    outcome = execute(program, layout)
    if outcome is None or len(outcome.referents) > 1:
        raise _UndecidedError
    if not outcome.referents:
        return None
    landmarks.extend((*outcome.referents, *outcome.landmarks))
    return outcome.referents[0]


def _refuse_itself(truth: Truth, landmark: int | None) -> None:
    """ "The pot beside the saucepan" says nothing where both words mean one thing."""
    if landmark is not None and truth.strict == 1 << landmark:
        raise _UndecidedError


def _related(step: Related, truth: Truth, layout: Layout, landmarks: list[int]) -> Truth:
    landmark = _landmark(step.landmark, layout, landmarks)
    _refuse_itself(truth, landmark)
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
    _refuse_itself(Truth(among, among), anchor)
    rest = among & ~(1 << anchor)
    if rest.bit_count() == 1:
        raise _UndecidedError
    return layout.ranked_by_distance(anchor, rest, furthest=furthest)


_LOW, _LOW_LOOSE, _HIGH, _HIGH_LOOSE = 0.36, 0.58, 0.64, 0.42
"""Shares of the picture: where "on the left" (low) or "right" (high) certainly, and possibly, ends."""
_RIVAL, _RIVAL_DISTANCE = 0.45, 0.25
"""A second thing this near the same edge, and this near the first, might be the one that is meant."""
_LEVEL = 0.05
"""Things closer together than this along an axis are equally far out."""
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
        if max(spread) - min(spread) < _LEVEL:
            return area
    first = layout.extreme(_ENDS[place], among)
    if among.bit_count() == 2 or not first.strict:
        return first
    # Where two stand close together on the left, either might be meant.
    leader = first.strict.bit_length() - 1
    values = layout.u if place in ("left", "right") else layout.v
    from_edge = values if place in ("left", "back") else [1.0 - value for value in values]
    rivals = sum(
        1 << i
        for i in members(area.loose & ~first.strict)
        if from_edge[i] < _RIVAL and abs(values[i] - values[leader]) < _RIVAL_DISTANCE
    )
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


def is_needed(program: Program, outcome: Outcome, layout: Layout) -> bool:
    """False where leaving out one step still gives the same referents."""
    for k in range(len(program.steps)):
        shorter = execute(replace(program, steps=program.steps[:k] + program.steps[k + 1 :]), layout)
        if shorter is not None and shorter.referents == outcome.referents:
            return False
    return True

"""What stays the same from frame to frame: which thing is which, and whether the answer has really changed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from runtime.datatypes import Candidate

Gist = tuple[str, int]
"""What an answer comes to, wording apart: a verdict, and how many things."""

_MOST_GROWTH, _MOST_SHRINKING = 1.8, 4.0
"""Between two answers a thing does not grow to twice its size, as two of a size that touch and now pass for one would;
it may well be hidden in part, by the arm that reaches for it."""
_MOST_BACK_OFF = 4


def follow(old: Sequence[Candidate], new: Sequence[Candidate]) -> list[Candidate | None]:
    """For each of the `old` things the one of the `new` that it became; None where that is not sure.

    A thing moves by less than its longer side, and by less than half the way to the nearest of the others, from one
    answer to the next. So no two become the same one, and rather none is followed than a neighbour.
    """
    followed: list[Candidate | None] = []
    for index, thing in enumerate(old):
        others = [_distance(thing, other) for i, other in enumerate(old) if i != index]
        x0, y0, x1, y1 = thing.box
        limit = min([max(x1 - x0, y1 - y0), *(other / 2 for other in others)])
        nearest = min(new, key=lambda other: _distance(thing, other), default=None)
        same = nearest is not None and _distance(thing, nearest) < limit and _same_size(thing, nearest)
        followed.append(nearest if same else None)
    return followed


def _distance(one: Candidate, other: Candidate) -> float:
    return math.dist(one.centroid, other.centroid)


def _same_size(old: Candidate, new: Candidate) -> bool:
    return new.area <= _MOST_GROWTH * old.area and old.area <= _MOST_SHRINKING * new.area


class SteadyAnswer:
    """Which changes of the answer are worth a sentence: those that hold.

    A majority vote over time (after Boyer and Moore): time during which the answer differs from what was told counts
    for the change, time during which it does not counts against it. An answer that flickers evenly is never told, one
    that is mostly another is told soon, and a single frame tells nothing. Each change that is told doubles the time
    that the next must hold, up to sixteenfold, until a person speaks: nobody wants a running commentary.
    """

    def __init__(self) -> None:
        self.told: Gist | None = None
        """None: nothing yet, so whatever comes is news."""
        self._rival: Gist | None = None
        self._weight_ns = 0
        self._changes = 0
        self._last_ns = 0

    def restart(self, told: Gist | None = None) -> None:
        """A person spoke, and knows `told`."""
        self.told, self._rival, self._weight_ns, self._changes = told, None, 0, 0

    def is_news(self, gist: Gist, now_ns: int, settle_ns: int) -> bool:
        """Whether to tell the answer that came at `now_ns`; it is `told` from then on."""
        # A camera that pauses says nothing about the time between: two more frames are needed whatever the gap.
        elapsed = min(max(now_ns - self._last_ns, 0), settle_ns // 2)
        self._last_ns = now_ns
        if self.told is None:
            self.told = gist
            return True
        if gist == self.told:
            self._weight_ns = max(0, self._weight_ns - elapsed)
            return False
        if self._rival and self._rival[0] == gist[0]:  # three jars or four: the newest count is told
            self._weight_ns += elapsed
        elif self._weight_ns > elapsed:
            self._weight_ns -= elapsed
            return False
        else:
            self._weight_ns = 0
        self._rival = gist
        if self._weight_ns < settle_ns << min(self._changes, _MOST_BACK_OFF):
            return False
        self.told, self._rival, self._weight_ns = gist, None, 0
        self._changes += 1
        return True

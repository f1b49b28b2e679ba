"""A balanced set of referring expressions for one view."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import TypeVar

import numpy as np

from training.expressions.datatypes import Expression, Kind
from training.expressions.interpreter import execute, is_needed
from training.expressions.nouns import HYPERNYMS, normalise
from training.expressions.phrasing import MAXIMUM_WORDS, phrase, transcript
from training.expressions.programs import Outcome, Program, kind_of
from training.expressions.proposals import Proposer
from training.expressions.relations import Layout
from training.scenes.datatypes import View

KIND_SHARES: dict[Kind, float] = {
    "category": 0.15,
    "attribute": 0.27,
    "relation": 0.28,
    "position": 0.12,
    "superlative": 0.05,
    "ordinal": 0.03,
    "negation": 0.04,
    "plural": 0.06,
}
ABSENT_SHARE, AMBIGUOUS_SHARE = 0.18, 0.10
_PROPOSALS: dict[Kind, int] = {
    "category": 20,
    "attribute": 50,
    "relation": 110,
    "position": 45,
    "superlative": 25,
    "ordinal": 18,
    "negation": 35,
    "plural": 30,
}
"""Guesses made per view; most are undecided or say nothing new."""
_DOUBTFUL_KINDS: tuple[Kind, ...] = ("category", "attribute", "relation", "negation")
"""Kinds whose singular often fits several things."""
_PAIR_SHARE = 0.7
_NOUN_SEEDS = 3
_Key = TypeVar("_Key")


@dataclass(frozen=True)
class _Candidate:
    program: Program
    outcome: Outcome
    needed: bool

    @property
    def bucket(self) -> tuple[Kind, str]:
        return kind_of(self.program), _answer(self.outcome)


def _answer(outcome: Outcome) -> str:
    return ("none", "one")[len(outcome.referents)] if len(outcome.referents) < 2 else "several"


@lru_cache(maxsize=1)
def procedural_nouns() -> tuple[str, ...]:
    """Every noun of the procedural categories, sorted (takes about a second, once)."""
    from training.scenes.objects import CATEGORIES, make_object  # heavy, and of no use to whoever brings own nouns

    things = (make_object(category, seed) for category in CATEGORIES for seed in range(_NOUN_SEEDS))
    return tuple(sorted({normalise(noun) for thing in things for noun in thing.nouns}))


def generate(
    view: View, rng: np.random.Generator, *, limit: int = 24, noun_pool: Sequence[str] | None = None
) -> list[Expression]:
    """At most `limit` expressions with different texts, balanced over kinds and answers as far as the view allows.

    Each denotes exactly its `referents` under a strict and under a loose reading. Absent things are drawn from
    `noun_pool` (default: nouns of the procedural categories) and the broader words. A view without a recognisable
    object gives none. The same view, `rng` state and pool give the same list.
    """
    layout = Layout(view)
    random = Random(int(rng.integers(2**62)))
    if not layout.clear or limit < 1:
        return []
    nouns = sorted({*(procedural_nouns() if noun_pool is None else map(normalise, noun_pool)), *HYPERNYMS})
    return _Selection(layout, Proposer(layout, nouns, random), random).fill(limit)


class _Selection:
    """Draws candidates into slots, with their twins."""

    def __init__(self, layout: Layout, proposer: Proposer, random: Random) -> None:
        self._layout, self._proposer, self._random = layout, proposer, random
        self._buckets: dict[tuple[Kind, str], list[_Candidate]] = {}
        self._texts: set[str] = set()
        self._used: set[Program] = set()
        self._asked: Counter[tuple[int, ...]] = Counter()
        self._written: Counter[Kind] = Counter()
        self._expressions: list[Expression] = []
        self._pairs = 0

    def fill(self, limit: int) -> list[Expression]:
        self._collect()
        slots = self._slots(limit)
        while slots:
            slot = slots.pop()
            candidate = self._take(slot)
            if candidate is None:
                continue
            seed = self._random.getrandbits(32)
            if not self._is_new(candidate, seed):
                slots.append(slot)  # ends: a candidate is taken only once
                continue
            twin = self._twin(candidate, seed, slots) if slots and self._random.random() < _PAIR_SHARE else None
            if twin is None:
                self._write(candidate, seed, -1)
                continue
            slots.remove(twin.bucket)
            for one in (candidate, twin):
                self._write(one, seed, self._pairs)
            self._pairs += 1
        return self._expressions

    def _collect(self) -> None:
        seen: set[Program] = set()
        for kind, make in self._proposer.makers().items():
            for _ in range(_PROPOSALS[kind]):
                program = make()
                if program is None or program in seen:
                    continue
                seen.add(program)
                candidate = self._judge(program)
                if candidate is not None:
                    self._buckets.setdefault(candidate.bucket, []).append(candidate)

    def _judge(self, program: Program) -> _Candidate | None:
        outcome = execute(program, self._layout)
        return None if outcome is None else _Candidate(program, outcome, is_needed(program, outcome, self._layout))

    def _slots(self, limit: int) -> list[tuple[Kind, str]]:
        """Kinds and answers in the wanted shares, evened out over the slots of this view."""
        kinds: list[Kind] = _spread(KIND_SHARES, limit, self._random)
        shares = {"none": ABSENT_SHARE, "several": AMBIGUOUS_SHARE, "one": 1.0 - ABSENT_SHARE - AMBIGUOUS_SHARE}
        answers = _spread(shares, limit, self._random)
        doubtful = [k for k in range(limit) if kinds[k] in _DOUBTFUL_KINDS and answers[k] == "one"]
        for k in range(limit):
            # "The leftmost mug" is never two: such slots hand their ambiguity to a kind that can be ambiguous.
            if answers[k] == "several" and kinds[k] not in _DOUBTFUL_KINDS and doubtful:
                answers[k], answers[doubtful.pop()] = "one", "several"
        return [
            (kind, "several" if kind == "plural" and answer == "one" else answer)
            for kind, answer in zip(kinds, answers, strict=True)
        ]

    def _take(self, slot: tuple[Kind, str]) -> _Candidate | None:
        """A candidate for the slot, else one of a rarer kind with the same answer, else one that finds one."""
        kind, answer = slot
        others = [k for k in KIND_SHARES if k != kind and (k == "plural") == (kind == "plural")]
        plain = [k for k in KIND_SHARES if k not in (kind, "plural")]
        for kinds in (others, plain):
            kinds.sort(key=lambda k: self._written[k] / KIND_SHARES[k])
        wanted = [(k, answer) for k in (kind, *others)]
        for bucket in [*wanted, *((k, "one") for k in (kind, *plain))]:
            candidate = self._best(bucket)
            if candidate is not None:
                return candidate
        return None

    def _best(self, bucket: tuple[Kind, str]) -> _Candidate | None:
        """Of a few, the one that is needed and whose referents were asked for least; it leaves the bucket."""
        candidates = [c for c in self._buckets.get(bucket, []) if c.program not in self._used]
        if not candidates:
            return None
        few = self._random.sample(candidates, min(8, len(candidates)))
        strict = self._random.random() < 0.9
        best = min(few, key=lambda c: self._asked[c.outcome.referents] + 6 * (strict and not c.needed))
        self._used.add(best.program)
        return best

    def _twin(self, candidate: _Candidate, seed: int, slots: Sequence[tuple[Kind, str]]) -> _Candidate | None:
        """Another program whose text differs in one word, and whose kind and answer are still wanted."""
        wanted = set(slots)
        words = _text(candidate, seed).split()
        for program in self._proposer.twins(candidate.program)[:12]:
            twin = None if program in self._used else self._judge(program)
            if twin is None or twin.outcome.referents == candidate.outcome.referents or not self._is_new(twin, seed):
                continue
            others = _text(twin, seed).split()
            alike = len(words) == len(others) and sum(a != b for a, b in zip(words, others, strict=True)) == 1
            if alike and twin.bucket in wanted:
                return twin
        return None

    def _is_new(self, candidate: _Candidate, seed: int) -> bool:
        """Whether its text is short enough and not among the others."""
        text = _text(candidate, seed)
        return text not in self._texts and len(text.split()) <= MAXIMUM_WORDS

    def _write(self, candidate: _Candidate, seed: int, pair: int) -> None:
        text, program, outcome = _text(candidate, seed), candidate.program, candidate.outcome
        self._texts.add(text)
        self._used.add(program)
        self._asked[outcome.referents] += 1
        self._written[candidate.bucket[0]] += 1
        self._expressions.append(
            Expression(
                text=text,
                transcript=transcript(text, self._random, plural=program.plural),
                kind=kind_of(program),
                referents=outcome.referents,
                plural=program.plural,
                landmarks=outcome.landmarks,
                needed=candidate.needed,
                pair=pair,
            )
        )


def _text(candidate: _Candidate, seed: int) -> str:
    return phrase(candidate.program, Random(seed))


def _spread(shares: Mapping[_Key, float], count: int, random: Random) -> list[_Key]:
    """`count` keys in random order, each about as often as its share; systematic sampling keeps small shares alive."""
    keys, edges = list(shares), list(accumulate(shares.values()))
    start = random.random()
    drawn = [keys[min(bisect_right(edges, (k + start) / count * edges[-1]), len(keys) - 1)] for k in range(count)]
    random.shuffle(drawn)
    return drawn

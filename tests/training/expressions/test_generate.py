"""The generator against a second, naive reading of its texts: plain comparisons, no margins, only the view in common.

A text that is true with margins is true without them, so the naive reading must find exactly the claimed referents.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from training.expressions.datatypes import Expression, Kind
from training.expressions.generate import generate, procedural_nouns
from training.expressions.phrasing import words
from training.scenes.datatypes import SceneObject, View

Placed = tuple[tuple[int, int], tuple[tuple[str, ...], str, float, float, float]]
Thing = Callable[..., SceneObject]
Views = Callable[..., View]

COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black", "brown", "pink", "grey", "teal")
KINDS: dict[tuple[str, ...], str | None] = {
    ("mug", "cup"): "ceramic",
    ("bowl",): "ceramic",
    ("fork",): "metal",
    ("apple",): None,
    ("book",): "paper",
    ("banana",): None,
    ("hammer",): "metal",
    ("candle",): None,
}
NOUN_POOL = ("mug", "cup", "bowl", "fork", "apple", "book", "hammer", "banana", "candle", "lemon", "spoon", "bottle")
FRUIT = {"apple", "banana", "lemon"}
BROADER = {
    "fruit": FRUIT,
    "food": FRUIT,
    "cutlery": {"fork", "spoon"},
    "utensil": {"fork", "spoon"},
    "tool": {"hammer"},
}
BROADER |= {"container": {"bottle"}, "toy": set(), "vegetable": set()}
SINGULAR = {f"{noun}s": noun for noun in (*NOUN_POOL, *BROADER, "thing", "object", "item", "one")}
NUMBER = {"two": 2, "both": 2, "three": 3, "four": 4, "five": 5, "six": 6}
RANK = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
SIDES = {
    "left": "left", "right": "right", "middle": "middle", "center": "middle", "centre": "middle",
    "lower": "front", "bottom": "front", "front": "front",
    "upper": "back", "top": "back", "back": "back", "rear": "back",
}  # fmt: skip
ENDS = {
    "leftmost": "left", "rightmost": "right",
    "closest": "front", "nearest": "front", "furthest": "back", "farthest": "back",
    "biggest": "big", "largest": "big", "big": "big", "large": "big", "tallest": "tall", "tall": "tall",
    "smallest": "small", "littlest": "small", "small": "small", "little": "small",
}  # fmt: skip
RELATIONS = [
    ("(?:to the|on the)? ?left(?: side)? of", "left"),
    ("(?:to the|on the)? ?right(?: side)? of", "right"),
    ("in front of", "front"),
    ("behind", "behind"),
    ("beside|next to|by", "beside"),
    ("near|close to", "near"),
    ("under|underneath|below", "under"),
    ("closest to|nearest to|nearest", "closest"),
    ("(?:furthest|farthest)(?: away)? from", "furthest"),
    ("sitting on|on top of|on", "on"),
]


class NaiveReader:
    """Reads a text on a view; objects as sets of indices."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._right = [thing.position_m[0] for thing in view.objects]
        self._depth = [thing.position_m[1] for thing in view.objects]
        self._size = [thing.size_m for thing in view.objects]
        self._height = [thing.position_m[2] for thing in view.objects]

    def read(self, text: str) -> set[int]:
        text = re.sub(r"^(the|that|all|every|each)\b ?", "", text)
        text = re.sub(r"^the\b ?", "", text)
        number = re.match(r"(two|both|three|four|five|six) ", text)
        if number:
            text = text[number.end() :]
        before, noun, after = self._split(text)
        found = {i for i in range(len(self._view.objects)) if self._is(i, noun)}
        selecting: list[str] = []
        for word in before:
            if word in COLOURS or word in KINDS.values():
                found = {i for i in found if self._looks(i, word)}
            elif word not in ("hand", "far"):
                selecting.append(word)
        if "far" in before:
            selecting = [{"left": "leftmost", "right": "rightmost"}[word] for word in selecting]
        if any(word in RANK for word in selecting):
            end = after.removeprefix("from the ")
            row = self._row(SIDES[end], found)
            rank = RANK[selecting[0]]
            return {row[rank - 1]} if rank <= len(row) else set()
        plural = noun in SINGULAR
        for word in selecting:
            found = self._first(ENDS[word], found) if word in ENDS else self._at([SIDES[word]], found, plural)
        found = self._after(after, found, plural) if after else found
        assert number is None or len(found) in (0, NUMBER[number.group(1)])
        return found

    def _split(self, text: str) -> tuple[list[str], str, str]:
        tokens = text.split()
        known = {*SINGULAR, *SINGULAR.values()}
        at = next(k for k, token in enumerate(tokens) if token in known)
        return tokens[:at], tokens[at], " ".join(tokens[at + 1 :])

    def _is(self, i: int, noun: str) -> bool:
        noun = SINGULAR.get(noun, noun)
        covered = BROADER.get(noun, {noun})
        return noun in ("thing", "object", "item", "one") or not covered.isdisjoint(self._view.objects[i].nouns)

    def _looks(self, i: int, word: str) -> bool:
        thing = self._view.objects[i]
        return word == thing.material or thing.colours[:1] == (word,)

    def _row(self, side: str, among: Iterable[int]) -> list[int]:
        keys = {
            "left": self._right, "right": [-x for x in self._right],
            "front": self._depth, "back": [-y for y in self._depth],
            "big": [-s for s in self._size], "small": self._size, "tall": [-h for h in self._height],
        }  # fmt: skip
        return sorted(among, key=lambda i: keys[side][i])

    def _first(self, side: str, among: set[int]) -> set[int]:
        return set(self._row(side, among)[:1])

    def _at(self, sides: list[str], among: set[int], plural: bool) -> set[int]:
        if sides == ["middle"]:
            row = self._row("left", among)
            near = {i for i in among if max(abs(self._right[i]), abs(self._depth[i])) < 0.15}
            return near if len(row) < 2 else {row[1]}
        area = {i for i in among if all(self._in_half(i, side) for side in sides)}
        if plural or len(sides) > 1 or len(among) < 2:
            return area
        # Three or more of which some are level at that end: none of them stands out.
        values = [(self._right if sides[0] in ("left", "right") else self._depth)[i] for i in area]
        level = len(among) > 2 and len(area) > 1 and max(values) - min(values) < 0.034
        return area if level else self._first(sides[0], among)

    def _in_half(self, i: int, side: str) -> bool:
        return {"left": -self._right[i], "right": self._right[i], "front": -self._depth[i], "back": self._depth[i]}[
            side
        ] > 0

    def _after(self, words_behind: str, found: set[int], plural: bool) -> set[int]:
        text = re.sub(
            r"^((that|which) (is|are)|thats|that isnt)\b ?", lambda m: "not " if "isnt" in m[0] else "", words_behind
        )
        if text.startswith("not "):
            inside = self._after(text.removeprefix("not "), found, plural)
            return found - inside
        if text in COLOURS or text in KINDS.values():
            return {i for i in found if self._looks(i, text)}
        for pattern, end in (
            (r"(furthest|farthest) to the (left|right)|on the far (left|right)", ""),
            (r"(closest|nearest) to (me|the camera)", "front"),
            (r"(furthest|farthest) (from (me|the camera)|away)", "back"),
        ):
            if match := re.fullmatch(pattern, text):
                return self._first(end or match[0].split()[-1], found)
        place = re.fullmatch(
            r"(?:in|at|on|to) the (front|back|bottom|top|lower|upper)? ?(left|right)?(?: corner| side)?", text
        )
        if re.fullmatch(r"(in|at) the (middle|center|centre|rear)", text):
            return self._at([SIDES[text.split()[-1]]], found, plural)
        if place and any(place.groups()):
            return self._at([SIDES[word] for word in place.groups() if word], found, plural)
        if between := re.fullmatch(r"(?:in )?between (.*)", text):
            return self._between(between[1], found)
        for pattern, relation in RELATIONS:
            if match := re.match(rf"(?:{pattern}) (?=\w)", text):
                return self._related(relation, found, self.read(text[match.end() :]))
        raise AssertionError(f"the reader does not know {words_behind!r}")

    def _between(self, text: str, found: set[int]) -> set[int]:
        ends = set().union(*(self.read(part) for part in text.split(" and ")))
        if len(ends) < 2:
            return set()
        (ax, ay), (bx, by) = (self._view.objects[i].position_m[:2] for i in sorted(ends))
        length = math.hypot(bx - ax, by - ay)
        middle = (ax + bx) / 2, (ay + by) / 2
        return {i for i in found - ends if math.dist(self._view.objects[i].position_m[:2], middle) < 0.45 * length}

    def _related(self, relation: str, found: set[int], landmarks: set[int]) -> set[int]:
        assert len(landmarks) < 2, "a landmark must be one thing"
        if not landmarks:
            return set()
        (j,) = landmarks
        others = found - landmarks
        if relation in ("closest", "furthest"):
            sign = 1 if relation == "closest" else -1
            return set(sorted(others, key=lambda i: sign * self._view.gap_m[i, j])[:1])
        return {i for i in others if self._holds(relation, i, j)}

    def _holds(self, relation: str, i: int, j: int) -> bool:
        on, gap = self._view.resting_on, self._view.gap_m[i, j]
        stacked = (i, j) in on or (j, i) in on
        right, depth = self._right[i] - self._right[j], self._depth[i] - self._depth[j]
        holds = {
            "left": right < 0, "right": right > 0, "front": depth < 0, "behind": depth > 0,
            "beside": gap < 0.07, "near": gap < 0.1, "on": (i, j) in on, "under": (j, i) in on,
        }  # fmt: skip
        return bool(holds[relation]) and (relation in ("on", "under") or not stacked)


CELLS = st.tuples(st.integers(-3, 3), st.integers(-2, 2))
JITTER = st.floats(-0.03, 0.03)
LOOKS = st.tuples(
    st.sampled_from(sorted(KINDS)), st.sampled_from(COLOURS), st.sampled_from([0.05, 0.08]), JITTER, JITTER
)
SCENES = st.lists(st.tuples(CELLS, LOOKS), min_size=2, max_size=9, unique_by=lambda scene: scene[0])
MANY_ALIKE = st.lists(st.tuples(CELLS, LOOKS.map(lambda look: (("mug", "cup"), *look[1:]))), min_size=2, max_size=4)


def _view(
    scene: list[tuple[tuple[int, int], tuple[tuple[str, ...], str, float, float, float]]], thing: Thing, views: Views
) -> View:
    things, taken = [], set()
    for (column, row), (nouns, colour, size, dx, dy) in scene:
        if (column, row) not in taken:
            taken.add((column, row))
            x, y = 0.11 * column + dx, 0.11 * row + dy
            things.append(thing(nouns, x, y, colour, material=KINDS[nouns], size=size, height=size))
    on: set[tuple[int, int]] = set()
    if len(things) > 3 and things[1].nouns == ("book",):
        x, y = things[1].position_m[:2]
        things[0] = thing(
            things[0].nouns, x + 0.001, y + 0.001, *things[0].colours, material=things[0].material, up=0.1
        )
        on = {(0, 1)}
    return views(things, on)


@settings(max_examples=80, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(scene=SCENES, alike=MANY_ALIKE, seed=st.integers(0, 2**16))
def test_a_naive_reading_of_the_text_finds_the_same_objects(
    make_thing: Thing, make_view: Views, scene: list[Placed], alike: list[Placed], seed: int
) -> None:
    view = _view(scene + alike, make_thing, make_view)
    reader = NaiveReader(view)
    for expression in generate(view, np.random.default_rng(seed), noun_pool=NOUN_POOL):
        assert reader.read(expression.text) == set(expression.referents), expression


@pytest.fixture(scope="module")
def busy_views(make_thing: Thing, make_view: Views) -> list[View]:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(40):
        cells = [(x, y) for x in range(-3, 4) for y in range(-2, 3)]
        chosen = rng.permutation(len(cells))[: int(rng.integers(6, 10))]
        nouns = [sorted(KINDS)[k] for k in rng.integers(0, len(KINDS), len(chosen))]
        nouns[:3] = [nouns[0]] * 3
        colours = rng.choice(COLOURS, len(chosen))
        sizes = rng.choice([0.05, 0.08], len(chosen))
        jitter = rng.uniform(-0.03, 0.03, (len(chosen), 2)).tolist()
        looks = [(n, str(c), float(s), *j) for n, c, s, j in zip(nouns, colours, sizes, jitter, strict=True)]
        found.append(_view([(cells[c], look) for c, look in zip(chosen, looks, strict=True)], make_thing, make_view))
    return found


@pytest.fixture(scope="module")
def expressions(busy_views: list[View]) -> list[list[Expression]]:
    return [generate(view, np.random.default_rng(k), noun_pool=NOUN_POOL) for k, view in enumerate(busy_views)]


def test_kinds_and_answers_are_balanced(expressions: list[list[Expression]]) -> None:
    every = [e for of_view in expressions for e in of_view]
    wanted: dict[Kind, float] = {
        "category": 0.15, "attribute": 0.27, "relation": 0.28, "position": 0.12,
        "superlative": 0.05, "ordinal": 0.03, "negation": 0.04, "plural": 0.06,
    }  # fmt: skip
    counts = Counter(e.kind for e in every)
    assert len(every) >= 23 * len(expressions)
    for kind, share in wanted.items():
        assert counts[kind] / len(every) == pytest.approx(share, abs=0.02 + 0.2 * share), kind
    assert sum(e.count == "none" for e in every) / len(every) == pytest.approx(0.18, abs=0.04)
    assert sum(e.count == "several" and not e.plural for e in every) / len(every) == pytest.approx(0.10, abs=0.03)
    relations = [e.needed for e in every if e.kind == "relation"]
    assert sum(relations) > 0.6 * len(relations)


def test_every_kind_is_absent_somewhere(expressions: list[list[Expression]]) -> None:
    kinds = {e.kind for of_view in expressions for e in of_view}
    assert {e.kind for of_view in expressions for e in of_view if e.count == "none"} == kinds


def test_pairs_differ_by_one_word_and_in_their_answer(expressions: list[list[Expression]]) -> None:
    pairs = 0
    for of_view in expressions:
        groups = defaultdict(list)
        for expression in of_view:
            groups[expression.pair].append(expression)
        groups.pop(-1, None)
        for first, second in groups.values():
            pairs += 1
            words_of = zip(first.text.split(), second.text.split(), strict=True)
            assert sum(a != b for a, b in words_of) == 1
            assert first.referents != second.referents
    assert pairs > 2 * len(expressions)


def test_texts_are_short_new_and_of_the_closed_set(expressions: list[list[Expression]]) -> None:
    known = words() | {*SINGULAR, *NOUN_POOL, *COLOURS, "ceramic", "metal", "paper"}
    for of_view in expressions:
        texts = [e.text for e in of_view]
        assert len(set(texts)) == len(texts) <= 24
        for expression in of_view:
            assert 1 <= len(expression.text.split()) <= 20
            assert set(expression.text.split()) | set(expression.transcript.split()) <= known
            assert expression.text in expression.transcript


def test_referents_and_landmarks_are_visible_and_sorted(expressions: list[list[Expression]]) -> None:
    for of_view in expressions:
        for expression in of_view:
            assert list(expression.referents) == sorted(set(expression.referents))
            if expression.kind == "relation" and expression.count != "none":
                assert expression.landmarks
            assert expression.plural or expression.kind != "plural"


def test_same_generator_state_same_list(busy_views: list[View]) -> None:
    first, second, other = (generate(busy_views[0], np.random.default_rng(s), noun_pool=NOUN_POOL) for s in (5, 5, 6))
    assert first == second != other


def test_limit_and_empty_views(make_thing: Thing, make_view: Views, busy_views: list[View]) -> None:
    rng = np.random.default_rng(0)
    assert len(generate(busy_views[0], rng, limit=5, noun_pool=NOUN_POOL)) == 5
    assert generate(busy_views[0], rng, limit=0, noun_pool=NOUN_POOL) == []
    assert generate(make_view([]), rng, noun_pool=NOUN_POOL) == []
    assert generate(make_view([make_thing("mug", 0.0, 0.0, "red", pixels=10)]), rng, noun_pool=NOUN_POOL) == []


def test_a_speck_is_never_referent_nor_landmark(make_thing: Thing, make_view: Views) -> None:
    things = [make_thing("mug", 0.1 * k, 0.05 * k, COLOURS[k], pixels=30 if k == 1 else 500) for k in range(3)]
    view = make_view([*things, make_thing("apple", -0.2, 0.1, "red"), make_thing("fork", 0.0, -0.2, pixels=0)])
    found = [e for seed in range(10) for e in generate(view, np.random.default_rng(seed), noun_pool=NOUN_POOL)]
    assert found
    assert not any({1, 4} & {*e.referents, *e.landmarks} for e in found)
    assert not any(re.fullmatch("(the |that )?(mug|cup)", e.text) for e in found)


def test_the_default_pool_holds_the_procedural_nouns(make_thing: Thing, make_view: Views) -> None:
    view = make_view([make_thing("zither", 0.0, 0.0, "red")])
    lists = [generate(view, np.random.default_rng(seed)) for seed in range(10)]
    said = {word for of_view in lists for e in of_view if not e.referents for word in e.text.split()}
    nouns = set(procedural_nouns())
    assert {"jar", "apple", "mug"} <= nouns
    assert len(said & nouns) > 5

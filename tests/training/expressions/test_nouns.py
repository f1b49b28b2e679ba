from __future__ import annotations

import pytest

from training.expressions.nouns import hypernyms_for, lookalikes, names, normalise, plural_of


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("mug", "mugs"), ("box", "boxes"), ("glass", "glasses"), ("knife", "knives"), ("cherry", "cherries"),
        ("toy", "toys"),
        ("tomato", "tomatoes"), ("mouse", "mice"), ("die", "dice"), ("brush", "brushes"), ("bus", "buses"),
        ("roll of tape", "rolls of tape"), ("computer mouse", "computer mice"), ("cutting board", "cutting boards"),
        ("scissors", None), ("bread", None), ("grapes", None), ("dice", None), ("peanut butter", None), ("fruit", None),
    ],
)  # fmt: skip
def test_plurals(noun: str, plural: str | None) -> None:
    assert plural_of(noun) == plural


@pytest.mark.parametrize(
    ("word", "nouns", "expected"),
    [
        ("mug", ("mug", "cup"), (True, True)),
        ("cup", ("mug", "cup"), (True, True)),
        ("mug", ("cup",), (False, True)),
        ("mug", ("apple",), (False, False)),
        ("bottle", ("mustard bottle",), (False, True)),
        ("wine bottle", ("bottle",), (False, True)),
        ("fruit", ("apple",), (True, True)),
        ("fruit", ("tomato",), (False, True)),
        ("fruit", ("mug", "cup"), (False, False)),
        ("fruit", ("frobnicator",), (False, True)),
        ("container", ("jar",), (True, True)),
        ("container", ("mug", "cup"), (False, True)),
        ("cutlery", ("spoon",), (True, True)),
        ("cutlery", ("jar",), (False, False)),
        ("thing", ("frobnicator",), (True, True)),
    ],
)
def test_sure_and_possible_names(word: str, nouns: tuple[str, ...], expected: tuple[bool, bool]) -> None:
    assert names(word, nouns) == expected


def test_broader_words_and_lookalikes() -> None:
    assert set(hypernyms_for(("apple",))) == {"fruit", "food"}
    assert "fork" in lookalikes(["spoon"]) and "spoon" not in lookalikes(["spoon"])


def test_normalise() -> None:
    assert normalise("  E-Reader’s  Case ") == "e readers case"

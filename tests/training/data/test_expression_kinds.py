"""The kind of what people write, by its words."""

from __future__ import annotations

import pytest

from training.data.expression_kinds import kind_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("sky", "category"),
        ("the man", "category"),
        ("red car", "attribute"),
        ("the little girl", "attribute"),
        ("guy with backpack", "attribute"),
        ("two dogs", "plural"),
        ("the trees", "plural"),
        ("man on the left", "position"),
        ("right side of picture", "position"),
        ("bottom left corner", "position"),
        ("the cup in the back", "position"),
        ("anywhere on the far right", "position"),
        ("water below the boat", "relation"),
        ("woman next to the tree", "relation"),
        ("house left of the church", "relation"),
        ("cat on couch", "relation"),
        ("tallest building", "superlative"),
        ("the leftmost bottle", "superlative"),
        ("west wall", "category"),
        ("treasure chest", "category"),
        ("second person from left", "ordinal"),
        ("the 3rd cup", "ordinal"),
        ("not the red one", "negation"),
        ("the man without a hat", "negation"),
    ],
)
def test_kind(text: str, kind: str) -> None:
    assert kind_of(text) == kind

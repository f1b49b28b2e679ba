"""What an object is called and looks like: nouns, colours and materials in a strict and a loose reading."""

from __future__ import annotations

from training.expressions.nouns import names, nouns_for
from training.expressions.programs import Coloured, Made
from training.expressions.relations import Layout, Truth
from training.scenes.datatypes import SceneObject

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


def noun_truth(noun: str, layout: Layout) -> Truth:
    """Objects that `noun` certainly, and possibly, names."""
    strict = loose = 0
    for i, thing in enumerate(layout.objects):
        sure, perhaps = names(noun, nouns_for(thing))
        strict |= sure << i
        loose |= perhaps << i
    return layout.known(strict, loose)


def attribute_truth(step: Coloured | Made, layout: Layout) -> Truth:
    """Objects that certainly, and possibly, have the colour or are of the material."""
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

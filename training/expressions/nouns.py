"""Which nouns certainly, perhaps or certainly not name an object, and how nouns are written.

People disagree about names ("cup" or "mug"), so every noun has a sure and a possible reading. An expression
is only trusted where both give the same objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from training.scenes.datatypes import SceneObject

GENERIC = ("thing", "object", "item", "one")
"""Heads that cover everything on the table."""


def _set(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in words.split(","))


_FRUIT = _set(
    "apple, orange, lemon, lime, pear, banana, peach, plum, strawberry, grapes, pineapple, watermelon, "
    "cherry, cherries, mango, kiwi, grapefruit, apricot, melon"
)
_VEGETABLES = _set(
    "carrot, broccoli, cabbage, lettuce, cauliflower, onion, radish, celery, leek, beet, bell pepper, "
    "potato, cucumber, garlic, zucchini"
)
_FRUIT_OR_VEGETABLE = _set("tomato, avocado, pumpkin, eggplant, pepper, chili pepper, corn, coconut, mushroom, squash")
_COOKED = _set(
    "donut, cookie, burger, hamburger, sandwich, cake, cupcake, cheese, bread, loaf of bread, toast, "
    "croissant, baguette, muffin, pizza, egg, sausage, hot dog, taco, waffle, pancakes, sushi, bacon, "
    "pie, turkey, roast chicken, chocolate bar, candy bar, french fries, fries, popsicle, roll, bun, "
    "doughnut, ice cream cone, slice of bread, birthday cake"
)
_CUTLERY = _set("spoon, fork, knife")
_UTENSILS = _set(
    "spatula, turner, ladle, whisk, wooden spoon, kitchen knife, serving fork, cleaver, pizza cutter, "
    "chopsticks, rolling pin"
)
_CONTAINERS = _set(
    "jar, bottle, can, tin, box, carton, coffee can, soda can, tin can, soup can, milk carton, juice box, "
    "bucket, basket, crate"
)
_VESSELS = _set(
    "cup, mug, glass, bowl, teacup, paper cup, wine glass, vase, pot, pan, jug, pitcher, teapot, flask, "
    "bag, tray, barrel, bin, candle holder, shaker, plant pot, potted plant, plant, tube, case, saucepan, "
    "frying pan, kettle"
)
_TOOLS = _set("hammer, wrench, spanner, screwdriver, drill, power drill, clamp, pliers, mallet, saw")
_TOYS = _set("toy car, toy block, toy airplane, toy dinosaur, toy animal, rubber duck, teddy bear, rubiks cube")
_OTHERS = _set(
    "plate, saucer, dish, book, notebook, tape, tape roll, roll of tape, ball, block, brick, cube, die, "
    "dice, candle, sponge, pen, marker, pencil, scissors, cloth, towel, smartphone, toothbrush, battery, "
    "remote, remote control, phone, cutting board, board, flashlight, torch, stapler, light bulb, mouse, "
    "keyboard, camera, clock, alarm clock, brush, lamp, speaker, watch, glasses, cone, cylinder, pyramid, "
    "coaster, eraser, ruler, key, padlock, lock, ring, spool, bell"
)

HYPERNYMS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "fruit": (_FRUIT, _FRUIT_OR_VEGETABLE),
    "vegetable": (_VEGETABLES, _FRUIT_OR_VEGETABLE),
    "food": (
        _FRUIT | _VEGETABLES | _FRUIT_OR_VEGETABLE | _COOKED,
        _CONTAINERS | _VESSELS | _set("plate, dish, tuna can, plate of food"),
    ),
    "cutlery": (_CUTLERY, _UTENSILS),
    "utensil": (_CUTLERY | _UTENSILS, _set("scissors, knife block, tongs, cutting board, board") | _VESSELS),
    "container": (
        _CONTAINERS,
        _VESSELS | _set("plate, dish, saucer, tape, toothpaste, sponge, battery, lamp, speaker, book"),
    ),
    "tool": (
        _TOOLS,
        _CUTLERY
        | _UTENSILS
        | _set(
            "scissors, tape, tape roll, roll of tape, flashlight, torch, stapler, brush, pen, marker, pencil, "
            "ruler, lock, padlock"
        ),
    ),
    "toy": (
        _TOYS | _set("toy"),
        _set("ball, block, brick, cube, die, dice, cone, cylinder, pyramid, ring, car, dinosaur, bell, spool"),
    ),
}
"""Broader word -> (nouns that it certainly covers, nouns that it perhaps covers)."""

_KNOWN = (
    _FRUIT
    | _VEGETABLES
    | _FRUIT_OR_VEGETABLE
    | _COOKED
    | _CUTLERY
    | _UTENSILS
    | _CONTAINERS
    | _VESSELS
    | _TOOLS
    | _TOYS
    | _OTHERS
)

_CONFUSABLE = tuple(
    _set(group)
    for group in (
        "cup, mug, glass, teacup, beaker, goblet, tumbler, glasses",
        "bottle, jar, flask, jug, pitcher, vase, carafe, shaker",
        "can, tin, cylinder, barrel, jar",
        "box, carton, crate, chest, case, package, packet",
        "plate, dish, saucer, tray, lid, coaster",
        "bowl, dish, pot, ramekin",
        "pot, pan, saucepan, skillet, jar, vase, lid, kettle, teapot, jug",
        "block, brick, cube, die, dice, box, toy",
        "book, notebook, magazine, binder, tablet, books",
        "lemon, lime",
        "orange, tangerine, peach, grapefruit, apricot",
        "peach, plum, apricot, apple",
        "spoon, spatula, ladle, turner, whisk",
        "knife, cleaver",
        "pen, marker, pencil, crayon",
        "bag, sack, pouch, packet, package",
        "bread, toast, loaf, baguette, sandwich, roll, bun",
        "cloth, towel, napkin, rag",
        "brush, toothbrush, paintbrush",
        "cup, bucket, pail, basket",
        "wrench, spanner",
        "phone, smartphone",
        "burger, hamburger, sandwich",
        "cake, cupcake, muffin, pie",
        "plant, cactus, vase, pot",
        "board, plank, tray",
        "candle, cylinder, lantern",
        "flashlight, torch, lantern",
        "ball, sphere, marble, globe",
        "tape, roll, ring, spool",
        "phone, remote, tablet, handset",
        "car, truck, van, bus, taxi, tractor, ambulance",
        "bucket, bin, basket, pot",
        "hammer, mallet, tenderizer",
        "eraser, sponge, block",
        "donut, ring",
    )
)

NEAR = tuple(
    tuple(group.split(", "))
    for group in (
        "cup, mug, bowl, glass, jar, can, vase, candle",
        "plate, bowl, book, cutting board, saucer",
        "apple, orange, lemon, pear, tomato, ball, peach, plum, onion",
        "banana, lemon, carrot, corn, cucumber",
        "spoon, fork, knife, scissors, spatula, pen, screwdriver, toothbrush",
        "bottle, can, jar, glass, vase, flashlight, candle",
        "box, book, block, sponge, phone, carton, remote",
        "tape, donut, cup, can, ball, plate",
        "hammer, wrench, screwdriver, drill, spatula, flashlight",
        "egg, lemon, potato, ball, lime",
    )
)
"""Nouns of things that look alike: the hard ones to ask for in vain."""

_MASS = _set(
    "bread, cheese, milk, soup, mustard, ketchup, cereal, cutlery, food, corn, broccoli, lettuce, celery, "
    "garlic, sugar, bacon, toast, salad, bleach, peanut butter, chocolate, ice cream, sushi, pizza, tape, "
    "candy, dinner, pudding, cabbage, windex, fruit, jello, toothpaste, fish, drink, spam, dice"
)
_IRREGULAR = {
    "mouse": "mice",
    "man": "men",
    "knife": "knives",
    "loaf": "loaves",
    "die": "dice",
    "leaf": "leaves",
    "half": "halves",
}
_ES = ("s", "x", "ch", "sh", "tomato", "potato", "mango")


def known_nouns() -> frozenset[str]:
    """The nouns whose kinship is written down here, of one word each."""
    return frozenset(noun for noun in _KNOWN if " " not in noun)


def normalise(words: str) -> str:
    """Lower-case words of a-z and 0-9 parted by single spaces ("E-reader" -> "e reader"); apostrophes are dropped."""
    return " ".join(re.findall(r"[a-z0-9]+", words.lower().replace("'", "").replace("’", "")))


def plural_of(noun: str) -> str | None:
    """The plural ("jar of blocks" -> "jars of blocks"), or None for mass nouns and those that are plural already."""
    head, of, rest = noun.partition(" of ")
    before, _, last = head.rpartition(" ")
    if noun in _MASS or last in _MASS:
        return None
    if last in _IRREGULAR:
        plural = _IRREGULAR[last]
    elif last.endswith("s") and not last.endswith(("ss", "us")):
        return None
    elif last.endswith(_ES):
        plural = last + "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        plural = last[:-1] + "ies"
    else:
        plural = last + "s"
    return f"{before} {plural}".strip() + of + rest


def _head(noun: str) -> str:
    return noun.partition(" of ")[0].rpartition(" ")[2]


@lru_cache(maxsize=65536)
def names(word: str, nouns: tuple[str, ...]) -> tuple[bool, bool]:
    """(certainly, possibly): does `word` name an object that carries `nouns`? Certainly implies possibly."""
    if word in GENERIC:
        return True, True
    if word in nouns:
        return True, True
    if word in HYPERNYMS:
        sure, perhaps = HYPERNYMS[word]
        if any(noun in sure for noun in nouns):
            return True, True
        heads = {_head(noun) for noun in nouns}
        unknown = not any(noun in _KNOWN for noun in nouns)
        return False, unknown or not heads.isdisjoint(sure | perhaps) or not perhaps.isdisjoint(nouns)
    head = _head(word)
    heads = {_head(noun) for noun in nouns}
    if head in heads or any(word in noun.split() or noun in word.split() for noun in nouns):
        return False, True
    return False, any(head in group and not group.isdisjoint(heads) for group in _CONFUSABLE)


def nouns_for(thing: SceneObject) -> tuple[str, ...]:
    """The nouns of an object as they are written in expressions, the usual one first."""
    return _written(thing.nouns)


@lru_cache(maxsize=4096)
def _written(nouns: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(written for noun in nouns if (written := normalise(noun))))
    # "the dice" must not be both one thing and the plural of "die".
    return tuple(word for word in words if word not in {plural_of(other) for other in words})


def hypernyms_for(nouns: Sequence[str]) -> tuple[str, ...]:
    """Broader words that certainly cover an object with these nouns."""
    return tuple(word for word in HYPERNYMS if names(word, tuple(nouns))[0])


def lookalikes(nouns: Iterable[str]) -> tuple[str, ...]:
    """Other nouns for things that look like these, sorted."""
    known = set(nouns)
    return tuple(sorted({other for group in NEAR if not known.isdisjoint(group) for other in group} - known))

"""Words for programs, and the sentences around them, as people speak to robots.

All choices come from the generator given, so that two programs phrased with equally seeded generators differ
only where the programs do.
"""

from __future__ import annotations

from random import Random

from training.expressions.nouns import GENERIC, HYPERNYMS, NEAR, normalise, plural_of
from training.expressions.programs import (
    At,
    Between,
    BetweenBoth,
    Coloured,
    Extreme,
    Made,
    Not,
    Ordinal,
    Program,
    Ranked,
    Related,
    Sized,
    Step,
)

MAXIMUM_WORDS = 20
"""Longest text that the network reads."""

_ADJECTIVES = {"wood": "wooden"}
_SIZES = {"big": ("big", "large", "big"), "small": ("small", "little", "small"), "tall": ("tall", "tall", "tall")}

_RELATIONS: dict[str, tuple[str, ...]] = {
    "left": ("to the left of", "left of", "on the left of", "on the left side of"),
    "right": ("to the right of", "right of", "on the right of", "on the right side of"),
    "front": ("in front of",),
    "behind": ("behind",),
    "beside": ("beside", "next to", "beside", "by"),
    "near": ("near", "close to", "near", "close to"),
    "on": ("on", "on top of", "on", "sitting on"),
    "under": ("under", "underneath", "below", "under"),
}
_RANKED = {
    False: ("closest to", "nearest to", "closest to", "nearest"),
    True: ("furthest from", "farthest from", "furthest away from", "farthest away from"),
}
_PLACE_BEFORE: dict[str, tuple[str, ...]] = {
    "left": ("left", "left", "left hand"),
    "right": ("right", "right", "right hand"),
    "front": ("front", "front", "front"),
    "back": ("back", "back", "rear"),
    "middle": ("middle", "middle", "center"),
}
_PLACE_AFTER: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left", "on the left side", "to the left", "at the left"),
    "right": ("on the right", "on the right", "on the right side", "to the right", "at the right"),
    "front": ("at the front", "in the front", "at the front", "in the front", "at the front"),
    "back": ("at the back", "in the back", "at the back", "in the back", "at the rear"),
    "middle": ("in the middle", "in the middle", "in the center", "in the centre", "in the middle"),
    "front left": (
        "in the front left corner",
        "in the bottom left corner",
        "at the front left",
        "in the lower left corner",
    ),
    "front right": (
        "in the front right corner",
        "in the bottom right corner",
        "at the front right",
        "in the lower right corner",
    ),
    "back left": (
        "in the back left corner",
        "in the top left corner",
        "at the back left",
        "in the upper left corner",
    ),
    "back right": (
        "in the back right corner",
        "in the top right corner",
        "at the back right",
        "in the upper right corner",
    ),
}
_EXTREME_BEFORE: dict[str, tuple[str, ...]] = {
    "left": ("leftmost", "leftmost", "far left"),
    "right": ("rightmost", "rightmost", "far right"),
    "near": ("closest", "nearest", "nearest"),
    "far": ("furthest", "farthest", "farthest"),
    "big": ("biggest", "largest", "biggest"),
    "small": ("smallest", "smallest", "littlest"),
    "tall": ("tallest", "tallest", "tallest"),
}
_EXTREME_AFTER: dict[str, tuple[str, ...]] = {
    "left": ("furthest to the left", "farthest to the left", "on the far left"),
    "right": ("furthest to the right", "farthest to the right", "on the far right"),
    "near": ("closest to me", "nearest to me", "closest to the camera"),
    "far": ("furthest from me", "farthest away", "furthest from the camera"),
}
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
_ENDS = {"left": "left", "right": "right", "near": "front", "far": "back"}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_LINKS = ("", "", "", "that is", "which is", "thats")
"""The first half says nothing: "the mug (that is) on the left"."""
_PLURAL_LINKS = ("", "", "", "that are", "which are", "that are")
_NEGATED_LINKS = ("that is not", "which is not", "that isnt", "not")
_DETERMINERS = ("the", "that", "all", "both", "every", "each")

_WRAPPERS = tuple(
    line.strip()
    for line in """
    pick up {}; pick up {}; pick up {}; grab {}; grab {}; take {}; get {}; get me {}; give me {}; hand me {};
    bring me {}; fetch {}; pass me {}; can you grab {} please; could you pick up {}; can you pick up {} please;
    please pick up {}; please hand me {}; robot hand me {}; robot pick up {}; robot get me {}; i want {}; i need
    {}; i would like {}; i d like {} please; where is {}; find {}; show me {}; look for {}; point at {}; point
    to {}; reach for {}; lift {}; lift up {}; move {}; push {}; touch {}; go and get {}; would you pass me {}
    please; can i have {}; could you bring me {} please; hey robot grab {}; select {}; pick {} up; pick {} up
    please; now take {}; ok now pick up {}; remove {}; hold {}; {}; {} please
    """.replace("\n", " ").split(";")
    if line.strip()
)


def phrase(program: Program, random: Random) -> str:
    """A noun phrase for `program`: lower-case words of a-z and 0-9 ("the red jar beside the apple")."""
    article = random.choices(("the", "", "that"), (0.74, 0.21, 0.05))[0]
    return normalise(_noun_phrase(program, random, article))


def transcript(text: str, random: Random, *, plural: bool = False) -> str:
    """`text` as it would be said to a robot ("could you pick up the red jar beside the apple")."""
    if text.split(" ", 1)[0] not in _DETERMINERS and random.random() < 0.85:
        text = f"the {text}"
    wrapper = random.choice(_WRAPPERS)
    if plural and wrapper == "where is {}":
        wrapper = "where are {}"
    return normalise(wrapper.format(text))


def words() -> frozenset[str]:
    """Every word that phrases and transcripts can hold beside nouns, colours and materials of the objects."""
    lines: list[str] = ["where are", "in between and", "from the", *_DETERMINERS, *GENERIC, *HYPERNYMS]
    lines += [plural for noun in (*GENERIC, *HYPERNYMS) if (plural := plural_of(noun))]
    lines += [noun for group in NEAR for noun in group]
    for table in (_SIZES, _RELATIONS, _PLACE_BEFORE, _PLACE_AFTER, _EXTREME_BEFORE, _EXTREME_AFTER):
        lines += [line for options in table.values() for line in options]
    lines += [line for options in _RANKED.values() for line in options]
    lines += [*_ORDINALS.values(), *_ENDS.values(), *_NUMBERS.values(), *_ADJECTIVES.values()]
    lines += [*_LINKS, *_PLURAL_LINKS, *_NEGATED_LINKS, *_WRAPPERS]
    return frozenset(word for line in lines for word in normalise(line).split())


def material_word(material: str) -> str:
    """The adjective for a material ("wood" -> "wooden")."""
    return _ADJECTIVES.get(material, normalise(material))


def _noun_phrase(program: Program, random: Random, article: str, *, embedded: bool = False) -> str:
    writer = _Writer(program, random, embedded=embedded)
    for step in program.steps:
        writer.write(step)
    noun = program.noun
    if program.plural:
        plural = plural_of(noun)
        if plural is None:
            raise ValueError(f"{noun!r} has no plural")
        noun, article = plural, _quantifier(program, random)
    return " ".join(word for word in (article, *writer.before, noun, *writer.after) if word)


def _quantifier(program: Program, random: Random) -> str:
    if program.number is None:
        return random.choice(("the", "all the", "all", "all the", ""))
    number = _NUMBERS[program.number]
    return random.choice((f"the {number}", "both" if program.number == 2 else f"all {number}", f"the {number}", number))


class _Writer:
    """Collects the words `before` and `after` a noun; a kind of step draws equally often, for its twins' sake."""

    def __init__(self, program: Program, random: Random, *, embedded: bool) -> None:
        self.before: list[str] = []
        self.after: list[str] = []
        self._random = random
        self._generic = program.noun in GENERIC
        self._links = _PLURAL_LINKS if program.plural else _LINKS
        # "the tin behind the remote that is white" might be a white tin; more steps would pile up behind the noun.
        self._adjective_may_follow = len(program.steps) == 1 and not embedded

    def write(self, step: Step) -> None:
        pick = self._random.choice
        match step:
            case Coloured(colour=word):
                self._adjective(normalise(word))
            case Made(material=material):
                self._adjective(material_word(material))
            case Sized(axis=axis):
                self.before.insert(0, pick(_SIZES[axis]))
            case At(place=place):
                if self._random.random() < 0.35 and not self._generic and place in _PLACE_BEFORE:
                    self.before.insert(0, pick(_PLACE_BEFORE[place]))
                else:
                    self._follow(pick(_PLACE_AFTER[place]))
            case Extreme(axis=axis):
                if axis in _EXTREME_AFTER and self._random.random() < 0.45:
                    self._follow(pick(_EXTREME_AFTER[axis]))
                else:
                    self.before.insert(0, pick(_EXTREME_BEFORE[axis]))
            case Ordinal(rank=rank, axis=axis):
                self.before.insert(0, _ORDINALS[rank])
                self.after.append(f"from the {_ENDS[axis]}")
            case Not(step=inner):
                self.after.append(f"{pick(_NEGATED_LINKS)} {_negated(inner, self._random)}")
            case Related() | Ranked() | Between() | BetweenBoth():
                self._follow(_prepositional(step, self._random))

    def _adjective(self, word: str) -> None:
        if self._random.random() < 0.08 and self._adjective_may_follow:
            self.after.append(f"{self._random.choice(self._links[3:])} {word}")
        else:
            self.before.append(word)

    def _follow(self, words_behind: str) -> None:
        self.after.append(f"{self._random.choice(self._links)} {words_behind}".strip())


def _negated(step: Coloured | Made | Related, random: Random) -> str:
    match step:
        case Coloured(colour=colour):
            return normalise(colour)
        case Made(material=material):
            return material_word(material)
        case Related():
            return _prepositional(step, random)


def _prepositional(step: Related | Ranked | Between | BetweenBoth, random: Random) -> str:
    match step:
        case Related(relation=relation, landmark=landmark):
            return f"{random.choice(_RELATIONS[relation])} {_landmark(landmark, random)}"
        case Ranked(landmark=landmark, furthest=furthest):
            return f"{random.choice(_RANKED[furthest])} {_landmark(landmark, random)}"
        case Between(first=first, second=second):
            link = random.choice(("between", "between", "in between"))
            return f"{link} {_landmark(first, random)} and {_landmark(second, random)}"
        case BetweenBoth(landmarks=pair):
            return f"between {_noun_phrase(pair, random, 'the', embedded=True)}"


def _landmark(program: Program, random: Random) -> str:
    return _noun_phrase(program, random, random.choices(("the", ""), (0.92, 0.08))[0], embedded=True)

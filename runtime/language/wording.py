"""Plain English for a voice: articles, plurals, counting words, and a person's words turned round to be said back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.language.nouns import head_nouns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
RANKS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
ONES = _words("one ones")
QUANTITIES = _words("both all either neither any none each")
PRONOUNS = _words("it that this them those these they something anything everything")
COLOURS = _words(
    "red green blue yellow orange purple pink brown black white grey gray teal silver gold golden beige cyan magenta "
    "violet turquoise maroon navy dark light pale bright"
)
ADJECTIVES = (COLOURS - {"orange"}) | _words(
    "big small large little tiny huge tall short long thin thick wide narrow round square flat full empty open closed "
    "clean dirty shiny wooden metal plastic ceramic transparent clear striped bigger smaller larger taller "
    "shorter longer thinner thicker wider darker lighter biggest smallest largest tallest shortest longest"
)
SINGLED_OUT = _words(
    "last final next other same only left right middle center centre front back top bottom upper lower leftmost "
    "rightmost far near most least bigger smaller larger taller shorter longer closer nearer further farther main usual"
) | {*RANKS}
"""Words that "a" does not go with, beside superlatives: "I don't see the left jar"."""
_NAMELESS = PRONOUNS | ONES | QUANTITIES | ADJECTIVES | SINGLED_OUT
_NOT_SUPERLATIVE = _words("chest forest nest vest guest harvest contest request west rest test crest")
_DETERMINERS = (
    _words("the a an all both every each any some another no this that these those of")
    | _words("my your his her our their its")
    | {*NUMBERS[2:]}
)
_OWNERS = _words("my your his her our their its")
_POINTING = _words("this that these those")
_NEVER_MODIFIERS = _DETERMINERS | _words(
    "to from in on at near by beside next with without that which who thats and or not behind under above over between "
    "inside below against onto into off"
)
OPENS_TAIL = _words(
    "near beside by behind under below above over between on in at next close with without inside closest nearest "
    "furthest farthest left right to thats not"
)
"""Words that go on describing a thing behind its noun."""

_IRREGULAR = {
    **{
        noun: f"{noun.removesuffix('e')[:-1]}ves" for noun in ("knife", "wife", "leaf", "loaf", "shelf", "half", "calf")
    },
    **{noun: f"{noun}es" for noun in ("bus", "lens", "canvas", "gas", "atlas", "thermos", "cactus")},
    **{noun: f"{noun}es" for noun in ("potato", "tomato", "mango")},
    **{"mouse": "mice", "foot": "feet", "tooth": "teeth", "goose": "geese", "man": "men", "woman": "women"},
    **{"child": "children", "person": "people", "die": "dice", "scarf": "scarves", "fish": "fish", "sheep": "sheep"},
}
_SINGULAR_OF = {plural: noun for noun, plural in _IRREGULAR.items()}
_PAIRS = _words(
    "scissors pliers tongs tweezers sunglasses goggles binoculars headphones jeans pants shorts trousers chopsticks"
)
_MASS = _words(
    "bread milk water juice coffee tea sugar salt cheese rice butter soap paper cereal toast food meat cutlery fruit "
    "honey flour pasta broccoli corn garlic celery bacon sushi stuff asparagus"
)
_IE = _words("cookies movies pies ties brownies smoothies veggies hoodies")
_SOUNDS_LIKE_YOU = re.compile(r"uni(?!n|d)|us[ei]|ut[ei]|uku|eu|one\b")
_VOWEL_SOUND = re.compile(r"[aeiou8]|hour|honest|heir|1[18]$")
_SAID_BACK = {"my": "your", "your": "my", "me": "you", "you": "me", "i": "you", "mine": "yours", "yours": "mine"} | {
    "this": "that",
    "these": "those",
    "isnt": "is not",
    "arent": "are not",
    "thats": "that is",
    "doesnt": "does not",
    "dont": "do not",
}
_VERBS = (("is", "are"), ("was", "were"), ("has", "have"))
_CLAUSE = re.compile(r"(that|which|who) (is|are|was|were|has|have) ")


@dataclass(frozen=True)
class NounPhrase:
    """ "all my red jars beside the apple" in parts: "all my", ("red",), "jars", "beside the apple".

    `noun` is empty where the words begin with a relation ("near the mug"), which then is the tail.
    """

    determiner: str
    modifiers: tuple[str, ...]
    noun: str
    tail: str

    @staticmethod
    def of(expression: str) -> NounPhrase:
        """The parts of an expression; any text has some."""
        words = expression.split()
        start = 0
        while start < len(words) - 1 and words[start] in _DETERMINERS:
            start += 1
        determiner, rest = " ".join(words[:start]), words[start:]
        heads = head_nouns(" ".join(rest))
        if not heads or heads[0] not in rest:
            return NounPhrase(determiner, (), "", " ".join(rest))
        end = rest.index(heads[0]) + 1
        while end < len(rest) and rest[end] == heads[0]:  # "the orange orange"
            end += 1
        modifiers = tuple(rest[: end - 1])
        if any(word in _NEVER_MODIFIERS for word in modifiers):
            return NounPhrase(determiner, (), "", " ".join(rest))
        return NounPhrase(determiner, modifiers, rest[end - 1], " ".join(rest[end:]))

    @property
    def joins_two(self) -> bool:
        """Whether it is "the knife and the fork"; "red and green mug" counts as one thing."""
        return self.tail.startswith(("and ", "or ")) and self.noun not in COLOURS


def join(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(part for part in parts if part)


def listed(items: Sequence[str], word: str = "and") -> str:
    """ "a, b and c"."""
    return f"{', '.join(items[:-1])} {word} {items[-1]}" if len(items) > 1 else "".join(items)


def number_word(count: int) -> str:
    """ "three"; digits beyond twelve."""
    return NUMBERS[count] if 0 <= count < len(NUMBERS) else str(count)


def with_article(words: str) -> str:
    """ "a jar", "an apple", "an hour", "a utensil"."""
    return f"{'an' if _VOWEL_SOUND.match(words) and not _SOUNDS_LIKE_YOU.match(words) else 'a'} {words}"


def is_plural_noun(noun: str) -> bool:
    """Whether a noun by itself says "several"."""
    if noun in _SINGULAR_OF:
        return noun not in _IRREGULAR
    return (
        noun.endswith("s")
        and len(noun) > 2
        and not noun.endswith(("ss", "us", "is"))
        and noun not in _IRREGULAR.keys() | _PAIRS | _MASS
    )


def plural_of(noun: str) -> str:
    """ "jars", "boxes", "knives", "dishes", "cherries"."""
    if is_plural_noun(noun) or noun in _PAIRS:
        return noun
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}s"


def singular_of(noun: str) -> str:
    """The noun for one of them; what is no plural comes back as it is."""
    if noun in _SINGULAR_OF:
        return _SINGULAR_OF[noun]
    if not is_plural_noun(noun):
        return noun
    if noun.endswith("ies") and noun not in _IE and len(noun) > 4:
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("sses", "xes", "zzes", "ches", "shes")) else noun[:-1]


def one_noun(expression: str) -> str:
    """What one of the things is called: "jar" of "all the red jars"; "one" where no noun says it."""
    phrase = NounPhrase.of(expression)
    nameless = not phrase.noun or phrase.joins_two or phrase.noun in _NAMELESS
    return "one" if nameless else singular_of(phrase.noun)


def said_back(expression: str) -> str:
    """The same words in the mouth of the one spoken to: "my mug" is "your mug", "this cup" is "that cup"."""
    return " ".join(_SAID_BACK.get(word, word) for word in expression.split())


def unseen(expression: str) -> str:
    """What there is none of, behind "I don't see": "a jar beside the apple", "any spoons", "the biggest cup"."""
    phrase = NounPhrase.of(said_back(expression))
    words = phrase.determiner.split()
    if not phrase.noun:
        return join("anything", phrase.tail) if phrase.tail else "it"
    if phrase.noun in PRONOUNS or (phrase.modifiers and phrase.modifiers[0] in PRONOUNS):
        return said_back(expression).replace("something", "anything", 1)
    tail = phrase.tail
    joint = re.match(r"(?:and|or) (?=(?:the|a|an|my|your|that|his|her) )", tail)
    if joint:
        tail = f"or {unseen(said_back(tail[joint.end() :]))}"  # turned round twice, it stands as it was
    named = join(*phrase.modifiers, phrase.noun)
    kept = [word for word in words if word in _OWNERS | _POINTING]
    several = is_plural_noun(phrase.noun) or phrase.noun in _PAIRS | _MASS
    if kept:
        return join("any of" if "all" in words and several else "", kept[-1], named, tail)
    if is_singled_out(phrase):
        return join("the", named, tail)
    if phrase.noun == "ones":
        return join("any", named if phrase.modifiers else "", tail)
    if several or "another" in words:
        return join("any" if several else "another", named, tail)
    return join(named if named == "one" else with_article(named), tail)


def seen(expression: str) -> str:
    """One thing that is there, behind "I see": "the jar beside the apple", "your mug", "a cup" where "a" was said."""
    text = said_back(expression)
    phrase = NounPhrase.of(text)
    if not phrase.noun:
        return join("something", phrase.tail)
    if phrase.noun in PRONOUNS or text.split(" ")[0] in PRONOUNS - _POINTING:
        return text.replace("anything", "something", 1)
    first = phrase.determiner.split(" ")[0]
    if first in ("any", "every", "each", "some") and not is_plural_noun(phrase.noun):
        return join(with_article(join(*phrase.modifiers, phrase.noun)), phrase.tail)
    return text if first else join("the", text)


def counted(expression: str, count: int) -> str:
    """So many of the things: "two jars beside the apple", "one spoon", "two pairs of scissors"."""
    phrase = NounPhrase.of(said_back(expression))
    several = count != 1
    number = number_word(count)
    things = "things" if several else "thing"
    if phrase.joins_two or phrase.noun in {"", "leftmost", "rightmost", *RANKS} | PRONOUNS | ADJECTIVES:
        return f"{number} {things}"
    if phrase.noun in _MASS:
        return f"{number} {things} that may be {phrase.noun}"
    singled_out = is_singled_out(phrase)
    modifiers = () if singled_out else phrase.modifiers
    tail = "" if singled_out else agreeing_tail(phrase.tail, several=several)
    if phrase.noun in ONES:
        return join(number, *modifiers, ("ones" if several else "one") if modifiers else things, tail)
    if phrase.noun in _PAIRS:
        return join(number, *modifiers, "pairs of" if several else "pair of", phrase.noun, tail)
    return join(number, *modifiers, plural_of(phrase.noun) if several else singular_of(phrase.noun), tail)


def agreeing_tail(tail: str, *, several: bool) -> str:
    """What follows a noun: "that are red" or "that is red", as many as there are; nothing where that is not known."""
    clause = _CLAUSE.match(tail)
    if clause is None:
        return "" if several and tail.startswith(("that ", "which ", "who ")) else tail
    verb = next(pair[several] for pair in _VERBS if clause[2] in pair)
    return f"{clause[1]} {verb} {tail[clause.end() :]}"


def is_singled_out(phrase: NounPhrase) -> bool:
    """Whether an ordinal, a side or a superlative picks one thing."""
    behind = any(_is_superlative(word) for word in phrase.tail.split())
    return behind or any(singles_out(word) for word in (*phrase.modifiers, phrase.noun))


def singles_out(word: str) -> bool:
    """Whether a word before a noun picks one thing by comparison: "second", "left", "biggest"."""
    return word in SINGLED_OUT or _is_superlative(word)


def _is_superlative(word: str) -> bool:
    return word.endswith("est") and len(word) > 4 and word not in _NOT_SUPERLATIVE

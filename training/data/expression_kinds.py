"""What kind of step an expression of somebody else's data set takes, by its words alone: for slices of figures."""

from __future__ import annotations

import re

from runtime.language.nouns import is_plural
from runtime.language.phrasebook import word_set
from training.expressions.datatypes import Kind

_NOT = re.compile(r"\b(?:not|isnt|arent|doesnt|without|except|no)\b")
_ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|[1-9](?:st|nd|rd|th)|last|(?:one|two|three) (?:from|over|in))\b"
)
_SUPERLATIVE = re.compile(
    r"\b(?:(?!rest\b|west\b|chest\b|nest\b|forest\b|vest\b|breast\b|guest\b|test\b)[a-z]{2,}est|leftmost|rightmost|"
    r"topmost|most|least)\b"
)
_SIDES = (
    r"(?:left|right|top|bottom|middle|center|centre|corner|front|back|background|foreground|far|upper|lower|side|edge)"
)
_PICTURE = r"(?:picture|pic|image|photo|screen|frame|shot)"
_RELATION = re.compile(
    r"\b(?:next to|beside|besides|behind|in front of|under|underneath|beneath|below|above|over|between|near|close to|"
    r"on top of|inside|against|around|across from|opposite|by|"
    rf"(?:left|right|front|back|side) of(?! (?:the )?{_PICTURE}\b)|"
    rf"(?:on|in|at)(?! (?:the |its |your |our |my )?(?:very |far )?(?:{_SIDES}|{_PICTURE})\b))(?= [a-z])"
)
_POSITION = re.compile(rf"\b{_SIDES}\b")
_ATTRIBUTE = re.compile(
    r"\b(?:big|bigger|large|larger|small|smaller|little|tall|taller|short|shorter|long|old|young|dark|light|bright|"
    r"striped|plaid|wooden|metal|plastic|glass|empty|full|open|closed|with|wearing|holding|in (?:a )?(?:hat|shirt))\b"
)
_COLOURS = word_set("colours")


def kind_of(text: str) -> Kind:
    """The hardest step of an expression of lower-case words, as our own expressions are labelled (Expression.kind).

    "not the red cup" is negation, "second from left" ordinal, "the tallest tree" superlative, "sky above the house"
    relation, "man on the left" position, "two dogs" plural, "the red car" attribute, "car" category. By words alone,
    and so wrong at times: "the glass" passes for an attribute.
    """
    if _NOT.search(text):
        return "negation"
    if _ORDINAL.search(text):
        return "ordinal"
    if _SUPERLATIVE.search(text):
        return "superlative"
    if _RELATION.search(text):
        return "relation"
    if _POSITION.search(text):
        return "position"
    if is_plural(text):
        return "plural"
    words = text.split()
    coloured = len(words) > 1 and not _COLOURS.isdisjoint(words)
    return "attribute" if coloured or (len(words) > 1 and _ATTRIBUTE.search(text)) else "category"

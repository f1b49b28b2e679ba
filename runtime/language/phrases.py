"""The closed lists behind `commands`: verbs, answers, prepositions, rooms, people."""

from __future__ import annotations

from runtime.language.phrasebook import phrasebook, word_set


def words_in(text: str) -> frozenset[str]:
    """A set of single words."""
    return frozenset(text.split())


DETERMINERS = word_set("determiners")
ARTICLES = DETERMINERS - word_set("articles")
"""Determiners that a noun must follow."""
PRONOUNS = frozenset({"it", "that", "this", "them", "those", "these", "that one", "this one", "they"})

VERBS = phrasebook("verbs")
"""Verbs at the start of a clause, by action; "turn" is decided by its particle, "drive" moves the robot itself."""

NOUNS_TOO = word_set("nouns_too")
"""Verbs that in the middle of a sentence may be something else; there they count only before a determiner."""

WISHES = phrasebook("wishes")
"""A wish for a thing stands for "give me"."""

ANSWERS = phrasebook("answers")
AFTER_ANSWER = phrasebook("after answer")
"""What joins an answer to its correction: "no i meant the blue one"."""

PREPOSITIONS = phrasebook("prepositions")
"""Labels: "goal" says where something goes, "where" may also say where it is."""
ENDS = phrasebook("directions")
"""Directions without a noun that end a clause: "push the box away"."""
RELATIVE = word_set("relative")
"""After one of these a preposition goes on describing ("the tray that is next to the lamp", "the one on the left")."""

PLACES = phrasebook("places")
"""A part of a building, with the preposition before it."""

PEOPLE = word_set("people")
TITLES = word_set("titles")
PERSONAL = word_set("personal")

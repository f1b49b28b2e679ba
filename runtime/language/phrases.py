"""The closed lists behind `commands`: verbs, answers, prepositions, rooms, people."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrasebook import Phrasebook, phrasebook, word_set


def words_in(text: str) -> frozenset[str]:
    """A set of single words."""
    return frozenset(text.split())


DETERMINERS = word_set("determiners")
ARTICLES = DETERMINERS - word_set("articles")
"""Determiners that a noun must follow."""
PRONOUNS = frozenset({"it", "that", "this", "them", "those", "these", "that one", "this one", "they"})


class _Verbs(Phrasebook):
    """Verbs; "go get" is "get", and a word that is rather a noun ("light") is a verb before a determiner only."""

    def at(self, words: Sequence[str], start: int = 0) -> tuple[str, int] | None:
        found = super().at(words, start)
        if found and found[1] == start + 1 and words[start] in _RATHER_NOUNS:
            return found if found[1] < len(words) and words[found[1]] in DETERMINERS else None
        if found and found[1] == start + 1 and words[start] in _GOING and start + 2 < len(words):
            goes_for = super().at(words, start + 1)
            if goes_for and goes_for[0] in ("pick", "give", "place", "point", "open", "close", "turn_on", "turn_off"):
                return goes_for if goes_for[1] < len(words) else found
        return found


_RATHER_NOUNS = word_set("rather_nouns")
_GOING = words_in("go come run")
VERBS = phrasebook("verbs", _Verbs)
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

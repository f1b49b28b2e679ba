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


class _Wishes(Phrasebook):
    """Wishes of fixed wording, and those put together: "i" or "we", adverbs, a modal, a verb of wanting."""

    def at(self, words: Sequence[str], start: int = 0) -> tuple[str, int] | None:
        found = super().at(words, start)
        end = _wish_end(words, start)
        return ("give", end) if end > (found[1] if found else start) else found


def _wish_end(words: Sequence[str], start: int) -> int:
    """Where "i would really like to have" ends; `start` where nothing is wished for."""
    if start >= len(words) or words[start] not in _WISHERS:
        return start
    i, modal = start + 1, words[start] in _WITH_MODAL
    while i < len(words) and words[i] in _WISH_ADVERBS | _WISH_MODALS:
        modal = modal or words[i] in _WISH_MODALS
        i += 1
    if i >= len(words) or not (words[i] in _WANTING or (modal and words[i] in _HAVING)):
        return start
    wants = words[i] in _WANTING
    i += 1
    if wants and i + 1 < len(words) and words[i] == "to" and words[i + 1] in _HAVING:
        return i + 2
    return i if i < len(words) and words[i] in DETERMINERS | {"more", "it", "them", "that"} else start


_WISHERS = words_in("i we id wed ill")
_WITH_MODAL = words_in("id wed ill")
_WISH_ADVERBS = words_in("really just also still only now then rather sooner actually definitely badly do kind of")
_WISH_MODALS = words_in("would could should must will might can may")
_WANTING = words_in("want need like love prefer require fancy crave desire request demand wanted needed")
_HAVING = words_in("have get borrow take use try grab")
WISHES = phrasebook("wishes", _Wishes)
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

_PARTICLES = words_in("up down off over out on in at about from with here there")
_NO_PARTICIPLES = words_in("thing string something nothing everything anything red bed shed ceiling building")
_OPENS_RELATIVE = words_in("that which who whose thats where i you we he she they im youre hes shes theyre")
_VERBS_WITH_PARTICLE = words_in(
    "broke fell falls put came comes went goes go ran sat threw took gave drank stood told spoke dreamt keeps kept"
    " is are was were belong belongs look talk point sit eat drink play write read"
)


def ends_relative(words: Sequence[str], i: int) -> bool:
    """Whether the word at `i` belongs to the verb of a relative clause: "off" of "the mug whose handle broke off"."""
    if i < 3 or words[i] not in _PARTICLES or words[i - 1] in _NO_PARTICIPLES:
        return False
    if words[i + 1 : i + 2] and words[i + 1] in DETERMINERS:
        return False  # "the mug that nobody is using on the table"
    verb = words[i - 1]
    if verb.endswith("ed") and words[i - 2] in ("is", "not", "isnt", "are", "was"):
        return False  # "the cup that is not chipped (over here)"
    if words[i] in ("here", "there") and verb not in ("belong", "belongs"):
        return False
    verbal = verb in _VERBS_WITH_PARTICLE or (verb.endswith(("ing", "ed")) and len(verb) > 4)
    before = words[1 : i - 1]
    told = i > 3 and words[i - 1] in ("you", "me") and words[i - 2] == "told"
    opened = not _OPENS_RELATIVE.isdisjoint(before) or _has_own_subject(before)
    return (verbal or told) and opened


def _has_own_subject(before: Sequence[str]) -> bool:
    """ "the cat is" after "the mug": a second thing that nothing relates to the first."""
    return any(
        before[k] in ("the", "my") and not PREPOSITIONS.before(before, k) and before[k - 1] not in ("and", "or", "of")
        for k in range(1, len(before))
    )

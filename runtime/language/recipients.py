"""Who is to have a thing: "me the jar", "the jar to the man at the counter"."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrases import (
    ARTICLES,
    DETERMINERS,
    PEOPLE,
    PERSONAL,
    PREPOSITIONS,
    RELATIVE,
    TITLES,
    ends_relative,
    words_in,
)

_SHOWS = words_in("this those these")
_NUMBERED = words_in("bed room ward bay table number seat desk")
_ALL_OF_THEM = frozenset({"all", "both"})
_INFINITIVES = words_in("about forgot forgets want wants like likes need needs ready supposed used going meant tried")
"""After these "to" brings a verb: "the cup thats about to fall"."""
OWNED = words_in("belongs belonging belong close closer closest next nearest nearer similar")
_OPENS_NAMED = words_in("the a an that this my your some both all two three four another his her where which")
_OWNERS = words_in("the my your his her our their me him us them")
_WHOSE = words_in("each every the my that this your our his her their")


def recipient_of(words: list[str]) -> tuple[str, list[str]]:
    """To whom, without its preposition, and the words that remain."""
    if not words or list(words) == ["them"]:
        return "", words  # "bring them"
    if len(words) > 3 and words[1] == "back" and words[2] in _OPENS_NAMED and words[0] not in DETERMINERS:
        words = [words[0], *words[2:]]  # "emma back her cup"
    opens = DETERMINERS | words_in("red blue green yellow black white big small left right back")
    if words[0] in ("whoever", "whomever"):
        starts = (i for i in range(len(words) - 2, 1, -1) if words[i] in ARTICLES and not PREPOSITIONS.before(words, i))
        if stop := next(starts, 0):
            return " ".join(words[:stop]), words[stop:]
    two = _two_people(words)
    if two:
        return " ".join(words[:two]), words[two:]
    if words[0] in PERSONAL and (
        len(words) == 1 or words[0] in ("me", "us") or words[1] in opens - _ALL_OF_THEM or words[0] in ("him", "her")
    ):
        return words[0], words[1:]
    for end in range(1, min(5, len(words) - 1)):
        named = (
            words[0] not in DETERMINERS | RELATIVE | words_in("of for with on in to at back over up down both all her")
            and (end == 1 or (end == 2 and words[0] in TITLES))
            and (words[end] in _OPENS_NAMED or list(words[end : end + 2]) == ["one", "of"])
        )
        person = (words[0] in _WHOSE and words[end - 1] in PEOPLE) or (words[0] in TITLES and end == 2)
        follows = words[end] in opens | {"where", "which"} or list(words[end : end + 2]) == ["one", "of"]
        if named or (person and follows):
            return " ".join(words[:end]), words[end:]
        if (person and (PREPOSITIONS.at(words, end) or words[end] in ("who", "whos"))) or (
            person and words[end : end + 2] in (["over", "there"], ["over", "here"])
        ):
            stop = next(
                (
                    i
                    for i in range(end + 2, len(words) - 1)
                    if (words[i] in ARTICLES | _ALL_OF_THEM | _SHOWS or words[i : i + 2] == ["one", "of"])
                    and not PREPOSITIONS.before(words, i)
                    and words[i - 1] not in _NUMBERED
                ),
                0,
            )
            if stop:
                return " ".join(words[:stop]), words[stop:]
    for start in range(len(words) - 2, 0, -1):
        if words[start] not in ("to", "for") or words[start - 1] in OWNED:
            continue
        if words[start] == "to" and words[start - 1] in _INFINITIVES and words[start + 1] not in _OWNERS:
            continue  # "the cup thats about to fall"
        whom = words[start + 1 :]
        if whom[0] in ("whoever", "whomever", "anyone", "anybody") and words[start] == "to":
            return " ".join(whom), words[:start]
        if words[start] == "for" and PERSONAL.isdisjoint(whom) and PEOPLE.isdisjoint(whom):
            continue  # "the knife used for cutting"
        if _is_person(whom):
            before = words[:start]
            at_the_back = before[-2:] in (["the", "back"], ["very", "back"])
            at_the_back = at_the_back or ends_relative(before, len(before) - 1)
            while before and not at_the_back and before[-1] in ("over", "back", "up", "here", "there", "along", "on"):
                before.pop()
            return " ".join(whom), before
    return "", words


def _two_people(words: Sequence[str]) -> int:
    """Where "ana and her friend (the puzzle)" ends; 0 for anything else."""
    if words[1:2] != ["and"] or words[0] in DETERMINERS | RELATIVE | {"up", "down", "back"}:
        return 0
    end = 4 if words[2:3] and words[2] in _OWNERS and words[3:4] and words[3] in PEOPLE else 3
    known = words[0] in PERSONAL or end == 4 or (words[2:3] and words[2] not in DETERMINERS)
    return end if known and words[end : end + 1] and words[end] in ARTICLES else 0


def _is_person(words: Sequence[str]) -> bool:
    if words[0] in TITLES and len(words) == 2:
        return True
    if len(words) == 1:
        return words[0] in PERSONAL or (
            words[0] not in DETERMINERS | words_in("left right here there go use you") and words[0].isalpha()
        )
    heads = [i for i, word in enumerate(words[:5]) if word in PEOPLE]
    if words[0] not in words_in("the my that this your our his her their") or not heads:
        return False
    return (
        heads[0] == len(words) - 1
        or bool(PREPOSITIONS.at(words, heads[0] + 1))
        or words[heads[0] + 1] in words_in("who with in wearing that sitting standing over")
    )

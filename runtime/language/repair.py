"""Puts right what recognisers mis-hear, and says so: by context, by sound, by spelling, and by broader words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extract

from runtime.language.mishearings import CONTEXT_RULES, HEADS, SOUND_ALIKES, START_RULES, sound
from runtime.language.phrasebook import word_set
from runtime.language.vocabulary import Vocabulary

_FOLDER = Path(__file__).parent
FUNCTION_WORDS = word_set("function_words")
"""Words that need no model to know them, and that no repair may touch."""

_MODIFIERS = frozenset({"pale", "pair", "plain", "bare", "mortal", "beat", "hole", "bored", "night"})
"""Words that sound like nouns and are themselves said of nouns."""
_AFTER_HEAD = FUNCTION_WORDS - {"of", "one", "ones"}
_BEFORE_NOUN = FUNCTION_WORDS - word_set("before_noun")


@dataclass(frozen=True)
class _Words:
    """What is known of English (`words.json`, made by training/build_words.py, and by hand `synonyms.txt`).

    Common words to the known ones that they sound like; rare nouns to known ones for the same thing, and to known ones
    that say less; real words that are spelt nearly like known ones.
    """

    sound_alikes: Mapping[str, str]
    synonyms: Mapping[str, Sequence[str]]
    broader: Mapping[str, Sequence[str]]
    real: frozenset[str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    content = json.loads((_FOLDER / "words.json").read_text(encoding="utf-8"))
    by_hand: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    for line in (_FOLDER / "synonyms.txt").read_text(encoding="utf-8").splitlines():
        known, _, rare_words = line.partition(": ")
        by_hand[known.startswith("~")].update({word: [known.removeprefix("~")] for word in rare_words.split()})
    return _Words(
        content["sound_alikes"],
        {**content["synonyms"], **by_hand[False]},
        {**content["broader"], **by_hand[True]},
        frozenset(content["real"]),
    )


def in_context(text: str, repairs: list[tuple[str, str]], *, at_start: bool = False) -> str:
    """`text` with the words that their neighbours show to be wrong put right; adds to `repairs`.

    `at_start`: what a command begins with, in a text without filler before it; else what stands anywhere.
    """
    for pattern, meant in START_RULES if at_start else CONTEXT_RULES:
        found = pattern.search(text)
        if found and found.group().strip() != meant:
            repairs.append((found.group().strip(), meant))
            text = " ".join(pattern.sub(f"{meant} ", text).split())
    return text


def by_ear(text: str) -> str:
    """`text` with what recognisers are known to write for something else put right; no vocabulary is needed."""
    words = in_context(text, []).split()
    return " ".join(word if word in _MODIFIERS else SOUND_ALIKES.get(word, word) for word in words)


@dataclass(frozen=True)
class Described:
    """A description in known words as far as that is sure.

    `unknown`: its content words that the model does not know; `stand_ins`: (said, known) for words that the model knows
    only by a broader one.
    """

    text: str
    unknown: tuple[str, ...]
    stand_ins: tuple[tuple[str, str], ...]


class Repairer:
    """Repairs descriptions against one model's vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._sounds = sounds_of(vocabulary)
        self._mended: dict[str, str | None] = {}

    def description(self, text: str, repairs: list[tuple[str, str]]) -> Described:
        """`text` in words that the model knows as far as that is sure; adds to `repairs`."""
        words: list[str] = []
        unknown: list[str] = []
        stand_ins: list[tuple[str, str]] = []
        pending = text.split()
        while pending:
            word = pending.pop(0)
            joined = self._joined(word, pending[0]) if pending else None
            if joined:
                repairs.append((f"{word} {pending.pop(0)}", joined))
                words.append(joined)
            elif word in HEADS and words[-1:] and _describes(words[-1]) and _ends(pending):
                repairs.append((word, HEADS[word]))
                words.append(HEADS[word])
            elif word in self._vocabulary or word in FUNCTION_WORDS:
                words.append(word)
            elif word in _MODIFIERS and pending and pending[0] not in _AFTER_HEAD:
                words.append(word)  # "the pale blue cup", "the pair of scissors"
            elif (meant := self._mended_once(word) or self._alike(word, words[-1:])) is not None:
                repairs.append((word, meant))
                words.append(meant)
            elif known := self._known(_words().broader.get(word, ())):
                stand_ins.append((word, known))
                words.append(word)
            else:
                unknown.append(word)
                words.append(word)
        return Described(" ".join(words), tuple(dict.fromkeys(unknown)), tuple(dict.fromkeys(stand_ins)))

    def _known(self, candidates: Iterable[str]) -> str | None:
        return next((word for word in candidates if word in self._vocabulary), None)

    def _joined(self, first: str, second: str) -> str | None:
        """The known word that a recogniser has written as two: "note book", "tee pot"."""
        unknown = [word for word in (first, second) if word not in self._vocabulary and word not in FUNCTION_WORDS]
        whole = nearest(first + second, self._sounds) if unknown and not FUNCTION_WORDS & {first, second} else None
        if whole and whole not in (first, second):  # "padlock key" is no padlock
            return whole
        firsts = (first, SOUND_ALIKES.get(first, first)) if first not in ("a", "an", "the", "to") else ()
        return next((word + second for word in firsts if word + second in self._vocabulary), None)

    def _alike(self, word: str, before: list[str]) -> str | None:
        """The known word that `word` sounds like, where a noun or adjective is due."""
        if before and before[0] not in self._vocabulary and before[0] not in _BEFORE_NOUN:
            return None
        meant = _words().sound_alikes.get(word)
        return meant if meant is not None and meant in self._vocabulary else None

    def _mended_once(self, word: str) -> str | None:
        if word not in self._mended:
            if len(self._mended) >= _REMEMBERED:
                self._mended.clear()
            self._mended[word] = self._mend(word)
        return self._mended[word]

    def _mend(self, word: str) -> str | None:
        """The known word that a listener would be sure of, or None."""
        meant = SOUND_ALIKES.get(word)
        if meant is not None:
            return meant
        english = _words()
        if known := self._known(english.synonyms.get(word, ())):
            return known
        return None if word in english.broader or word in english.real else nearest(word, self._sounds)


def _describes(word: str) -> bool:
    """Whether a noun may follow: an article, an adjective."""
    return word not in FUNCTION_WORDS or word in _ARTICLES


def _ends(pending: Sequence[str]) -> bool:
    return not pending or pending[0] in _AFTER_HEAD


_ARTICLES = frozenset(
    {"the", "a", "an", "my", "your", "his", "her", "our", "their", "this", "that", "one", "two", "other"}
)


def sounds_of(vocabulary: Vocabulary) -> dict[str, str]:
    """The sound of every word that is long enough to be told from others by it."""
    return {word: sound(word) for word in vocabulary.words[2:] if len(word) > 2}


def nearest(word: str, sounds: Mapping[str, str]) -> str | None:
    """The one word of `sounds` that sounds and is spelt nearly like `word`; None where two compete or none is near."""
    if len(word) < _SHORTEST:
        return None
    heard = sound(word)
    spelt = extract(word, sounds.keys(), scorer=Levenshtein.normalized_similarity, score_cutoff=_SURE - 1, limit=None)
    scores = sorted(
        ((score + Levenshtein.normalized_similarity(heard, sounds[known]), known) for known, score, _ in spelt),
        reverse=True,
    )
    if not scores or scores[0][0] < _SURE:
        return None
    best: str = scores[0][1]
    rival = next((score for score, known in scores[1:] if known.rstrip("s") != best.rstrip("s")), 0.0)
    return best if scores[0][0] - rival >= _MARGIN else None


_REMEMBERED = 4096
_SHORTEST = 4
_SURE, _MARGIN = 1.7, 0.12
"""Sum of two similarities, each 0..1, and by how much it must lead; set on the development half of the commands."""

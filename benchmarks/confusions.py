"""What a recogniser may write for what was said: words confused by sound, lost, and put in, at a chosen error rate.

The model, after R. Voleti et al. (arXiv 1811.07021), who also swap words by phonetic distance and frequency:
- how many: each word of a sentence goes wrong with the probability asked for (binomial), at most one error a word;
- of which kind: 62 % substitutions, 24 % deletions, 14 % insertions, within what is usual for English recognisers
  (60-65, 20-25, 10-15). `benchmarks/speech_loop.py` reports the shares of a real one beside them;
- substitutions fall on every word alike and write another word that sounds like it. The distance of two words is the
  edit distance of their pronunciations (`data/pronunciations.txt`: 9,000 frequent words and our own, by espeak-ng)
  as a share of the longer one, where phonemes of one class (p and b, m and n, neighbouring vowels) cost a third of
  two unlike ones; a word is chosen with weight exp(-distance / 0.1) / sqrt(frequency rank). Homophones are at distance
  0. A word without a pronunciation is swapped by spelling instead;
- deletions fall on function words ("the", "of", "to") five times as often as on others;
- insertions are a filler (uh, um, er, ah, hmm) or a function word (the, a, and, i, it), half each, anywhere.

What it leaves out: sentence context (a language model prefers words that fit, so real confusions read more fluently),
words run together or cut in two, and errors in bursts. Nothing of it is shared with the repair of `runtime.language`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from runtime.errors import SaymaskError

PRONUNCIATIONS = Path(__file__).parent / "data" / "pronunciations.txt"
SHARES = {"substitution": 0.62, "deletion": 0.24, "insertion": 0.14}
DELETED_FUNCTION_WORDS = 5.0
"""How many times as often a function word is lost as another one."""
DISTANCE_SCALE = 0.1
"""A word this much further away is chosen 1/e times as often."""
NEAREST = 20
"""Words that one word may be taken for."""
FILLERS = ("uh", "um", "er", "ah", "hmm")
INSERTED_WORDS = ("the", "a", "and", "i", "it")
_FUNCTION_WORDS = """
a an the this that these those my your his her its our their of to in on at by for from with into onto over under
and or but not no if so as than then is are was be been am do does did has have had can could will would shall
should may might must i me you he him she it we us they them who which what where there here up down off out
please just that's isn't don't
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

_SOUND_CLASSES = {
    "v": "IY IH EY EH AE | AA AO AH AW AY OY ER | OW UH UW",  # vowels: front, open or central, back
    "o": "P B | T D | K G | F V TH DH | HH | S Z SH ZH CH JH",  # obstruents
    "s": "M N NG | L R W Y",  # sonorants
}
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def _phoneme_letters() -> dict[str, str]:
    """Three letters a phoneme (its kind, its class, itself): the more two phonemes share, the smaller their distance.

    >>> letters = _phoneme_letters()
    >>> [sum(a != b for a, b in zip(letters["P"], letters[other])) for other in ("P", "B", "T", "M")]
    [0, 1, 2, 3]
    """
    letters: dict[str, str] = {}
    for kind, classes in _SOUND_CLASSES.items():
        for group in classes.split("|"):
            first = group.split()[0]
            for phoneme in group.split():
                letters[phoneme] = kind + chr(0x100 + len(letters)) if phoneme == first else letters[first][:2]
                letters[phoneme] += chr(0x200 + len(letters))
    return letters


def recognised(transcript: str) -> list[str]:
    """A transcript as most recognisers write it: lower-case words with their apostrophes, no punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", transcript).replace("\u2019", "'").lower())


@dataclass(frozen=True)
class WordErrors:
    """Words said, and the fewest substitutions, deletions and insertions that make them what was heard."""

    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @staticmethod
    def between(said: Sequence[str], heard: Sequence[str]) -> WordErrors:
        """Those of one sentence."""
        tags = [edit.tag for edit in Levenshtein.editops(said, heard)]
        return WordErrors(len(said), tags.count("replace"), tags.count("delete"), tags.count("insert"))

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))

    def summary(self) -> dict[str, Any]:
        """`wer`, 0 for a perfect recogniser and over 1 for a very bad one, and the `shares` of the kinds of errors."""
        kinds = {
            "substitution": self.substitutions,
            "deletion": self.deletions,
            "insertion": self.insertions,
        }
        errors = sum(kinds.values())
        shares = {kind: count / errors for kind, count in kinds.items()} if errors else None
        return {"wer": errors / max(self.words, 1), "shares": shares}


@dataclass(frozen=True)
class Heard:
    """A sentence as it was heard, and which words of it stand for which: (said, heard), in order."""

    words: list[str]
    substitutions: list[tuple[str, str]]


class ConfusionModel:
    """Corrupts sentences as this module's text says. Deterministic for a given generator."""

    def __init__(self, pronunciations: Path = PRONUNCIATIONS) -> None:
        """`pronunciations`: a word and its phonemes a line, the most frequent word first, `#` before a remark.

        Raises SaymaskError where the file cannot be read or holds an unknown phoneme.
        """
        letters = _phoneme_letters()
        try:
            rows = [line.split() for line in pronunciations.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
            self._sounds = {word: "".join(letters[phoneme] for phoneme in phonemes) for word, *phonemes in rows}
        except (OSError, ValueError, KeyError) as error:
            raise SaymaskError(f"cannot read the pronunciations {pronunciations}: {error!r}") from error
        self._words = np.array(list(self._sounds))
        self._log_rank = np.log1p(np.arange(len(self._words)))
        self._alike: dict[str, tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]] = {}

    def alike(self, word: str) -> dict[str, float]:
        """The words that `word` may be taken for, the likeliest first, with their probabilities."""
        words, probabilities = self._nearest(word)
        return dict(zip(words.tolist(), probabilities.tolist(), strict=True))

    def corrupt(self, words: Sequence[str], rate: float, rng: np.random.Generator) -> Heard:
        """`words` (as `recognised` gives them) with errors at an expected `rate` of 0..1 per word."""
        kinds = rng.choice(list(SHARES), rng.binomial(len(words), rate), p=list(SHARES.values()))
        counts = {kind: int(np.count_nonzero(kinds == kind)) for kind in SHARES}
        weights = np.array([DELETED_FUNCTION_WORDS if word in FUNCTION_WORDS else 1.0 for word in words])
        deleted = _places(weights, counts["deletion"], rng)
        weights = np.ones(len(words))
        weights[list(deleted)] = 0
        substituted = _places(weights, counts["substitution"], rng)
        before = rng.integers(0, len(words) + 1, counts["insertion"]).tolist()

        heard: list[str] = []
        substitutions: list[tuple[str, str]] = []
        for place, word in enumerate(words):
            heard += [_inserted(rng) for _ in range(before.count(place))]
            if place in substituted:
                other = str(rng.choice(self._nearest(word)[0], p=self._nearest(word)[1]))
                substitutions.append((word, other))
                heard.append(other)
            elif place not in deleted:
                heard.append(word)
        return Heard(heard + [_inserted(rng) for _ in range(before.count(len(words)))], substitutions)

    def _nearest(self, word: str) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
        if word not in self._alike:
            sound = self._sounds.get(word)
            said, choices = (word, list(self._sounds)) if sound is None else (sound, list(self._sounds.values()))
            distances = cdist([said], choices, scorer=Levenshtein.normalized_distance, dtype=np.float32)[0]
            scores = -distances.astype(np.float64) / DISTANCE_SCALE - 0.5 * self._log_rank
            scores[self._words == word] = -np.inf
            nearest = np.argsort(-scores, kind="stable")[:NEAREST]
            weights = np.exp(scores[nearest] - scores[nearest[0]])
            self._alike[word] = self._words[nearest], weights / weights.sum()
        return self._alike[word]


def _places(weights: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> set[int]:
    """`count` places in a sentence, none twice, the heavier ones more often."""
    if not count:
        return set()
    return set(rng.choice(len(weights), count, replace=False, p=weights / weights.sum()).tolist())


def _inserted(rng: np.random.Generator) -> str:
    return str(rng.choice(FILLERS if rng.random() < 0.5 else INSERTED_WORDS))

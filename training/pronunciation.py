"""How words sound, as espeak-ng says them, and which words a recogniser may write for one another."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extract

from runtime.errors import SaymaskError

_PHONEME = re.compile(r"(?:aɪ|aʊ|eɪ|oʊ|ɔɪ|tʃ|dʒ|[a-zæɑɐɒɔəɚɛɜɝɪʊʌθðʃʒŋɡɹɾᵻʔ])ː?")
_CLOSE = frozenset(
    frozenset(pair.split("-"))
    for pair in (
        *("p-b", "t-d", "k-ɡ", "f-v", "s-z", "θ-ð", "ʃ-ʒ", "tʃ-dʒ", "m-n", "n-ŋ", "f-θ", "t-ɾ", "d-ɾ", "t-f"),
        *("ɪ-iː", "ɪ-i", "i-iː", "ɛ-æ", "ɛ-ɪ", "ʌ-ɑː", "ʌ-ɐ", "ɑː-ɔː", "ʊ-uː", "ɔː-oʊ", "eɪ-ɛ", "ʌ-ʊ", "aʊ-oʊ", "ɑː-æ"),
        *("ə-ɪ", "ə-ʌ", "ə-ᵻ", "ɪ-ᵻ", "ɜː-ɔː", "ɚ-ə", "ɚ-ɜː", "ɑː-oʊ"),
    )
)
_CLOSE_COST, _OTHER_COST, _NEUTRAL_COST = 0.5, 1.0, 0.5


def pronounce(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Phonemes of each word in General American. Raises SaymaskError where espeak-ng is not installed."""
    if not shutil.which("espeak-ng"):
        raise SaymaskError("espeak-ng is not installed; install it (apt-get install espeak-ng)")
    command = ["espeak-ng", "-q", "--ipa", "-v", "en-us", "--stdin"]
    said = subprocess.run(command, input="\n\n".join(words), capture_output=True, text=True, check=True)
    lines = [line for line in said.stdout.splitlines() if line.strip()]
    if len(lines) != len(words):
        raise SaymaskError(f"espeak-ng spoke {len(lines)} lines for {len(words)} words; give it words of a-z only")
    return {word: tuple(_PHONEME.findall(re.sub("[ˈˌ]", "", line))) for word, line in zip(words, lines, strict=True)}


def distance(heard: Sequence[str], meant: Sequence[str], most: float) -> float:
    """Weighted edit distance of phonemes, at most `most`: 0.5 for close ones and for a neutral vowel more or less."""
    row = [0.0]
    for phoneme in meant:
        row.append(row[-1] + _gap(phoneme))
    for phoneme in heard:
        before, row = row, [row[0] + _gap(phoneme)]
        for j, other in enumerate(meant, 1):
            same = before[j - 1] + (0.0 if phoneme == other else _swap(phoneme, other))
            row.append(min(same, before[j] + _gap(phoneme), row[j - 1] + _gap(other)))
        if min(row) > most:
            return most
    return min(row[-1], most)


def _gap(phoneme: str) -> float:
    return _NEUTRAL_COST if phoneme in ("ə", "ᵻ", "ɐ") else _OTHER_COST


def _swap(one: str, other: str) -> float:
    return _CLOSE_COST if frozenset({one, other}) in _CLOSE else _OTHER_COST


def sound_alikes(
    heard: Iterable[str], meant: Iterable[str], *, furthest: float, shortest: int = 3
) -> Mapping[str, tuple[str, float]]:
    """For each word of `heard` the one of `meant` that sounds most like it, and how far it is; none where two tie.

    Only words of at least `shortest` phonemes are taken for another; homophones may be shorter.
    """
    heard, meant = sorted(set(heard)), sorted(set(meant))
    sounds = pronounce([*heard, *meant])
    # One letter per phoneme, so that the quick search for words that differ in one place can run outside Python.
    letters = {
        phoneme: chr(0x4E00 + i) for i, phoneme in enumerate(sorted({p for row in sounds.values() for p in row}))
    }
    spelt = {word: "".join(letters[phoneme] for phoneme in sounds[word]) for word in sounds}
    targets = [spelt[word] for word in meant]
    found = {}
    for word in heard:
        near = extract(spelt[word], targets, scorer=Levenshtein.distance, score_cutoff=1, limit=None)
        most = furthest if len(sounds[word]) >= shortest else 0.0
        scores = sorted((distance(sounds[word], sounds[meant[at]], 9.0), meant[at]) for _, _, at in near)
        scores = [(score, other) for score, other in scores if score <= most]
        if scores and (len(scores) == 1 or scores[0][0] < scores[1][0]):
            found[word] = (scores[0][1], scores[0][0])
    return found

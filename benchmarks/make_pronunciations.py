"""Write the pronunciations that the confusion model of `asr_noise.py` draws on (benchmarks/data/pronunciations.txt).

Words by WordNet (Debian package wordnet-base: how often each was counted in its tagged texts), sounds by espeak-ng.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.confusions import FUNCTION_WORDS, PRONUNCIATIONS
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.pronunciation import pronounce

_SAME_AS = """
    aɪ:AY aʊ:AW eɪ:EY oʊ:OW ɔɪ:OY tʃ:CH dʒ:JH iː:IY i:IY ɪ:IH ᵻ:IH ɛ:EH æ:AE ɑː:AA ɑ:AA ɐ:AH ɒ:AA ɔː:AO ɔ:AO ə:AH ɚ:ER
    ɜː:ER ɜ:ER ɝ:ER ʊ:UH uː:UW u:UW ʌ:AH θ:TH ð:DH ʃ:SH ʒ:ZH ŋ:NG ɡ:G ɹ:R ɾ:T ʔ:T a:AE e:EH o:OW j:Y h:HH p:P b:B t:T
    d:D k:K f:F v:V s:S z:Z m:M n:N l:L w:W r:R
"""
_ARPABET = {ipa: arpabet for pair in _SAME_AS.split() for ipa, arpabet in [pair.split(":")]}
_HEADER = """\
# A word and its phonemes (ARPAbet) a line, the most frequent word first; read by benchmarks/confusions.py.
# Made by benchmarks/make_pronunciations.py: words and their order from WordNet 3.0 (Copyright 2006 by Princeton
# University; its licence stands in THIRD_PARTY.md), sounds from espeak-ng's General American voice.
"""


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count, pronounce and write; returns the last-line JSON."""
    counts: dict[str, int] = {}
    path = arguments.wordnet / "cntlist.rev"
    if not path.is_file():
        raise SaymaskError(f"{path}: no such file; install WordNet's (apt-get install wordnet-base)")
    for line in path.read_text(encoding="latin-1").splitlines():
        word, count = line.partition("%")[0], int(line.split()[2])
        if word.isalpha() and word.isascii():
            counts[word] = counts.get(word, 0) + count
    known = Vocabulary.from_file(arguments.vocabulary).words[2:]
    ranked = [
        *sorted(w for w in FUNCTION_WORDS if w.isalpha()),
        *sorted(counts, key=lambda word: (-counts[word], word)),
    ]
    words = list(dict.fromkeys([*ranked[: arguments.words], *(word for word in known if word.isalpha())]))
    sounds = pronounce(words)
    rows = [f"{word} {' '.join(_arpabet(phoneme) for phoneme in sounds[word])}" for word in words]
    arguments.out.write_text(_HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return {"out": str(arguments.out), "words": len(words)}


def _arpabet(phoneme: str) -> str:
    return _ARPABET.get(phoneme) or _ARPABET[phoneme.rstrip("ː")]


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of cntlist.rev")
    add("--vocabulary", type=Path, default=DEFAULT_MODEL / "vocab.json", help="words that are always there")
    add("--words", type=int, default=9000, help="how many frequent words")
    add("--out", type=Path, default=PRONUNCIATIONS, help="file to write")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

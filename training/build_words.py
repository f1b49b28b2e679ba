"""Entry: what the runtime knows of English beyond the model's vocabulary (`runtime/language/words.json`).

`python training/build_words.py --wordnet /usr/share/wordnet` (Debian packages wordnet-base, whose files wndb(5WN)
describes, and espeak-ng). A rare noun maps to the nouns of the vocabulary that name the same thing (`synonyms`) or,
where there is none, to the next broader ones (`broader`). A common word that is no thing maps to the known word that it
sounds like. Words of English that are spelt nearly like one of the vocabulary are listed, so that no repair takes them
for a slip.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extractOne
from tqdm import tqdm

from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.phrasebook import word_set
from runtime.language.repair import FUNCTION_WORDS, nearest, sounds_of
from runtime.language.vocabulary import Vocabulary
from training.checkpoint import write_atomically
from training.expressions.nouns import known_nouns, plural_of
from training.pronunciation import sound_alikes
from training.scenes.colours import COLOURS

_DOMAINS = ("05", "06", "13", "20")
"""Lexicographer files of things on tables: animal, artifact, food, plant (lexnames(5WN))."""
_SENSES = 3
"""Where its first sense is no thing, a noun of at most so many is taken by the rest: "tumbler" is an acrobat first."""
_DEPTH = 1
"""How far up the broader words lie: skillet - pan. Two steps already lead astray (pocket - pouch - bag)."""
_MOST = 3
_NEVER = frozenset(
    {
        *(
            "plant",
            "plants",
            "animal",
            "animals",
            "food",
            "toy",
            "toys",
            "tool",
            "tools",
            "utensil",
            "utensils",
            "case",
        ),
        *("fruit", "vegetable", "vegetables", "ring", "board", "boards", "container", "containers", "thing", "things"),
        *("object", "objects", "item", "items", "one", "side", "top", "point", "control", "controls", "chest", "metal"),
        *(
            "wooden",
            "paper",
            "plastic",
            "present",
            "stone",
            "rear",
            "holder",
            "holders",
            "ship",
            "hand",
            "dish",
            "meat",
        ),
        "drink",
    }
)
"""Words so broad, or so often meant otherwise, that the detour to them misleads."""


_NOT_RARE = frozenset(
    {"chips", "cleaner", "helping", "grinder", "factory", "collation", "java", "golem", "saloon", "nog"}
)
"""Words that are commonly meant otherwise than the table would have it."""


@dataclass(frozen=True)
class _Sense:
    domain: str
    words: tuple[str, ...]
    broader: tuple[str, ...]


def read_senses(path: Path) -> dict[str, _Sense]:
    """`data.noun`: synsets by offset. Raises SaymaskError when it cannot be read."""
    senses: dict[str, _Sense] = {}
    for fields in _lines(path):
        count = int(fields[3], 16)
        words = tuple(fields[4 + 2 * i].lower().replace("_", " ") for i in range(count))
        rest = fields[4 + 2 * count :]
        pointers = [rest[1 + 4 * i : 5 + 4 * i] for i in range(int(rest[0]))]
        broader = tuple(offset for symbol, offset, kind, _ in pointers if symbol == "@" and kind == "n")
        senses[fields[0]] = _Sense(fields[1], words, broader)
    return senses


def read_index(path: Path) -> dict[str, tuple[str, ...]]:
    """`index.noun`: offsets of each one-word noun's synsets, commonest sense first."""
    index: dict[str, tuple[str, ...]] = {}
    for fields in _lines(path):
        if fields[0].isalpha() and fields[0].isascii():
            index[fields[0]] = tuple(fields[-int(fields[2]) :])
    return index


def candidates(
    word: str, index: dict[str, tuple[str, ...]], senses: dict[str, _Sense], known: set[str]
) -> tuple[list[str], list[str]]:
    """Known nouns of the same synset as `word`, and of broader ones; at most three of each."""
    found: tuple[dict[str, None], ...] = ({}, {})
    first, *others = index[word]
    for offset in [first, *others] if len(others) < _SENSES and senses[first].domain not in _DOMAINS else [first]:
        level = {offset} if senses[offset].domain in _DOMAINS else set()
        for step in range(_DEPTH + 1):
            names = {name for at in level for name in senses[at].words}
            heads = {name.rpartition(" ")[2] for name in names if name.startswith(word + " ")}  # "laptop computer"
            meant = {
                name for name in names & known if _first_thing(name, index, senses) in level
            }  # no "can" of a toilet
            found[step > 0].update(dict.fromkeys(sorted(meant)))
            found[1].update(dict.fromkeys(sorted(heads & known)))
            level = {up for at in level for up in senses[at].broader}
    return list(found[0])[:_MOST], list(found[1])[:_MOST]


def _first_thing(name: str, index: dict[str, tuple[str, ...]], senses: dict[str, _Sense]) -> str | None:
    """The commonest sense of a noun that is a thing on a table."""
    return next((offset for offset in index.get(name, ()) if senses[offset].domain in _DOMAINS), None)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read WordNet and write the table; returns the last-line JSON."""
    vocabulary = Vocabulary.from_file(arguments.vocabulary)
    senses = read_senses(arguments.wordnet / "data.noun")
    index = read_index(arguments.wordnet / "index.noun")
    things = {word for word in vocabulary.words if word in index and senses[index[word][0]].domain in _DOMAINS}
    known = {noun for noun in known_nouns() if noun in vocabulary} | things
    known -= _NEVER
    same: dict[str, list[str]] = {}
    broader: dict[str, list[str]] = {}
    for word in sorted(set(index) - set(vocabulary.words) - set(vocabulary.synonyms) - _NOT_RARE):
        for table, found in zip((same, broader), candidates(word, index, senses, known), strict=True):
            if found and word not in same:
                table[word] = found
    for table in (same, broader):
        for word in list(table):
            plural = plural_of(word)
            if plural and plural not in same and plural not in broader and plural not in vocabulary:
                table[plural] = [plural_of(noun) or noun for noun in table[word]]
    english = {form for name in _INDEXES for word in _lemmas(arguments.wordnet / name) for form in _forms(word)}
    english |= {fields[0] for name in ("noun.exc", "verb.exc") for fields in _lines(arguments.wordnet / name)}
    sounds = sounds_of(vocabulary)
    names = list(sounds)
    near = (
        word
        for word in tqdm(english, desc="words", mininterval=5)
        if word not in vocabulary
        and extractOne(word, names, scorer=Levenshtein.normalized_similarity, score_cutoff=0.6)
    )  # the quick half of what `nearest` looks at
    real = sorted(word for word in near if nearest(word, sounds))
    alike = _sound_alikes(arguments.wordnet, vocabulary, index, senses)
    content = {
        "sound_alikes": alike,
        "synonyms": dict(sorted(same.items())),
        "broader": dict(sorted(broader.items())),
        "real": real,
    }
    write_atomically(arguments.out, json.dumps(content, indent=0).replace("[\n", "[").replace("\n]", "]") + "\n")
    return {
        "out": str(arguments.out),
        "synonyms": len(same),
        "broader": len(broader),
        "sound_alikes": len(alike),
        "real": len(real),
        "known": len(known),
    }


def _sound_alikes(
    wordnet: Path, vocabulary: Vocabulary, index: dict[str, tuple[str, ...]], senses: dict[str, _Sense]
) -> dict[str, str]:
    """Common words that are no things, and the known word that they sound like."""
    common = {fields[0].partition("%")[0] for fields in _lines(wordnet / "cntlist.rev")}
    described = {fields[0] for name in ("index.adj", "index.adv") for fields in _lines(wordnet / name)} & common
    things = {word for word, offsets in index.items() if senses[offsets[0]].domain in _DOMAINS}
    heard = {form for word in common if word.isalpha() and word.isascii() for form in (word, plural_of(word) or word)}
    plurals = {plural_of(word) or word for word in things}
    heard -= things | plurals | FUNCTION_WORDS | word_set("never_misheard")
    heard = {word for word in heard if word not in vocabulary and len(word) > 2}
    meant = (
        ({word for word in vocabulary.words if word in things | plurals} | known_nouns() | set(COLOURS))
        - FUNCTION_WORDS
        - _NEVER
    )
    meant = {word for word in meant if word in vocabulary and len(word) > 2}
    found = sound_alikes(heard, meant, furthest=_FURTHEST)
    return {word: known for word, (known, far) in sorted(found.items()) if far == 0.0 or word not in described}


_FURTHEST = 0.5
"""In phonemes: one close sound for another."""
_INDEXES = ("index.noun", "index.verb", "index.adj", "index.adv")


def _lemmas(path: Path) -> Iterator[str]:
    return (fields[0] for fields in _lines(path) if fields[0].isalpha() and fields[0].isascii())


def _forms(word: str) -> Iterator[str]:
    """A word as it is written in sentences, wrongly at times, which does no harm here."""
    stem = word.removesuffix("e")
    yield from (word, plural_of(word) or word, stem + "ed", stem + "ing", stem + "er", stem + "est", word + "s")


def _lines(path: Path) -> Iterator[list[str]]:
    """The fields before the gloss of every entry; the licence at the top is indented by two spaces."""
    if not path.is_file():
        raise SaymaskError(f"{path}: no such file; install WordNet's (apt-get install wordnet-base)")
    with path.open(encoding="latin-1") as file:
        for line in file:
            if not line.startswith("  "):
                yield line.partition("|")[0].split()


def main(argv: Sequence[str] | None = None) -> int:
    """`saymask build-synonyms`; see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of data.noun and index.noun")
    add("--vocabulary", type=Path, default=DEFAULT_MODEL / "vocab.json", help="the words that need no synonym")
    add("--out", type=Path, default=Path("runtime/language/words.json"), help="file to write")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

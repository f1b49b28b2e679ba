"""Entry: the closed list of words that a model reads (`vocab.json`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary, words_of
from training.expressions.nouns import normalise, plural_of
from training.expressions.phrasing import material_word, words
from training.scenes.colours import COLOURS
from training.scenes.meshes import load_catalogue
from training.scenes.objects import CATEGORIES, make_object
from training.scenes.shards import read_shard

SYNONYMS = {"gray": "grey", "centre": "center", "doughnut": "donut", "doughnuts": "donuts"}
"""Spellings that are read as another word."""
_SEEDS = 6
"""Instances of each category that are asked for their nouns and material; some names are rare."""


def vocabulary_words(lines: Iterable[str], nouns: Iterable[str], materials: Iterable[str]) -> frozenset[str]:
    """Words of the phrasing, the colours, `nouns` with their plurals, `materials`, and of `lines` (whole texts)."""
    nouns = sorted({normalise(noun) for noun in nouns})
    plurals = [plural for noun in nouns if (plural := plural_of(noun)) is not None]
    texts = [*lines, *nouns, *plurals, *map(material_word, materials), *COLOURS]
    return words() | {word for text in texts for word in words_of(text)}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Gather the words and write them; see `main`."""
    shards = _shards(arguments.data)
    nouns: set[str] = set()
    materials: set[str] = set()
    for category in tqdm(sorted(CATEGORIES), desc="categories"):
        for seed in range(_SEEDS):
            thing = make_object(category, seed)
            nouns.update(thing.nouns)
            materials.update(filter(None, [thing.material]))
    if arguments.objects is not None:
        for entry in load_catalogue(arguments.objects):
            nouns.update(entry.nouns)
            materials.update(filter(None, [entry.material]))
    lines: set[str] = set()
    for shard in tqdm(shards, desc="shards", unit="shard", disable=not shards):
        content = read_shard(shard)
        lines.update(e.text for i in range(len(content)) for e in content.record(i).expressions)
    found = vocabulary_words(lines, nouns, materials)
    kept = {SYNONYMS.get(word, word) for word in found}
    vocabulary = Vocabulary.from_words(kept, {other: word for other, word in SYNONYMS.items() if word in kept})
    _write(arguments.out, json.dumps(vocabulary.to_json(), indent=1) + "\n")
    return {"out": str(arguments.out), "words": len(vocabulary), "shards": len(shards), "texts": len(lines)}


def _shards(folders: Sequence[Path]) -> list[Path]:
    """The shard files of all folders. Raises SaymaskError for a folder without any."""
    found: list[Path] = []
    for folder in folders:
        here = sorted(folder.glob("shard-*.npz"))
        if not here:
            raise SaymaskError(f"no shard-*.npz in {folder}; render some with: saymask render --out {folder}")
        found += here
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def main(argv: Sequence[str] | None = None) -> int:
    """`saymask build-vocabulary`: the phrasing's words, nouns, colours and materials, and those of rendered data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="folders of rendered shards")
    parser.add_argument("--objects", type=Path, default=None, help="folder of meshes with objects.json")
    parser.add_argument("--out", type=Path, default=Path("vocab.json"), help="file to write")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

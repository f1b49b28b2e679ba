"""Prepare the per-word baseline: `python training/baselines/per_word.py --data DIR --out runs/2016/per_word.yaml`.

Counts the words of the training expressions and writes the config with the most frequent content words filled in;
training/train.py trains from that.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import UNKNOWN_ID, Vocabulary, words_of
from training.checkpoint import write_atomically
from training.config import load_config
from training.data.referit import read_vocabulary
from training.data.views import DATASETS, open_views
from training.expressions.datatypes import Expression

STOP_WORDS = frozenset(
    words_of(
        "a an the this that these those which who whose what it its they them their i me my you your we us our he him "
        "his she her thats is isnt are was were be been being am has have had do does did not no nor and or but if "
        "than then of to at by for from in into on onto off over under underneath with within without about as beside "
        "besides between behind below above near next around through against all both each every some any there here"
    )
)
"""Closed-class words, which name no pixel: articles, pronouns, auxiliaries, conjunctions, prepositions, quantifiers."""


def frequent_word_ids(expressions: Iterable[Expression], vocabulary: Vocabulary, count: int) -> list[int]:
    """Token ids of the `count` content words that most expressions with a referent hold, most frequent first.

    Synonyms of the vocabulary count as one word. Raises SaymaskError when there is none.
    """
    counts: Counter[int] = Counter()
    for expression in expressions:
        if expression.referents:
            counts.update({vocabulary.id_of(word) for word in words_of(expression.text) if word not in STOP_WORDS})
    counts.pop(UNKNOWN_ID, None)
    if not counts:
        raise SaymaskError("the training expressions hold no content word of the vocabulary; is it theirs?")
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return ordered[:count]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count and write as the arguments say; returns the last-line JSON."""
    load_config(arguments.config)
    words: Path = arguments.vocabulary
    vocabulary = read_vocabulary(words) if words.suffix == ".txt" else Vocabulary.from_file(words)
    views = open_views(arguments.dataset, arguments.data, arguments.split, arguments.split_by)
    chosen = range(0, len(views), max(1, len(views) // arguments.views))
    expressions = (expression for index in chosen for expression in views.view(index)[2])
    word_ids = frequent_word_ids(expressions, vocabulary, arguments.words)
    content = yaml.safe_load(arguments.config.read_text())
    content["options"]["word_ids"] = word_ids
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.out, yaml.safe_dump(content, sort_keys=False, default_flow_style=None))
    return {"config": str(arguments.out), "words": len(word_ids), "first": vocabulary.words[word_ids[0]]}


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--dataset", choices=DATASETS, default="rendered", help="what --data holds")
    add("--data", type=Path, nargs="+", required=True, help="folders of shards, or the folder of a published data set")
    add("--split", default="train", help="split of a published data set")
    add("--split-by", help="who split it, where there are several: unc, umd or google")
    add("--config", type=Path, default=Path("training/configs/per_word.yaml"), help="what to fill in")
    add("--vocabulary", type=Path, default=Path("runtime/models/tabletop-320/vocab.json"), help="vocab.json or .txt")
    add("--words", type=int, default=300, help="how many words, most frequent first")
    add("--views", type=int, default=2000, help="how many views, evenly spaced, are counted")
    add("--out", type=Path, required=True, help="config to write")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

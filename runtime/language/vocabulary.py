"""Words to token ids, the same in training and on the robot."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from runtime.datatypes import Tokens
from runtime.errors import SaymaskError

PAD, UNKNOWN = "<pad>", "<unk>"
PAD_ID, UNKNOWN_ID = 0, 1
MAX_CHARACTERS = 2000
"""Longer expressions are refused before any work is done on them."""

_APOSTROPHES = str.maketrans("", "", "'\u2019\u2018`")
_WORD = re.compile(r"[a-z0-9]+")
_ENTRY = re.compile(r"[a-z0-9]+|<pad>|<unk>")


def words_of(text: str) -> list[str]:
    """Lower-case words of a-z and 0-9, in order: NFKC, apostrophes dropped ("robot's" is "robots"), all else splits."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower())


class Vocabulary:
    """A closed list of words; an id is a word's place in it. A synonym is read as another word ("gray" as "grey")."""

    def __init__(self, words: Sequence[str], synonyms: Mapping[str, str]) -> None:
        """`words` begin with `<pad>` and `<unk>`. Raises SaymaskError for lists that contradict themselves."""
        if list(words[:2]) != [PAD, UNKNOWN]:
            raise SaymaskError(f"a vocabulary begins with {PAD} and {UNKNOWN}, this one with {list(words[:2])}")
        for word in words:
            if not _ENTRY.fullmatch(word):
                raise SaymaskError(f"the vocabulary holds {word!r}; a word is made of a-z and 0-9")
        self._ids = {word: index for index, word in enumerate(words)}
        if len(self._ids) != len(words):
            raise SaymaskError("the vocabulary holds a word twice")
        for synonym, word in synonyms.items():
            if word not in self._ids or synonym in self._ids:
                raise SaymaskError(
                    f"synonym {synonym!r} -> {word!r}: the first must not be in the vocabulary, the second must"
                )
        self.words = tuple(words)
        self.synonyms = dict(synonyms)

    @staticmethod
    def from_words(words: Iterable[str], synonyms: Mapping[str, str] | None = None) -> Vocabulary:
        """A vocabulary of plain words (sorted, so that the same set gives the same ids) behind `<pad>` and `<unk>`."""
        return Vocabulary([PAD, UNKNOWN, *sorted(set(words) - {PAD, UNKNOWN})], synonyms or {})

    @staticmethod
    def from_file(path: Path) -> Vocabulary:
        """Read `vocab.json`: {"words": [...], "synonyms": {...}}. Raises SaymaskError, naming the file."""
        try:
            return Vocabulary.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, SaymaskError) as error:
            raise SaymaskError(f"cannot read the vocabulary {path}: {error}") from error

    @staticmethod
    def from_json(value: Any) -> Vocabulary:
        """The vocabulary that `to_json` wrote. Raises SaymaskError for anything else."""
        if not (
            isinstance(value, dict) and isinstance(value.get("words"), list) and isinstance(value.get("synonyms"), dict)
        ):
            raise SaymaskError('expected {"words": [...], "synonyms": {...}}')
        texts = [*value["words"], *value["synonyms"].keys(), *value["synonyms"].values()]
        if not all(isinstance(text, str) for text in texts):
            raise SaymaskError("words and synonyms must be strings")
        return Vocabulary(value["words"], value["synonyms"])

    def to_json(self) -> dict[str, Any]:
        """What `vocab.json` holds."""
        return {"words": list(self.words), "synonyms": self.synonyms}

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return self.id_of(word) > UNKNOWN_ID

    def id_of(self, word: str) -> int:
        """The id of one lower-case word or of the word that it is a synonym of; 1 when unknown."""
        return self._ids.get(self.synonyms.get(word, word), UNKNOWN_ID)

    def encode(self, expressions: Sequence[str], max_words: int) -> Tokens:
        """Token ids of N expressions, padded to `max_words`.

        Raises SaymaskError for an expression without a word, with more than `max_words` words or with more than
        2000 characters: a command that is cut short may mean another object, so it is not cut.
        """
        ids = np.full((len(expressions), max_words), PAD_ID, np.int64)
        lengths = np.zeros(len(expressions), np.int64)
        unknown = []
        for row, expression in enumerate(expressions):
            words = _checked_words(expression, max_words)
            ids[row, : len(words)] = [self.id_of(word) for word in words]
            lengths[row] = len(words)
            unknown.append(tuple(dict.fromkeys(word for word in words if word not in self)))
        return Tokens(ids, lengths, tuple(unknown))


def _checked_words(expression: str, max_words: int) -> list[str]:
    if len(expression) > MAX_CHARACTERS:
        raise SaymaskError(
            f"the expression has {len(expression)} characters, at most {MAX_CHARACTERS} are read; shorten it"
        )
    words = words_of(expression)
    if not words:
        raise SaymaskError(
            f"the expression {expression[:40]!r} holds no word (a-z, 0-9); say what to look for, such as 'the red mug'"
        )
    if len(words) > max_words:
        raise SaymaskError(f"the expression has {len(words)} words, the model reads at most {max_words}; shorten it")
    return words

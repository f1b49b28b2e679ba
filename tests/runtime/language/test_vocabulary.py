"""Words to ids, the same in training and on the robot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runtime import SaymaskError
from runtime.language.vocabulary import Vocabulary, words_of


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.from_words({"the", "red", "grey", "mug", "robots"}, {"gray": "grey"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The RED mug", ["the", "red", "mug"]),
        ("the robot's mug", ["the", "robots", "mug"]),
        ("the robot\u2019s mug", ["the", "robots", "mug"]),
        ("red-handled, 2 cm mug!", ["red", "handled", "2", "cm", "mug"]),
        ("\uff52\uff45\uff44 mug", ["red", "mug"]),  # full-width letters
        ("  \n\t ", []),
        ("кружка", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_ids_are_places_and_stable(vocabulary: Vocabulary) -> None:
    assert vocabulary.words == ("<pad>", "<unk>", "grey", "mug", "red", "robots", "the")
    assert vocabulary.id_of("gray") == vocabulary.id_of("grey") == 2
    assert "gray" in vocabulary
    assert "gizmo" not in vocabulary
    assert "<unk>" not in vocabulary
    assert len(vocabulary) == 7


def test_encode(vocabulary: Vocabulary) -> None:
    tokens = vocabulary.encode(["The gray gizmo, the gizmo thing", "mug"], 6)
    assert tokens.ids.tolist() == [[6, 2, 1, 6, 1, 1], [3, 0, 0, 0, 0, 0]]
    assert tokens.lengths.tolist() == [6, 1]
    assert tokens.unknown == (("gizmo", "thing"), ())
    assert tokens.ids.dtype == tokens.lengths.dtype == "int64"
    assert vocabulary.encode([], 6).ids.shape == (0, 6)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no word"),
        ("?!", "holds no word"),
        ("a " * 7, "7 words, the model reads at most 6"),
        ("x" * 10_000, "10000 characters, at most 2000"),
    ],
)
def test_expressions_that_cannot_be_encoded(vocabulary: Vocabulary, text: str, complaint: str) -> None:
    with pytest.raises(SaymaskError, match=complaint):
        vocabulary.encode(["red", text], 6)


def test_there_and_back(vocabulary: Vocabulary, tmp_path: Path) -> None:
    path = tmp_path / "vocab.json"
    path.write_text(json.dumps(vocabulary.to_json()))
    again = Vocabulary.from_file(path)
    assert (again.words, again.synonyms) == (vocabulary.words, vocabulary.synonyms)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        {"words": ["<pad>", "<unk>"]},
        {"words": ["<pad>", "<unk>", 5], "synonyms": {}},
        {"words": ["red"], "synonyms": {}},
        {"words": ["<pad>", "<unk>", "red", "red"], "synonyms": {}},
        {"words": ["<pad>", "<unk>", "Red"], "synonyms": {}},
        {"words": ["<pad>", "<unk>", "red mug"], "synonyms": {}},
        {"words": ["<pad>", "<unk>", "red"], "synonyms": {"crimson": "rouge"}},
        {"words": ["<pad>", "<unk>", "red"], "synonyms": {"red": "red"}},
    ],
)
def test_files_that_are_no_vocabulary(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "vocab.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(SaymaskError, match=r"vocab\.json"):
        Vocabulary.from_file(path)
    with pytest.raises(SaymaskError, match="nowhere"):
        Vocabulary.from_file(tmp_path / "nowhere")

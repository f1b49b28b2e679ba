from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.language.vocabulary import Vocabulary
from training.build_vocabulary import main, vocabulary_words
from training.expressions.datatypes import Expression
from training.scenes.datatypes import Intrinsics, View
from training.scenes.objects import CATEGORIES
from training.scenes.shards import write_shard


def test_words_hold_phrases_nouns_plurals_colours_and_materials() -> None:
    words = vocabulary_words(["the zigzag cup"], ["tape roll", "knife"], ["wood"])
    assert {"zigzag", "tape", "rolls", "knives", "wooden", "teal", "leftmost", "between", "please"} <= words
    assert all(word.isalnum() and word == word.lower() for word in words)


@pytest.fixture(autouse=True)
def _few_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {category: CATEGORIES[category] for category in ("jar", "apple", "donut")}
    monkeypatch.setattr("training.build_vocabulary.CATEGORIES", few)


def _write_shard(folder: Path, text: str) -> None:
    blank = np.zeros((32, 32, 3), np.uint8)
    view = View(
        image=blank, instances=np.full((32, 32), -1, np.int8), depth_m=np.ones((32, 32), np.float32),
        intrinsics=Intrinsics(30.0, 30.0, 16.0, 16.0), objects=(), gap_m=np.zeros((0, 0), np.float32),
        resting_on=frozenset(), scene_seed=0, view=0, table_texture="plain",
    )  # fmt: skip
    folder.mkdir()
    write_shard(folder / "shard-00000.npz", [(view, [Expression(text, text, "category", ())])], with_depth=False)


def test_entry_writes_a_vocabulary_that_the_runtime_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_shard(tmp_path / "data", "the zigzag doughnut")
    outs = [tmp_path / "a" / "vocab.json", tmp_path / "vocab.json"]
    for out in outs:
        assert main(["--data", str(tmp_path / "data"), "--out", str(out)]) == 0
    vocabulary = Vocabulary.from_file(outs[0])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["words"] == len(vocabulary)
    assert vocabulary.id_of("gray") == vocabulary.id_of("grey") > 1
    assert vocabulary.id_of("doughnut") == vocabulary.id_of("donut") > 1
    assert all(word in vocabulary for word in ("zigzag", "jar", "apple", "beside", "wooden"))
    assert list(vocabulary.words[2:]) == sorted(vocabulary.words[2:])


def test_a_folder_without_shards_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "vocab.json")]) == 2
    assert "no shard-*.npz" in capsys.readouterr().err
    assert not (tmp_path / "vocab.json").exists()

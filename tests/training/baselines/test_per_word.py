"""Which words get a score map, and where their thresholds come from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from tests.training.baselines.conftest import save_untrained
from training.baselines import fit_threshold, per_word
from training.baselines.fit_threshold import ThresholdSweep
from training.baselines.per_word import frequent_word_ids
from training.config import load_config
from training.expressions.datatypes import Expression


def expression(text: str, referents: tuple[int, ...] = (0,)) -> Expression:
    return Expression(text, text, "category", referents)


def test_the_most_frequent_content_words_in_order() -> None:
    vocabulary = Vocabulary.from_words(["the", "cup", "red", "grey", "near", "plum"], {"gray": "grey"})
    expressions = [
        expression("the gray cup"),
        expression("the grey cup near the cup"),  # a word counts once in an expression, a synonym as its word
        expression("the cup of a giraffe"),  # not in the vocabulary
        expression("the red red red cup"),
        expression("the plum", ()),  # refers to nothing, so it teaches no word where it is
    ]
    ids = frequent_word_ids(expressions, vocabulary, 2)
    assert [vocabulary.words[index] for index in ids] == ["cup", "grey"]
    assert len(frequent_word_ids(expressions, vocabulary, 50)) == 3


def test_expressions_without_a_content_word_are_an_error() -> None:
    with pytest.raises(SaymaskError, match="hold no content word"):
        frequent_word_ids([expression("the one that is")], Vocabulary.from_words(["the", "is", "cup"]), 5)


def test_the_config_is_filled_in(
    shard_folder: Path, vocabulary: Vocabulary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary.to_json()))
    out = tmp_path / "new" / "per_word.yaml"
    arguments = ["--data", str(shard_folder), "--vocabulary", str(tmp_path / "vocab.json"), "--out", str(out)]
    assert per_word.main(arguments) == 0
    config = load_config(out)
    words = {vocabulary.words[index] for index in config.options["word_ids"]}
    assert words <= {"block", "left", "right", "red", "green", "blue"} and {"block", "left", "right"} <= words
    assert config.architecture == "per_word"
    assert json.loads(capsys.readouterr().out)["first"] == "block"


def test_the_best_threshold_by_hand() -> None:
    sweep = ThresholdSweep(np.array([-1.0, 0.0, 1.0, 2.0]))
    logits = np.array([[3.0, 1.5, 0.5, -0.5]], np.float32)
    truth = np.array([[True, True, False, False]])
    sweep.add(logits, truth)
    # above -1: 2 of 4 pixels (.5); above 0: 2/3; above 1: 2/2; above 2: 1/2
    assert sweep.best() == (1.0, 1.0)
    sweep.add(np.array([[0.5, 0.5, -3.0, -3.0]], np.float32), truth)
    # above 0: (2 + 2) / (3 + 2) = .8, above 1: (2 + 0) / (2 + 2) = .5
    assert sweep.best() == pytest.approx((0.0, 0.8))


def test_thresholds_are_stored_for_both_combinations(
    shard_folder: Path, vocabulary: Vocabulary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = save_untrained(tmp_path / "c.safetensors", "per_word", vocabulary)
    assert fit_threshold.main(["--checkpoint", str(checkpoint), "--data", str(shard_folder)]) == 0
    result = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    described = json.loads(checkpoint.with_suffix(".json").read_text())
    assert described["combinations"] == {name: result[name]["threshold"] for name in ("average", "intersection")}
    assert described["thresholds"] == {"mask_logit": described["combinations"]["average"]}
    assert result["average"]["validation_overall_iou"] > 0


def test_only_per_word_networks_have_such_thresholds(
    region_checkpoint: Path, shard_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit_threshold.main(["--checkpoint", str(region_checkpoint), "--data", str(shard_folder)]) == 2
    assert "a 'text_objseg' network, expected 'per_word'" in capsys.readouterr().err

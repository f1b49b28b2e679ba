"""Weights carried from one network to another with other words and other layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.checkpoint import save_checkpoint
from training.models import build_model
from training.warm_start import warm_start

SMALL = {"image_size": (64, 64), "channels": 16, "embedding_size": 8, "hidden_size": 16}


def build(words: Vocabulary, **options: object) -> torch.nn.Module:
    return build_model("edge", {**SMALL, "vocabulary_size": len(words), **options})


def test_words_keep_their_rows_wherever_they_stand(tmp_path: Path) -> None:
    before, after = (
        Vocabulary.from_words(["the", "red", "mug"]),
        Vocabulary.from_words(["a", "mug", "the", "wrench", "red", "thing"]),
    )
    source = build(before, evidence=True)
    path = tmp_path / "before.safetensors"
    options = {**SMALL, "vocabulary_size": len(before), "evidence": True}
    metadata = {"vocabulary": before.to_json()}
    save_checkpoint(path, architecture="edge", options=options, weights=source.state_dict(), metadata=metadata)
    model = build(after, evidence=True)
    drawn = model.get_parameter("text.embedding.weight")[after.id_of("wrench")].clone()
    assert warm_start(model, path, after) == []
    for name in ("text.embedding.weight", "lexicon.rows.weight", "lexicon.bias.weight"):
        rows, theirs = model.get_parameter(name), source.get_parameter(name)
        for word in ("the", "red", "mug"):
            assert torch.equal(rows[after.id_of(word)], theirs[before.id_of(word)]), (name, word)
    assert torch.equal(model.get_parameter("text.embedding.weight")[after.id_of("wrench")], drawn)
    assert torch.equal(model.get_parameter("landmark.weight"), source.get_parameter("landmark.weight"))


def test_layers_that_the_other_lacks_are_named(tmp_path: Path) -> None:
    words = Vocabulary.from_words(["the", "red", "mug"])
    source, path = build(words), tmp_path / "plain.safetensors"
    options = {**SMALL, "vocabulary_size": len(words)}
    metadata = {"vocabulary": words.to_json()}
    save_checkpoint(path, architecture="edge", options=options, weights=source.state_dict(), metadata=metadata)
    fresh = warm_start(build(words, evidence=True), path, words)
    assert "lexicon.rows.weight" in fresh and "blocks.0.weigh.weight" in fresh
    assert not any(name.startswith("text.") for name in fresh)


def test_a_network_without_doubt_grows_into_one_with_it(tmp_path: Path) -> None:
    words = Vocabulary.from_words(["the", "red", "mug"])
    source, path = build(words), tmp_path / "plain.safetensors"
    options = {**SMALL, "vocabulary_size": len(words)}
    metadata = {"vocabulary": words.to_json()}
    save_checkpoint(path, architecture="edge", options=options, weights=source.state_dict(), metadata=metadata)
    model = build(words, doubt=True)
    assert warm_start(model, path, words) == []
    pixels, ids = torch.randint(0, 255, (1, 64, 64, 3), dtype=torch.uint8), torch.tensor([[2, 3]])
    answers = []
    for network in (source.eval(), model.eval()):
        text = network.encode_text(ids, torch.tensor([2]))  # type: ignore[operator]
        answers.append(network.decode(network.encode_image(pixels), text)["count_logits"])  # type: ignore[operator]
    torch.testing.assert_close(answers[1][:, :3], answers[0])


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    words = Vocabulary.from_words(["the", "red", "mug"])
    with pytest.raises(SaymaskError, match=r"nothing\.json: missing beside the weights"):
        warm_start(build(words), tmp_path / "nothing.safetensors", words)

"""Settings and checkpoints: what is refused, and that what is saved comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from runtime.errors import SaymaskError
from training.checkpoint import load_checkpoint, save_checkpoint
from training.config import load_config
from training.models import build_model

OPTIONS = {"vocabulary_size": 12, "image_size": (64, 64), "channels": 16, "embedding_size": 8, "hidden_size": 16}


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text("steps: 10\nlearning_rate: 1\nloss:\n  dice: 2\n")
    return path


def test_overrides_win_and_reach_into_the_loss(config_file: Path) -> None:
    config = load_config(config_file, ["steps=20", "loss.count=0.5"])
    assert (config.steps, config.learning_rate, config.loss.dice, config.loss.count) == (20, 1, 2, 0.5)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stepz=1", "unknown key 'stepz'"),
        ("steps=many", "steps is 'many', expected int"),
        ("stage=high", "stage is 'high', expected one of region, low, words, full"),
        ("optimizer=adam", "optimizer is 'adam', expected one of adamw, sgd"),
        ("regions_per_image=0", "regions_per_image is 0, expected 1 or more"),
        ("kind_weights.ordinals=2", "kind_weights has 'ordinals', expected one of category, "),
        ("kind_weights.ordinal=0", "kind_weights.ordinal is 0, expected a number above 0"),
        ("loss.weight=1", "loss: unknown key 'weight'"),
        ("steps", "expected key=value"),
        ("steps.deep=1", "'steps' is not a group of settings"),
    ],
)
def test_a_bad_setting_is_named(config_file: Path, override: str, message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        load_config(config_file, [override])


def test_broken_yaml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("steps: [1\n")
    with pytest.raises(SaymaskError, match="not valid YAML") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    weights = build_model("edge", OPTIONS).state_dict()
    save_checkpoint(
        path, architecture="edge", options=OPTIONS, weights=weights, metadata={"metrics": {"mean_iou": 0.5}}
    )
    return path


def test_a_checkpoint_comes_back_whole(checkpoint: Path) -> None:
    model, metadata = load_checkpoint(checkpoint)
    again = build_model("edge", OPTIONS)
    again.load_state_dict(model.state_dict())
    assert metadata["metrics"] == {"mean_iou": 0.5}
    assert model.spec.image_size == (64, 64) and not model.training


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _other_weights(path: Path) -> None:
    weights = {name: torch.zeros_like(t) for name, t in build_model("edge", OPTIONS).state_dict().items()}
    other = path.with_name("other.safetensors")
    save_checkpoint(other, architecture="edge", options=OPTIONS, weights=weights, metadata={})
    other.replace(path)


def _other_options(path: Path) -> None:
    described = path.with_suffix(".json")
    content = json.loads(described.read_text())
    content["options"]["channels"] = 32
    described.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_truncate, "not a readable safetensors file"),
        (_other_weights, "SHA-256 differs"),
        (_other_options, "weights do not fit edge"),
        (lambda path: path.unlink(), "no such checkpoint"),
        (lambda path: path.with_suffix(".json").unlink(), "a checkpoint is both files"),
        (lambda path: path.with_suffix(".json").write_text("{}"), "not a checkpoint description"),
    ],
)
def test_damage_is_named(checkpoint: Path, damage: object, message: str) -> None:
    damage(checkpoint)  # type: ignore[operator]
    with pytest.raises(SaymaskError, match=message):
        load_checkpoint(checkpoint)

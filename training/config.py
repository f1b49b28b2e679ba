"""Settings of a training run: one YAML file, every key checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml

from runtime.errors import SaymaskError
from training.expressions.datatypes import Kind

_COUNTS = ("steps", "images_per_step", "expressions_per_image", "regions_per_image")
_CHOICES = {"stage": ("region", "low", "words", "full"), "optimizer": ("adamw", "sgd")}


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term, and alpha_f and alpha_b of the logistic loss (Hu et al. 2016, equation 2)."""

    dice: float = 1.0
    logistic: float = 5.0
    count: float = 0.3
    landmark: float = 0.2
    offset: float = 2.0
    words: float = 0.0
    alpha_foreground: float = 1.0
    alpha_background: float = 0.5


@dataclass(frozen=True)
class TrainingConfig:
    """One training run."""

    architecture: str = "edge"
    options: dict[str, Any] = field(default_factory=dict)
    """Keyword options of the network; the vocabulary's size is filled in."""
    stage: str = "full"
    """Those of Hu et al. 2016: "region" classifies boxes, "low" the cells before the deconvolution, "full" pixels.

    The edge network's "words" teaches the image alone which words describe each thing, before any expression.
    """
    steps: int = 8000
    images_per_step: int = 6
    expressions_per_image: int = 8
    kind_weights: dict[str, float] = field(default_factory=dict)
    """How much likelier than others expressions of a kind ("ordinal") are drawn; a kind without a weight counts 1."""
    regions_per_image: int = 4
    """Boxes cut out of each image in the region stage, each paired with each of the image's expressions."""
    optimizer: str = "adamw"
    momentum: float = 0.9
    """Of "sgd"."""
    learning_rate: float = 1e-3
    backbone_rate: float = 0.2
    """Learning rate of the backbone as a share of `learning_rate`."""
    frozen_backbone_layers: int = 7
    """How many of the backbone's first layers keep their published weights (7 = up to stride 8)."""
    warm_up_steps: int = 150
    cool_down_share: float = 0.5
    """The last share of the steps, over which the rate falls linearly to 2 %."""
    rate_drop_steps: int = 0
    """The rate falls to a tenth after every so many steps, in place of the cool-down; 0: never."""
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    """Largest norm of the gradient; 0: any."""
    average_decay: float = 0.998
    """Decay of the running average of the weights, which is what is kept; 0: the last weights are."""
    augment: bool = True
    """Pictures are relit, mirrored (`flip`) and shrunk at random."""
    word_drop: float = 0.02
    transcript_share: float = 0.15
    """How often the whole spoken sentence is read instead of the bare expression."""
    flip: bool = True
    seed: int = 0
    loss: LossWeights = field(default_factory=LossWeights)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def loss_weights(self) -> dict[str, float]:
        return asdict(self.loss)


Settings = TypeVar("Settings", LossWeights, TrainingConfig)


def _check_kind_weights(weights: Mapping[str, Any], where: str) -> None:
    for kind, weight in weights.items():
        if kind not in get_args(Kind):
            raise SaymaskError(f"{where}: kind_weights has {kind!r}, expected one of {', '.join(get_args(Kind))}")
        if type(weight) not in (int, float) or not 0 < weight < math.inf:
            raise SaymaskError(f"{where}: kind_weights.{kind} is {weight!r}, expected a number above 0")


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainingConfig:
    """Read a YAML file and apply `key=value` overrides ("steps=100", "loss.dice=2").

    Raises SaymaskError on an unknown key, a value of the wrong type or unreadable YAML.
    """
    if not path.is_file():
        raise SaymaskError(f"{path}: no such config; see training/configs/")
    try:
        content = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise SaymaskError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise SaymaskError(f"{path}: expected keys and values, got {type(content).__name__}")
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise SaymaskError(f"override {override!r}: expected key=value")
        target = content
        *parents, last = key.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise SaymaskError(f"override {override!r}: {parent!r} is not a group of settings")
        target[last] = yaml.safe_load(value)
    loss = _checked(LossWeights(), content.pop("loss", {}), f"{path}: loss")
    return replace(_checked(TrainingConfig(), content, str(path)), loss=loss)


def _checked(defaults: Settings, values: Mapping[str, Any], where: str) -> Settings:
    """`defaults` with `values` put in, each of the default's type (a whole number may stand for a fraction)."""
    known = {item.name: type(getattr(defaults, item.name)) for item in fields(defaults)}
    for key, value in values.items():
        if key not in known:
            raise SaymaskError(f"{where}: unknown key {key!r}, expected one of {sorted(known)}")
        fits = type(value) is known[key] or (known[key] is float and type(value) is int)
        if not fits:
            raise SaymaskError(f"{where}: {key} is {value!r}, expected {known[key].__name__}")
        if key in _COUNTS and value < 1:
            raise SaymaskError(f"{where}: {key} is {value}, expected 1 or more")
        if key in _CHOICES and value not in _CHOICES[key]:
            raise SaymaskError(f"{where}: {key} is {value!r}, expected one of {', '.join(_CHOICES[key])}")
        if key == "kind_weights":
            _check_kind_weights(value, where)
    return replace(defaults, **values)

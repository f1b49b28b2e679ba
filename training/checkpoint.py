"""Weights as safetensors, everything else as JSON beside them; both written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from runtime.errors import SaymaskError
from training.models import ReferringSegmenter, build_model


def write_atomically(path: Path, content: str) -> None:
    """Write text under a temporary name, then rename, so that a kill leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content)
    temporary.replace(path)


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, temporary)
    temporary.replace(path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises SaymaskError when it is missing or damaged.
    """
    if not path.is_file():
        raise SaymaskError(f"{path}: no such checkpoint; train one with python training/train.py")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise SaymaskError(f"{path}: not a readable safetensors file ({error}); restore or retrain it") from error


def save_checkpoint(
    path: Path,
    *,
    architecture: str,
    options: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    metadata: Mapping[str, Any],
) -> None:
    """Write `path` (.safetensors) and `path` with .json.

    The JSON holds architecture, options, the weights' SHA-256 and `metadata`: vocabulary (its JSON content),
    thresholds, calibration, provenance, metrics.
    """
    save_tensors(path, weights)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    content = {"architecture": architecture, "options": dict(options), "weights_sha256": digest, **metadata}
    write_atomically(path.with_suffix(".json"), json.dumps(content, indent=1) + "\n")


def load_checkpoint(path: Path) -> tuple[ReferringSegmenter, dict[str, Any]]:
    """Build the network of a checkpoint, in evaluation mode, and return it with the JSON's content.

    Raises SaymaskError when a file is missing or damaged, the hash differs or the weights do not fit.
    """
    described = path.with_suffix(".json")
    if not described.is_file():
        raise SaymaskError(f"{described}: missing beside the weights; a checkpoint is both files")
    try:
        metadata = json.loads(described.read_text())
        architecture, options, digest = (metadata[key] for key in ("architecture", "options", "weights_sha256"))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SaymaskError(f"{described}: not a checkpoint description ({error})") from error
    tensors = load_tensors(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise SaymaskError(f"{path}: SHA-256 differs from {described.name}; the two files are not of one checkpoint")
    if "image_size" in options:
        options = {**options, "image_size": tuple(options["image_size"])}
    model = build_model(architecture, options)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        first = " ".join(str(error).splitlines()[:2])
        raise SaymaskError(f"{path}: weights do not fit {architecture} {options}: {first}") from error
    return model.eval(), metadata

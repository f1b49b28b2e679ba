"""Checkpoints of networks that know nothing yet, small enough to run in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from runtime.language.vocabulary import Vocabulary
from tests.training.test_train_published import referit
from training.checkpoint import save_checkpoint
from training.models import build_model

__all__ = ["referit"]

SMALL: dict[str, dict[str, Any]] = {
    "text_objseg": {
        "backbone": "mobilenet_v2",
        "image_size": (64, 64),
        "embedding_size": 8,
        "hidden_size": 16,
        "image_channels": 24,
        "classifier_channels": 10,
    },
    "per_word": {"backbone": "mobilenet_v2", "image_size": (64, 64), "image_channels": 24, "word_ids": [2, 4, 7]},
}


def save_untrained(path: Path, architecture: str, vocabulary: Vocabulary, **metadata: Any) -> Path:
    """A checkpoint of random weights, the same at every call."""
    torch.manual_seed(1)
    options = SMALL[architecture] | {"vocabulary_size": len(vocabulary)}
    model = build_model(architecture, options)
    described = {"vocabulary": vocabulary.to_json(), "thresholds": {}, "calibration": {}, "provenance": {}} | metadata
    save_checkpoint(path, architecture=architecture, options=options, weights=model.state_dict(), metadata=described)
    return path


@pytest.fixture(scope="session")
def region_checkpoint(tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary) -> Path:
    return save_untrained(tmp_path_factory.mktemp("region") / "checkpoint.safetensors", "text_objseg", vocabulary)


@pytest.fixture(scope="session")
def picture() -> npt.NDArray[np.uint8]:
    """Two blocks on a table, uint8 (48, 64, 3)."""
    image = np.full((48, 64, 3), 120, np.uint8)
    image[10:30, 5:20] = (200, 30, 30)
    image[20:40, 35:60] = (40, 60, 200)
    return image

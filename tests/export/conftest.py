"""A network of a few hundred weights with every part that matters to the export, and a test set to feed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import training.models
from export.graphs import export_graphs
from training.models import NetworkSpec, ReferringSegmenter, build_model
from training.models.base import Features
from training.models.text_encoder import TextEncoder

WORDS = ["<pad>", "<unk>", "apple", "beside", "jar", "red", "the"]


class TinySegmenter(ReferringSegmenter):
    """Every kind of feature the edge network has.

    `export_error`: added to the exported mask logits only; `loudness`: of the features between encoder and decoder.
    """

    def __init__(self, *, vocabulary_size: int, export_error: float = 0.0, loudness: float = 1.0) -> None:
        super().__init__()
        self.spec = NetworkSpec((32, 48), (16, 24), 6, vocabulary_size, conv_transpose_nodes=2)
        self.export_error, self.loudness = export_error, loudness
        self.text = TextEncoder(vocabulary_size=vocabulary_size, embedding_size=4, hidden_size=5)
        self.stem = nn.Conv2d(3, 5, 4, 4)
        self.offsets = nn.ConvTranspose2d(5, 2, 2, 2)
        self.up = nn.ConvTranspose2d(5, 1, 2, 2)
        self.count = nn.Linear(10, 3)

    def encode_text(self, token_ids: Tensor, lengths: Tensor) -> Features:
        word_states, sentence = self.text(token_ids, lengths)
        positions = torch.arange(token_ids.shape[1], device=token_ids.device)
        word_mask = (positions[None] < lengths[:, None]).to(word_states.dtype)
        return {"word_states": word_states, "sentence": sentence, "word_mask": word_mask}

    def encode_image(self, pixels: Tensor) -> Features:
        features = torch.relu(self.stem(pixels.permute(0, 3, 1, 2).to(self.stem.weight.dtype) / 127.5 - 1))
        return {"features": features * self.loudness, "centre_offsets": self.offsets(features)}

    def decode(self, image: Features, text: Features) -> Features:
        words = (text["word_states"] * text["word_mask"][..., None]).sum(1) + text["sentence"]
        joined = image["features"] / self.loudness * words[:, :, None, None]
        mask_logits = self.up(joined).squeeze(1) * 4
        if torch.compiler.is_exporting():
            mask_logits = mask_logits + self.export_error
        counts: Tensor = self.count(torch.cat([joined.mean((2, 3)), text["sentence"]], 1))
        return {"mask_logits": mask_logits, "count_logits": counts}


@pytest.fixture(autouse=True)
def _tiny_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.models.ARCHITECTURES, "tiny", TinySegmenter)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small only wait for each other's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny() -> ReferringSegmenter:
    torch.manual_seed(0)
    return TinySegmenter(vocabulary_size=len(WORDS)).eval()


@pytest.fixture(scope="session")
def tiny_graphs(tiny: ReferringSegmenter) -> dict[str, onnx.ModelProto]:
    return export_graphs(tiny, whole=True)


@pytest.fixture(scope="session")
def small_paper_network() -> ReferringSegmenter:
    torch.manual_seed(0)
    options: dict[str, Any] = {
        "vocabulary_size": len(WORDS),
        "backbone": "mobilenet_v2",
        "image_size": (64, 64),
        "embedding_size": 8,
        "hidden_size": 16,
        "image_channels": 24,
        "classifier_channels": 10,
    }
    return build_model("text_objseg", options).eval()


@pytest.fixture(scope="session")
def vocabulary_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.json"
    path.write_text(json.dumps({"words": WORDS, "synonyms": {"crimson": "red"}}))
    return path


@pytest.fixture(scope="session")
def test_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five noisy images of 60x80 with two expressions each."""
    folder = tmp_path_factory.mktemp("test-set")
    rng = np.random.default_rng(3)
    images = []
    write: Callable[..., bool] = cv2.imwrite
    for index in range(5):
        write(str(folder / f"{index}.jpg"), rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
        instances = np.zeros((60, 80), np.uint8)
        instances[20:50, 10:40] = 1  # the one object, of index 0
        write(str(folder / f"{index}.png"), instances)
        expressions: list[dict[str, Any]] = [
            {"text": text, "transcript": text, "kind": "category", "referents": [0]}
            for text in ("the jar", "the red jar beside the apple")
        ]
        images.append(
            {
                "file": f"{index}.jpg",
                "instances": f"{index}.png",
                "objects": [],
                "expressions": expressions,
                "scene_seed": index,
                "table_texture": "none",
            }
        )
    (folder / "test.json").write_text(json.dumps({"images": images}))
    return folder

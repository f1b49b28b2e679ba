"""PyTorch behind the runtime's protocol answers as the exported graphs do: the same network is timed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.contenders import CHECKPOINT, open_contender
from benchmarks.torch_backend import TorchBackend
from runtime import Command, Frame
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.errors import SaymaskError
from runtime.vision.files import read_picture

DEMO = DEFAULT_MODEL.parent / "demo.jpg"
COMMANDS = [
    Command(transcript=text, action="pick", target=text) for text in ("the jar beside the apple", "the red mug")
]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """torch.set_num_threads holds for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_answers_as_the_graphs_do() -> None:
    frame = read_picture(DEMO)
    with open_contender("torch", DEFAULT_MODEL, threads=1) as torch_segmenter:
        actual = torch_segmenter.segment_many(frame, COMMANDS)
    with open_contender("ort-cpu", DEFAULT_MODEL, threads=1) as segmenter:
        expected = segmenter.segment_many(frame, COMMANDS)
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.verdict == theirs.verdict
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-3)
        assert np.mean(ours.raw_mask != theirs.raw_mask) < 1e-3
        assert ours.timings_ms["image_encoder"] > 0 and ours.timings_ms["mask_decoder"] > 0


def test_another_checkpoint_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(SaymaskError, match=r"was exported from a checkpoint None.*--checkpoint"):
        TorchBackend(open_bundle(tiny_bundle), CHECKPOINT)


def test_a_failing_compiler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile finds out in the first pass that there is no C++ compiler."""

    def compiled(function: object) -> object:
        def fails(*arguments: object) -> object:
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nand a long story")

        return fails

    monkeypatch.setattr(torch, "compile", compiled)
    with (
        open_contender("torch-compile", DEFAULT_MODEL, threads=1) as segmenter,
        pytest.raises(SaymaskError, match=r"^PyTorch failed: InvalidCxxCompiler: No working C.. compiler found$"),
    ):
        segmenter.segment(Frame.from_array(np.zeros((64, 64, 3), np.uint8)), COMMANDS[0])

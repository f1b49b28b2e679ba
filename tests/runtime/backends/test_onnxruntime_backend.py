"""The CPU backend refuses what does not fit before anything runs."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from runtime import SaymaskError
from runtime.backends import Backend, onnxruntime_backend, open_backend
from runtime.backends.onnxruntime_backend import session_options
from runtime.bundle import open_bundle
from runtime.datatypes import Tokens


@pytest.fixture
def backend(tiny_bundle: Path) -> Iterator[Backend]:
    with open_backend(open_bundle(tiny_bundle), "ort-cpu", threads=1) as opened:
        yield opened


def tokens(count: int, words: int = 8) -> Tokens:
    return Tokens(np.ones((count, words), np.int64), np.full(count, 2, np.int64), ((),) * count)


def test_a_batch_of_expressions_on_one_picture(backend: Backend, tolerance: dict[str, float]) -> None:
    image = backend.encode_image(np.full((64, 64, 3), 200, np.uint8))
    texts = backend.encode_text(tokens(3))
    logits = backend.decode(image, texts)
    assert logits.mask.shape == (3, 32, 32)
    assert logits.count is not None
    assert logits.count.shape == (3, 3)
    assert logits.centre_offsets is not None
    assert logits.centre_offsets.shape == (2, 16, 16)
    assert logits.milliseconds > 0
    assert np.allclose(backend.decode(image, texts[1:2]).mask[0], logits.mask[1], atol=tolerance["float32"])


def test_features_that_stay_where_they_were_computed(
    tiny_bundle: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, with the CPU in its place: the decoder reads what the encoder left, and answers the same."""
    monkeypatch.setitem(onnxruntime_backend._KEPT_ON, "cpu", "cpu")
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    with open_backend(open_bundle(tiny_bundle), "ort-cpu", threads=1) as bound:
        image = bound.encode_image(pixels)
        assert {type(value).__name__ for value in image.tensors.values()} == {"OrtValue", "ndarray"}
        ours, theirs = (
            each.decode(each.encode_image(pixels), each.encode_text(tokens(3))) for each in (bound, backend)
        )
        assert np.array_equal(bound.decode(image, bound.encode_text(tokens(3))).mask, ours.mask)
    for left, right in zip(
        (ours.mask, ours.count, ours.centre_offsets), (theirs.mask, theirs.count, theirs.centre_offsets), strict=True
    ):
        assert left is not None and right is not None
        assert np.array_equal(left, right)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((64, 64, 3), np.float32),
        np.full((64, 64, 3), np.nan, np.float32),
        np.zeros((64, 32, 3), np.uint8),
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((64, 64), np.uint8),
    ],
)
def test_pixels_of_another_kind(backend: Backend, pixels: Any) -> None:
    with pytest.raises(SaymaskError, match=r"the graph expects pixels uint8 \(64, 64, 3\), got"):
        backend.encode_image(pixels)


def test_tokens_that_do_not_fit_together(backend: Backend) -> None:
    with pytest.raises(SaymaskError, match=r"expects lengths int64 \(N\), got int64 \(3,\)"):
        backend.encode_text(Tokens(np.ones((2, 8), np.int64), np.ones(3, np.int64), ((), ())))
    with pytest.raises(SaymaskError, match="expects token_ids int64"):
        backend.encode_text(Tokens(np.ones((2, 8), np.int32), np.ones(2, np.int64), ((), ())))


def test_a_word_outside_the_vocabulary_is_one_error(backend: Backend) -> None:
    with pytest.raises(SaymaskError, match="failed in text_encoder"):
        backend.encode_text(Tokens(np.full((1, 8), 10**6), np.ones(1, np.int64), ((),)))


def test_features_of_another_or_a_closed_backend(backend: Backend, tiny_bundle: Path) -> None:
    image, texts = backend.encode_image(np.zeros((64, 64, 3), np.uint8)), backend.encode_text(tokens(1))
    with open_backend(open_bundle(tiny_bundle)) as other, pytest.raises(SaymaskError, match="another or a closed"):
        other.decode(image, texts)
    backend.close()
    backend.close()
    with pytest.raises(SaymaskError, match="another or a closed"):
        backend.decode(image, texts)


def test_decoding_nothing(backend: Backend) -> None:
    with pytest.raises(SaymaskError, match="at least one expression"):
        backend.decode(backend.encode_image(np.zeros((64, 64, 3), np.uint8)), [])


def test_choices_that_do_not_exist(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    with pytest.raises(
        SaymaskError, match="there is no backend 'abacus'; choose one of auto, tensorrt, ort-cuda, ort-cpu"
    ):
        open_backend(bundle, "abacus")
    with pytest.raises(SaymaskError, match=r"threads must be 1\.\.\d+ on this machine, got 0"):
        open_backend(bundle, threads=0)


def test_a_graph_that_is_not_what_model_json_says(tiny_bundle: Path, tmp_path: Path) -> None:
    """Hashes fit, so the bundle opens; the backend compares with the graph itself."""
    directory = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))

    def replaced(content: bytes) -> str:
        (directory / "mask_decoder.onnx").write_bytes(content)
        spec = json.loads((directory / "model.json").read_text())
        spec["files"]["mask_decoder.onnx"] = hashlib.sha256(content).hexdigest()
        (directory / "model.json").write_text(json.dumps(spec))
        with pytest.raises(SaymaskError) as caught:
            open_backend(open_bundle(directory))
        return str(caught.value)

    assert "cannot load" in replaced(b"not a graph")
    assert "has no input features" in replaced((tiny_bundle / "text_encoder.onnx").read_bytes())


def test_threads_by_default_are_half_of_the_cores_and_spin_for_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, 1), (2, 2), (3, 2), (6, 3), (12, 6)):
        monkeypatch.setattr(onnxruntime_backend, "_cores", lambda cores=cores: cores)
        assert session_options(None).intra_op_num_threads == expected
    assert session_options(5).intra_op_num_threads == 5
    for version, spins in (("1.19.2", "0"), ("1.25.0", "0"), ("1.26.0", "1"), ("2.0.0", "1")):
        monkeypatch.setattr(onnxruntime, "__version__", version)
        options = session_options(None)
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == spins
        assert options.get_session_config_entry("session.force_spinning_stop") == "1"
        assert 0 < int(options.get_session_config_entry("session.intra_op.spin_duration_us")) <= 100

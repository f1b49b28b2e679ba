"""A bundle that is not exactly what it says is refused, in one line that names the file and the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime import SaymaskError
from runtime.bundle import open_bundle, sha256_of


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    spec = json.loads((bundle / "model.json").read_text())
    change(spec)
    (bundle / "model.json").write_text(json.dumps(spec))


def refusal(bundle: Path) -> str:
    with pytest.raises(SaymaskError) as caught:
        open_bundle(bundle)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_opens_what_is_whole(tiny_bundle: Path) -> None:
    bundle = open_bundle(str(tiny_bundle))
    assert bundle.spec.image_size == (64, 64)
    assert bundle.spec.graphs["text_encoder"].inputs[0].shape == ("N", "T")
    assert "crimson" in bundle.vocabulary
    assert bundle.graph("mask_decoder") == (tiny_bundle / "mask_decoder.onnx").read_bytes()


def test_no_directory(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert "is not a directory" in refusal(tmp_path / "file")
    assert "model.json: No such file" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b'"text"'])
def test_model_json_that_is_none(bundle: Path, content: bytes) -> None:
    (bundle / "model.json").write_bytes(content)
    assert "model.json" in refusal(bundle)


@pytest.mark.parametrize("file", ["image_encoder.onnx", "text_encoder.onnx", "mask_decoder.onnx", "vocab.json"])
def test_files_that_changed(bundle: Path, file: str) -> None:
    content = bytearray((bundle / file).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / file).write_bytes(content)
    message = refusal(bundle)
    assert file in message
    assert "SHA-256" in message
    (bundle / file).unlink()
    assert file in refusal(bundle)


def test_a_file_that_changes_after_opening_is_not_read(bundle: Path) -> None:
    opened = open_bundle(bundle)
    (bundle / "mask_decoder.onnx").write_bytes(b"something else")
    with pytest.raises(SaymaskError, match=r"mask_decoder\.onnx has SHA-256"):
        opened.graph("mask_decoder")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda spec: spec.update(schema_version=2), "schema_version is 2, this saymask reads 1"),
        (lambda spec: spec.pop("schema_version"), "lacks schema_version"),
        (lambda spec: spec.pop("max_words"), "lacks max_words"),
        (lambda spec: spec.update(max_words=0), "max_words must be a whole number 1..256, got 0"),
        (lambda spec: spec.update(max_words=True), "max_words must be a whole number"),
        (lambda spec: spec.update(name=5), "name must be a string, got 5"),
        (lambda spec: spec.update(image_size=[64]), "image_size must be .height, width., got .64."),
        (lambda spec: spec.update(image_size=[10**9, 64]), "each 1..2048"),
        (lambda spec: spec.update(image_size=[32, 64]), r"image_encoder.inputs: expected pixels uint8 \(32, 64, 3\)"),
        (lambda spec: spec.update(logit_size=[16, 16]), r"outputs: expected mask_logits float32 \(N, 16, 16\)"),
        (lambda spec: spec["thresholds"].pop("absent_probability"), "lacks thresholds.absent_probability"),
        (lambda spec: spec["thresholds"].update(mask_logit=float("nan")), "mask_logit must be a finite number"),
        (lambda spec: spec["calibration"].update(count_temperature=0), "a temperature must be above 0"),
        (lambda spec: spec.update(vocabulary_sha256="0"), "the vocabulary is of another model"),
        (lambda spec: spec["files"].update({"../secret": "0"}), "expected plain names"),
        (lambda spec: spec["files"].pop("mask_decoder.onnx"), "which files does not list"),
        (lambda spec: spec["graphs"].pop("text_encoder"), "graphs lacks text_encoder"),
        (lambda spec: spec["graphs"]["text_encoder"].update(inputs={}), "text_encoder.inputs must be a list"),
        (lambda spec: spec["graphs"]["text_encoder"]["inputs"].append({}), "expected a tensor as name, dtype"),
        (lambda spec: spec["graphs"]["text_encoder"]["inputs"].reverse(), None),
        (
            lambda spec: spec["graphs"]["mask_decoder"]["inputs"][1].update(shape=["N", 4]),
            r"the mask decoder wants weights float32 \(N, 4\)",
        ),
    ],
)
def test_model_json_that_contradicts_itself(bundle: Path, change: Callable[..., object], complaint: str | None) -> None:
    edit(bundle, change)
    if complaint is None:
        open_bundle(bundle)
        return
    with pytest.raises(SaymaskError, match=complaint):
        open_bundle(bundle)


def test_a_vocabulary_that_is_none(bundle: Path) -> None:
    (bundle / "vocab.json").write_text('{"words": ["a"], "synonyms": {}}')
    digest = sha256_of(bundle / "vocab.json")

    def change(spec: dict[str, Any]) -> None:
        spec["files"]["vocab.json"] = spec["vocabulary_sha256"] = digest

    edit(bundle, change)
    assert "vocab.json" in refusal(bundle)

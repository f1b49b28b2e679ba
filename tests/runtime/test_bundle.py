"""A bundle that is not exactly what it says is refused, in one line that names the file and the reason."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime import SaymaskError
from runtime.bundle import DEFAULT_MODEL, HALF_GRAPHS, open_bundle, sha256_of


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


def half(
    spec: dict[str, Any], *, decoder: str = "float16", shape: list[int] | None = None, file: str = ""
) -> dict[str, Any]:
    """Twins of a bundle's graphs; the arguments contradict the rest of it."""
    twins = copy.deepcopy({name: spec["graphs"][name] for name in HALF_GRAPHS})
    for name, tensors, dtype in (("image_encoder", "outputs", "float16"), ("mask_decoder", "inputs", decoder)):
        features = next(tensor for tensor in twins[name][tensors] if tensor["name"] == "features")
        features.update(dtype=dtype, shape=shape or features["shape"])
        twins[name]["file"] = file or twins[name]["file"]
    return twins


def test_opens_what_is_whole(tiny_bundle: Path) -> None:
    bundle = open_bundle(str(tiny_bundle))
    assert bundle.spec.image_size == (64, 64)
    assert bundle.spec.graphs["text_encoder"].inputs[0].shape == ("N", "T")
    assert "crimson" in bundle.vocabulary
    assert bundle.graph("mask_decoder") == (tiny_bundle / "mask_decoder.onnx").read_bytes()


def test_the_released_model_is_small_and_has_its_twins() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) <= 36e6
    bundle = open_bundle(DEFAULT_MODEL)
    for name in HALF_GRAPHS:
        assert bundle.spec.graph(name, "fp16").file == f"{name}.fp16.onnx"
        assert len(bundle.graph(name, "fp16")) < 0.55 * len(bundle.graph(name))
    assert bundle.graph("text_encoder", "fp16") == bundle.graph("text_encoder", "fp32")
    assert bundle.spec.engine_gate == {"mask_iou_mean": 0.99, "overall_iou_change": 0.005}


def test_a_bundle_without_twins_says_so(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    assert bundle.graph("text_encoder", "fp16") == bundle.graph("text_encoder")
    with pytest.raises(SaymaskError, match="the model tiny has no FP16 mask_decoder; export it again"):
        bundle.graph("mask_decoder", "fp16")


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
        (lambda spec: spec.update(schema_version=1), "schema_version is 1, this saymask reads 2"),
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
        (lambda spec: spec["calibration"].update(found_slope=-1), "a slope must be above 0"),
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
        (lambda spec: spec.pop("half_graphs"), "lacks half_graphs"),
        (lambda spec: spec["engine_gate"].pop("mask_iou_mean"), "lacks engine_gate.mask_iou_mean"),
        (
            lambda spec: spec["half_graphs"].update(mask_decoder=spec["graphs"]["mask_decoder"]),
            "half_graphs holds mask_decoder; expected image_encoder and mask_decoder",
        ),
        (lambda spec: spec["half_graphs"].update(half(spec)), None),
        (lambda spec: spec["half_graphs"].update(half(spec, decoder="float32")), "wants features float32"),
        (lambda spec: spec["half_graphs"].update(half(spec, shape=[1, 3, 8, 8])), "image_encoder has other inputs"),
        (lambda spec: spec["half_graphs"].update(half(spec, file="x.onnx")), "which files does not list"),
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

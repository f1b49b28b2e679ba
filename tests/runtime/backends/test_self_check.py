"""A bundle's samples, answered by a real backend: right, slightly off, wrong, and not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime.backends import open_backend
from runtime.backends.self_check import SelfCheckFailed, check_samples
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.datatypes import Tokens
from runtime.errors import SaymaskError

MakeSampled = Callable[..., Path]
Arrays = dict[str, Any]


@pytest.fixture
def sampled(tiny_bundle: Path, tmp_path: Path, rng: np.random.Generator) -> MakeSampled:
    """`sampled(spoil)`: the tiny bundle with two samples of its own answers, after `spoil` has changed them."""

    def make(spoil: Callable[[Arrays], object] = lambda arrays: None) -> Path:
        directory = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
        pixels = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
        ids = np.zeros((2, 8), np.int64)
        ids[:, 0] = open_bundle(directory).vocabulary.id_of("red")
        arrays: Arrays = {"pixels": pixels, "ids": ids, "lengths": np.array([1, 1])}
        with open_backend(open_bundle(directory), "ort-cpu", threads=1) as backend:
            logits = [
                backend.decode(
                    backend.encode_image(pixels[row]),
                    backend.encode_text(Tokens(ids[row : row + 1], np.array([1]), ((),))),
                )
                for row in range(2)
            ]
        arrays["mask_logits"] = np.concatenate([answer.mask for answer in logits])
        arrays["count_logits"] = np.concatenate([answer.count for answer in logits if answer.count is not None])
        spoil(arrays)
        np.savez(directory / "samples.npz", **arrays)
        described = json.loads((directory / "model.json").read_text())
        described["files"]["samples.npz"] = hashlib.sha256((directory / "samples.npz").read_bytes()).hexdigest()
        (directory / "model.json").write_text(json.dumps(described))
        return directory

    return make


def check(directory: Path, precision: str = "fp32") -> Any:
    bundle = open_bundle(directory)
    with open_backend(bundle, "ort-cpu", threads=1) as backend:
        return check_samples(bundle, backend, precision=precision)


def test_the_released_model_answers_its_own_samples() -> None:
    found = check(DEFAULT_MODEL)
    assert found.max_abs_err <= 1e-4
    assert found.mask_iou_min >= 0.999


def test_the_same_answers(sampled: MakeSampled) -> None:
    found = check(sampled())
    assert (found.mask_iou_mean, found.mask_iou_min, found.max_abs_err) == (1, 1, 0)


def test_fp16_may_be_a_little_off_and_fp32_not(sampled: MakeSampled) -> None:
    def nudge(arrays: Arrays) -> None:
        arrays["mask_logits"][1, 0, 0] += 0.01

    directory = sampled(nudge)
    with pytest.raises(SelfCheckFailed, match=r"sample 1: mask_logits differ by 1\.00e-02 .* are [1-5]\.\de-04"):
        check(directory)
    assert check(directory, "fp16").max_abs_err == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays: arrays["count_logits"].__iadd__(1), "sample 0: count_logits differ by 1"),
        (lambda arrays: arrays["mask_logits"].__setitem__((0, 3, 3), np.nan), "sample 0: mask_logits differ by nan"),
        (
            lambda arrays: arrays.update(mask_logits=arrays["mask_logits"][:, :16]),
            r"are \(32, 32\), expected \(16, 32\)",
        ),
    ],
)
def test_answers_of_another_network(sampled: MakeSampled, precision: str, spoil: Any, message: str) -> None:
    with pytest.raises(SelfCheckFailed, match=message):
        check(sampled(spoil), precision)


def test_masks_that_differ_though_every_logit_is_close(sampled: MakeSampled) -> None:
    """A grey of 128 puts every logit of "red" onto the threshold itself."""

    def flatten(arrays: Arrays) -> None:
        arrays["pixels"][:] = 128
        arrays["mask_logits"][:] = 0.03
        arrays["count_logits"][:] = [0, 4, 0]

    with pytest.raises(SelfCheckFailed, match=r"the masks' mean IoU .* is 0\.0000, needed are 0\.95"):
        check(sampled(flatten), "fp16")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays: arrays.pop("mask_logits"), r"samples\.npz lacks mask_logits"),
        (lambda arrays: arrays.update(pixels=arrays["pixels"][:0]), r"samples\.npz lacks samples"),
    ],
)
def test_samples_that_are_incomplete(sampled: MakeSampled, spoil: Any, message: str) -> None:
    with pytest.raises(SaymaskError, match=message):
        check(sampled(spoil))


def test_a_bundle_without_samples(tiny_bundle: Path) -> None:
    with pytest.raises(SaymaskError, match=r"holds no samples\.npz, so no engine can be checked"):
        check(tiny_bundle)


@pytest.mark.parametrize(
    "directory", sorted(path.parent for path in DEFAULT_MODEL.parent.glob("*/model.json")), ids=lambda path: path.name
)
def test_every_published_bundle_answers_its_samples(directory: Path) -> None:
    assert open_bundle(directory).spec.name == directory.name
    check(directory)

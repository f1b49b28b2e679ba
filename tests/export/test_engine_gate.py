"""The gate between two real backends: the same graphs, and graphs whose masks are smaller by a known part."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export.engine_gate import EngineParity, compare_backends
from runtime.backends import open_backend
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.test_set import Question, TestPicture, count_pictures, iterate_test_set

THRESHOLDS = {"mask_iou_mean": 0.99, "overall_iou_change": 0.005}
TEST_SET = Path(__file__).parents[2] / "benchmarks" / "data" / "tabletop-test"


class Noted:
    """A `Progress` that remembers."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.expected = 0

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        self.expected = steps

    def step(self, phase: str, step: int) -> None:
        self.steps.append(step)

    def finish(self, phase: str) -> None: ...


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "exact"))


def add_to_mask_logits(model: Path, out: Path, amount: float) -> Path:
    """A copy of a bundle whose decoder adds `amount` to every mask logit."""
    shutil.copytree(model, out)
    graph = onnx.load(out / "mask_decoder.onnx")
    for node in graph.graph.node:
        node.output[:] = ["bare" if name == "mask_logits" else name for name in node.output]
    graph.graph.initializer.append(numpy_helper.from_array(np.array(amount, np.float32), "amount"))
    graph.graph.node.append(onnx.helper.make_node("Add", ["bare", "amount"], ["mask_logits"]))
    content = graph.SerializeToString()
    (out / "mask_decoder.onnx").write_bytes(content)
    described = json.loads((out / "model.json").read_text())
    described["files"]["mask_decoder.onnx"] = hashlib.sha256(content).hexdigest()
    (out / "model.json").write_text(json.dumps(described))
    return out


def compare(engines: Path, reference: Path, pictures: list[TestPicture]) -> tuple[EngineParity, Noted]:
    bundle, noted = open_bundle(reference), Noted()
    with (
        open_backend(open_bundle(engines), "ort-cpu", threads=1) as ours,
        open_backend(bundle, "ort-cpu", threads=1) as theirs,
    ):
        parity = compare_backends(
            bundle, ours, theirs, pictures, max_expressions=4, progress=noted, expected=len(pictures)
        )
    return parity, noted


def pictures(count: int) -> list[TestPicture]:
    found = iterate_test_set(TEST_SET)
    return [next(found) for _ in range(count)]


def test_the_same_graphs_pass(model: Path) -> None:
    asked = pictures(3)
    parity, noted = compare(model, model, asked)
    assert (parity.pictures, noted.expected, noted.steps) == (3, 3, [0, 1, 2])
    assert parity.expressions == sum(len(picture.questions) for picture in asked) > 4  # more than one batch
    assert (parity.mask_iou_mean, parity.mask_iou_min, parity.verdicts_changed) == (1, 1, 0)
    assert (parity.overall_iou_change, parity.precision_at_05_change) == (0, 0)
    assert 0.3 < parity.overall_iou <= 1
    assert parity.problems(THRESHOLDS) == []
    assert json.loads(json.dumps(parity.to_json()))["precision_at_0.5_change"] == 0


def test_masks_that_shrink_shut_the_gate(model: Path, tmp_path: Path) -> None:
    parity, _ = compare(add_to_mask_logits(model, tmp_path / "shrunk", -4), model, pictures(3))
    assert parity.mask_iou_min < parity.mask_iou_mean < 0.99
    assert any(problem.startswith("mean mask IoU is 0.") for problem in parity.problems(THRESHOLDS))


def test_masks_that_vanish_change_every_figure(model: Path, tmp_path: Path) -> None:
    parity, _ = compare(add_to_mask_logits(model, tmp_path / "blind", -1000), model, pictures(3))
    assert parity.overall_iou == 0 and parity.overall_iou_change < -0.3
    assert parity.precision_at_05_change < -0.3
    assert parity.verdicts_changed > 0.3
    assert [problem.partition(" is")[0].partition(" changes")[0] for problem in parity.problems(THRESHOLDS)] == [
        "mean mask IoU",
        "overall IoU",
    ]


def test_nothing_compared_is_no_pass(model: Path) -> None:
    parity, _ = compare(model, model, [])
    assert parity.problems(THRESHOLDS) == ["nothing was compared"]


def test_what_the_robot_reads_of_the_test_set() -> None:
    first = pictures(1)[0]
    assert first.image.dtype == np.uint8 and first.image.shape[:2] == first.instances.shape
    assert count_pictures(TEST_SET) > 100
    kinds = {type(question) for question in first.questions}
    assert kinds == {Question}
    for question in first.questions:
        assert all((first.instances == index).any() for index in question.referents)

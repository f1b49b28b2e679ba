"""The entry: a bundle that the runtime opens, or an exit code and nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.to_onnx import main
from runtime.bundle import open_bundle, sha256_of
from runtime.datatypes import CONFIDENCE_KINDS, Command, Frame
from runtime.segmenter import Segmenter
from training.checkpoint import save_checkpoint
from training.evaluate import THRESHOLDS
from training.models import ReferringSegmenter

SMALL_PAPER = {"image_size": [32, 64], "embedding_size": 8, "hidden_size": 16, "fc_width": 16}
SMALL_EDGE = {"image_size": [64, 64], "channels": 16, "embedding_size": 8, "hidden_size": 16}
TINY = ["--random-weights", "--architecture", "tiny"]


class Result:
    """Exit code, last line of standard output, and standard error of one run."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.err = code, err
        self.json: dict[str, Any] = json.loads(out.splitlines()[-1]) if out else {}


class Runner:
    """Runs the entry with small inputs of its own; arguments given to a call come last and win."""

    def __init__(self, capsys: pytest.CaptureFixture[str], vocabulary: Path, test_set: Path, out: Path) -> None:
        self.capsys, self.out = capsys, out
        self.inputs = ["--vocabulary", str(vocabulary), "--test-set", str(test_set), "--out", str(out)]

    def __call__(self, *arguments: str) -> Result:
        code = main([*self.inputs, *arguments])
        return Result(code, *self.capsys.readouterr())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], vocabulary_file: Path, test_set: Path, tmp_path: Path) -> Runner:
    return Runner(capsys, vocabulary_file, test_set, tmp_path / "models" / "tiny-32")


@pytest.fixture
def checkpoint(tiny: ReferringSegmenter, vocabulary_file: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    metadata = {
        "vocabulary": json.loads(vocabulary_file.read_text()),
        "thresholds": {"mask_logit": 0.25},
        "calibration": {"count_temperature": 1.5, "mask_temperature": 2.0},
        "provenance": {"commit": "abc"},
        "metrics": {"mean_iou": 0.5},
    }
    options = {"vocabulary_size": tiny.spec.vocabulary_size}
    save_checkpoint(path, architecture="tiny", options=options, weights=tiny.state_dict(), metadata=metadata)
    return path


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir()}


def test_a_checkpoint_becomes_a_bundle_that_the_runtime_answers_with(run: Runner, checkpoint: Path) -> None:
    result = run("--checkpoint", str(checkpoint), "--test-images", "4", "--whole")
    assert result.code == 0, result.err
    assert result.json["passed"] is True
    assert result.json["bundle"] == str(run.out)
    assert (result.json["lstm_nodes"], result.json["conv_transpose_nodes"]) == (1, 2)
    assert result.json["max_abs_err"] <= 1e-4
    assert result.json["mask_iou_mean"] >= 0.999
    assert result.json["pictures"] == 4 + 4  # random ones, then the test set's
    assert 0.99 <= result.json["fp16_mask_iou_min"] <= result.json["fp16_mask_iou_mean"] <= 1
    assert 1e-5 < result.json["fp16_max_abs_err"] < 0.01
    assert abs(result.json["fp16_overall_iou_change"]) <= 0.005
    bundle = open_bundle(run.out)
    assert (bundle.spec.name, bundle.spec.architecture) == ("tiny-32", "tiny")
    assert bundle.spec.thresholds == {**THRESHOLDS, "mask_logit": 0.125}  # of logits that are cooled by 2
    assert bundle.spec.calibration == {
        "count_temperature": 1.5,
        "mask_temperature": 1.0,
        "evidence_weight": 0.0,
        "evidence_offset": 0.0,
        **{f"{kind}_slope": 1.0 for kind in CONFIDENCE_KINDS},
        **{f"{kind}_offset": 0.0 for kind in CONFIDENCE_KINDS},
    }
    assert bundle.spec.provenance["commit"] == "abc"
    assert bundle.spec.metrics == {"mean_iou": 0.5}
    assert "whole.onnx" in bundle.spec.files
    assert bundle.spec.graph("image_encoder", "fp16").outputs[0].dtype == "float16"
    assert bundle.spec.engine_gate == {"mask_iou_mean": 0.99, "overall_iou_change": 0.005}
    assert "crimson" in bundle.vocabulary
    with Segmenter(run.out) as segmenter:
        frame = Frame.from_array(np.zeros((90, 60, 3), np.uint8))
        answer = segmenter.segment(frame, Command("", "pick", target="the crimson jar"))
    assert answer.mask.shape == (90, 60)


def test_samples_hold_the_networks_own_answers(run: Runner, checkpoint: Path) -> None:
    assert run("--checkpoint", str(checkpoint)).code == 0
    with np.load(run.out / "samples.npz", allow_pickle=False) as samples:
        shapes = {name: (str(samples[name].dtype), samples[name].shape) for name in samples}
    assert shapes == {
        "pixels": ("uint8", (3, 32, 48, 3)),
        "ids": ("int64", (3, 6)),
        "lengths": ("int64", (3,)),
        "mask_logits": ("float32", (3, 16, 24)),
        "count_logits": ("float32", (3, 3)),
    }


def test_a_second_export_keeps_the_card_and_changes_nothing(run: Runner) -> None:
    assert run(*TINY).code == 0
    first = _hashes(run.out)
    (run.out / "MODEL_CARD.md").write_text("# Tiny\n")
    assert run(*TINY).code == 0
    second = _hashes(run.out)
    assert (run.out / "MODEL_CARD.md").read_text() == "# Tiny\n"
    assert "MODEL_CARD.md" in open_bundle(run.out).spec.files
    assert {name for name in second if second[name] != first.get(name)} == {"MODEL_CARD.md", "model.json"}
    assert [path.name for path in run.out.parent.iterdir()] == [run.out.name]


def test_a_graph_that_answers_otherwise_is_not_kept(run: Runner) -> None:
    wrong = run(*TINY, "--options", '{"export_error": 0.001}')
    assert wrong.code == 1
    assert wrong.json["passed"] is False
    assert wrong.json["bundle"] is None
    assert wrong.json["max_abs_err"] == pytest.approx(1e-3, rel=0.01)
    assert "gate: logits differ by" in wrong.err
    assert list(run.out.parent.iterdir()) == []


def test_a_shut_gate_leaves_the_old_bundle(run: Runner) -> None:
    assert run(*TINY).code == 0
    before = _hashes(run.out)
    assert run(*TINY, "--options", '{"export_error": 1.0}').code == 1
    assert _hashes(run.out) == before
    open_bundle(run.out)


def test_twins_that_overflow_are_not_kept(run: Runner) -> None:
    wrong = run(*TINY, "--options", '{"loudness": 1048576}')
    assert wrong.code == 1
    assert wrong.json["max_abs_err"] <= 1e-4  # FP32 has room for it
    assert wrong.json["fp16_max_abs_err"] == float("inf")
    assert wrong.json["problems"][0] == "FP16 twins: an answer is not a finite number"
    assert "gate: FP16 twins" in wrong.err
    assert list(run.out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "missing.safetensors"], "missing.json"),
        ([*TINY, "--options", "{"], "--options is not JSON"),
        ([*TINY, "--options", "[]"], "--options must be an object"),
        ([*TINY, "--backbone", "vgg16"], "cannot be built from"),
        ([*TINY, "--test-set", "nowhere"], "nowhere/test.json"),
    ],
)
def test_bad_input_is_one_line(run: Runner, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert not run.out.exists()


def test_random_weights_never_replace_the_trained_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--random-weights"]) == 2
    assert "--random-weights would replace the trained model" in capsys.readouterr().err
    assert main(["--checkpoint", "runs/mine/checkpoint.safetensors"]) == 2
    assert "runs/mine/checkpoint.safetensors would replace tabletop-320" in capsys.readouterr().err


def test_a_folder_that_is_no_bundle_is_not_replaced(run: Runner) -> None:
    run.out.mkdir(parents=True)
    (run.out / "thesis.tex").write_text("years of work")
    result = run(*TINY)
    assert result.code == 2
    assert "thesis.tex" in result.err
    assert (run.out / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "options", "conv_transposes"),
    [
        (["--architecture", "text_objseg", "--backbone", "vgg16"], SMALL_PAPER, 1),
        (["--architecture", "edge"], SMALL_EDGE, 5),
    ],
    ids=["text_objseg", "edge"],
)
def test_every_network_passes_the_same_gate(
    run: Runner, arguments: list[str], options: dict[str, Any], conv_transposes: int
) -> None:
    result = run("--random-weights", *arguments, "--options", json.dumps(options))
    assert result.code == 0, result.err
    assert (result.json["lstm_nodes"], result.json["conv_transpose_nodes"]) == (1, conv_transposes)

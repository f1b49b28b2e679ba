"""The training command on coloured squares: it learns, it resumes after kill -9, it refuses bad input in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from runtime.language.vocabulary import Vocabulary
from training import calibrate, evaluate, train
from training.data.rendered import TrainingBatches
from training.evaluate import CALIBRATION, THRESHOLDS
from training.trainer import TrainingStep

SMALL = """
options: {image_size: [64, 64], channels: 16, embedding_size: 16, hidden_size: 32}
steps: 12
images_per_step: 2
expressions_per_image: 4
frozen_backbone_layers: 2
warm_up_steps: 2
"""


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory, shard_folder: Path, vocabulary: Vocabulary) -> list[str]:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "small.yaml").write_text(SMALL)
    (folder / "vocab.json").write_text(json.dumps(vocabulary.to_json()))
    return [
        *("--config", str(folder / "small.yaml"), "--vocabulary", str(folder / "vocab.json")),
        *("--data", str(shard_folder), "--validation", str(shard_folder), "--validation-views", "4"),
        *("--workers", "0", "--threads", "1", "--accelerator", "cpu", "--precision", "32-true", "--save-every", "3"),
    ]


@pytest.fixture(scope="module")
def finished(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished")
    assert train.main([*arguments, "--out", str(out)]) == 0
    return out


def last_line(text: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(text.strip().splitlines()[-1])
    return content


def test_loss_falls_on_a_few_squares(arguments: list[str], tmp_path: Path) -> None:
    torch.manual_seed(0)
    run = train.Run(
        train.make_parser().parse_args([*arguments, "--out", str(tmp_path), "--set", "steps=40", "--set", "flip=false"])
    )
    step = TrainingStep(run.model, run.config.loss_weights()).train()
    batch = TrainingBatches(run.views, run.vocabulary, run.model.spec, run.config)[0]
    losses = []
    for _ in range(40):
        loss = step(batch)["loss"]
        run.optimizer.zero_grad()
        loss.backward()
        run.optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.75 * losses[0]


def test_the_checkpoint_holds_what_evaluation_needs(
    finished: Path, shard_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = evaluate.main(
        ["--checkpoint", str(finished / train.CHECKPOINT), "--data", str(shard_folder), "--views", "3"]
    )
    result = last_line(capsys.readouterr().out)
    assert code == 0
    assert result["expressions"] == 3 * 6 and 0 <= float(str(result["mean_iou"])) <= 1


def test_calibration_is_stored_beside_the_weights(
    finished: Path, shard_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = finished / train.CHECKPOINT
    assert calibrate.main(["--checkpoint", str(checkpoint), "--data", str(shard_folder)]) == 0
    result = last_line(capsys.readouterr().out)
    stored = json.loads(checkpoint.with_suffix(".json").read_text())
    assert set(stored["calibration"]) == set(CALIBRATION)
    assert stored["calibration"]["evidence_weight"] == result["evidence_weight"] != 0
    assert stored["thresholds"] == {**THRESHOLDS, "found_confidence": result["found_confidence"]}


def test_kill_9_and_resume_gives_the_weights_of_an_unbroken_run(
    arguments: list[str], finished: Path, tmp_path: Path
) -> None:
    command = [sys.executable, train.__file__, *arguments, "--out", str(tmp_path)]
    root = Path(train.__file__).parents[1]
    first = subprocess.Popen(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / train.STATE).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    stopped_at = int(load_file(tmp_path / train.STATE)["progress.step"])
    assert 0 < stopped_at < 12
    assert train.main([*arguments, "--out", str(tmp_path)]) == 0
    unbroken = load_file(finished / train.STATE)
    resumed = load_file(tmp_path / train.STATE)
    assert resumed["progress.samples"] == unbroken["progress.samples"] == 12 * 2 * 4
    for name in unbroken.keys() - {"progress.seconds"}:
        tensor = resumed[name]
        torch.testing.assert_close(tensor, unbroken[name], atol=1e-6, rtol=1e-5, msg=name)


def test_a_finished_run_is_not_run_again(
    arguments: list[str], finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*arguments, "--out", str(finished)]) == 2
    assert "already at step 12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--config", "nowhere.yaml"], "nowhere.yaml: no such config"),
        (["--set", "stepz=3"], "unknown key 'stepz'"),
        (["--backbone-weights", "nowhere.pt"], "nowhere.pt: no such file"),
        (["--data", "/nonexistent"], "no shards in /nonexistent"),
        (["--vocabulary", "nowhere.json"], "cannot read the vocabulary nowhere.json"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], extra: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*arguments, "--out", str(tmp_path), *extra]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert not (tmp_path / train.CHECKPOINT).exists()

"""The 2016 network's three stages on coloured squares: each trains, resumes exactly and starts the next."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from tests.training.conftest import make_view
from training import calibrate, evaluate, train
from training.config import TrainingConfig, load_config
from training.expressions.datatypes import Expression
from training.models import build_model
from training.scenes.shards import write_shard
from training.stages import make_batches, make_step, validate
from training.trainer import learning_rate_share

CONFIGS = Path(train.__file__).parent / "configs"
STAGES = {"region": "region", "low": "low", "high": "full"}
OPTIONS = "{image_size: [64, 96], embedding_size: 8, hidden_size: 16, image_channels: 24, classifier_channels: 16}"
TINY_VGG = OPTIONS.replace("image_channels: 24", "backbone: vgg16, fc_width: 16")


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory, shard_folder: Path, vocabulary: Vocabulary) -> list[str]:
    folder = tmp_path_factory.mktemp("settings")
    (folder / "vocab.json").write_text(json.dumps(vocabulary.to_json()))
    return [
        *("--vocabulary", str(folder / "vocab.json"), "--data", str(shard_folder), "--validation", str(shard_folder)),
        *("--validation-views", "4", "--workers", "0", "--threads", "1", "--accelerator", "cpu"),
        *("--precision", "32-true", "--save-every", "2"),
    ]


def arguments(common: list[str], name: str, *more: str, backbone: str = "mobilenet") -> list[str]:
    """The committed config of a stage, for tiny pictures and six steps."""
    file = f"text_objseg_mobilenet_{name}.yaml" if backbone == "mobilenet" else f"text_objseg_{name}.yaml"
    options = OPTIONS.replace("{", "{backbone: mobilenet_v2, ") if backbone == "mobilenet" else TINY_VGG
    settings = ("steps=6", f"options={options}", "images_per_step=2", "frozen_backbone_layers=3", *more)
    return [*common, "--config", str(CONFIGS / file), *(part for setting in settings for part in ("--set", setting))]


@pytest.fixture(scope="module")
def chain(common: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three stages, each from the one before; returns the folder of their runs."""
    out, before = tmp_path_factory.mktemp("chain"), list[str]()
    for name in STAGES:
        assert train.main([*arguments(common, name), *before, "--out", str(out / name)]) == 0
        before = ["--init-from", str(out / name / train.CHECKPOINT)]
    return out


def described(chain: Path, name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((chain / name / "checkpoint.json").read_text())
    return content


def test_each_stage_keeps_its_best_weights_by_its_own_figure(chain: Path) -> None:
    metrics = {name: described(chain, name)["metrics"] for name in STAGES}
    assert isinstance(metrics["region"], dict) and 0 <= metrics["region"]["box_accuracy"] <= 1
    assert metrics["region"]["chance_accuracy"] == pytest.approx(0.5)  # two blocks in every view
    assert all(isinstance(metrics[name], dict) and 0 <= metrics[name]["mean_iou"] <= 1 for name in ("low", "high"))  # type: ignore[index]


def test_only_the_last_stage_touches_the_deconvolution(chain: Path) -> None:
    kernels = {name: load_file(chain / name / train.CHECKPOINT)["upsample.weight"] for name in STAGES}
    assert torch.equal(kernels["region"], kernels["low"])
    assert not torch.equal(kernels["low"], kernels["high"])


def test_every_stage_trains_words_classifier_and_the_later_backbone_only(chain: Path) -> None:
    region, low, high = (load_file(chain / name / train.CHECKPOINT) for name in STAGES)
    for name in (
        "text.lstm.weight_ih_l0",
        "classify.weight",
        "score.weight",
        "image.backbone.features.17.conv.0.0.weight",
    ):
        assert not torch.equal(region[name], low[name]) and not torch.equal(low[name], high[name]), name
    assert torch.equal(
        region["image.backbone.features.1.conv.1.weight"], high["image.backbone.features.1.conv.1.weight"]
    )


def test_a_low_resolution_checkpoint_is_judged_through_the_deconvolution(
    chain: Path, shard_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = evaluate.main(["--checkpoint", str(chain / "low" / train.CHECKPOINT), "--data", str(shard_folder)])
    assert code == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["expressions"] == 10 * 6


def test_masks_of_a_network_that_does_not_count_are_calibrated(
    chain: Path, shard_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(chain / "high", tmp_path / "high")
    checkpoint = tmp_path / "high" / train.CHECKPOINT
    assert calibrate.main(["--checkpoint", str(checkpoint), "--data", str(shard_folder)]) == 0
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    stored = json.loads(checkpoint.with_suffix(".json").read_text())["calibration"]
    assert stored["mask_temperature"] == told["mask_temperature"] and 0.2 <= stored["mask_temperature"] <= 20
    assert (stored["count_temperature"], stored["evidence_weight"]) == (1, 0)


@pytest.mark.parametrize(
    ("name", "backbone", "more"),
    [
        *((name, "mobilenet", ()) for name in STAGES),
        ("low", "mobilenet", ("optimizer=sgd", "rate_drop_steps=2", "learning_rate=0.1")),
        # Dropout between fc6, fc7 and fc8: a resumed run must draw what the unbroken one drew.
        *((name, "vgg", ("images_per_step=1",)) for name in STAGES),
    ],
)
def test_a_resumed_run_has_the_weights_of_an_unbroken_one(
    common: list[str], name: str, backbone: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    command = arguments(common, name, *more, backbone=backbone)
    assert train.main([*command, "--out", str(tmp_path / "unbroken")]) == 0
    _run_until_a_state_is_saved(command, tmp_path / "resumed")
    stopped_at = int(load_file(tmp_path / "resumed" / train.STATE)["progress.step"])
    assert 0 < stopped_at < 6
    assert train.main([*command, "--out", str(tmp_path / "resumed")]) == 0
    unbroken, resumed = (load_file(tmp_path / folder / train.STATE) for folder in ("unbroken", "resumed"))
    assert unbroken.keys() == resumed.keys()
    for key in unbroken.keys() - {"progress.seconds"}:
        assert torch.equal(resumed[key], unbroken[key]), key


def test_the_papers_recipe_keeps_the_last_weights_and_moves_them(common: list[str], tmp_path: Path) -> None:
    assert train.main([*arguments(common, "low", "images_per_step=1", backbone="vgg"), "--out", str(tmp_path)]) == 0
    state = load_file(tmp_path / train.STATE)
    for key in (key for key in state if key.startswith("average.")):
        assert torch.equal(state[key], state[key.replace("average.", "model.")]), key
    speeds = [state[key] for key in state if key.endswith("momentum_buffer")]
    assert speeds and all(bool(speed.abs().max() > 0) for speed in speeds)  # a clip at norm 0 would have stopped them


@pytest.mark.parametrize(("step", "expected"), [(0, 1.0), (9_999, 1.0), (10_000, 0.1), (24_999, 0.01)])
def test_the_rate_falls_to_a_tenth_at_every_drop(step: int, expected: float) -> None:
    config = load_config(CONFIGS / "text_objseg_region.yaml")
    assert learning_rate_share(step, config) == pytest.approx(expected)


def test_without_anything_to_judge_by_the_last_weights_are_kept(
    common: list[str], tmp_path: Path, vocabulary: Vocabulary
) -> None:
    """Views whose every expression means several things have no box accuracy."""
    views = [make_view(seed) for seed in range(2)]
    (tmp_path / "shards").mkdir()
    both = Expression("the block", "the block", "category", (0, 1))
    write_shard(tmp_path / "shards" / "shard-00000.npz", [(view, [both]) for view in views], with_depth=False)
    command = [*arguments(common, "region"), "--validation", str(tmp_path / "shards"), "--validate-every", "3"]
    assert train.main([*command, "--out", str(tmp_path / "run")]) == 0
    metrics = described(tmp_path, "run")["metrics"]
    assert isinstance(metrics, dict) and metrics["step"] == 6 and math.isnan(metrics["box_accuracy"])


def _run_until_a_state_is_saved(command: list[str], out: Path) -> None:
    root = Path(train.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(
        [sys.executable, train.__file__, *command, "--out", str(out)],
        cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (out / train.STATE).exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.wait()


@pytest.mark.parametrize("stage", ["region", "low"])
def test_other_networks_have_no_such_stage(stage: str) -> None:
    options = {"vocabulary_size": 12, "image_size": (64, 64), "channels": 16, "embedding_size": 8, "hidden_size": 16}
    with pytest.raises(SaymaskError, match=f"stage '{stage}' is for architecture 'text_objseg'"):
        make_step(build_model("edge", options), TrainingConfig(stage=stage))


def test_the_words_stage_teaches_the_image_what_things_are_called(common: list[str], tmp_path: Path) -> None:
    options = "{image_size: [64, 96], channels: 16, embedding_size: 8, hidden_size: 16, evidence: true}"
    settings = ("steps=60", f"options={options}", "images_per_step=4", "warm_up_steps=0", "average_decay=0.9")
    more = [part for setting in settings for part in ("--set", setting)]
    command = [*common, "--config", str(CONFIGS / "edge_words.yaml"), *more, "--validate-every", "1"]
    run = train.Run(train.make_parser().parse_args([*command, "--out", str(tmp_path)]))
    before = validate(run.model, "words", run.views, run.vocabulary, 10)
    assert before["things"] == 20
    after = run.train()
    assert after["word_precision"] > before["word_precision"] and after["word_precision"] >= 0.5
    assert after["likeliest_true"] > 0.9  # every thing is a block
    start = build_model("edge", run.options).state_dict()
    kept = load_file(tmp_path / train.CHECKPOINT)
    torch.manual_seed(run.config.seed)
    untouched = build_model("edge", run.options).state_dict()
    assert start.keys() == kept.keys()
    assert torch.equal(
        kept["attend.0.query.weight"], untouched["attend.0.query.weight"]
    )  # sentences have no part in it
    assert not torch.equal(kept["lexicon.rows.weight"], untouched["lexicon.rows.weight"])


def test_the_words_stage_is_the_edge_networks() -> None:
    options = {"vocabulary_size": 12, "image_size": (64, 64), "backbone": "mobilenet_v2"}
    with pytest.raises(SaymaskError, match="stage 'words' is for architecture 'edge'"):
        make_step(build_model("text_objseg", options), TrainingConfig(stage="words"))


@pytest.mark.parametrize("name", STAGES)
def test_the_papers_recipe(name: str) -> None:
    config = load_config(CONFIGS / f"text_objseg_{name}.yaml")
    assert (config.stage, config.options["backbone"], config.options["image_size"]) == (
        STAGES[name], "vgg16", [512, 512],
    )  # fmt: skip
    assert (config.optimizer, config.momentum, config.learning_rate, config.weight_decay) == ("sgd", 0.9, 0.01, 5e-4)
    assert config.steps == {"region": 25000, "low": 30000, "high": 18000}[name]
    if name == "region":
        assert config.images_per_step * config.regions_per_image * config.expressions_per_image == 50
    else:
        assert config.loss.alpha_background / config.loss.alpha_foreground == pytest.approx(1 / 3)


def test_loss_falls_in_every_stage(common: list[str], tmp_path: Path) -> None:
    for name in STAGES:
        torch.manual_seed(0)
        command = arguments(common, name, "augment=false", "word_drop=0.0", "warm_up_steps=0")
        run = train.Run(train.make_parser().parse_args([*command, "--out", str(tmp_path / name)]))
        batch = make_batches(run.views, run.vocabulary, run.model, run.config)[0]
        run.step.train()
        losses = []
        for _ in range(30):
            loss = run.step(batch)["loss"]
            run.optimizer.zero_grad()
            loss.backward()
            run.optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.8 * losses[0], name

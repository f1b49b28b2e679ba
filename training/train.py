"""Train a network: `python training/train.py --config training/configs/edge.yaml --data DIR`.

DIR holds rendered shards or, with `--dataset referit` (refcoco, refcoco+, refcocog) and `--split`, a published one.
Runs on the CPU, one GPU or several (data parallel), and picks up after a kill where its last saved state was.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from runtime.device import device_name
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.checkpoint import save_checkpoint
from training.config import load_config
from training.data.referit import read_vocabulary
from training.data.rendered import Views
from training.data.views import DATASETS, open_views
from training.models import ReferringSegmenter, build_model
from training.stages import WATCHED, make_batches, make_step, validate
from training.trainer import (
    Progress,
    WeightAverage,
    learning_rate_share,
    load_state,
    make_optimizer,
    save_state,
)
from training.warm_start import warm_start

STATE = "state.safetensors"
CHECKPOINT = "checkpoint.safetensors"
_LOG_EVERY = 50


class Run:
    """One training run in one folder: state, checkpoint and TensorBoard curves."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.config = load_config(arguments.config, arguments.set)
        words: Path = arguments.vocabulary
        self.vocabulary = read_vocabulary(words) if words.suffix == ".txt" else Vocabulary.from_file(words)
        self.out: Path = arguments.out
        torch.manual_seed(self.config.seed)
        self.options = {**self.config.options, "vocabulary_size": len(self.vocabulary)}
        if "image_size" in self.options:
            self.options["image_size"] = tuple(self.options["image_size"])
        self.model = self._start()
        self.step = make_step(self.model, self.config)
        self.optimizer = make_optimizer(self.model, self.config)
        self.average = WeightAverage(self.model, self.config.average_decay)
        state = self.out / STATE
        self.progress = Progress()
        if state.exists():
            self.progress = load_state(state, self.model, self.average, self.optimizer)
        self.first = self.progress.step
        if self.first >= self.config.steps:
            raise SaymaskError(f"{state} is already at step {self.first}; raise steps or give another --out")
        self.views = self._open(arguments.data, arguments.split)
        self.validation = self._open(arguments.validation, arguments.validation_split) if arguments.validation else None
        self.best = self._kept_metrics()

    def _kept_metrics(self) -> dict[str, Any]:
        """Metrics of the checkpoint that an earlier part of this run kept, so that only a better one replaces it."""
        described = (self.out / CHECKPOINT).with_suffix(".json")
        if not self.first or not described.is_file():
            return {}
        metrics: dict[str, Any] = json.loads(described.read_text())["metrics"]
        return metrics

    def _open(self, folders: Sequence[Path], split: str) -> Views:
        return open_views(self.arguments.dataset, folders, split, self.arguments.split_by)

    def _start(self) -> ReferringSegmenter:
        model = build_model(self.config.architecture, self.options)
        if self.arguments.init_from:
            fresh = warm_start(model, self.arguments.init_from, self.vocabulary)
            if fresh:
                tqdm.write(f"not in {self.arguments.init_from}, so started anew: {', '.join(fresh)}")
        if self.arguments.backbone_weights:
            backbone: Any = model.get_submodule("image.backbone")
            backbone.load_published(self.arguments.backbone_weights)
        for parameter in model.parameters():  # channels last: convolutions run about a third faster on the CPU
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return model

    def train(self) -> dict[str, Any]:
        """Run to the configured number of steps; returns the last-line JSON."""
        options = self.arguments
        fabric = Fabric(accelerator=options.accelerator, devices=options.devices, precision=options.precision)
        fabric.launch()
        module, optimizer = fabric.setup(self.step, self.optimizer)
        self.average.to(fabric.device)
        writer = SummaryWriter(str(self.out / "tensorboard"), purge_step=self.first) if fabric.is_global_zero else None
        progress = tqdm(
            self._loader(fabric), initial=self.first, total=self.config.steps, disable=writer is None, mininterval=5
        )
        started, sums = time.monotonic(), dict[str, float]()
        module.train()
        for step, batch in enumerate(progress, self.first):
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * group["share"] * learning_rate_share(step, self.config)
            # Dropout of a step is its own, or a resumed run would draw another one.
            torch.manual_seed((self.config.seed * self.config.steps + step) * fabric.world_size + fabric.global_rank)
            terms = module(batch)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(terms["loss"])
            if self.config.gradient_clip:
                fabric.clip_gradients(module, optimizer, max_norm=self.config.gradient_clip)
            optimizer.step()
            self.average.update(self.model, step)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + float(term.detach()) / _LOG_EVERY
            if writer is None:
                continue
            done = step + 1
            if done % _LOG_EVERY == 0:
                for name, mean in sums.items():
                    writer.add_scalar(f"train/{name}", mean, done)
                progress.set_postfix({name: f"{mean:.3f}" for name, mean in sums.items()})
                sums.clear()
            self._keep(self._progress(done, time.monotonic() - started, fabric.world_size), writer)
        return {**self.best, "checkpoint": str(self.out / CHECKPOINT)}

    def _loader(self, fabric: Fabric) -> Any:
        batches = make_batches(self.views, self.vocabulary, self.model, self.config)
        # Each process of a data-parallel run takes every world-size-th batch.
        order = range(
            self.first * fabric.world_size + fabric.global_rank,
            self.config.steps * fabric.world_size,
            fabric.world_size,
        )
        loader = DataLoader(batches, batch_size=None, sampler=order, num_workers=self.arguments.workers)
        return fabric.setup_dataloaders(loader, use_distributed_sampler=False)

    def _progress(self, done: int, seconds: float, processes: int) -> Progress:
        new = (done - self.first) * self.config.images_per_step * self.config.expressions_per_image * processes
        return Progress(done, self.progress.samples + new, round(self.progress.seconds + seconds, 1))

    def _keep(self, progress: Progress, writer: SummaryWriter) -> None:
        """Save the state and, at validation steps, the checkpoint if it is the best so far."""
        done = progress.step
        last = done == self.config.steps
        if last or done % self.arguments.save_every == 0:
            save_state(self.out / STATE, progress, self.model, self.average, self.optimizer)
        if not (last or done % self.arguments.validate_every == 0):
            return
        metrics: dict[str, Any] = asdict(progress)
        watched = WATCHED[self.config.stage]
        if self.validation is not None:
            limit = self.arguments.validation_views
            metrics |= validate(self._averaged(), self.config.stage, self.validation, self.vocabulary, limit)
            for name in watched:
                writer.add_scalar(f"validation/{name}", metrics[name], done)
            tqdm.write(f"step {done}: " + ", ".join(f"{name} {metrics[name]:.3f}" for name in watched))
        # Written so that a figure that does not exist (nan), for want of such expressions, keeps the last weights.
        if not metrics.get(watched[0], done) < self.best.get(watched[0], -1):
            self.best = metrics
            self._save_checkpoint(metrics)

    def _averaged(self) -> ReferringSegmenter:
        model = build_model(self.config.architecture, self.options)
        model.load_state_dict(self.average.tensors)
        return model.eval()

    def _save_checkpoint(self, metrics: dict[str, Any]) -> None:
        provenance = {
            "config": self.config.as_dict(),
            "training_views": len(self.views),
            "machine": machine_description(),
            "command": shlex.join(["python", *sys.argv]),
            "commit": git_commit(),
            "date": datetime.now(UTC).date().isoformat(),
            **{name: metrics[name] for name in ("step", "samples", "seconds")},
        }
        save_checkpoint(
            self.out / CHECKPOINT,
            architecture=self.config.architecture,
            options=self.options,
            weights=self.average.tensors,
            metadata={
                "vocabulary": self.vocabulary.to_json(),
                "thresholds": {},
                "calibration": {},
                "provenance": provenance,
                "metrics": metrics,
            },
        )


def git_commit() -> str:
    """The commit of the code that trains, "+" behind it where files differ from it; "unknown" outside a checkout."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parent,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def machine_description() -> str:
    """Processor and thread count, or the GPU's name."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{device_name()}, {torch.get_num_threads()} threads"


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--config", type=Path, default=Path("training/configs/edge.yaml"), help="settings; keys in training/config.py")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting, such as steps=100")
    add("--dataset", choices=DATASETS, default="rendered", help="what --data and --validation hold")
    add(
        "--data",
        "--root",
        type=Path,
        nargs="+",
        required=True,
        help="folders of shards, or one of a published data set",
    )
    add("--validation", type=Path, nargs="+", help="the same of another split; none: keep the last weights")
    add("--split", default="train", help="split of a published data set to train on")
    add("--validation-split", default="val", help="split of a published data set in --validation")
    add("--split-by", help="who split it, where there are several: unc, umd or google")
    add("--validation-views", type=int, default=150, help="how many validation views each check looks at")
    add(
        "--vocabulary",
        type=Path,
        default=Path("runtime/models/tabletop-320/vocab.json"),
        help=".json, or .txt of a word a line",
    )
    add("--backbone-weights", type=Path, help="state dict with torchvision's layer names to start the backbone from")
    add("--init-from", "--init", type=Path, help="checkpoint to start from, as far as its layers fit")
    add("--out", type=Path, default=Path("runs/edge"), help="state, checkpoint and curves; a run found there goes on")
    add("--save-every", type=int, default=250, help="steps between saved states")
    add("--validate-every", type=int, default=2000, help="steps between validations")
    add("--workers", type=int, default=1, help="processes that prepare batches")
    add("--threads", type=int, default=0, help="processor threads of the network; 0: all")
    add("--accelerator", default="auto", help="cpu, gpu or auto")
    add("--devices", default="auto", help="how many, or auto")
    add("--precision", default="bf16-mixed", help="Lightning Fabric's precision")
    return parser


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train as the arguments say; returns the last-line JSON."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return Run(arguments).train()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

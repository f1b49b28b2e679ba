"""Train what the table of the 2016 paper compares: `python training/train_2016.py --data DIR --validation DIR`.

Four runs into runs/2016: the 2016 network's region stage, its low and its high resolution, each starting from the one
before, and the per-word network, whose thresholds are then chosen on the validation shards. A run that is finished is
left alone, one that was cut off goes on, so the command can be given again. With the MobileNetV2 backbone on two
threads it takes about 100 minutes, 25 a run; `--backbone vgg16` trains the paper's own sizes (for an NVIDIA GPU).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from runtime.entry import command_line
from runtime.errors import SaymaskError
from training import train
from training.baselines import fit_threshold, per_word
from training.config import load_config
from training.data.views import DATASETS

CHECKPOINT_OF = "{}/" + train.CHECKPOINT
"""Where a run's checkpoint lies in the folder of all runs."""

_CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Stage:
    """One training run: its folder's name, its config and the run whose weights it starts from."""

    name: str
    config: str
    after: str | None = None


STAGES = {
    "mobilenet_v2": (
        Stage("region", "text_objseg_mobilenet_region.yaml"),
        Stage("low", "text_objseg_mobilenet_low.yaml", "region"),
        Stage("high", "text_objseg_mobilenet_high.yaml", "low"),
        Stage("per_word", "per_word.yaml"),
    ),
    "vgg16": (
        Stage("vgg16_region", "text_objseg_region.yaml"),
        Stage("vgg16_low", "text_objseg_low.yaml", "vgg16_region"),
        Stage("vgg16_high", "text_objseg_high.yaml", "vgg16_low"),
    ),
}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train every stage that is not finished; returns the last-line JSON."""
    stages = STAGES[arguments.backbone]
    for name in arguments.only:
        if name not in [stage.name for stage in stages]:
            raise SaymaskError(f"there is no run {name!r}; choose from {', '.join(stage.name for stage in stages)}")
    result: dict[str, Any] = {}
    for stage in stages:
        if arguments.only and stage.name not in arguments.only:
            continue
        config = _per_word_config(arguments) if stage.name == "per_word" else _CONFIGS / stage.config
        out = arguments.out / stage.name
        if not finished(out, config, arguments.set):
            tqdm.write(f"{stage.name}: {config.name}")
            train.run(train.make_parser().parse_args(training_arguments(stage, config, arguments)))
        if stage.name == "per_word":
            _choose_thresholds(arguments)
        result[stage.name] = {"checkpoint": str(out / train.CHECKPOINT), **_trained(out)}
    return result


def training_arguments(stage: Stage, config: Path, arguments: argparse.Namespace) -> list[str]:
    """The arguments of training/train.py for one stage.

    Raises SaymaskError where the run that it starts from has no checkpoint.
    """
    options: list[str | Path] = ["--config", config, "--out", arguments.out / stage.name]
    options += ["--data", *arguments.data, "--validation", *arguments.validation, *_dataset(arguments)]
    options += ["--split", arguments.split, "--validation-split", arguments.validation_split]
    options += ["--validation-views", str(arguments.validation_views), "--vocabulary", arguments.vocabulary]
    options += ["--validate-every", str(arguments.validate_every)]
    options += ["--threads", str(arguments.threads), "--workers", str(arguments.workers)]
    options += ["--accelerator", arguments.accelerator, "--precision", arguments.precision]
    for setting in arguments.set:
        options += ["--set", setting]
    if stage.after is not None:
        before = arguments.out / CHECKPOINT_OF.format(stage.after)
        if not before.is_file():
            raise SaymaskError(
                f"{before}: no such checkpoint; {stage.name!r} starts from it, train {stage.after!r} first"
            )
        options += ["--init-from", before]
    elif arguments.backbone_weights:
        options += ["--backbone-weights", arguments.backbone_weights]
    return [str(option) for option in options]


def _per_word_config(arguments: argparse.Namespace) -> Path:
    """The per-word config with its words filled in; counted once, for a run goes on with the words it began with."""
    config: Path = arguments.out / "per_word.yaml"
    if not config.is_file():
        counted = ["--vocabulary", str(arguments.vocabulary), "--out", str(config), "--split", arguments.split]
        counted += ["--data", *map(str, arguments.data), *_dataset(arguments)]
        per_word.run(per_word.make_parser().parse_args(counted))
    return config


def _dataset(arguments: argparse.Namespace) -> list[str]:
    split_by = ["--split-by", arguments.split_by] if arguments.split_by else []
    return ["--dataset", arguments.dataset, *split_by]


def finished(out: Path, config: Path, overrides: Sequence[str]) -> bool:
    """Whether a run's last saved state is at the config's last step."""
    return (out / train.STATE).is_file() and _steps_done(out) >= load_config(config, overrides).steps


def _steps_done(out: Path) -> int:
    from safetensors import safe_open

    with safe_open(out / train.STATE, "pt") as state:
        return int(state.get_tensor("progress.step"))


def _choose_thresholds(arguments: argparse.Namespace) -> None:
    checkpoint = arguments.out / CHECKPOINT_OF.format("per_word")
    if "combinations" in _described(checkpoint.parent):
        return
    options = ["--checkpoint", str(checkpoint), "--split", arguments.validation_split, *_dataset(arguments)]
    options += ["--data", *map(str, arguments.validation)]
    fit_threshold.run(fit_threshold.make_parser().parse_args(options))


def _described(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / train.CHECKPOINT).with_suffix(".json").read_text())
    return content


def _trained(out: Path) -> dict[str, Any]:
    """How much a run saw, for the last-line JSON."""
    provenance = _described(out)["provenance"]
    return {name: provenance[name] for name in ("step", "samples", "seconds")}


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--dataset", choices=DATASETS, default="rendered", help="what --data and --validation hold")
    add("--data", type=Path, nargs="+", required=True, help="folders of shards, or the folder of a published data set")
    add("--validation", type=Path, nargs="+", required=True, help="the same of another split")
    add("--split", default="train", help="split of a published data set to train on")
    add("--validation-split", default="val", help="split of a published data set in --validation")
    add("--split-by", help="who split it, where there are several: unc, umd or google")
    add("--validation-views", type=int, default=80, help="how many validation views each check looks at")
    add("--validate-every", type=int, default=500, help="steps between validations; the best weights are kept")
    add("--vocabulary", type=Path, default=Path("runtime/models/tabletop-320/vocab.json"), help="vocab.json or .txt")
    add("--backbone", choices=list(STAGES), default="mobilenet_v2", help="which runs")
    add("--backbone-weights", type=Path, help="state dict with torchvision's layer names to start from")
    add("--only", nargs="+", default=[], metavar="RUN", help="these runs of them; default: all")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="override a setting of every run")
    add("--out", type=Path, default=Path("runs/2016"), help="folder of the runs")
    add("--threads", type=int, default=2, help="processor threads of the network")
    add("--workers", type=int, default=1, help="processes that prepare batches")
    add("--accelerator", default="auto", help="cpu, gpu or auto")
    add("--precision", default="bf16-mixed", help="Lightning Fabric's precision")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

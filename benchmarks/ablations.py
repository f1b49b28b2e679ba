"""What each part of training brings: `python benchmarks/ablations.py --data DIR --validation DIR --words CHECKPOINT`.

Every row of `benchmarks/ablations.yaml` is one short run of training/train.py, all of the same length and seed, and is
scored on the same validation views. The first row is what the others differ from by one setting. A finished run is left
alone and one that was cut off goes on, so the command can be given again; the last line of JSON holds all rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from benchmarks.report import machine, plain, shown, write_json
from runtime.entry import command_line
from runtime.errors import SaymaskError
from training import train
from training.train_2016 import finished

ROWS = Path(__file__).with_name("ablations.yaml")
RESULT = Path("benchmarks/results/ablations.json")
FIGURES = ("mean_iou", "precision_at_0.5", "precision_at_0.8", "right_object", "absent_auroc")
_STARTS = ("words", "imagenet", "nothing")


@dataclass(frozen=True)
class Row:
    """One run: `settings` are overrides of the config, `start` what its weights start from, `why` what it tells."""

    name: str
    why: str
    settings: tuple[str, ...]
    start: str


def read_rows(path: Path) -> list[Row]:
    """The rows of a YAML file. Raises SaymaskError, naming the file and what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows = [Row(str(r["name"]), str(r["why"]), tuple(r.get("set", ())), r.get("start", "words")) for r in content]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise SaymaskError(f"{path}: expected a list of rows with name, why, set and start ({reason})") from error
    for row in rows:
        if row.start not in _STARTS:
            raise SaymaskError(f"{path}: {row.name}: start is {row.start!r}, expected one of {', '.join(_STARTS)}")
    return rows


def training_arguments(row: Row, args: argparse.Namespace) -> list[str]:
    """The arguments of training/train.py for one row."""
    options: list[str | Path] = ["--config", args.config, "--out", args.runs / row.name]
    options += ["--data", *args.data, "--validation", *args.validation, "--vocabulary", args.vocabulary]
    options += ["--validation-views", str(args.validation_views), "--validate-every", str(args.steps)]
    options += ["--threads", str(args.threads), "--accelerator", args.accelerator]
    if row.start == "words":
        options += ["--init-from", args.words]
    elif row.start == "imagenet":
        options += ["--backbone-weights", args.backbone_weights]
    for setting in settings_of(row, args):
        options += ["--set", setting]
    return [str(option) for option in options]


def settings_of(row: Row, args: argparse.Namespace) -> list[str]:
    """The row's own settings behind those that all rows share."""
    return [f"steps={args.steps}", f"seed={args.seed}", *row.settings]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train what is not trained yet, and return the table."""
    rows = [row for row in read_rows(args.rows) if not args.only or row.name in args.only]
    if any(row.start == "imagenet" for row in rows) and args.backbone_weights is None:
        raise SaymaskError("a row starts from published weights; give them with --backbone-weights")
    table: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    for row in rows:
        out = args.runs / row.name
        if not finished(out, args.config, settings_of(row, args)):
            tqdm.write(f"{row.name}: {row.why}")
            train.run(train.make_parser().parse_args(training_arguments(row, args)))
        described = json.loads((out / train.CHECKPOINT).with_suffix(".json").read_text(encoding="utf-8"))
        figures = {name: described["metrics"][name] for name in ("samples", "seconds", *FIGURES)}
        table.append({"name": row.name, "why": row.why, "settings": list(row.settings), "start": row.start, **figures})
        result = plain({"steps": args.steps, "config": shown(args.config), "rows": table} | machine())
        write_json(args.out, result)
    tqdm.write("\n".join(_lines(result["rows"])))
    return result


def _lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    head = "| | " + " | ".join(FIGURES) + " |"
    cells = [[row["why"], *("-" if row[name] is None else f"{row[name]:.3f}" for name in FIGURES)] for row in rows]
    return [head, "|---" * (len(FIGURES) + 1) + "|", *("| " + " | ".join(row) + " |" for row in cells)]


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", required=True, help="folders of training shards")
    add("--validation", type=Path, nargs="+", required=True, help="folders of validation shards")
    add("--words", type=Path, required=True, help="checkpoint of the first stage, training/configs/edge_words.yaml")
    add("--backbone-weights", type=Path, help="published weights for the rows that start from them")
    add("--vocabulary", type=Path, default=Path("runtime/models/tabletop-320/vocab.json"), help="vocab.json")
    add("--config", type=Path, default=Path("training/configs/edge.yaml"), help="what every row starts from")
    add("--rows", type=Path, default=ROWS, help="the rows")
    add("--only", nargs="+", default=[], metavar="ROW", help="these rows of them; default: all")
    add("--steps", type=int, default=1500, help="steps of every run")
    add("--seed", type=int, default=1, help="seed of every run")
    add("--validation-views", type=int, default=240, help="views that every run is scored on")
    add("--runs", type=Path, default=Path("runs/ablations"), help="folder of the runs")
    add("--threads", type=int, default=0, help="processor threads of the network; 0: all")
    add("--accelerator", default="auto", help="cpu, gpu or auto")
    add("--out", type=Path, default=RESULT, metavar="JSON", help="where the table is written")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

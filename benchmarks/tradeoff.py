"""What a smaller bundle gives up for its speed, as a plot: `python benchmarks/tradeoff.py`.

Reads what `benchmarks/latency.py --compare ort-cpu,DIR --threads 2 --out JSON` and `benchmarks/accuracy.py --model DIR`
printed; both bundles' times are of one run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plots import plot_tradeoff
from runtime.entry import command_line
from runtime.errors import SaymaskError

RESULTS = Path(__file__).parent / "results"
_STAGES = ("end_to_end", "further_sentence")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Join the files, draw, and return a row for each bundle."""
    latency = _read(args.latency)
    times = {Path(key).name: stages for key, stages in latency["backends"].items()}
    times[Path(latency["model"]).name] = times.pop("ort-cpu", None)
    rows = []
    for path in args.accuracy:
        figures = _read(path)
        name = Path(figures["model"]).name
        stages = times.get(name)
        if stages is None:
            raise SaymaskError(f"{args.latency} has no times of {name}; run latency.py --compare ort-cpu,{name}")
        milliseconds = {stage: stages[stage]["p50"] for stage in _STAGES}
        rows.append({"model": name, "right_object": figures["right_object"], "mean_iou": figures["mean_iou"]})
        rows[-1] |= milliseconds
    plot = plot_tradeoff(rows, args.plot)
    return {"rows": rows, "plot": str(plot)}


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaymaskError(f"{path}: cannot be read ({error}); see python benchmarks/tradeoff.py --help") from error
    return content


def make_parser() -> argparse.ArgumentParser:
    """Arguments of this command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    accuracies = [RESULTS / "accuracy.json", RESULTS / "tabletop-256" / "accuracy.json"]
    add("--accuracy", type=Path, nargs="+", default=accuracies, metavar="JSON", help="of accuracy.py, one a bundle")
    add(
        "--latency", type=Path, default=RESULTS / "latency-bundles.json", metavar="JSON", help="of latency.py --compare"
    )
    add("--plot", type=Path, default=RESULTS / "tradeoff.png", metavar="PNG", help="picture to write")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command_line(run, make_parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

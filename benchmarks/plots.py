"""Pictures of the figures, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.metrics import Outcome, expected_calibration_error, risk_coverage, summarise

BINS = 10
_LINEAR_UP_TO = 10
_BAR_FIGURES = ("mean_iou", "precision_at_0.5", "right_object")


def plot_accuracy(outcomes: Mapping[str, Sequence[Outcome]], path: Path) -> Path:
    """One row per model: figures by kind of expression, how often an answer of each confidence was right, and how many
    answers would be wrong if only the surest were given."""
    figure = Figure(figsize=(16, 3.8 * len(outcomes)), layout="constrained")
    panels = figure.subplots(len(outcomes), 3, squeeze=False, width_ratios=(2, 1, 1))
    for row, (name, answers) in zip(panels, outcomes.items(), strict=True):
        _draw_slices(row[0], name, answers)
        _draw_reliability(row[1], answers)
        _draw_risk(row[2], answers)
    return _save(figure, path)


def plot_latency(stages: Mapping[str, Mapping[str, Mapping[str, float]]], path: Path) -> Path:
    """`stages[backend][stage]` is what timing.summarise returns: median bars with a whisker to p99, in milliseconds.

    Logarithmic where the slowest takes over ten times as long for an answer as the fastest.
    """
    names = list(dict.fromkeys(stage for summary in stages.values() for stage in summary))
    owners = {name: [backend for backend in stages if name in stages[backend]] for name in names}
    tops = np.cumsum([0, *(len(backends) + 1 for backends in owners.values())])
    figure = Figure(figsize=(9, 1 + 0.2 * tops[-1]), layout="constrained")
    axes = figure.subplots()
    for backend, summary in stages.items():
        present = [stage for stage in names if stage in summary]
        places = np.array([tops[names.index(stage)] + owners[stage].index(backend) for stage in present])
        medians = np.array([summary[stage]["p50"] for stage in present])
        tails = np.array([summary[stage]["p99"] for stage in present]) - medians
        axes.barh(places, medians, 0.9, xerr=[np.zeros_like(tails), tails], capsize=2, label=backend)
    axes.set_yticks(tops[:-1] + [(len(backends) - 1) / 2 for backends in owners.values()], names)
    axes.invert_yaxis()
    answers = [summary["end_to_end"]["p50"] for summary in stages.values() if "end_to_end" in summary]
    if answers and max(answers) > _LINEAR_UP_TO * min(answers):
        axes.set_xscale("log")
        axes.set_xlim(left=0.1)
    axes.set_xlabel("milliseconds: median, whisker to p99")
    axes.legend()
    return _save(figure, path)


def plot_tradeoff(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """`rows` of a bundle each: model, right_object, and medians end_to_end and further_sentence in milliseconds."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for stage, marker in (("end_to_end", "o"), ("further_sentence", "s")):
        label = "a frame" if stage == "end_to_end" else "a further sentence on it"
        axes.plot([row[stage] for row in rows], [row["right_object"] for row in rows], marker, label=label)
        for row in rows:
            place = (row[stage], row["right_object"])
            axes.annotate(row["model"], place, textcoords="offset points", xytext=(6, 6), fontsize="small")
    axes.set_xlim(0, 1.3 * max(row["end_to_end"] for row in rows))  # room for the names
    axes.set_ymargin(0.3)
    axes.set_xlabel("milliseconds, median of one run")
    axes.set_ylabel("points at the right object")
    axes.legend()
    return _save(figure, path)


def _draw_slices(axes: Axes, name: str, answers: Sequence[Outcome]) -> None:
    slices = summarise(answers)["slices"]
    width = 0.8 / len(_BAR_FIGURES)
    for number, key in enumerate(_BAR_FIGURES):
        places = np.arange(len(slices)) + (number - 1) * width
        axes.bar(places, [item[key] for item in slices.values()], width, label=key)
    axes.set_xticks(np.arange(len(slices)), [f"{kind}\n{item['n']}" for kind, item in slices.items()], fontsize=7)
    axes.set_ylim(0, 1.1)  # the legend's line lies over the bars
    axes.set_title(f"{name}: by kind of expression (with its number)", fontsize=9)
    axes.legend(fontsize=7, ncols=len(_BAR_FIGURES), loc="upper center")


def _draw_risk(axes: Axes, answers: Sequence[Outcome]) -> None:
    covered, wrong = risk_coverage(answers)
    figures = summarise(answers)
    axes.plot(covered, wrong, label="every threshold on the confidence")
    axes.plot([figures["coverage"]], [figures["wrong_found_rate"]], "o", color="C3", label="FOUND, as delivered")
    axes.axhline(0.02, linestyle="--", color="0.5", linewidth=1, label="2 % wrong")
    axes.set(xlim=(0, 1), ylim=(0, max(0.1, 1.1 * float(np.nanmax(wrong, initial=0.0)))))
    axes.set(xlabel="coverage: things asked for that are given", ylabel="answers on a wrong thing")
    axes.set_title("risk and coverage", fontsize=9)
    axes.legend(fontsize=7)


def _draw_reliability(axes: Axes, answers: Sequence[Outcome]) -> None:
    confidence = np.array([answer.confidence for answer in answers])
    correct = np.array([answer.correct for answer in answers], np.float64)
    index = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = np.unique(index)
    right = [correct[index == number].mean() for number in bins]
    share = [np.mean(index == number) for number in bins]
    axes.bar((bins + 0.5) / BINS, share, 0.9 / BINS, color="0.85", label="share of the answers")
    axes.plot([0, 1], [0, 1], "--", color="0.5", linewidth=1)
    axes.plot([confidence[index == number].mean() for number in bins], right, "o-", label="share that is right")
    error = expected_calibration_error(confidence.tolist(), correct.astype(bool).tolist())
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence")
    axes.set_title(f"calibration: expected error {error:.3f}", fontsize=9)
    axes.legend(fontsize=7)


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path

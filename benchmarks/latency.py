"""How long an answer takes, by stage: `python benchmarks/latency.py [--compare A,B,...] [--peers]`.

Camera frames of 640x480. All calls take turns in one run. `end_to_end` is a new frame with a sentence that was heard
before; `end_to_end_new_sentence` is a new frame with a new sentence; `further_sentence` is a new sentence on the frame
just answered. The stages preprocess, image_encoder, mask_decoder and postprocess are those of `end_to_end`;
text_encoder is that of a new sentence, text_encoder_cached that of one heard before. `overhead_ratio` is the median of
end_to_end over the sum of the medians of the bare ONNX Runtime sessions of the same two graphs, with the same options;
null where nothing ran on ONNX Runtime's CPU. --compare takes other bundles as well, by their folder:
`bundles_over_end_to_end` is their median over ours. `throughput_fps` is of frames answered one after the other. Where
one backend is named the figures outside `backends` are its own, with --compare those of the first that ran.
`device_times` are a GPU's own of both graphs of end_to_end, in trtexec's words (latency = h2d + compute + d2h). What
could not run here stands in `not_run` with the reason. `peers` are other networks with random weights in the same ONNX
Runtime on the CPU: latency only. Their ratios are their median over that of our three bare graphs, and over our
end_to_end. Needs neither torch nor, without --plot, matplotlib; PyTorch, and building the peers, do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from benchmarks.cold_start import ColdStart, cold_start
from benchmarks.contenders import CHECKPOINT, check_names, is_bundle
from benchmarks.latency_run import Measured, Plan, Summaries, measure
from benchmarks.peers import PEERS, PEERS_DIR
from benchmarks.report import machine, plain, shown, write_json
from benchmarks.workload import CAMERA_SIZE, TEST_SET, camera_requests
from runtime.backends import choose
from runtime.bundle import DEFAULT_MODEL, GRAPHS, open_bundle
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned

DISTINCT_REQUESTS = 24
COLD_STARTS = 3
_COLUMNS = ("p50", "p90", "p95", "p99", "mean", "min", "max")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, plot, and return the figures."""
    if args.frames < 1 or args.warmup < 0 or args.duration < 0:
        raise SaymaskError("--frames must be at least 1, --warmup and --duration at least 0")
    names = list(dict.fromkeys(args.compare.split(","))) if args.compare else [args.backend]
    check_names(names)
    plan = Plan(
        model=args.model,
        contenders=names,
        requests=camera_requests(min(args.frames, DISTINCT_REQUESTS), args.data),
        rounds=args.frames,
        warmup=args.warmup,
        seconds=args.duration,
        threads=args.threads,
        checkpoint=args.checkpoint,
        peers_dir=args.peers_dir if args.peers else None,
    )
    measured = measure(plan)
    cold = {name: _cold_start(plan, name) for name in tqdm(measured.contenders, desc="cold starts", leave=False)}
    result = figures(plan, measured, cold)
    sys.stderr.write(table(result) + "\n")
    if args.plot:
        from benchmarks.plots import plot_latency  # a robot need not have matplotlib

        peers = {name: {"end_to_end": summary} for name, summary in measured.peers.items()}
        bare = {"bare session": measured.bare} if measured.bare else {}
        result["plot"] = shown(plot_latency({**measured.contenders, **bare, **peers}, args.plot))
    if args.out:
        write_json(args.out, result)
    return result


def _cold_start(plan: Plan, name: str) -> ColdStart:
    """Medians of several new processes."""
    starts = [
        cold_start(plan.model, name, checkpoint=plan.checkpoint, threads=plan.threads) for _ in range(COLD_STARTS)
    ]
    memory = {key: [start.memory_mib[key] for start in starts] for key in starts[0].memory_mib}
    return ColdStart(
        {key: median(start.milliseconds[key] for start in starts) for key in starts[0].milliseconds},
        {
            key: None if None in values else median(value for value in values if value is not None)
            for key, values in memory.items()
        },
    )


def figures(plan: Plan, measured: Measured, cold: Mapping[str, ColdStart]) -> dict[str, Any]:
    """The JSON of a run."""
    first = next(iter(measured.contenders))
    chosen = {name: _ran_on(name, plan.model) for name in measured.contenders}
    on_cpu = next((name for name in chosen if chosen[name] == "ort-cpu" and not is_bundle(name)), None)
    ours = measured.contenders[on_cpu]["end_to_end"]["p50"] if on_cpu else None
    result: dict[str, Any] = {
        "model": shown(plan.model),
        "frame": list(CAMERA_SIZE),
        "threads": plan.threads,
        "backends": measured.contenders,
        "ran_on": chosen,
        "not_run": measured.not_run,
        "bare_sessions": measured.bare,
        "warmup": measured.warmup,
        "device_times": {
            name: {"throughput_qps": round(1000 / times["latency"]["mean"], 2), **times}
            for name, times in measured.device_times.items()
        },
        "cold_start_ms": plain(cold[first].milliseconds),
        "cold_starts_ms": {name: plain(start.milliseconds) for name, start in cold.items()},
        "memory_mib": {name: plain(start.memory_mib) for name, start in cold.items()},
        "throughput_fps": _fps(measured.contenders[first]),
        "throughputs_fps": {name: _fps(stages) for name, stages in measured.contenders.items()},
        "overhead_ratio": _ratio(ours, _bare_median(measured.bare, ("image_encoder", "mask_decoder"))),
    }
    bundles = {name: stages["end_to_end"]["p50"] for name, stages in measured.contenders.items() if is_bundle(name)}
    if bundles:
        result["bundles_over_end_to_end"] = {name: _ratio(median_ms, ours) for name, median_ms in bundles.items()}
    if measured.peers:
        graphs = _bare_median(measured.bare, GRAPHS)
        result["peers"] = {
            name: {
                "what": PEERS[name].what + "; random weights, latency only",
                **summary,
                "over_bare_graphs": _ratio(summary["p50"], graphs),
                "over_end_to_end": _ratio(summary["p50"], ours),
            }
            for name, summary in measured.peers.items()
        }
    if measured.conditions:
        result["jetson"] = measured.conditions
    return result | machine()


def _ran_on(name: str, model: Path) -> str:
    """The backend that a contender ran on."""
    if is_bundle(name):
        model, name = Path(name), "auto"
    return choose(open_bundle(model)).name if name == "auto" else name


def _fps(stages: Summaries) -> float:
    return round(1000 / stages["end_to_end"]["mean"], 2)


def _bare_median(bare: Summaries, names: Sequence[str]) -> float | None:
    return sum(bare[name]["p50"] for name in names) if bare else None


def _ratio(over: float | None, under: float | None) -> float | None:
    return None if over is None or not under else round(over / under, 4)


def table(result: Mapping[str, Any]) -> str:
    """The figures for a person."""
    groups = {**result["backends"], "bare session": result["bare_sessions"], "peer": result.get("peers", {})}
    groups |= {f"{name}, GPU": times for name, times in result["device_times"].items()}
    rows = [
        (group, name, *(float(summary[column]) for column in _COLUMNS))
        for group, summaries in groups.items()
        for name, summary in summaries.items()
        if isinstance(summary, Mapping)
    ]
    starts = [
        (name, *milliseconds.values(), *result["memory_mib"][name].values(), result["throughputs_fps"][name])
        for name, milliseconds in result["cold_starts_ms"].items()
    ]
    any_start, any_memory = (next(iter(result[key].values())) for key in ("cold_starts_ms", "memory_mib"))
    head = ("cold start", *(f"{key} ms" for key in any_start), *(f"{key} MiB" for key in any_memory), "frames/s")
    parts = [aligned(("backend", "stage, ms", *_COLUMNS), rows), aligned(head, starts)]
    parts += [f"not run: {name}: {reason}" for name, reason in result["not_run"].items()]
    return "\n\n".join(parts[:2]) + "".join(f"\n{line}" for line in parts[2:])


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    described = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    add = described.add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle to time")
    add("--data", type=Path, default=TEST_SET, metavar="DIR", help="test set with frames and sentences")
    which = described.add_mutually_exclusive_group()
    which.add_argument("--backend", default="auto", help="what runs the graphs")
    compared = "several in one run: torch, torch-compile, any backend, other bundles' folders"
    which.add_argument("--compare", metavar="A,B,...", help=compared)
    add("--checkpoint", type=Path, default=CHECKPOINT, metavar="FILE", help="what torch loads; the bundle's own")
    add("--peers", action="store_true", help="time CLIPSeg, OWL-ViT and the network of 2016 in the same run")
    add("--peers-dir", type=Path, default=PEERS_DIR, metavar="DIR", help="where peers are kept once they are built")
    add("--frames", type=int, default=100, metavar="N", help="measured rounds, at least")
    add("--duration", type=float, default=0.0, metavar="S", help="measured seconds, at least")
    add("--warmup", type=int, default=10, metavar="N", help="unmeasured rounds before them")
    add("--threads", type=int, metavar="N", help="CPU threads of one graph; none: half of the cores")
    add("--plot", type=Path, metavar="PNG", help="draw the stages here")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    return command_line(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

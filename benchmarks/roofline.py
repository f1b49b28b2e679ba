"""Predicts, measures nothing: `python benchmarks/roofline.py [--model DIR]`, how long a Jetson takes for each graph.

Every operator takes the longest of three: its multiply-accumulates at a share of the board's published peak, its bytes
(weights and activations, each once) at a share of the published memory rate, and the least that one kernel takes.
Dense FP16 products run at the tensor cores' rate, depthwise ones and FP32 at the CUDA cores' (no TF32).
Elementwise operators count as fused into their neighbours. The shares are assumptions, and stand in the JSON; a
measurement replaces a prediction.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from benchmarks.boards import BOARDS, Board
from benchmarks.graph_cost import Operator, operators
from benchmarks.report import plain, shown, write_json
from runtime.bundle import DEFAULT_MODEL, GRAPHS, Bundle, open_bundle
from runtime.datatypes import Precision
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned


@dataclass(frozen=True)
class Assumptions:
    """Which shares of the peaks real kernels of batch 1 reach, and the least that a kernel takes.

    From experience with small convolutional networks, not from these boards: they reach a third of the arithmetic peak
    and two thirds of the memory rate; kernels inside a CUDA graph follow each other within 3 microseconds.
    """

    compute_share: float = 0.33
    memory_share: float = 0.67
    kernel_us: float = 3.0


def operator_ms(operator: Operator, board: Board, assumed: Assumptions) -> float:
    """Milliseconds of one operator on `board`."""
    # CUDA cores take FP16 at twice the rate of FP32 at best; depthwise kernels are bound by memory long before.
    tflops = board.fp16_tensor_tflops if operator.half and operator.dense else board.fp32_tflops
    compute = 2 * operator.macs / (tflops * 1e9 * assumed.compute_share)
    moved = operator.weight_bytes + operator.activation_bytes
    memory = moved / (board.memory_gb_s * 1e6 * assumed.memory_share)
    return max(compute, memory, assumed.kernel_us / 1e3)


def predict(graph: Sequence[Operator], assumed: Assumptions) -> dict[str, Any]:
    """Totals of a graph, and predicted milliseconds by board."""
    return {
        "gmac": sum(operator.macs for operator in graph) / 1e9,
        "weight_mb": sum(operator.weight_bytes for operator in graph) / 1e6,
        "activation_mb": sum(operator.activation_bytes for operator in graph) / 1e6,
        "kernels": len(graph),
        "predicted_ms": {
            board.name: sum(operator_ms(operator, board, assumed) for operator in graph) for board in BOARDS
        },
    }


def graphs_of(bundle: Bundle) -> dict[str, dict[str, list[Operator]]]:
    """Operators by precision and graph, for one sentence as the vocabulary pads it. FP16 where there are twins."""
    sizes = {"N": 1, "T": bundle.spec.max_words}
    precisions: tuple[Precision, ...] = ("fp32", "fp16") if bundle.spec.half_graphs else ("fp32",)
    return {
        precision: {
            name: operators(onnx.load_model_from_string(bundle.graph(name, precision)), sizes) for name in GRAPHS
        }
        for precision in precisions
    }


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Predict for every graph, precision and board."""
    if not (0 < args.compute_share <= 1 and 0 < args.memory_share <= 1 and args.kernel_us >= 0):
        raise SaymaskError("--compute-share and --memory-share must be in 0..1, --kernel-us at least 0")
    assumed = Assumptions(args.compute_share, args.memory_share, args.kernel_us)
    graphs = {
        precision: {name: predict(graph, assumed) for name, graph in by_name.items()}
        for precision, by_name in graphs_of(open_bundle(args.model)).items()
    }
    result = {
        "kind": "prediction by roofline, not a measurement",
        "model": shown(args.model),
        "assumptions": asdict(assumed),
        "boards": [asdict(board) for board in BOARDS],
        "graphs": plain(graphs),
        "frame_ms": plain({precision: _frame_ms(by_name) for precision, by_name in graphs.items()}),
    }
    sys.stderr.write(table(result) + "\n")
    if args.out:
        write_json(args.out, result)
    return result


def _frame_ms(graphs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """A new frame with a sentence heard before: image encoder and mask decoder."""
    return {
        board.name: sum(graphs[name]["predicted_ms"][board.name] for name in ("image_encoder", "mask_decoder"))
        for board in BOARDS
    }


def table(result: Mapping[str, Any]) -> str:
    """The predictions for a person."""
    head = ("precision", "graph", "GMAC", "weights MB", "activations MB", "kernels", *(b.name for b in BOARDS))
    rows: list[tuple[Any, ...]] = []
    for precision, by_name in result["graphs"].items():
        for name, graph in by_name.items():
            totals = (graph[key] for key in ("gmac", "weight_mb", "activation_mb", "kernels"))
            rows.append((precision, name, *totals, *graph["predicted_ms"].values()))
        rows.append((precision, "a frame", None, None, None, None, *result["frame_ms"][precision].values()))
    shares = result["assumptions"]
    return (
        f"PREDICTED milliseconds, not measured: {shares['compute_share']:.0%} of the arithmetic peak, "
        f"{shares['memory_share']:.0%} of the memory rate, at least {shares['kernel_us']} us a kernel\n"
        + aligned(head, rows)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    assumed = Assumptions()
    add = parser.add_argument
    add("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle")
    add("--compute-share", type=float, default=assumed.compute_share, help="of the arithmetic peak")
    add("--memory-share", type=float, default=assumed.memory_share, help="of the memory rate")
    add("--kernel-us", type=float, default=assumed.kernel_us, help="microseconds that a kernel takes at least")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

"""The roofline: arithmetic that can be done by hand, and a command that says that it predicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.boards import BOARDS, Board
from benchmarks.graph_cost import Operator
from benchmarks.roofline import Assumptions, main, operator_ms

Capture = pytest.CaptureFixture[str]
BOARD = Board("a board", fp16_tensor_tflops=20.0, fp32_tflops=2.0, memory_gb_s=100.0)
HALVES = Assumptions(compute_share=0.5, memory_share=0.5, kernel_us=2.0)


@pytest.mark.parametrize(
    ("operator", "milliseconds"),
    [
        # 2 x 50 GFLOP at half of 20 TFLOP/s
        (Operator("", "Conv", 50 * 10**9, True, True, 10, 10), 10.0),
        # depthwise and FP32: at half of 2 TFLOP/s
        (Operator("", "Conv", 5 * 10**8, False, True, 10, 10), 1.0),
        (Operator("", "Conv", 5 * 10**8, True, False, 10, 10), 1.0),
        # 60 MB at half of 100 GB/s
        (Operator("", "Concat", 0, False, True, 20 * 10**6, 40 * 10**6), 1.2),
        # nothing is faster than a kernel
        (Operator("", "Softmax", 0, False, True, 0, 100), 0.002),
    ],
)
def test_the_slowest_of_three_counts(operator: Operator, milliseconds: float) -> None:
    assert operator_ms(operator, BOARD, HALVES) == pytest.approx(milliseconds)


def test_the_default_model_on_every_board(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "roofline.json"
    assert main(["--out", str(out)]) == 0
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert "prediction" in result["kind"] and "PREDICTED" in told.err
    assert set(result["graphs"]) == {"fp32", "fp16"}
    full, half = result["graphs"]["fp32"], result["graphs"]["fp16"]
    for name in ("image_encoder", "mask_decoder"):
        assert half[name]["gmac"] == pytest.approx(full[name]["gmac"], rel=0.02), "precision changes no operation"
        assert half[name]["weight_mb"] == pytest.approx(full[name]["weight_mb"] / 2, rel=0.1)
        assert half[name]["predicted_ms"][BOARDS[0].name] < full[name]["predicted_ms"][BOARDS[0].name]
    assert half["text_encoder"] == full["text_encoder"]
    frame = result["frame_ms"]["fp16"]
    assert frame[BOARDS[0].name] == pytest.approx(
        sum(half[name]["predicted_ms"][BOARDS[0].name] for name in ("image_encoder", "mask_decoder")), abs=1e-3
    )
    assert json.loads(out.read_text()) == result


@pytest.mark.parametrize("arguments", [["--compute-share", "0"], ["--memory-share", "1.5"], ["--kernel-us", "-1"]])
def test_impossible_shares_are_refused(arguments: list[str], capsys: Capture) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: --compute-share")


def test_boards_follow_from_what_is_published() -> None:
    """Sparse INT8 / 4 (Orin, of the GPU alone), sparse FP4 / 8 (Thor)."""
    tensor = {board.name: board.fp16_tensor_tflops for board in BOARDS}
    assert tensor["Jetson Orin Nano Super 8GB"] == pytest.approx(67 / 4, rel=0.02)
    assert tensor["Jetson Orin NX 16GB"] == 60 / 4
    assert tensor["Jetson AGX Orin 64GB"] == 170 / 4
    assert tensor["Jetson Thor T5000"] == 2070 / 8

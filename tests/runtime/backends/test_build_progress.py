"""The share done only grows; a log gets few lines, a terminal one that rewrites itself."""

from __future__ import annotations

import io

import pytest

from runtime.backends import build_progress
from runtime.backends.build_progress import BuildProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_share_counts_inner_phases() -> None:
    progress = BuildProgress("build", io.StringIO())
    progress.start("all", None, 4)
    progress.step("all", 0)
    assert progress.share == pytest.approx(1 / 4)
    progress.start("tactics", "all", 2)
    progress.step("tactics", 0)
    assert progress.share == pytest.approx(1 / 4 + 1 / 8)
    progress.finish("tactics")
    progress.start("tactics", "all", 2)  # TensorRT repeats phases
    assert progress.share == pytest.approx(1 / 4 + 1 / 8)
    for step in range(4):
        progress.step("all", step)
    progress.finish("all")
    progress.step("all", 9)  # a late step of another thread
    assert progress.share == 1


def test_a_log_gets_one_line_per_build() -> None:
    log = io.StringIO()
    with BuildProgress("building x.onnx", log) as progress:
        progress.start("all", None, 1000)
        for step in range(1000):
            progress.step("all", step)
    assert log.getvalue().startswith("building x.onnx: 0.")
    assert log.getvalue().count("\n") == 1


def test_a_build_that_fails_says_so() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError, match="no"), BuildProgress("building x.onnx", log):
        raise ValueError("no")
    assert log.getvalue().startswith("building x.onnx: failed after 0.")


def test_a_terminal_gets_a_bar_that_is_wiped_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_progress, "_REDRAW_S", 0)
    terminal = Terminal()
    with BuildProgress("building x.onnx", terminal) as progress:
        progress.start("all", None, 2)
        progress.step("all", 0)
    drawn = terminal.getvalue()
    assert "█" * 12 + "░" * 12 + " building x.onnx  50% 0 s all" in drawn
    assert drawn.rpartition("\r\x1b[K")[2].startswith("building x.onnx: 0.")

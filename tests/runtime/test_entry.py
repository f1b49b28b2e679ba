"""The one rule for commands: JSON last, or one line and an exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runtime import SaymaskError
from runtime.entry import command_line
from runtime.errors import missing_package

Capture = pytest.CaptureFixture[str]


def raising(error: BaseException) -> Callable[[argparse.Namespace], dict[str, Any]]:
    def run(_: argparse.Namespace) -> dict[str, Any]:
        raise error

    return run


def test_the_last_line_is_json(capsys: Capture) -> None:
    def run(_: argparse.Namespace) -> dict[str, Any]:
        print("a table")
        return {"iou": np.float32(0.5), "passed": True, "sizes": np.array([1, 2])}

    assert command_line(run, argparse.ArgumentParser(), []) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"iou": 0.5, "passed": True, "sizes": [1, 2]}


def test_not_passed_is_exit_code_one(capsys: Capture) -> None:
    assert command_line(lambda _: {"passed": False}, argparse.ArgumentParser(), []) == 1
    assert json.loads(capsys.readouterr().out) == {"passed": False}


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SaymaskError("the file is\nbroken"), 2, "error: the file is broken"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (
            ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime.capi"),
            2,
            "error: the package 'onnxruntime' is not installed; install it with: pip install -e '.[cpu]'",
        ),
    ],
)
def test_faults_are_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, line: str
) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["numpy>=1", 'onnxruntime>=1.19; extra == "cpu"'])
    assert command_line(raising(error), argparse.ArgumentParser(), []) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == line + "\n"


def test_bugs_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        command_line(raising(ZeroDivisionError()), argparse.ArgumentParser(), [])


def test_bad_arguments_and_help(capsys: Capture) -> None:
    assert command_line(lambda _: {}, argparse.ArgumentParser(), ["--nothing"]) == 2
    assert capsys.readouterr().err == "error: unrecognized arguments: --nothing; see --help\n"
    assert command_line(lambda _: {}, argparse.ArgumentParser(), ["--help"]) == 0


def test_a_missing_package_is_told_with_the_smallest_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = ['torch; extra == "train"', 'tqdm>=4; extra == "train"', 'tqdm>=4; extra == "benchmarks"']
    monkeypatch.setattr("importlib.metadata.requires", lambda _: requirements)
    assert missing_package(ModuleNotFoundError(name="tqdm")).endswith("pip install -e '.[benchmarks]'")

"""What is measured of `saymask bag`, and when it is good enough."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra: bag)")

from benchmarks.bag_overhead import Interleaved, Stamps, judge, main
from tests.ros_bridge.scripted_segmenter import ScriptedSegmenter

Capture = pytest.CaptureFixture[str]
SENT: Stamps = [(1000 + number, f"camera_{number}") for number in range(40)]


def timed(bag_ms: float = 34.0, between_ms: float = 3.0) -> Interleaved:
    """Forty images, of which the last five were not timed alone."""
    return Interleaved(ScriptedSegmenter(), [bag_ms] * 40, [between_ms] * 40, [30.0] * 35)


def test_what_is_good_enough() -> None:
    result = judge(timed(), SENT, {"mask": list(SENT), "detections": list(SENT)})
    assert result["passed"] and result["not_met"] == []
    assert result["overhead_ms"]["p50"] == pytest.approx(4.0) and result["overhead_ms"]["n"] == 35
    assert result["outputs"] == {"mask": 40, "detections": 40}


@pytest.mark.parametrize(
    ("times", "masks", "not_met"),
    [
        (timed(bag_ms=35.1), SENT, ["overhead"]),
        (timed(between_ms=5.1), SENT, ["overhead"]),
        (timed(), SENT[:-1], ["answered"]),
        (timed(), [*SENT, SENT[-1]], ["answered"]),
        (timed(), [*SENT[:5], (SENT[5][0] + 1, SENT[5][1]), *SENT[6:]], ["stamps"]),
        (timed(), [*SENT[:5], (SENT[5][0], "camera_4"), *SENT[6:]], ["stamps"]),
        (timed(), SENT[::-1], ["stamps"]),
    ],
)
def test_what_is_not(times: Interleaved, masks: Stamps, not_met: list[str]) -> None:
    result: dict[str, Any] = judge(times, SENT, {"mask": masks, "detections": SENT})
    assert result["not_met"] == not_met and not result["passed"]


def test_entry(capsys: Capture) -> None:
    """What a busy machine cannot spoil: every image is answered, with its own stamp and frame."""
    code = main(["--frames", "25", "--backend", "ort-cpu", "--threads", "1"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == (0 if result["passed"] else 1)
    assert set(result["not_met"]) <= {"overhead"}
    assert result["frames"] == 25 and result["outputs"] == {"mask": 25, "detections": 25}
    assert result["overhead_ms"]["n"] == 20 and result["overhead_limit_ms"] == 5.0


def test_too_few_images(capsys: Capture) -> None:
    assert main(["--frames", "19"]) == 2
    assert capsys.readouterr().err == "error: --frames must be at least 20, got 19\n"

"""What a session does when a camera sends more than it can answer: `python benchmarks/overload.py [--duration 60]`.

Camera frames of 640x480 come at --factor times what the segmenter sustains alone, each in memory of its own as messages
are, while one command stays active. `age_ms` is from the moment a frame is sent to the moment its answer is delivered,
`inference_ms` the segmenter's own time for the same frames. Passed when all of these hold (`not_met` names the others):
`age`: the p99 of age_ms is at most 1.5 times the median of inference_ms and one frame period (`age_limit_ms`);
`memory`: the process's resident memory, between the medians of the second and the last quarter of the run, grows by at
most 8 MiB (`growth`), where one frame kept in a hundred would, in a minute, be more; `counted`: frames sent are the sum
of those answered and dropped, in the session's own status and here; `offered`: frames did come at nine tenths of that
rate.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.memory import process_memory_mib
from benchmarks.report import machine, plain, shown, write_json
from benchmarks.session_options import session_parser
from benchmarks.timing import summarise
from benchmarks.workload import camera_requests
from runtime.datatypes import Frame
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.segmenter import Segmenter
from runtime.tables import aligned
from saymask_ros.session import Event, Outcome, Session, SessionSettings

DISTINCT_FRAMES = 24
_WARM_UP, _ALONE = 10, 60
_MEMORY_EVERY_S = 0.5
_MOST_GROWTH_MIB = 8.0
_LAST_ANSWER_S = 10.0

Picture = npt.NDArray[np.uint8]


@dataclass
class Recording:
    """What one run showed. Times in milliseconds, memory in MiB; `counts` are the session's own."""

    period_ms: float
    seconds: float = 0.0
    sent: int = 0
    ages_ms: list[float] = field(default_factory=list)
    inference_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)

    def deliver(self, event: Event) -> None:
        """Note an answer, as the session's subscriber."""
        if isinstance(event, Outcome):
            self.ages_ms.append((time.monotonic_ns() - event.frame.stamp_ns) / 1e6)
            self.inference_ms.append(event.segmentation.timings_ms["total"])


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    if not (args.duration > 0 and args.factor > 1):  # a NaN is neither
        raise SaymaskError("--duration must be above 0 seconds, --factor above 1")
    requests = camera_requests(DISTINCT_FRAMES, args.data)
    pictures = [request.image for request in requests]
    with Segmenter(args.model, backend=args.backend, threads=args.threads) as segmenter:
        alone_ms = _alone(segmenter, pictures, requests[0].expression)
        recording = Recording(fmean(alone_ms) / args.factor)
        with Session(segmenter, recording.deliver, SessionSettings(command_timeout_s=0)) as session:
            session.on_transcript(requests[0].expression)
            if not session.status().command:
                raise SaymaskError(f"{requests[0].expression!r} names nothing to look for; choose another --data")
            session.start()
            _send(session, pictures, recording, args.duration)
            _await_last(session)
            recording.counts = session.status().counts
    figures = {
        "model": shown(args.model),
        "backend": args.backend,
        "threads": args.threads,
        "frame": [pictures[0].shape[0], pictures[0].shape[1]],
        "factor": args.factor,
        "alone_ms": summarise(alone_ms),
        **judge(recording, args.factor),
        **machine(),
    }
    result: dict[str, Any] = plain(figures)
    sys.stderr.write(table(result) + "\n")
    if args.out:
        write_json(args.out, result)
    return result


def _alone(segmenter: Segmenter, pictures: Sequence[Picture], words: str) -> list[float]:
    """Milliseconds of each frame when the next is sent after the last is answered."""
    times: list[float] = []
    for number in tqdm(range(_WARM_UP + _ALONE), desc="alone", unit="frame", leave=False):
        frame = Frame(pictures[number % len(pictures)].copy())
        start = time.perf_counter_ns()
        segmenter.segment(frame, words)
        times.append((time.perf_counter_ns() - start) / 1e6)
    return times[_WARM_UP:]


def _send(session: Session, pictures: Sequence[Picture], recording: Recording, seconds: float) -> None:
    """Send a frame every period; one that the machine was too busy to send in time is sent late, none is left out."""
    start = time.monotonic_ns()
    next_sample = 0.0
    with tqdm(total=round(seconds), desc="overload", unit="s", leave=False) as progress:
        while (due := recording.sent * recording.period_ms / 1e3) < seconds:
            time.sleep(max(0.0, due - (time.monotonic_ns() - start) / 1e9))
            picture = pictures[recording.sent % len(pictures)].copy()
            stamp = time.monotonic_ns()
            session.on_image(stamp, lambda picture=picture, stamp=stamp: Frame(picture, stamp_ns=stamp))  # type: ignore[misc]
            recording.sent += 1
            if due >= next_sample:
                recording.memory_mib.append(process_memory_mib()["rss"])
                next_sample += _MEMORY_EVERY_S
                progress.update(round(due) - progress.n)
    recording.seconds = (time.monotonic_ns() - start) / 1e9


def _await_last(session: Session) -> None:
    """Until every frame that was sent has been answered or dropped."""
    deadline = time.monotonic() + _LAST_ANSWER_S
    while time.monotonic() < deadline and not _all_counted(session.status().counts):
        time.sleep(0.01)


def _all_counted(counts: Mapping[str, int]) -> bool:
    return counts["received"] == counts["answered"] + counts["dropped"]


def judge(recording: Recording, factor: float) -> dict[str, Any]:
    """The figures of a run, and whether they are good enough; raises SaymaskError where nothing was answered."""
    if not recording.ages_ms:
        raise SaymaskError("no frame was answered; run it for longer, and see that the model opens: saymask doctor")
    ages, inference = summarise(recording.ages_ms), summarise(recording.inference_ms)
    limit = 1.5 * inference["p50"] + recording.period_ms
    quarter = max(1, len(recording.memory_mib) // 4)
    settled, end = (
        median(recording.memory_mib[quarter : 2 * quarter] or recording.memory_mib),
        median(recording.memory_mib[-quarter:]),
    )
    counts = recording.counts
    offered_fps = recording.sent / recording.seconds
    met = {
        "age": ages["p99"] <= limit,
        "memory": end - settled <= _MOST_GROWTH_MIB,
        "counted": _all_counted(counts)
        and (recording.sent, len(recording.ages_ms)) == (counts["received"], counts["answered"]),
        "offered": offered_fps * recording.period_ms >= 900,
    }
    return {
        "seconds": recording.seconds,
        "sustained_fps": 1000 / (factor * recording.period_ms),
        "offered_fps": offered_fps,
        "answered_fps": len(recording.ages_ms) / recording.seconds,
        "frames": {name: count for name, count in counts.items() if count},
        "period_ms": recording.period_ms,
        "inference_ms": inference,
        "age_ms": ages,
        "age_limit_ms": limit,
        "memory_mib": {
            "settled": settled,
            "end": end,
            "growth": end - settled,
            "lowest": min(recording.memory_mib),
            "highest": max(recording.memory_mib),
        },
        "not_met": [name for name, holds in met.items() if not holds],
        "passed": all(met.values()),
    }


def table(result: Mapping[str, Any]) -> str:
    """The figures for a person."""
    columns = ("n", "p50", "p90", "p95", "p99", "max")
    rows = [
        (name, *(float(result[name][column]) for column in columns)) for name in ("alone_ms", "inference_ms", "age_ms")
    ]
    frames, memory = result["frames"], result["memory_mib"]
    return "\n".join(
        [
            aligned(("", *columns), rows),
            f"age limit {result['age_limit_ms']:.1f} ms; {result['offered_fps']:.1f} frames/s offered, "
            f"{result['answered_fps']:.1f} answered; {frames['received']} received, {frames['answered']} answered, "
            f"{frames['dropped']} dropped; memory {memory['settled']:.1f} -> {memory['end']:.1f} MiB",
        ]
    )


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    described = session_parser(__doc__)
    described.add_argument("--duration", type=float, default=60.0, metavar="S", help="seconds of overload")
    described.add_argument(
        "--factor", type=float, default=3.0, metavar="X", help="frames sent per frame that the segmenter sustains"
    )
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    return command_line(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

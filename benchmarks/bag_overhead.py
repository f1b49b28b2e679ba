"""What `saymask bag` costs over its segmenter alone: `python benchmarks/bag_overhead.py [--frames 200]`.

A recording (MCAP, zstd) of camera images of 640x480 with their camera_info, in which a person says one command, is
answered into another, without --overlay and without depth. `bag_ms` is the time from one answer of the segmenter to the
next: mask and detections of the last image written, the next image read, decompressed, converted and segmented. After
every ten images the recording is held and the segmenter answers the same ten again with nothing around it, `alone_ms`;
so a machine that is busy for a while slows both. `overhead_ms` is the difference, image by image, `between_ms` what of
`bag_ms` is spent between two calls of the segmenter, which is steadier where others use the machine. Passed when all of
these hold (`not_met` names the others): `overhead`: the medians of both are at most 5 ms; `answered`: there are a mask
and detections for every image; `stamps`: each carries the stamp and the frame of its image.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rosbags.rosbag2 import Reader
from tqdm import tqdm

from benchmarks.report import machine, plain, shown, write_json
from benchmarks.session_options import session_parser
from benchmarks.timing import summarise
from benchmarks.workload import Request, camera_requests
from runtime.datatypes import Command, Frame, Segmentation
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.segmenter import Segmenter
from runtime.tables import aligned
from saymask_ros import convert
from saymask_ros.answers import header_of
from saymask_ros.messages import RosbagsTypes, typestore
from saymask_ros.recording import Recording, choose_topics
from saymask_ros.replay import Replay
from saymask_ros.results_bag import ResultsBag
from saymask_ros.worker import Segments

LIMIT_MS = 5.0
_DISTINCT_FRAMES = 24
_BLOCK = 10
_WARM_UP = 10
_FIRST_NS, _PERIOD_NS = 1_700_000_000_123_456_789, 33_366_701
_COMMANDS, _CAMERA = "/speech/text", "/camera/color"
_STAMPED = {"mask": "/saymask/mask", "detections": "/saymask/detections"}

Stamps = list[tuple[int, str]]
"""Stamp in nanoseconds and frame of one message after the other."""


@dataclass
class Interleaved:
    """A segmenter for a session, which every so often is timed without the session; milliseconds, image by image."""

    segmenter: Segments
    bag_ms: list[float] = field(default_factory=list)
    between_ms: list[float] = field(default_factory=list)
    alone_ms: list[float] = field(default_factory=list)
    _block: list[tuple[Frame, Command]] = field(default_factory=list)
    _last_ns: int | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The segmenter's own."""
        return self.segmenter.vocabulary

    def segment(self, frame: Frame, words: Command) -> Segmentation:
        """The segmenter's answer; the first after a pause is not timed."""
        if len(self._block) == _BLOCK:
            self._time_alone()
        start = time.perf_counter_ns()
        answer = self.segmenter.segment(frame, words)
        end = time.perf_counter_ns()
        if self._last_ns is not None:
            self.bag_ms.append((end - self._last_ns) / 1e6)
            self.between_ms.append((start - self._last_ns) / 1e6)
            self._block.append((frame, words))
        self._last_ns = time.perf_counter_ns()
        return answer

    def _time_alone(self) -> None:
        for frame, words in self._block:
            start = time.perf_counter_ns()
            self.segmenter.segment(replace(frame), words)  # a Frame that it has not seen, of the same pixels
            self.alone_ms.append((time.perf_counter_ns() - start) / 1e6)
        self._block.clear()
        self._last_ns = None


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures."""
    if args.frames < 2 * _BLOCK:
        raise SaymaskError(f"--frames must be at least {2 * _BLOCK}, got {args.frames}")
    requests = camera_requests(_DISTINCT_FRAMES, args.data)
    types = RosbagsTypes("jazzy")
    with TemporaryDirectory() as folder:
        source, results = Path(folder, "run.mcap"), Path(folder, "results.mcap")
        sent = write_recording(source, requests, args.frames, types)
        with Segmenter(args.model, backend=args.backend, threads=args.threads) as segmenter:
            for request in requests[:_WARM_UP]:
                segmenter.segment(Frame(request.image), requests[0].expression)
            timed = Interleaved(segmenter)
            with Recording(source, types) as recording, ResultsBag(results, types) as written:
                topics = choose_topics(recording, image=None, depth=None, camera_info=None, command=_COMMANDS)
                told = Replay(recording, topics, timed, written, None, types).run(None)
        figures = {
            "model": shown(args.model),
            "backend": args.backend,
            "threads": args.threads,
            "frame": list(requests[0].image.shape[:2]),
            "recording_mb": source.stat().st_size / 1e6,
            "results_mb": results.stat().st_size / 1e6,
            "verdicts": told["verdicts"],
            **judge(timed, sent, read_stamps(results, types)),
            **machine(),
        }
    result: dict[str, Any] = plain(figures)
    sys.stderr.write(table(result) + "\n")
    if args.out:
        write_json(args.out, result)
    return result


def write_recording(path: Path, requests: Sequence[Request], count: int, types: RosbagsTypes) -> Stamps:
    """Record `count` images and, before them, the first request's words; the stamps and frames of the images.

    No two images have the same frame, so that none can carry another's.
    """
    sent = [(_FIRST_NS + number * _PERIOD_NS, f"camera_{number}_optical_frame") for number in range(count)]
    with ResultsBag(path, types) as bag:
        for topic, kind in (
            (_COMMANDS, "String"),
            (f"{_CAMERA}/camera_info", "CameraInfo"),
            (f"{_CAMERA}/image_raw", "Image"),
        ):
            bag.add(topic, types.type_name(kind))
        bag.write(_COMMANDS, _FIRST_NS, types.String(data=requests[0].expression))
        for number, (stamp_ns, frame_id) in enumerate(tqdm(sent, desc="recording", unit="frame", leave=False)):
            header = header_of(stamp_ns, frame_id, types)
            height, width = requests[0].image.shape[:2]
            image = requests[number % len(requests)].image
            bag.write(f"{_CAMERA}/camera_info", stamp_ns, _camera_info(header, height, width))
            bag.write(
                f"{_CAMERA}/image_raw",
                stamp_ns,
                types.Image(
                    header=header,
                    height=height,
                    width=width,
                    encoding="rgb8",
                    is_bigendian=0,
                    step=3 * width,
                    data=image.reshape(-1),
                ),
            )
    return sent


def read_stamps(results: Path, types: RosbagsTypes) -> dict[str, Stamps]:
    """Stamps and frames of the results, by the names in `not_met`, in the order of the images."""
    stamps: dict[str, Stamps] = {}
    with Reader(results) as reader:
        for name, topic in _STAMPED.items():
            connections = [connection for connection in reader.connections if connection.topic == topic]
            headers = [
                types.deserialise(cdr, connection.msgtype).header for connection, _, cdr in reader.messages(connections)
            ]
            stamps[name] = [(convert.stamp_ns(header), header.frame_id) for header in headers]
    return stamps


def judge(timed: Interleaved, sent: Stamps, answered: dict[str, Stamps]) -> dict[str, Any]:
    """The figures of a run, and whether they are good enough."""
    count = len(timed.alone_ms)
    bag, alone = np.asarray(timed.bag_ms[:count]), np.asarray(timed.alone_ms)
    overhead, between = summarise((bag - alone).tolist()), summarise(timed.between_ms[:count])
    wrong = {name: sum(a != b for a, b in zip(stamps, sent, strict=False)) for name, stamps in answered.items()}
    met = {
        "overhead": max(overhead["p50"], between["p50"]) <= LIMIT_MS,
        "answered": all(len(stamps) == len(sent) for stamps in answered.values()),
        "stamps": not any(wrong.values()),
    }
    return {
        "frames": len(sent),
        "outputs": {name: len(stamps) for name, stamps in answered.items()},
        "wrong_stamps": wrong,
        "bag_ms": summarise(bag.tolist()),
        "alone_ms": summarise(timed.alone_ms),
        "between_ms": between,
        "overhead_ms": overhead,
        "overhead_limit_ms": LIMIT_MS,
        "not_met": [name for name, holds in met.items() if not holds],
        "passed": all(met.values()),
    }


def table(result: dict[str, Any]) -> str:
    """The figures for a person."""
    columns = ("n", "p50", "p90", "p95", "p99", "max")
    names = ("bag_ms", "alone_ms", "between_ms", "overhead_ms")
    rows = [(name, *(float(result[name][column]) for column in columns)) for name in names]
    outputs = ", ".join(f"{count} of {name}" for name, count in result["outputs"].items())
    return "\n".join(
        [
            aligned(("", *columns), rows),
            f"{result['frames']} images, {outputs}; {sum(result['wrong_stamps'].values())} with another stamp or frame",
        ]
    )


def _camera_info(header: object, height: int, width: int) -> Any:
    classes: Any = typestore("jazzy").types
    camera = [600.0, 0.0, width / 2, 0.0, 600.0, height / 2, 0.0, 0.0, 1.0]
    return classes["sensor_msgs/msg/CameraInfo"](
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array(camera),
        r=np.eye(3).reshape(-1),
        p=np.zeros(12),
        binning_x=0,
        binning_y=0,
        roi=classes["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, do_rectify=False),
    )


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    described = session_parser(__doc__)
    described.add_argument("--frames", type=int, default=200, metavar="N", help="images in the recording")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    return command_line(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())

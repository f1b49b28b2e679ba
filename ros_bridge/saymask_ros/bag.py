"""Answers a recorded camera: a rosbag2 recording and a sentence in, a recording of the answers out. Needs no ROS.

Masks, points, poses, detections and what is said, each with the stamp and the frame of its image; with --overlay also
pictures of the answers. Every image is answered, however long that takes. Foxglove opens the results, and
`ros2 bag play` plays them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from runtime.backends import BACKENDS
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.segmenter import Segmenter
from saymask_ros.messages import RosbagsTypes
from saymask_ros.recording import Recording, Topics, choose_topics
from saymask_ros.replay import Replay
from saymask_ros.results_bag import OverlayFiles, ResultsBag

_DEFAULT_RATE = 25.0
"""Of a video, in frames per second, where the recording does not tell."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("recording", type=Path, help="a rosbag2 folder, or a single .mcap or .db3 file")
    parser.add_argument("sentence", nargs="?", help='what to look for from the start: "pick up the red mug"')
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results.mcap"),
        help="a new .mcap or .db3, or without a suffix a rosbag2 folder",
    )
    parser.add_argument("--image", metavar="TOPIC", help="images; the only ones in colour when not given")
    parser.add_argument("--depth", metavar="TOPIC", help="depth registered to them; that in their frame when not given")
    parser.add_argument("--info", metavar="TOPIC", help="their camera_info; the one beside them when not given")
    parser.add_argument("--command-topic", metavar="TOPIC", help="std_msgs/String of what a person says meanwhile")
    parser.add_argument(
        "--overlay",
        type=Path,
        help="also draw the answers, in the results and to this new .mp4 or .avi, or folder of PNGs",
    )
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model directory")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="inference engine")
    parser.add_argument("--threads", type=int, help="CPU threads of one graph; half of the cores when not given")
    return command_line(run, parser, argv)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Answer the whole recording and write the results; returns the JSON."""
    if arguments.sentence is None and arguments.command_topic is None:
        raise SaymaskError('nothing to look for; give a sentence ("pick up the red mug") or --command-topic')
    if arguments.overlay == arguments.out:
        raise SaymaskError(f"--out and --overlay are both {arguments.out}; give one of them another name")
    types = RosbagsTypes("jazzy")  # what is read and written is the same in all distributions
    with ExitStack() as stack:
        recording = stack.enter_context(Recording(arguments.recording, types))
        topics = choose_topics(
            recording,
            image=arguments.image,
            depth=arguments.depth,
            camera_info=arguments.info,
            command=arguments.command_topic,
        )
        results = stack.enter_context(ResultsBag(arguments.out, types))
        files = _overlay_files(arguments.overlay, recording, topics)
        if files:
            stack.enter_context(files)
        segmenter = stack.enter_context(
            Segmenter(arguments.model, backend=arguments.backend, threads=arguments.threads)
        )
        replay = Replay(recording, topics, segmenter, results, files, types)
        told = replay.run(arguments.sentence)
    written = {"overlay": str(arguments.overlay)} if files else {}
    return {"recording": str(arguments.recording), "out": str(arguments.out), **written, **told}


def _overlay_files(path: Path | None, recording: Recording, topics: Topics) -> OverlayFiles | None:
    if path is None:
        return None
    first_ns, last_ns = recording.span_ns
    images = topics.image.count
    rate = (images - 1) * 1e9 / (last_ns - first_ns) if images > 1 and last_ns > first_ns else _DEFAULT_RATE
    return OverlayFiles(path, rate)


if __name__ == "__main__":
    raise SystemExit(main())

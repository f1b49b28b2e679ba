"""Answers a robot over Zenoh, without ROS here: camera and commands in, masks and grasps out. EXPERIMENTAL.

It speaks what rmw_zenoh speaks, but has not been checked against a robot that runs it. `--connect tcp/ROBOT:7447` joins
the robot's router (rmw_zenohd); without it, this is itself the router, at 127.0.0.1:7447 for the nodes of this machine.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from runtime.backends import BACKENDS
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.segmenter import Segmenter
from saymask_ros.cdr_inputs import inputs_of
from saymask_ros.events import Event, Outcome, SessionSettings, Speech
from saymask_ros.messages import DISTRIBUTIONS, RosbagsTypes
from saymask_ros.outputs import OUTPUTS, Outputs
from saymask_ros.rmw_zenoh import NO_TYPE_HASH, TopicType
from saymask_ros.session import Session
from saymask_ros.zenoh_transport import ROUTER, Transport

_log = logging.getLogger("saymask")
_REPORT_S = 1.0
"""Time between two looks at why no answers come."""
_PREFIX = "/saymask"
"""The node's own name, below which its outputs lie."""


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("sentence", nargs="?", help='what to look for from the start: "pick up the red mug"')
    parser.add_argument("--connect", help=f"the robot's router, such as {ROUTER}; opens no port here")
    parser.add_argument("--listen", help=f"be a router there; {ROUTER} when neither this nor --connect is given")
    parser.add_argument("--domain", type=int, default=0, help="the robot's ROS_DOMAIN_ID")
    parser.add_argument("--distribution", choices=DISTRIBUTIONS, default="jazzy", help="the robot's ROS")
    parser.add_argument("--image", default="/image", help="topic of the camera's pictures")
    parser.add_argument("--compressed", action="store_true", help="these are sensor_msgs/CompressedImage")
    parser.add_argument("--depth", default="/depth", help="topic of the depth that is registered to the pictures")
    parser.add_argument("--camera-info", default="/camera_info", help="topic of the pictures' camera_info")
    parser.add_argument("--command", default="/command", help="topic of what the person says (std_msgs/String)")
    parser.add_argument("--reply", default="/reply", help="topic of what the person replies to a question")
    parser.add_argument("--command-timeout", type=float, default=0.0, help="seconds until a command ends; 0: never")
    parser.add_argument("--frames", type=int, help="stop after so many answers; at Ctrl-C when not given")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model directory")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="inference engine")
    parser.add_argument("--threads", type=int, help="CPU threads of one graph; half of the cores when not given")
    return command_line(run, parser, argv)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Answer until Ctrl-C, SIGTERM or --frames; returns what was received and answered."""
    if arguments.frames is not None and arguments.frames < 1:
        raise SaymaskError(f"--frames must be at least 1, got {arguments.frames}")
    settings = SessionSettings(command_timeout_s=arguments.command_timeout)
    with ExitStack() as stack:
        transport = stack.enter_context(
            Transport(connect=arguments.connect, listen=arguments.listen, domain=arguments.domain, name="saymask")
        )
        segmenter = stack.enter_context(
            Segmenter(arguments.model, backend=arguments.backend, threads=arguments.threads)
        )
        robot = Robot(transport, RosbagsTypes(arguments.distribution), arguments.frames)
        session = stack.enter_context(Session(segmenter, robot.deliver, settings))
        robot.listen(session, vars(arguments), compressed=arguments.compressed)
        session.start()
        if arguments.sentence:
            session.on_transcript(arguments.sentence)
        _watch(session, robot.finished)
        status = session.status()
    return {"experimental": True, "counts": dict(status.counts), "last_error": status.last_error}


class Robot:
    """The robot's topics on Zenoh: what comes in goes to a session, what the session says goes out."""

    def __init__(self, transport: Transport, types: RosbagsTypes, frames: int | None) -> None:
        """`finished` is set after `frames` answers, never where that is None."""
        self.finished = threading.Event()
        self._transport = transport
        self._types = types
        self._frames = frames
        self._answers = 0
        publishers = {
            name: transport.publisher(self._topic(f"{_PREFIX}/{name}", types.type_name(kind)), types.serialise)
            for name, kind in OUTPUTS.items()
        }
        self._outputs = Outputs(publishers, types, place=lambda grasp: grasp)

    def listen(self, session: Session, topics: Mapping[str, str], *, compressed: bool) -> None:
        """Subscribe to every input of `session` at its topic; what cannot be read is counted by the session."""
        for name, item in inputs_of(session, self._types, compressed=compressed).items():
            self._transport.subscribe(self._topic(topics[name], item.type_name), item.take, item.refuse)

    def _topic(self, name: str, type_name: str) -> TopicType:
        hashed = self._types.distribution != "humble"
        return TopicType(name, type_name, self._types.type_hash(type_name) if hashed else NO_TYPE_HASH)

    def deliver(self, event: Event) -> None:
        """Publish what the session answers or says."""
        self._outputs.deliver(event)
        if isinstance(event, Speech):
            _log.info("say: %s", event.text)
        elif isinstance(event, Outcome):
            self._answers += 1
            if self._answers == self._frames:
                self.finished.set()


def _watch(session: Session, finished: threading.Event) -> None:
    """Tell why no answers come, whenever the reason changes, until `finished`, Ctrl-C or SIGTERM."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # how a service is stopped
    told = ""
    try:
        while not finished.wait(_REPORT_S):
            reasons = "; ".join(session.status().reasons)
            if reasons != told:
                _log.info("%s", reasons or "answering")
            told = reasons
    except KeyboardInterrupt:
        _log.info("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    raise SystemExit(main())

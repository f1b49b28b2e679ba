"""Shows what a sentence means in a picture, a video or a camera's view: overlay, mask and one line of JSON."""

from __future__ import annotations

import argparse
import os.path
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from runtime.backends import BACKENDS
from runtime.bundle import DEFAULT_MODEL
from runtime.datatypes import Frame, Segmentation
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.commands import parse_command
from runtime.language.dialogue import speak
from runtime.segmenter import Segmenter
from runtime.vision.files import (
    VideoReader,
    VideoWriter,
    check_picture_name,
    read_picture,
    write_json,
    write_picture,
)
from runtime.vision.overlay import draw_overlay
from runtime.vision.rle import encode_rle

_OPENCV_ERRORS = 2  # cv::utils::logging::LOG_LEVEL_ERROR
DEMO_PICTURE = Path(__file__).parent / "models" / "demo.jpg"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("image", nargs="?", type=Path, default=DEMO_PICTURE, help="a picture file (PNG, JPEG, ...)")
    parser.add_argument("sentence", help='what to look for: "pick up the jar beside the apple"')
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model directory")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="inference engine")
    parser.add_argument("--threads", type=int, help="CPU threads of one graph; half of the cores when not given")
    parser.add_argument("--out", "--overlay", type=Path, default=Path("overlay.png"), help="picture of the answer")
    parser.add_argument("--mask", type=Path, help="write the mask, 0 and 255, to this PNG")
    parser.add_argument("--rle", type=Path, help="write the mask as COCO run lengths to this JSON file")
    stream = parser.add_mutually_exclusive_group()
    stream.add_argument("--video", type=Path, help="read this video file instead of a picture")
    stream.add_argument("--camera", type=int, help="read this camera (0 is the first) until Ctrl-C or --frames")
    parser.add_argument("--frames", type=int, help="stop a video or camera after so many frames")
    parser.add_argument("--save-video", type=Path, help="write the answers to a video or camera to this .mp4 or .avi")
    return command_line(run, parser, argv)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Answer and write the files asked for; returns the JSON. Of a video or camera, both are the last frame's."""
    _check(arguments)
    if arguments.video is None and arguments.camera is None:
        frame = read_picture(arguments.image)
        with Segmenter(arguments.model, backend=arguments.backend, threads=arguments.threads) as segmenter:
            answer = segmenter.segment(frame, arguments.sentence)
        streamed: dict[str, Any] = {}
    else:
        frame, answer, streamed = _answer_stream(arguments)
    write_picture(arguments.out, draw_overlay(frame.image, answer))
    result = {**answer.to_json(), "say": speak(answer), **streamed, "overlay": str(arguments.out)}
    if others := _others(arguments.sentence, answer):
        result["not_answered"] = others
    if arguments.mask:
        write_picture(arguments.mask, answer.mask.astype(np.uint8) * 255)
        result["mask"] = str(arguments.mask)
    if arguments.rle:
        write_json(arguments.rle, encode_rle(answer.mask))
        result["rle"] = str(arguments.rle)
    return result


def _others(sentence: str, answer: Segmentation) -> list[str]:
    """What else the sentence asks for: one run answers one command."""
    asked = answer.command
    commands = [command for command in parse_command(sentence) if command.action not in ("confirm", "deny")]
    first = next((i for i, command in enumerate(commands) if command.action == asked.action), 0)
    return [
        f"{command.action} {command.target or command.place}".strip()
        for command in commands[:first] + commands[first + 1 :]
    ]


def _check(arguments: argparse.Namespace) -> None:
    """A wrong option should be told before the model is loaded."""
    if arguments.video is None and arguments.camera is None and (arguments.save_video or arguments.frames is not None):
        raise SaymaskError("--save-video and --frames go with --video or --camera")
    if arguments.frames is not None and arguments.frames < 1:
        raise SaymaskError(f"--frames must be at least 1, got {arguments.frames}")
    if arguments.image == DEMO_PICTURE and os.path.isfile(arguments.sentence):  # of any text, too long ones as well
        raise SaymaskError(f'{arguments.sentence} is a file; say what to look for in it as well: "the red mug"')
    check_picture_name(arguments.out)
    if arguments.mask:
        check_picture_name(arguments.mask)


def _answer_stream(arguments: argparse.Namespace) -> tuple[Frame, Segmentation, dict[str, Any]]:
    """Answer every frame until the end, --frames or Ctrl-C; returns the last, and what the JSON says of the stream."""
    # OpenCV's warnings would bury the one line that says what is wrong. 4.8 has this name, 5 the other.
    quieten = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    quieten(_OPENCV_ERRORS)
    reader = VideoReader(arguments.video if arguments.video is not None else arguments.camera)
    last: tuple[Frame, Segmentation] | None = None
    count, start = 0, time.perf_counter()
    with ExitStack() as stack:
        segmenter = stack.enter_context(
            Segmenter(arguments.model, backend=arguments.backend, threads=arguments.threads)
        )
        writer = stack.enter_context(VideoWriter(arguments.save_video, reader.rate)) if arguments.save_video else None
        try:
            for frame in islice(reader, arguments.frames):
                last = frame, segmenter.segment(frame, arguments.sentence)
                if writer:
                    writer.write(draw_overlay(frame.image, last[1]))
                count += 1
                _progress(count, arguments.frames or reader.length, time.perf_counter() - start, last[1])
        except KeyboardInterrupt:  # how a camera is stopped: keep what was answered
            if last is None:
                raise
    sys.stderr.write("\n")
    if last is None:
        raise SaymaskError(f"{arguments.video or f'camera {arguments.camera}'} holds no frame that can be decoded")
    streamed: dict[str, Any] = {"frames": count, "frames_per_second": round(count / (time.perf_counter() - start), 1)}
    if arguments.save_video:
        streamed["video"] = str(arguments.save_video)
    return (*last, streamed)


def _progress(count: int, total: int, seconds: float, answer: Segmentation) -> None:
    """One line on standard error, written over."""
    of = f"/{total}" if total else ""
    state = f"{answer.verdict.value} {answer.confidence:.0%}"
    sys.stderr.write(f"\rframe {count}{of}, {count / seconds:.1f} frames/s, {state}   ")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())

"""How long an answer takes, by stage: `python benchmarks/latency.py [--model DIR] [--frames N]`.

Camera frames of 640x480. All calls take turns in one run. `end_to_end` is a new frame with a sentence that was heard
before; `end_to_end_new_sentence` is a new frame with a new sentence; `further_sentence` is a new sentence on the frame
just answered. The stages preprocess, image_encoder, mask_decoder and postprocess are those of `end_to_end`;
text_encoder is that of a new sentence, text_encoder_cached that of one heard before. `overhead_ratio` is the median of
end_to_end over the sum of the medians of the bare ONNX Runtime sessions of the same two graphs, with the same options.
`throughput_fps` is of frames answered one after the other. Needs neither torch nor, without --plot, matplotlib.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bare_sessions import bare_calls
from benchmarks.cold_start import cold_start
from benchmarks.report import machine, plain, shown, write_json
from benchmarks.timing import interleaved, summarise
from benchmarks.workload import CAMERA_SIZE, TEST_SET, Request, camera_requests
from runtime import Command, Frame, Segmenter
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError

DISTINCT_REQUESTS = 24
COLD_STARTS = 3
_FRAME_STAGES = ("preprocess", "image_encoder", "mask_decoder", "postprocess")


class Robot:
    """What a robot asks of the segmenter, call by call, over and over on the same requests."""

    def __init__(self, segmenter: Segmenter, requests: Sequence[Request]) -> None:
        self.stages: dict[str, list[Mapping[str, float]]] = defaultdict(list)
        self._segmenter = segmenter
        self._requests = cycle(requests)
        self._sentences = 0
        self._frame = Frame.from_array(requests[0].image)
        for request in requests:  # heard before
            segmenter.segment(self._frame, _command(request.expression))

    def calls(self) -> dict[str, Callable[[], None]]:
        """The calls to time, by name."""
        return {
            "end_to_end": self._new_frame,
            "end_to_end_new_sentence": self._new_frame_and_sentence,
            "further_sentence": self._new_sentence,
        }

    def _new_frame(self) -> None:
        request = next(self._requests)
        self._ask("end_to_end", Frame.from_array(request.image), request.expression)

    def _new_frame_and_sentence(self) -> None:
        request = next(self._requests)
        self._ask("end_to_end_new_sentence", Frame.from_array(request.image), self._unheard(request))

    def _new_sentence(self) -> None:
        self._ask("further_sentence", self._frame, self._unheard(next(self._requests)))

    def _unheard(self, request: Request) -> str:
        self._sentences += 1
        return " ".join([str(self._sentences), *request.expression.split()[1:]])  # as long as the real one

    def _ask(self, call: str, frame: Frame, expression: str) -> None:
        self._frame = frame
        self.stages[call].append(self._segmenter.segment(frame, _command(expression)).timings_ms)


def _command(expression: str) -> Command:
    return Command(transcript=expression, action="pick", target=expression)


def measure(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Summaries in milliseconds of the robot's calls and stages, and of the bare sessions, all measured in one run."""
    requests = camera_requests(min(args.frames, DISTINCT_REQUESTS), args.data)
    with Segmenter(args.model, backend=args.backend, threads=args.threads) as segmenter:
        robot = Robot(segmenter, requests)
        bare = bare_calls(args.model, requests[0], threads=args.threads)
        times = interleaved(
            robot.calls() | {f"bare {name}": call for name, call in bare.items()},
            rounds=args.frames,
            warmup=args.warmup,
            description="latency",
        )
    # The robot's own list of stages also holds the warm-up rounds.
    answers = {call: stages[args.warmup :] for call, stages in robot.stages.items()}
    stages = {name: [answer[name] for answer in answers["end_to_end"]] for name in _FRAME_STAGES}
    stages["text_encoder"] = [answer["text_encoder"] for answer in answers["end_to_end_new_sentence"]]
    stages["text_encoder_cached"] = [answer["text_encoder"] for answer in answers["end_to_end"]]
    stages |= {name: times[name] for name in robot.calls()}
    return (
        {name: summarise(values) for name, values in stages.items()},
        {name: summarise(times[f"bare {name}"]) for name in bare},
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, plot, and return the figures."""
    if args.frames < 1 or args.warmup < 0:
        raise SaymaskError("--frames must be at least 1 and --warmup at least 0")
    stages, bare = measure(args)
    cold = [cold_start(args.model, args.backend) for _ in range(COLD_STARTS)]
    result = {
        "model": shown(args.model),
        "frame": list(CAMERA_SIZE),
        "threads": args.threads,
        "backends": {args.backend: stages},
        "bare_sessions": bare,
        "cold_start_ms": plain({name: median(start[name] for start in cold) for name in cold[0]}),
        "throughput_fps": round(1000 / stages["end_to_end"]["mean"], 2),
        "overhead_ratio": round(
            stages["end_to_end"]["p50"] / (bare["image_encoder"]["p50"] + bare["mask_decoder"]["p50"]), 4
        ),
    } | machine()
    if args.plot:
        from benchmarks.plots import plot_latency  # a robot need not have matplotlib

        result["plot"] = shown(plot_latency({args.backend: stages, "bare session": bare}, args.plot))
    if args.out:
        write_json(args.out, result)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle to time")
    parser.add_argument("--data", type=Path, default=TEST_SET, metavar="DIR", help="test set with frames and sentences")
    parser.add_argument("--backend", default="auto", help="what runs the graphs")
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="measured rounds")
    parser.add_argument("--warmup", type=int, default=10, metavar="N", help="unmeasured rounds before them")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="CPU threads of one graph; none: the engine's own choice"
    )
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the stages here")
    parser.add_argument("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

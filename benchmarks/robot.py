"""What a robot asks of the segmenter, call by call: the calls that benchmarks/latency.py times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Protocol

from benchmarks.timing import summarise
from benchmarks.workload import Request
from runtime import Command, Frame, Segmenter

_FRAME_STAGES = ("preprocess", "image_encoder", "mask_decoder", "postprocess")
_LATENCY = ("h2d", "compute", "d2h")
_TRTEXEC = (*_LATENCY, "enqueue")


class DeviceTimes(Protocol):
    """One graph's run by the GPU's own clock, in milliseconds and trtexec's words."""

    @property
    def h2d(self) -> float: ...
    @property
    def compute(self) -> float: ...
    @property
    def d2h(self) -> float: ...
    @property
    def enqueue(self) -> float: ...


class Robot:
    """Asks a segmenter over and over the same requests; `stages` holds the answers' own times, by call."""

    def __init__(
        self, segmenter: Segmenter, requests: Sequence[Request], latest: Mapping[str, DeviceTimes] | None = None
    ) -> None:
        """Every sentence of `requests` is heard once, so that only those made new later are unheard.

        `latest` is where a GPU backend notes the times of every graph's latest run.
        """
        self.stages: dict[str, list[Mapping[str, float]]] = defaultdict(list)
        self._latest = {} if latest is None else latest
        self._device: list[list[DeviceTimes]] = []
        self._segmenter = segmenter
        self._requests = cycle(requests)
        self._sentences = 0
        self._frame = Frame.from_array(requests[0].image)
        for request in requests:
            segmenter.segment(self._frame, _command(request.expression))

    def calls(self) -> dict[str, Callable[[], None]]:
        """The calls to time, by name."""
        return {
            "end_to_end": self._new_frame,
            "end_to_end_new_sentence": self._new_frame_and_sentence,
            "further_sentence": self._new_sentence,
        }

    def summary(self, times: Mapping[str, list[float]], warmup: int) -> dict[str, dict[str, float]]:
        """Summaries of the three calls and of their stages; `times` are those of the calls, by name.

        Of every stage the first `warmup` are left out, as they are in `times`.
        """
        answers = {call: stages[warmup:] for call, stages in self.stages.items()}
        stages = {name: [answer[name] for answer in answers["end_to_end"]] for name in _FRAME_STAGES}
        stages["text_encoder"] = [answer["text_encoder"] for answer in answers["end_to_end_new_sentence"]]
        stages["text_encoder_cached"] = [answer["text_encoder"] for answer in answers["end_to_end"]]
        stages |= {call: times[call] for call in self.calls()}
        return {name: summarise(values) for name, values in stages.items()}

    def device_summary(self, warmup: int) -> dict[str, dict[str, float]]:
        """trtexec's figures of end_to_end, its graphs together: h2d, compute, d2h, enqueue, and latency.

        Latency is h2d + compute + d2h. Empty where the backend keeps no such times.
        """
        frames = self._device[warmup:] if self._latest else []
        times = {name: [sum(getattr(graph, name) for graph in frame) for frame in frames] for name in _TRTEXEC}
        times["latency"] = [sum(parts) for parts in zip(*(times[name] for name in _LATENCY), strict=True)]
        return {name: summarise(values) for name, values in times.items() if values}

    def _new_frame(self) -> None:
        request = next(self._requests)
        before = dict(self._latest)
        self._ask("end_to_end", Frame.from_array(request.image), request.expression)
        self._device.append([times for name, times in self._latest.items() if times is not before.get(name)])

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

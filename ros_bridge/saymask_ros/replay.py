"""A recording through a session, message by message, as if the camera and the person were there. Without ROS."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from tqdm import tqdm

from runtime.errors import SaymaskError
from runtime.vision.overlay import draw_overlay
from saymask_ros import convert
from saymask_ros.events import Event, Outcome, SessionSettings, Speech
from saymask_ros.messages import RosbagsTypes
from saymask_ros.outputs import OUTPUTS, Outputs
from saymask_ros.recording import COMPRESSED, Recording, Topics
from saymask_ros.results_bag import OverlayFiles, ResultsBag
from saymask_ros.session import Session, Source
from saymask_ros.worker import Segments

_PREFIX = "/saymask"
"""As the node's own name: what is recorded from it has the same topics."""
_OVERLAY = f"{_PREFIX}/overlay/compressed"
# Of a recording nothing is too late: the clock is that of the messages.
_SETTINGS = SessionSettings(command_timeout_s=0.0, max_image_age_s=1e6)


class Replay:
    """One recording through one session, into one results bag. `run` once. Without `files` no overlay is drawn."""

    def __init__(
        self,
        recording: Recording,
        topics: Topics,
        segmenter: Segments,
        results: ResultsBag,
        files: OverlayFiles | None,
        types: RosbagsTypes,
    ) -> None:
        self._recording, self._topics, self._types = recording, topics, types
        self._results, self._files = results, files
        self._events: list[Event] = []
        self._now_ns, _ = recording.span_ns
        self._session = Session(segmenter, self._events.append, _SETTINGS, clock=lambda: self._now_ns)
        self._waiting: tuple[int, int] | None = None
        """Stamp and time of recording of the image that is not answered yet."""
        self._newest_depth_ns: int | None = None
        self._said: list[str] = []
        self._verdicts: Counter[str] = Counter()
        self._painter = ThreadPoolExecutor(1, "saymask-overlay")
        self._painting: tuple[int, Future[Any]] | None = None

    def run(self, sentence: str | None) -> dict[str, Any]:
        """Answer every image. Raises SaymaskError where not one could be answered, or nothing written."""
        start = time.perf_counter()
        for name, kind in OUTPUTS.items():
            if name != "overlay":
                self._results.add(f"{_PREFIX}/{name}", self._types.type_name(kind))
        if self._files:
            self._results.add(_OVERLAY, COMPRESSED)
        with self._session, self._painter, tqdm(total=self._topics.image.count, unit="frame") as progress:
            if sentence is not None:
                self._hear(sentence)
                if not (self._session.status().command or self._topics.command):
                    told = " ".join(self._said) or self._session.status().reasons[-1]
                    raise SaymaskError(f"{sentence[:60]!r} names nothing to look for: {told}")
            self._replay(progress.update)
            self._answer()
            self._write_painting()
            status = self._session.status()
        if not status.counts["answered"]:
            raise SaymaskError(f"not one image was answered: {'; '.join(status.reasons) or status.last_error}")
        seconds = time.perf_counter() - start
        return {
            "topics": {name: topic.name if topic else None for name, topic in vars(self._topics).items()},
            "frames": status.counts["received"],
            "answered": status.counts["answered"],
            "verdicts": dict(self._verdicts),
            "grasps": status.counts["grasps"],
            "no_grasp": status.no_grasp,
            "said": self._said,
            "seconds": round(seconds, 3),
            "frames_per_second": round(status.counts["received"] / seconds, 1),
            "counts": {name: count for name, count in status.counts.items() if count},
            "last_error": status.last_error,
        }

    def _replay(self, on_image: Callable[[], object]) -> None:
        topics = self._topics
        takers: dict[str, tuple[Source, str, Callable[[Any, int], None]]] = {
            topics.image.name: ("image", topics.image.type_name, self._on_image)
        }
        if topics.depth:
            takers[topics.depth.name] = ("depth", topics.depth.type_name, self._on_depth)
        if topics.camera_info:
            takers[topics.camera_info.name] = ("camera_info", topics.camera_info.type_name, self._on_camera_info)
        if topics.command:
            takers[topics.command.name] = ("text", topics.command.type_name, lambda said, _: self._hear(said.data))
        used = [topic for topic in vars(topics).values() if topic]
        for name, recorded_ns, cdr in self._recording.messages(used):
            source, type_name, take = takers[name]
            if source in ("image", "text"):  # what comes before is answered before
                self._answer()
            self._now_ns = recorded_ns
            try:
                message = self._types.deserialise(cdr, type_name)
            except SaymaskError as error:
                self._session.refuse(source, error)
            else:
                take(message, recorded_ns)
            if source == "image":
                on_image()

    def _on_image(self, message: Any, recorded_ns: int) -> None:
        compressed = self._topics.image.type_name == COMPRESSED
        load = convert.frame_from_compressed if compressed else convert.frame_from_image
        stamp_ns = convert.stamp_ns(message.header)
        self._session.on_image(stamp_ns, partial(load, message))
        self._waiting = (stamp_ns, recorded_ns)
        if self._topics.depth is None:
            self._answer()
        else:
            self._answer_with_depth()

    def _on_depth(self, message: Any, recorded_ns: int) -> None:
        assert self._topics.depth
        compressed = self._topics.depth.type_name == COMPRESSED
        load = convert.depth_from_compressed if compressed else convert.depth_from_image
        self._newest_depth_ns = convert.stamp_ns(message.header)
        self._session.on_depth(self._newest_depth_ns, partial(load, message))
        self._answer_with_depth()

    def _on_camera_info(self, message: Any, recorded_ns: int) -> None:
        read = partial(convert.intrinsics_from_camera_info, message, rectified=self._topics.rectified)
        self._session.on_camera_info(read)

    def _answer_with_depth(self) -> None:
        """Answer once no depth image that is still to come can be nearer by its stamp; else before the next image."""
        if self._waiting and self._newest_depth_ns is not None and self._newest_depth_ns >= self._waiting[0]:
            self._answer()

    def _answer(self) -> None:
        if self._waiting:
            recorded_ns = self._waiting[1]
            self._waiting = None
            self._session.step()
            self._write_events(recorded_ns)

    def _hear(self, text: str) -> None:
        self._session.on_transcript(text)
        self._write_events(self._now_ns)

    def _write_events(self, recorded_ns: int) -> None:
        outputs = Outputs(
            {name: _Output(self._results, f"{_PREFIX}/{name}", recorded_ns) for name in OUTPUTS},
            self._types,
            place=lambda grasp: grasp,
        )
        for event in self._events:
            outputs.deliver(event)
            if isinstance(event, Speech):
                self._said.append(event.text)
            elif isinstance(event, Outcome):
                self._verdicts[event.segmentation.verdict.value] += 1
                if self._files:
                    # In another thread while the next image is segmented: it takes as long as all else together.
                    self._write_painting()
                    self._painting = (recorded_ns, self._painter.submit(self._paint, self._files, event))
        self._events.clear()

    def _paint(self, files: OverlayFiles, outcome: Outcome) -> Any:
        picture = draw_overlay(outcome.frame.image, outcome.segmentation)
        files.write(picture)
        return convert.overlay_jpeg_message(picture, outcome.segmentation, self._types)

    def _write_painting(self) -> None:
        if self._painting:
            recorded_ns, message = self._painting
            self._painting = None
            self._results.write(_OVERLAY, recorded_ns, message.result())


class _Output:
    """A topic of the results, at one moment, as `Outputs` publishes to it."""

    def __init__(self, results: ResultsBag, topic: str, recorded_ns: int) -> None:
        self._results, self._topic, self._recorded_ns = results, topic, recorded_ns

    def publish(self, msg: Any) -> None:
        """Write a message."""
        self._results.write(self._topic, self._recorded_ns, msg)

    def get_subscription_count(self) -> int:
        """None: the overlay is written compressed, and apart."""
        return 0

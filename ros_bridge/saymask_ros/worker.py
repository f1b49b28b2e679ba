"""Answers the image that waits: converts it, segments it, finds the depth that belongs to it, and delivers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from runtime.datatypes import Command, Frame, Grasp, Segmentation
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from saymask_ros.conversation import Conversation
from saymask_ros.events import Outcome, SessionSettings, Speech
from saymask_ros.grasping import grasp_of, nothing_to_grasp
from saymask_ros.health import Health, one_line
from saymask_ros.outbox import Outbox
from saymask_ros.sync import ColourImage, DepthImage, FrameMatcher


class Segments(Protocol):
    """What a session needs of a Segmenter."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The words that the model knows."""

    def segment(self, frame: Frame, words: Command) -> Segmentation:
        """The answer to a command; only ever called from one thread."""


@dataclass(eq=False)
class Shared:
    """What callbacks and worker have in common.

    `changed` is held for all of it but the outbox and the clock, and never while something is converted, segmented or
    delivered; it is notified of whatever may give the worker something to do.
    """

    clock: Callable[[], int]
    outbox: Outbox
    conversation: Conversation
    matcher: FrameMatcher
    settings: SessionSettings
    health: Health
    changed: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False

    def now(self) -> int:
        """The time, after which a command that has timed out is over."""
        now = self.clock()
        self.conversation.expire(now, nanoseconds(self.settings.command_timeout_s))
        return now

    def outdated(self, turns: int) -> bool:
        """Whether what was worked out when the conversation had come to `turns` is no longer to be delivered."""
        return self.closed or self.conversation.turns != turns

    def fault(self, count: str, error: Exception) -> None:
        """Count an exception."""
        with self.changed:
            self.health.fault(count, error)


class Worker:
    """The one thread that a session answers in, or without `start` whichever thread calls `step`."""

    def __init__(self, segmenter: Segments, shared: Shared) -> None:
        self._segmenter = segmenter
        self._shared = shared
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        """Whether there is a thread."""
        return self._thread is not None

    def start(self) -> None:
        """Answer in a thread of its own from now on."""
        self._thread = threading.Thread(target=self._run, name="saymask", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread, if there is one and it is not this one, has seen that the session is closed."""
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def step(self) -> bool:
        """Answer the image that waits; False where there is none, or nothing to look for on it."""
        shared, talk = self._shared, self._shared.conversation
        with shared.changed:
            now = shared.now()
            command, commands = talk.command, talk.commands
            image = shared.matcher.take(now) if command and not shared.closed else None
        if image is None or command is None:
            return False
        try:
            self._answer(image, command, commands)
        except Exception as error:  # the segmenter's, or a bug of ours: the next image may well be answered
            reason = one_line(error) if isinstance(error, SaymaskError) else ""
            with shared.changed:
                shared.health.fault("failed", error)
                said = talk.apologise(reason) if talk.commands == commands else ""
                if said:
                    shared.outbox.put(Speech(said))
        finally:
            with shared.changed:
                shared.matcher.put_down()
        shared.outbox.flush()
        return True

    def _run(self) -> None:
        while True:
            with self._shared.changed:
                self._shared.changed.wait_for(self._has_work)
                if self._shared.closed:
                    return
            self.step()

    def _has_work(self) -> bool:
        shared = self._shared
        now = shared.now()
        return shared.closed or (shared.conversation.command is not None and shared.matcher.has_image(now))

    def _answer(self, image: ColourImage, command: Command, commands: int) -> None:
        shared, talk, health = self._shared, self._shared.conversation, self._shared.health
        try:
            frame = image.load()
        except Exception as error:  # whatever a broken message makes of the conversion
            shared.fault("malformed_image", error)
            return
        answer = self._segmenter.segment(frame, command)
        with shared.changed:
            health.image_fault = health.answer_fault = ""
            health.inference_ms = answer.timings_ms.get("total")
            now = shared.now()
            if shared.closed or talk.commands != commands:
                health.counts["superseded"] += 1
                return
            answer, said = talk.see(answer, now, nanoseconds(shared.settings.settle_s))
            turns = talk.turns
            if said:
                shared.outbox.put(Speech(said))
        grasp, no_grasp = self._grasp(image, frame, answer, turns)
        with shared.changed:
            age = max(0, shared.now() - image.received_ns)
            if shared.outdated(turns):  # "no, not that one" came while depth was awaited
                health.counts["superseded"] += 1
                return
            health.no_grasp = no_grasp
            health.counts["grasps"] += grasp is not None
            replaced = shared.outbox.put(Outcome(frame, answer, grasp, no_grasp, age))
            health.counts["answered"] += 1 - replaced
            health.counts["superseded"] += replaced

    def _grasp(self, image: ColourImage, frame: Frame, answer: Segmentation, turns: int) -> tuple[Grasp | None, str]:
        """The grasp for an answer, or why there is none."""
        nothing = nothing_to_grasp(answer)
        intrinsics = frame.intrinsics or self._shared.matcher.intrinsics
        if nothing or intrinsics is None:
            return None, nothing or "no camera_info has come; is the camera_info topic right?"
        depth_m = frame.depth_m
        if depth_m is None:
            depth, refused = self._depth(image, turns)
            if depth is None:
                return None, refused
            try:
                depth_m = depth.load()
            except Exception as error:  # whatever a broken message makes of the conversion
                self._shared.fault("malformed_depth", error)
                return None, f"the depth image could not be read: {one_line(error)}"
        try:
            return grasp_of(frame, answer, depth_m, intrinsics), ""
        except Exception as error:  # the mask is of use without it
            self._shared.fault("grasp_failed", error)
            return None, one_line(error)

    def _depth(self, image: ColourImage, turns: int) -> tuple[DepthImage | None, str]:
        """The depth image that belongs to `image`, for which the thread waits a little, or why there is none."""
        shared, matcher = self._shared, self._shared.matcher

        def need_not_wait() -> bool:
            return shared.outdated(turns) or not matcher.awaits_depth(image, shared.clock())

        with shared.changed:
            if self.started:  # else whoever calls `step` is who would bring it
                shared.changed.wait_for(need_not_wait, timeout=shared.settings.depth_wait_s)
            depth = matcher.depth_of(image)
            if depth:
                return depth, ""
            now = shared.clock()
            shared.health.counts["depth_refused"] += matcher.depth_age_ns(now) is not None
            return None, matcher.why_no_depth(image, now)


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds."""
    return round(seconds * 1e9)

"""From camera and voice to answers, without ROS: one worker thread, the newest image, one command at a time.

    with Session(segmenter, deliver=print) as session:
        session.start()
        session.on_transcript("pick up the red mug")
        session.on_image(stamp_ns, lambda: frame_from_image(message))  # converted in the worker, if at all

Events are delivered one at a time and in order: after the "Okay." to a "stop" comes no answer to what was stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Frame, Intrinsics
from runtime.errors import SaymaskError
from saymask_ros.conversation import Conversation
from saymask_ros.events import Event, Outcome, SessionSettings, SessionStatus, Speech
from saymask_ros.health import Health
from saymask_ros.outbox import Outbox
from saymask_ros.sync import ColourImage, DepthImage, FrameMatcher
from saymask_ros.worker import Segments, Shared, Worker, nanoseconds

__all__ = ["Event", "Outcome", "Session", "SessionSettings", "SessionStatus", "Source", "Speech"]

Source = Literal["image", "depth", "camera_info", "text"]


class Session:
    """Answers what a person says on what a camera shows. The `on_...` may be called from any thread and never wait.

    After `start` one worker thread converts, segments and delivers; before it `step` does so once, in the caller's
    thread. What a message, the segmenter or `deliver` raises is counted and told by `status`, and ends nothing.
    A context manager that closes itself.
    """

    def __init__(
        self,
        segmenter: Segments,
        deliver: Callable[[Event], None],
        settings: SessionSettings | None = None,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`deliver` takes the events, in the thread in which one came about; it may call the session.

        It must not wait for a thread that is in `close`. `clock` gives nanoseconds; it may stand still and be set back,
        as simulated time is. The segmenter stays the caller's to close, after this.
        """
        matcher = FrameMatcher(tolerance_ns=0, max_depth_age_ns=0, max_image_age_ns=0)
        self._shared = Shared(
            clock,
            Outbox(deliver, lambda error: self._shared.fault("undelivered", error)),
            Conversation(segmenter.vocabulary),
            matcher,
            settings or SessionSettings(),
            Health(),
        )
        self._worker = Worker(segmenter, self._shared)
        self.change(self._shared.settings)

    def change(self, settings: SessionSettings) -> None:
        """Use other settings from now on."""
        shared = self._shared
        with shared.changed:
            shared.settings = settings
            shared.matcher.tolerance_ns = nanoseconds(settings.depth_tolerance_s)
            shared.matcher.max_depth_age_ns = nanoseconds(settings.max_depth_age_s)
            shared.matcher.max_image_age_ns = nanoseconds(settings.max_image_age_s)
            shared.changed.notify_all()

    def start(self) -> None:
        """Answer in a thread from now on; a second call does nothing. Raises SaymaskError after `close`."""
        with self._shared.changed:
            if self._shared.closed:
                raise SaymaskError("this session is closed; make a new one")
            if not self._worker.started:
                self._worker.start()

    def close(self) -> None:
        """Deliver nothing more and wait until the worker has ended, after the image in hand; from any state."""
        with self._shared.changed:
            self._shared.closed = True
            self._shared.outbox.close()
            self._shared.changed.notify_all()
        self._worker.join()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def on_image(self, stamp_ns: int, load: Callable[[], Frame]) -> None:
        """A colour image by its stamp; `load` converts it when its turn comes, and may raise.

        A Frame with depth and intrinsics of its own needs neither `on_depth` nor `on_camera_info`.
        """
        shared = self._shared
        with shared.changed:
            if shared.closed:
                return
            shared.health.counts["received"] += 1
            fate = shared.matcher.add_image(ColourImage(stamp_ns, shared.now(), load))
            if fate == "replaced":
                shared.health.counts["dropped" if shared.conversation.command else "idle"] += 1
            elif fate == "late":
                shared.health.counts["late"] += 1
            shared.changed.notify_all()

    def on_depth(self, stamp_ns: int, load: Callable[[], npt.NDArray[np.float32]]) -> None:
        """A depth image by its stamp, registered to the colour image; `load` gives float32 (h, w) metres, or raises."""
        shared = self._shared
        with shared.changed:
            if shared.closed:
                return
            shared.health.counts["depth_received"] += 1
            shared.matcher.add_depth(DepthImage(stamp_ns, shared.clock(), load))
            shared.changed.notify_all()

    def on_camera_info(self, load: Callable[[], Intrinsics]) -> None:
        """The colour camera's intrinsics, kept until others come; `load` is called here, and may raise."""
        try:
            intrinsics = load()
        except Exception as error:  # whatever a broken message makes of the conversion
            self._shared.fault("malformed_camera_info", error)
            return
        with self._shared.changed:
            self._shared.matcher.intrinsics = intrinsics

    def on_transcript(self, text: str) -> None:
        """What a person said to the robot: a command, or a reply to a question."""
        self._hear(text, self._shared.conversation.hear_command)

    def on_reply(self, text: str) -> None:
        """What a person said in reply, where replies come apart from commands."""
        self._hear(text, self._shared.conversation.hear_reply)

    def refuse(self, source: Source, error: Exception) -> None:
        """Count a message of which not even the stamp can be read."""
        health = self._shared.health
        with self._shared.changed:
            health.counts["received"] += source == "image"
            health.counts["depth_received"] += source == "depth"
            health.fault(f"malformed_{source}", error)

    def step(self) -> bool:
        """Answer the image that waits, in this thread; whether there was one, and something to look for on it.

        For a session that was not started, such as one over a recording. Raises SaymaskError for one that was.
        """
        if self._worker.started:
            raise SaymaskError("a session that was started answers by itself; call step on one that was not")
        return self._worker.step()

    def status(self) -> SessionStatus:
        """How things are now, and why no answers come."""
        shared = self._shared
        with shared.changed:
            return shared.health.status(shared.conversation, shared.matcher, shared.now(), closed=shared.closed)

    def _hear(self, text: str, hear: Callable[[str, int], str]) -> None:
        shared, talk, health = self._shared, self._shared.conversation, self._shared.health
        heard: object = text
        if not isinstance(heard, str):
            refused = SaymaskError(f"expected a transcript as text, got {type(heard).__name__}")
            shared.fault("malformed_text", refused)
            return
        with shared.changed:
            if shared.closed:
                return
            turns = talk.turns
            try:
                said = hear(text, shared.now())
            except Exception as error:  # whatever a recogniser may send must not end a callback
                health.fault("malformed_text", error)
                return
            if talk.turns != turns:
                outdated = shared.outbox.drop_outcomes()
                health.counts["answered"] -= outdated
                health.counts["superseded"] += outdated
                said = self._blind() or said
            if said:
                shared.outbox.put(Speech(said))
            shared.changed.notify_all()
        shared.outbox.flush()

    def _blind(self) -> str:
        """What to say to a person who asks for something after the camera stopped: else there would be silence."""
        matcher = self._shared.matcher
        age = matcher.image_age_ns(self._shared.clock())
        stopped = age is not None and age > matcher.max_image_age_ns
        return "I see nothing: my camera has stopped." if stopped and self._shared.conversation.command else ""

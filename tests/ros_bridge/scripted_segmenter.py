"""A segmenter whose answers a test decides, and a clock that stands still until it is moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.datatypes import Box, Command, Frame, Segmentation
from runtime.language.vocabulary import Vocabulary
from saymask_ros.session import Event, Outcome, Session, SessionSettings, Speech
from tests.runtime.language.made_up_answers import answer_to

MS = 1_000_000
S = 1_000 * MS


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The words of the model that comes with saymask."""
    return open_bundle(DEFAULT_MODEL).vocabulary


class ScriptedSegmenter:
    """Sees `things` (boxes in a picture of 320x240) whatever is asked for; or does what `act` says."""

    def __init__(self, *things: Box) -> None:
        self.vocabulary = vocabulary()
        self.things: Sequence[Box] = things
        self.act: Callable[[Frame, Command], Segmentation] = self.see
        self.asked: list[tuple[int, Command]] = []
        """Stamp and command of every call."""

    def segment(self, frame: Frame, words: Command) -> Segmentation:
        self.asked.append((frame.stamp_ns, words))
        return self.act(frame, words)

    def see(self, frame: Frame, command: Command) -> Segmentation:
        answer = answer_to(command, *self.things)
        return replace(answer, stamp_ns=frame.stamp_ns, camera_frame=frame.camera_frame, timings_ms={"total": 20.0})


class Clock:
    """Nanoseconds, as a test moves them."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * S

    def __call__(self) -> int:
        return self.now_ns

    def pass_ms(self, milliseconds: float) -> None:
        self.now_ns += round(milliseconds * MS)


class Bench:
    """A session that was not started, with everything around it in a test's hands."""

    def __init__(self, *things: Box, settings: SessionSettings | None = None) -> None:
        self.segmenter = ScriptedSegmenter(*things)
        self.clock = Clock()
        self.events: list[Event] = []
        self.session = Session(self.segmenter, self.events.append, settings, clock=self.clock)

    def say(self, text: str) -> list[str]:
        """What the robot says to `text` at once."""
        before = len(self.events)
        self.session.on_transcript(text)
        return [event.text for event in self.events[before:] if isinstance(event, Speech)]

    def image(self, *, after_ms: float = 100) -> int:
        """Another image comes; its stamp."""
        self.clock.pass_ms(after_ms)
        stamp = self.clock.now_ns
        self.session.on_image(stamp, lambda: blank(stamp))
        return stamp

    def frame(self, *things: Box, after_ms: float = 100) -> tuple[Outcome, list[str]]:
        """Another image comes, shows `things` and is answered; the answer, and what is said meanwhile."""
        self.segmenter.things = things
        before = len(self.events)
        self.image(after_ms=after_ms)
        assert self.session.step()
        (outcome,) = (event for event in self.events[before:] if isinstance(event, Outcome))
        return outcome, [event.text for event in self.events[before:] if isinstance(event, Speech)]

    def frames(self, *things: Box, count: int) -> list[str]:
        """What is said during so many frames, 100 ms apart."""
        return [text for _ in range(count) for text in self.frame(*things)[1]]

    def counts(self) -> dict[str, int]:
        """Those that are not 0."""
        return {name: count for name, count in self.session.status().counts.items() if count}


def blank(stamp_ns: int) -> Frame:
    """A black picture of 320x240."""
    return Frame(np.zeros((240, 320, 3), np.uint8), stamp_ns=stamp_ns, camera_frame="head_camera")

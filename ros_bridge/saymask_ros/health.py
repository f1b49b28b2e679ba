"""What went well and what did not: counts, the last faults, and why no answers come."""

from __future__ import annotations

import logging
from collections import Counter

from runtime.errors import SaymaskError
from saymask_ros.conversation import Conversation
from saymask_ros.events import COUNTS, SessionStatus
from saymask_ros.sync import FrameMatcher

_log = logging.getLogger("saymask")


def one_line(error: Exception) -> str:
    """An exception for a person: its first line; with its type where it is none of ours."""
    text = str(error).strip().partition("\n")[0]
    return text if isinstance(error, SaymaskError) else f"{type(error).__name__}: {text}".removesuffix(": ")


class Health:
    """A session's record of itself. Not for several threads at once."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
        self.image_fault = ""
        """Of the last image that was converted, "" where it could be."""
        self.answer_fault = ""
        """Of the last image that was segmented, "" where it could be."""
        self.no_grasp = ""
        self.inference_ms: float | None = None
        self._last_error = ""

    def fault(self, count: str, error: Exception) -> None:
        """Count an exception and keep its line; the 1st, 10th, 100th and so on of each count is logged."""
        self.counts[count] += 1
        self._last_error = one_line(error)
        if count == "malformed_image":
            self.image_fault = self._last_error
        elif count == "failed":
            self.answer_fault = self._last_error
        so_far = self.counts[count]
        if str(so_far).strip("0") == "1":  # a broken camera must not fill the disk
            trace = None if isinstance(error, SaymaskError) else error
            _log.warning("%s (%d so far): %s", count, so_far, self._last_error, exc_info=trace)

    def status(self, talk: Conversation, matcher: FrameMatcher, now_ns: int, *, closed: bool) -> SessionStatus:
        """Everything at `now_ns`."""
        return SessionStatus(
            reasons=("the session is closed",) if closed else self._reasons(talk, matcher, now_ns),
            no_grasp=self.no_grasp,
            command=talk.command.target if talk.command else "",
            question_open=talk.question_open,
            counts=dict(self.counts),
            image_age_ns=matcher.image_age_ns(now_ns),
            depth_age_ns=matcher.depth_age_ns(now_ns),
            has_camera_info=matcher.intrinsics is not None,
            inference_ms=self.inference_ms,
            last_error=self._last_error,
        )

    def _reasons(self, talk: Conversation, matcher: FrameMatcher, now_ns: int) -> tuple[str, ...]:
        reasons = []
        age = matcher.image_age_ns(now_ns)
        if self.image_fault:
            reasons.append(f"the last image could not be read: {self.image_fault}")
        elif age is None:
            reasons.append("no image has come; is the camera running, and is the image topic right?")
        if age is not None and age > matcher.max_image_age_ns:
            reasons.append(f"no image for {age / 1e9:.1f} s; has the camera stopped?")
        if talk.command is None:
            reasons.append(talk.idle_reason)
        elif self.answer_fault:
            reasons.append(f"the last image could not be answered: {self.answer_fault}")
        return tuple(reasons)

"""Images and words in, events out: what is answered, what is counted, and that nothing ever ends it but `close`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.bundle import DEFAULT_MODEL
from runtime.datatypes import Command, Frame, Intrinsics, Segmentation, Verdict
from runtime.errors import SaymaskError
from runtime.segmenter import Segmenter
from runtime.vision.files import read_picture
from saymask_ros.session import Event, Outcome, Session, SessionSettings, SessionStatus, Source, Speech
from tests.ros_bridge.scripted_segmenter import MS, Bench, Clock, ScriptedSegmenter, blank
from tests.runtime.language.made_up_answers import LEFT, RIGHT

PATIENCE_S = 20
"""Long enough for any machine; a test that fails waits so long, one that passes does not."""
CAMERA = Intrinsics(300.0, 300.0, 160.0, 120.0)
SEND_NOTHING = "no image has come; is the camera running, and is the image topic right?"
NO_COMMAND = "no command has come; say what to look for"


def flat(metres: float = 0.6) -> npt.NDArray[np.float32]:
    """Depth of a picture of 320x240: a table at 1 m, seen from above, and a thing on it where LEFT is."""
    depth = np.full((240, 320), 1.0, np.float32)
    x0, y0, x1, y1 = LEFT
    depth[y0:y1, x0:x1] = metres
    return depth


def broken() -> Frame:
    raise SaymaskError("step is 3, expected at least 1920")


# In the caller's thread, with everything in the test's hands.


def test_an_answer_carries_the_stamp_and_frame_of_its_image() -> None:
    bench = Bench()
    bench.say("pick up the jar")
    outcome, _ = bench.frame(LEFT)
    assert outcome.segmentation.stamp_ns == bench.clock.now_ns == outcome.frame.stamp_ns
    assert outcome.segmentation.camera_frame == "head_camera"


def test_age_is_from_arrival_to_answer() -> None:
    bench = Bench(LEFT)

    def slow(frame: Frame, command: Command) -> Segmentation:
        bench.clock.pass_ms(250)
        return bench.segmenter.see(frame, command)

    bench.segmenter.act = slow
    bench.say("pick up the jar")
    bench.image()
    bench.clock.pass_ms(40)
    bench.session.step()
    (outcome,) = (event for event in bench.events if isinstance(event, Outcome))
    assert outcome.age_ns == 290 * MS


def test_images_before_a_command_are_idle_and_the_last_is_answered() -> None:
    bench = Bench(LEFT)
    stamps = [bench.image(after_ms=33) for _ in range(5)]
    assert not bench.session.step()
    bench.say("pick up the jar")
    assert bench.session.step() and not bench.session.step()
    assert [stamp for stamp, _ in bench.segmenter.asked] == stamps[-1:]
    assert bench.counts() == {"received": 5, "idle": 4, "answered": 1}


def test_an_image_from_before_the_camera_stopped_is_not_answered() -> None:
    bench = Bench(LEFT)
    bench.image()
    bench.clock.pass_ms(1001)
    assert bench.say("pick up the jar") == ["I see nothing: my camera has stopped."]
    assert not bench.session.step()
    assert bench.say("stop") == ["Okay."]
    bench.say("pick up the jar")
    assert bench.session.status().reasons == ("no image for 1.0 s; has the camera stopped?",)


def test_only_the_newest_image_is_converted() -> None:
    bench = Bench(LEFT)
    bench.say("pick up the jar")
    converted: list[int] = []

    def load(number: int) -> Frame:
        converted.append(number)
        return blank(number)

    for number in range(10):
        bench.session.on_image(number, partial(load, number))
    bench.session.step()
    assert converted == [9]
    assert bench.counts() == {"received": 10, "dropped": 9, "answered": 1}


def test_an_overtaken_image_is_counted_and_not_answered() -> None:
    bench = Bench(LEFT)
    bench.say("pick up the jar")
    stamp = bench.image()
    bench.session.on_image(stamp - 33 * MS, broken)
    assert bench.session.step()
    assert bench.counts() == {"received": 2, "late": 1, "answered": 1}


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (SaymaskError("step is 3, expected at least 1920"), "step is 3, expected at least 1920"),
        (ValueError("cannot reshape\nmore"), "ValueError: cannot reshape"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_an_image_that_cannot_be_read(error: Exception, line: str) -> None:
    bench = Bench(LEFT)
    bench.say("pick up the jar")

    def load() -> Frame:
        raise error

    bench.session.on_image(bench.clock.now_ns, load)
    assert bench.session.step()
    assert bench.events == []
    assert bench.counts() == {"received": 1, "malformed_image": 1}
    status = bench.session.status()
    assert status.reasons == (f"the last image could not be read: {line}",) and status.last_error == line
    bench.frame(LEFT)
    status = bench.session.status()
    assert status.reasons == () and status.last_error == line


def test_messages_without_even_a_stamp_are_counted() -> None:
    bench = Bench()
    sources: tuple[Source, ...] = ("image", "depth", "camera_info", "text")
    for source in sources:
        bench.session.refuse(source, SaymaskError(f"broken {source}"))
    assert bench.counts() == {
        "received": 1,
        "malformed_image": 1,
        "depth_received": 1,
        "malformed_depth": 1,
        "malformed_camera_info": 1,
        "malformed_text": 1,
    }
    assert bench.session.status().last_error == "broken text"


@pytest.mark.parametrize("text", [None, 7, b"stop"])
def test_what_is_no_text_is_counted(text: object) -> None:
    bench = Bench()
    bench.session.on_transcript(text)  # type: ignore[arg-type]
    bench.session.on_reply(text)  # type: ignore[arg-type]
    assert bench.counts() == {"malformed_text": 2} and bench.events == []


@pytest.mark.parametrize(
    ("error", "said", "line"),
    [
        (SaymaskError("'except' leaves something out"), "'except' leaves something out", None),
        (RuntimeError("CUDA error 700"), "", "RuntimeError: CUDA error 700"),
    ],
)
def test_a_segmenter_that_raises_is_told_once(error: Exception, said: str, line: str | None) -> None:
    bench = Bench(LEFT)

    def fail(frame: Frame, command: Command) -> Segmentation:
        raise error

    bench.segmenter.act = fail
    bench.say("pick up the jar")
    for _ in range(5):
        bench.image()
        assert bench.session.step()
    apology = f"Sorry, I cannot do that: {said}" if said else "Sorry, something went wrong."
    assert bench.events == [Speech(apology)]
    assert bench.counts() == {"received": 5, "failed": 5}
    assert bench.session.status().reasons == (f"the last image could not be answered: {line or said}",)
    bench.segmenter.act = bench.segmenter.see
    assert bench.frame(LEFT)[1] == ["I see the jar."]
    bench.segmenter.act = fail
    bench.image()
    bench.session.step()
    assert len(bench.events) == 3  # a fault between answers is for the log
    bench.say("pick up the cup")
    bench.image()
    bench.session.step()
    assert bench.events[3:] == [Speech(apology)]


def test_a_real_segmenter_refuses_what_it_cannot_read() -> None:
    events: list[Event] = []
    with Segmenter(DEFAULT_MODEL, backend="ort-cpu", threads=1) as segmenter:
        session = Session(segmenter, events.append)
        session.on_transcript("pick up everything except the mug")
        session.on_image(0, lambda: blank(0))
        session.step()
    assert [type(event) for event in events] == [Speech]
    assert "leaves something out" in str(events[0])


def test_a_subscriber_that_raises_is_counted() -> None:
    segmenter, clock = ScriptedSegmenter(LEFT), Clock()

    def deliver(event: Event) -> None:
        raise OSError("nobody listens")

    session = Session(segmenter, deliver, clock=clock)
    session.on_transcript("pick up the jar")
    session.on_image(clock(), lambda: blank(0))
    assert session.step()
    status = session.status()
    assert (status.counts["answered"], status.counts["undelivered"]) == (1, 2)
    assert status.last_error == "OSError: nobody listens"


def test_why_no_answers_come() -> None:
    bench = Bench(LEFT)
    assert bench.session.status().reasons == (SEND_NOTHING, NO_COMMAND)
    bench.image()
    assert bench.session.status().reasons == (NO_COMMAND,)
    bench.say("pick up the jar")
    bench.frame(LEFT)
    status = bench.session.status()
    assert (status.reasons, status.command, status.inference_ms) == ((), "the jar", 20.0)
    assert status.no_grasp == "no camera_info has come; is the camera_info topic right?"
    bench.clock.pass_ms(12_300)
    assert bench.session.status().reasons == ("no image for 12.3 s; has the camera stopped?",)
    bench.session.close()
    assert bench.session.status().reasons == ("the session is closed",)


@pytest.mark.parametrize("field", list(SessionSettings.__dataclass_fields__))
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_settings_that_make_no_sense(field: str, value: float) -> None:
    with pytest.raises(SaymaskError, match=f"{field} must be 0..1e\\+06 seconds"):
        SessionSettings(**{field: value})


# Grasps.


@pytest.fixture
def seen() -> Bench:
    """A jar is looked for and seen, and the camera's intrinsics are known."""
    bench = Bench(LEFT)
    bench.session.on_camera_info(lambda: CAMERA)
    bench.say("pick up the jar")
    return bench


def test_a_grasp_from_depth_that_came_before_or_after_the_image(seen: Bench) -> None:
    for depth_first in (True, False):
        stamp = seen.clock.now_ns + 100 * MS
        if depth_first:
            seen.session.on_depth(stamp - 15 * MS, flat)
        seen.image()
        if not depth_first:
            seen.session.on_depth(stamp + 15 * MS, flat)
        seen.session.step()
        outcome = seen.events[-1]
        assert isinstance(outcome, Outcome) and outcome.grasp is not None and outcome.no_grasp == ""
        assert outcome.grasp.stamp_ns == stamp and outcome.grasp.camera_frame == "head_camera"
        assert outcome.grasp.point_m == pytest.approx(((40 - 160) / 300 * 0.6, (130 - 120) / 300 * 0.6, 0.6), abs=0.01)
    assert seen.counts()["grasps"] == 2


def test_camera_info_is_needed_once(seen: Bench) -> None:
    for _ in range(3):
        seen.session.on_depth(seen.clock.now_ns + 100 * MS, flat)
        assert seen.frame(LEFT)[0].grasp is not None


def test_stale_depth_is_refused_and_the_mask_still_delivered(seen: Bench) -> None:
    seen.session.on_depth(seen.clock.now_ns - 250 * MS, flat)
    outcome, _ = seen.frame(LEFT)
    assert outcome.segmentation.verdict is Verdict.FOUND and outcome.grasp is None
    assert outcome.no_grasp.startswith("the nearest depth image is 0.350 s from the image by stamp")
    assert seen.session.status().no_grasp == outcome.no_grasp
    assert seen.counts()["depth_refused"] == 1


@pytest.mark.parametrize(
    ("depth", "count", "reason"),
    [
        (np.zeros((240, 320), np.float32), "grasp_failed", ""),
        (np.full((240, 320), np.nan, np.float32), "grasp_failed", ""),
        (np.ones((120, 160), np.float32), "grasp_failed", "depth is 160x120 pixels where the image is 320x240"),
        (ValueError("no buffer"), "malformed_depth", "the depth image could not be read: ValueError: no buffer"),
    ],
)
def test_depth_of_no_use(seen: Bench, depth: npt.NDArray[np.float32] | Exception, count: str, reason: str) -> None:
    def load() -> npt.NDArray[np.float32]:
        if isinstance(depth, Exception):
            raise depth
        return depth

    seen.session.on_depth(seen.clock.now_ns + 100 * MS, load)
    outcome, said = seen.frame(LEFT)
    assert outcome.segmentation.verdict is Verdict.FOUND and said == ["I see the jar."]
    assert outcome.grasp is None and outcome.no_grasp.startswith(reason) and outcome.no_grasp
    assert seen.counts()[count] == 1


def test_the_intrinsics_of_another_picture_are_of_no_use(seen: Bench) -> None:
    """A camera that was switched to another resolution: a point in the wrong place is worse than none."""
    seen.session.on_camera_info(lambda: replace(CAMERA, size=(480, 640)))
    seen.session.on_depth(seen.clock.now_ns + 100 * MS, flat)
    outcome, _ = seen.frame(LEFT)
    assert outcome.grasp is None and "(camera_info) are of 640x480 pixels, the picture 320x240" in outcome.no_grasp
    assert seen.counts()["grasp_failed"] == 1


def test_a_frame_with_depth_of_its_own(seen: Bench) -> None:
    stamp = seen.clock.now_ns
    seen.session.on_image(stamp, lambda: replace(blank(stamp), depth_m=flat(), intrinsics=CAMERA))
    seen.session.step()
    outcome = seen.events[-1]
    assert isinstance(outcome, Outcome) and outcome.grasp is not None


@pytest.mark.parametrize(("things", "reason"), [([], "not in view"), ([LEFT, RIGHT], "not settled")])
def test_no_grasp_where_there_is_not_one_thing(
    seen: Bench, things: list[tuple[int, int, int, int]], reason: str
) -> None:
    def load() -> npt.NDArray[np.float32]:
        raise AssertionError("depth is converted only for a grasp")

    seen.session.on_depth(seen.clock.now_ns + 100 * MS, load)
    outcome, _ = seen.frame(*things)
    assert outcome.grasp is None and reason in outcome.no_grasp


def test_the_chosen_one_of_two_is_grasped(seen: Bench) -> None:
    seen.frame(LEFT, RIGHT)
    seen.say("the left one")
    seen.session.on_depth(seen.clock.now_ns + 100 * MS, flat)
    grasp = seen.frame(LEFT, RIGHT)[0].grasp
    assert grasp is not None and grasp.point_m[0] < 0


def test_camera_info_that_cannot_be_read_leaves_the_old_one(seen: Bench) -> None:
    def load() -> Intrinsics:
        raise ZeroDivisionError

    seen.session.on_camera_info(load)
    assert seen.counts()["malformed_camera_info"] == 1
    seen.session.on_depth(seen.clock.now_ns + 100 * MS, flat)
    assert seen.frame(LEFT)[0].grasp is not None


# With the worker's thread. What is waited for is what happens, never a time.


def eventually(happened: Callable[[], bool]) -> None:
    """Wait for what the session shows only in its status."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Stage:
    """A started session whose segmenter stops at a gate, and everything that it delivers."""

    def __init__(self, *, gated: bool = True) -> None:
        self.segmenter = ScriptedSegmenter(LEFT)
        self.segmenter.act = self._segment
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.gated = gated
        self.clock = Clock()
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = lambda event: None
        self._arrived = threading.Condition()
        self.session = Session(self.segmenter, self._deliver, clock=self.clock)

    def _segment(self, frame: Frame, command: Command) -> Segmentation:
        self.entered.release()
        if self.gated:
            assert self.gate.acquire(timeout=PATIENCE_S)
        return self.segmenter.see(frame, command)

    def _deliver(self, event: Event) -> None:
        with self._arrived:
            self.events.append(event)
            self._arrived.notify_all()
        self.on_event(event)

    def image(self) -> int:
        self.clock.pass_ms(33)
        stamp = self.clock.now_ns
        self.session.on_image(stamp, lambda: blank(stamp))
        return stamp

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Until what was delivered makes it so."""
        with self._arrived:
            assert self._arrived.wait_for(ready, PATIENCE_S), self.events

    def outcomes(self) -> list[Outcome]:
        return [event for event in self.events if isinstance(event, Outcome)]

    def busy(self) -> None:
        """Have the worker stand inside the segmenter."""
        self.session.start()
        self.session.on_transcript("pick up the jar")
        self.image()
        assert self.entered.acquire(timeout=PATIENCE_S)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.gated = False
    for _ in range(100):
        stage.gate.release()
    stage.session.close()


def test_callbacks_return_while_the_segmenter_works_and_the_newest_image_is_next(stage: Stage) -> None:
    stage.busy()
    stamps = [stage.image() for _ in range(50)]
    stage.session.on_depth(stamps[0], flat)
    stage.session.on_camera_info(lambda: CAMERA)
    assert stage.session.status().counts["dropped"] == 49
    stage.gate.release()
    stage.gate.release()
    stage.wait_until(lambda: len(stage.outcomes()) == 2)
    assert stage.outcomes()[1].segmentation.stamp_ns == stamps[-1]
    assert [stamp for stamp, _ in stage.segmenter.asked][1:] == stamps[-1:]


def test_the_segmenter_runs_in_one_thread_and_never_the_callers(stage: Stage) -> None:
    threads: set[int] = set()

    def segment(frame: Frame, command: Command) -> Segmentation:
        threads.add(threading.get_ident())
        return stage.segmenter.see(frame, command)

    stage.segmenter.act = segment
    stage.session.start()
    stage.session.start()
    stage.session.on_transcript("pick up the jar")
    for number in range(1, 6):
        stage.image()
        stage.wait_until(lambda number=number: len(stage.outcomes()) == number)  # type: ignore[misc]
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_stop_is_answered_during_inference_and_its_answer_never_comes(stage: Stage) -> None:
    stage.busy()
    stage.session.on_transcript("stop")
    assert stage.events == [Speech("Okay.")]
    stage.session.on_transcript("pick up the cup")
    stage.gate.release()
    stage.image()
    stage.gate.release()
    stage.wait_until(lambda: len(stage.outcomes()) == 1)
    assert stage.outcomes()[0].segmentation.command.target == "the cup"
    assert stage.session.status().counts["superseded"] == 1


def test_after_stop_is_acknowledged_nothing_of_the_command_is_delivered(stage: Stage) -> None:
    """Also where an answer is being published just then."""
    publishing, publish = threading.Event(), threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, Outcome):
            publishing.set()
            assert publish.wait(PATIENCE_S)

    stage.on_event = on_event
    stage.busy()
    stage.gate.release()
    assert publishing.wait(PATIENCE_S)
    stage.session.on_transcript("stop")  # returns, though its "Okay." must wait for the answer before it
    publish.set()
    stage.wait_until(lambda: stage.events[-1] == Speech("Okay."))
    assert [type(event) for event in stage.events] == [Speech, Outcome, Speech]


def test_no_takes_back_an_answer_that_waits_for_its_depth(stage: Stage) -> None:
    stage.session.change(SessionSettings(depth_wait_s=PATIENCE_S))
    stage.session.on_camera_info(lambda: CAMERA)
    stage.gate.release()
    stage.session.start()
    stage.session.on_transcript("pick up the jar")
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.image()
    eventually(lambda: bool(stage.session.status().inference_ms))  # it is answered, and its depth is waited for
    stage.session.on_reply("no, not that one")
    stage.image()
    stage.gate.release()
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.wait_until(lambda: len(stage.outcomes()) == 1)
    assert stage.outcomes()[0].segmentation.verdict is Verdict.AMBIGUOUS and stage.outcomes()[0].grasp is None


def test_the_worker_waits_for_depth_that_is_still_to_come(stage: Stage) -> None:
    stage.session.change(SessionSettings(depth_wait_s=PATIENCE_S))
    stage.session.on_camera_info(lambda: CAMERA)
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.busy()
    stage.gate.release()
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.wait_until(lambda: len(stage.outcomes()) == 1)
    assert stage.outcomes()[0].grasp is not None


def test_the_worker_does_not_wait_long(stage: Stage) -> None:
    stage.session.change(SessionSettings(depth_wait_s=0.01))
    stage.session.on_camera_info(lambda: CAMERA)
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.busy()
    stage.gate.release()
    stage.wait_until(lambda: len(stage.outcomes()) == 1)
    assert stage.outcomes()[0].no_grasp.startswith("the nearest depth image is 0.033 s")


def test_the_worker_survives_everything(stage: Stage) -> None:
    stage.gated = False
    stage.session.start()
    stage.session.on_transcript("pick up the jar")
    stage.session.on_image(stage.clock.now_ns, broken)
    eventually(lambda: stage.session.status().counts["malformed_image"] == 1)
    see = stage.segmenter.act
    stage.segmenter.act = lambda frame, command: 1 / 0  # type: ignore[assignment,return-value]
    stage.image()
    stage.wait_until(lambda: stage.events == [Speech("Sorry, something went wrong.")])
    stage.segmenter.act = see
    stage.image()
    stage.wait_until(lambda: len(stage.outcomes()) == 1)
    counts = stage.session.status().counts
    assert (counts["malformed_image"], counts["failed"], counts["answered"]) == (1, 1, 1)


def test_deliver_may_speak_to_the_session(stage: Stage) -> None:
    stage.segmenter.things = (LEFT, RIGHT)
    stage.gated = False
    replied = iter(["the left one"])

    def on_event(event: Event) -> None:
        if isinstance(event, Speech) and event.text.endswith("Which one?"):
            stage.session.on_reply(next(replied))

    stage.on_event = on_event
    stage.session.start()
    stage.session.on_transcript("pick up the jar")
    stage.image()
    stage.wait_until(lambda: Speech("Okay, the one on the left.") in stage.events)


# Closing, from any state.


def closed_for_good(session: Session, segmenter: ScriptedSegmenter) -> None:
    """Late callbacks of a node are heard by nobody, and a second close does nothing."""
    asked = len(segmenter.asked)
    session.on_transcript("pick up the jar")
    session.on_image(0, lambda: blank(0))
    session.on_depth(0, flat)
    session.on_camera_info(lambda: CAMERA)
    assert len(segmenter.asked) == asked
    with pytest.raises(SaymaskError, match="closed"):
        session.start()
    session.close()


def threads_left() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "saymask"]


def test_close_before_start() -> None:
    bench = Bench()
    bench.session.close()
    assert not bench.session.step()
    closed_for_good(bench.session, bench.segmenter)


def test_close_while_nothing_happens(stage: Stage) -> None:
    stage.session.start()
    stage.session.close()
    assert not threads_left()
    closed_for_good(stage.session, stage.segmenter)


def test_close_during_inference_waits_for_it_and_delivers_nothing(stage: Stage) -> None:
    stage.busy()
    closing = threading.Thread(target=stage.session.close)
    closing.start()
    eventually(lambda: stage.session.status().reasons == ("the session is closed",))
    assert closing.is_alive()
    stage.gate.release()
    closing.join(PATIENCE_S)
    assert not closing.is_alive() and not threads_left() and stage.events == []
    closed_for_good(stage.session, stage.segmenter)


def test_close_while_depth_is_awaited(stage: Stage) -> None:
    stage.session.change(SessionSettings(depth_wait_s=1000 * PATIENCE_S))
    stage.session.on_camera_info(lambda: CAMERA)
    stage.session.on_depth(stage.clock.now_ns, flat)
    stage.busy()
    stage.gate.release()
    eventually(lambda: bool(stage.session.status().inference_ms))
    stage.session.close()
    assert not threads_left() and stage.outcomes() == []


@pytest.mark.parametrize("kind", [Speech, Outcome])
def test_close_from_deliver_in_the_worker(stage: Stage, kind: type[Event]) -> None:
    stage.gated = False
    done = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, kind):
            stage.session.close()
            done.set()

    stage.on_event = on_event
    stage.session.start()
    (worker,) = threads_left()
    stage.session.on_transcript("pick up the jar")
    stage.image()
    assert done.wait(PATIENCE_S)
    worker.join(PATIENCE_S)
    assert not threads_left() and isinstance(stage.events[-1], kind)


def test_close_from_deliver_in_a_callback_while_the_worker_is_busy(stage: Stage) -> None:
    stage.busy()

    def on_event(event: Event) -> None:
        stage.gate.release()
        stage.session.close()

    stage.on_event = on_event
    stage.session.on_transcript("stop")
    assert not threads_left() and stage.events == [Speech("Okay.")]


def test_close_from_several_threads_at_once(stage: Stage) -> None:
    stage.busy()
    closing = [threading.Thread(target=stage.session.close) for _ in range(5)]
    for thread in closing:
        thread.start()
    stage.gate.release()
    for thread in closing:
        thread.join(PATIENCE_S)
    assert not threads_left()


def test_step_is_for_sessions_that_were_not_started(stage: Stage) -> None:
    stage.session.start()
    with pytest.raises(SaymaskError, match="answers by itself"):
        stage.session.step()


# Every image has one fate.

FATES = ("answered", "dropped", "idle", "late", "superseded", "failed", "malformed_image")
happenings = st.lists(
    st.tuples(
        st.sampled_from(["image", "image", "broken", "overtaken", "depth", "step", "step", "fail", "say"]),
        st.sampled_from(["pick up the jar", "stop", "the left one", "no", "yes", "go to the kitchen", "", "hm", "it"]),
        st.integers(0, 2000),
    ),
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(happenings)
def test_every_image_has_one_fate(script: list[tuple[str, str, int]]) -> None:
    bench = Bench(LEFT, RIGHT, settings=SessionSettings(command_timeout_s=5))
    bench.session.on_camera_info(lambda: CAMERA)
    for kind, text, pause in script:
        if kind == "image":
            bench.image(after_ms=pause)
        elif kind == "broken":
            bench.clock.pass_ms(pause)
            bench.session.on_image(bench.clock.now_ns, broken)
        elif kind == "overtaken":
            bench.session.on_image(bench.clock.now_ns - pause * MS, lambda: blank(0))
        elif kind == "depth":
            bench.session.on_depth(bench.clock.now_ns, flat)
        elif kind == "say":
            bench.say(text)
        else:
            bench.segmenter.act = bench.segmenter.see if kind == "step" else _divide_by_zero
            bench.session.step()
    counts = bench.session.status().counts
    waiting = counts["received"] - sum(counts[fate] for fate in FATES)
    assert waiting in (0, 1) and min(counts.values()) >= 0
    assert counts["answered"] == sum(isinstance(event, Outcome) for event in bench.events)


def _divide_by_zero(frame: Frame, command: Command) -> Segmentation:
    raise ZeroDivisionError(command.target + str(frame.stamp_ns))


# The real segmenter, in its own thread.

DEMO = Path(str(DEFAULT_MODEL)).parent / "demo.jpg"


class Listener:
    """Collects what a session delivers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._arrived = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._arrived:
            self.events.append(event)
            self._arrived.notify_all()

    def outcomes(self) -> list[Outcome]:
        return [event for event in self.events if isinstance(event, Outcome)]

    def wait_until(self, ready: Callable[[], bool]) -> None:
        with self._arrived:
            assert self._arrived.wait_for(ready, PATIENCE_S), self.events


def test_a_real_command_over_real_frames() -> None:
    picture = read_picture(DEMO)
    listener = Listener()
    with (
        Segmenter(DEFAULT_MODEL, backend="ort-cpu", threads=1) as segmenter,
        Session(segmenter, listener) as session,
    ):
        session.start()
        session.on_transcript("pick up the jar beside the apple")
        for number in range(4):
            session.on_image(number, partial(replace, picture, stamp_ns=number))
            listener.wait_until(lambda number=number: len(listener.outcomes()) > number)  # type: ignore[misc]
        session.on_transcript("pick up the purple unicorn")
        session.on_image(4, lambda: replace(picture, stamp_ns=4))
        listener.wait_until(lambda: len(listener.outcomes()) == 5)
        status: SessionStatus = session.status()
    answers = [outcome.segmentation for outcome in listener.outcomes()]
    assert [answer.stamp_ns for answer in answers] == [0, 1, 2, 3, 4]
    assert {answer.verdict for answer in answers[:4]} == {Verdict.FOUND}
    assert answers[0].timings_ms["text_encoder"] > 0
    assert [answer.timings_ms["text_encoder"] for answer in answers[1:4]] == [0, 0, 0]
    assert min(answer.timings_ms["image_encoder"] for answer in answers) > 0
    spoken = [event.text for event in listener.events if isinstance(event, Speech)]
    assert len(spoken) == 2 and "jar" in spoken[0] and "unicorn" in spoken[1]
    assert status.counts["answered"] == 5 and status.reasons == ()


def test_a_real_segmenter_under_overload() -> None:
    """Three cameras' worth of images: every one is answered or counted, and the last is answered."""
    picture = read_picture(DEMO)
    listener = Listener()
    with (
        Segmenter(DEFAULT_MODEL, backend="ort-cpu", threads=1) as segmenter,
        Session(segmenter, listener) as session,
    ):
        session.on_transcript("pick up the jar")
        session.start()
        for number in range(60):
            session.on_image(number, partial(replace, picture, stamp_ns=number))
            if number % 3 == 0:
                listener.wait_until(lambda number=number: len(listener.outcomes()) > number // 3)  # type: ignore[misc]
        listener.wait_until(lambda: listener.outcomes()[-1].segmentation.stamp_ns == 59)
        counts = session.status().counts
    stamps = [outcome.segmentation.stamp_ns for outcome in listener.outcomes()]
    assert stamps == sorted(set(stamps)) and stamps[-1] == 59
    assert counts["answered"] + counts["dropped"] == counts["received"] == 60

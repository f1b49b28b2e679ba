"""Events are handed on one at a time and in order, by whichever thread is there."""

from __future__ import annotations

import threading

from runtime.datatypes import Command
from saymask_ros.events import Event, Outcome, Speech
from saymask_ros.outbox import Outbox
from tests.ros_bridge.scripted_segmenter import blank
from tests.runtime.language.made_up_answers import LEFT, answer_to


def outcome(age_ns: int) -> Outcome:
    return Outcome(blank(0), answer_to(Command("", "pick", "the jar"), LEFT), None, "", age_ns)


def no_fault(error: Exception) -> None:
    raise error


def test_in_the_order_in_which_they_came() -> None:
    handed_on: list[Event] = []
    outbox = Outbox(handed_on.append, no_fault)
    events: list[Event] = [Speech("a"), outcome(1), Speech("b")]
    assert [outbox.put(event) for event in events] == [0, 0, 0]
    assert handed_on == []
    outbox.flush()
    assert handed_on == events
    outbox.flush()
    assert len(handed_on) == 3


def test_only_the_newest_outcome_waits_and_no_speech_is_lost_for_it() -> None:
    handed_on: list[Event] = []
    outbox = Outbox(handed_on.append, no_fault)
    events: list[Event] = [outcome(1), Speech("a"), outcome(2), outcome(3)]
    assert [outbox.put(event) for event in events] == [0, 0, 1, 1]
    outbox.flush()
    assert handed_on == [events[1], events[3]]
    outbox.put(events[0])
    outbox.put(events[1])
    assert outbox.drop_outcomes() == 1
    outbox.flush()
    assert handed_on[2:] == [events[1]]


def test_what_waits_is_bounded() -> None:
    handed_on: list[Event] = []
    outbox = Outbox(handed_on.append, no_fault)
    for number in range(1000):
        outbox.put(Speech(str(number)))
    outbox.flush()
    assert len(handed_on) == 32 and handed_on[-1] == Speech("999")


def test_a_subscriber_that_raises_stops_nothing() -> None:
    handed_on: list[Event] = []
    faults: list[Exception] = []

    def deliver(event: Event) -> None:
        handed_on.append(event)
        raise ValueError(event)

    outbox = Outbox(deliver, faults.append)
    for text in "ab":
        outbox.put(Speech(text))
    outbox.flush()
    assert handed_on == [Speech("a"), Speech("b")]
    assert [str(error) for error in faults] == ["Speech(text='a')", "Speech(text='b')"]


def test_what_deliver_puts_comes_after_it() -> None:
    handed_on: list[Event] = []

    def deliver(event: Event) -> None:
        if event == Speech("a"):
            outbox.put(Speech("b"))
            outbox.flush()
        handed_on.append(event)

    outbox = Outbox(deliver, no_fault)
    outbox.put(Speech("a"))
    outbox.flush()
    assert handed_on == [Speech("a"), Speech("b")]


def test_nobody_waits_for_a_delivery_in_another_thread() -> None:
    handed_on: list[tuple[Event, str]] = []
    begun, go_on = threading.Event(), threading.Event()

    def deliver(event: Event) -> None:
        begun.set()
        assert go_on.wait(10)
        handed_on.append((event, threading.current_thread().name))

    outbox = Outbox(deliver, no_fault)
    outbox.put(Speech("a"))
    other = threading.Thread(target=outbox.flush, name="other")
    other.start()
    assert begun.wait(10)
    outbox.put(Speech("b"))
    outbox.flush()  # comes back at once, though "a" is still being delivered
    assert handed_on == []
    go_on.set()
    other.join(10)
    assert handed_on == [(Speech("a"), "other"), (Speech("b"), "other")]


def test_nothing_is_handed_on_after_close() -> None:
    handed_on: list[Event] = []

    def deliver(event: Event) -> None:
        handed_on.append(event)
        outbox.close()

    outbox = Outbox(deliver, no_fault)
    outbox.put(Speech("a"))
    outbox.put(Speech("b"))
    outbox.flush()
    outbox.put(Speech("c"))
    outbox.flush()
    assert handed_on == [Speech("a")]

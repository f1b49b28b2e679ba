"""Which image is answered next, and which depth belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.datatypes import Frame
from saymask_ros.sync import ColourImage, DepthImage, FrameMatcher

MS = 1_000_000
S = 1_000 * MS


def matcher() -> FrameMatcher:
    return FrameMatcher(tolerance_ns=20 * MS, max_depth_age_ns=500 * MS, max_image_age_ns=S)


def colour(stamp_ms: float, received_ms: float | None = None) -> ColourImage:
    received = stamp_ms if received_ms is None else received_ms
    return ColourImage(round(stamp_ms * MS), round(received * MS), no_frame)


def depth(stamp_ms: float, received_ms: float | None = None) -> DepthImage:
    received = stamp_ms if received_ms is None else received_ms
    return DepthImage(round(stamp_ms * MS), round(received * MS), no_depth)


def no_frame() -> Frame:
    raise AssertionError("matching needs no pixels")


def no_depth() -> npt.NDArray[np.float32]:
    raise AssertionError("matching needs no pixels")


def test_the_newest_image_wins_and_there_is_no_queue() -> None:
    frames = matcher()
    images = [colour(33 * number) for number in range(5)]
    assert [frames.add_image(image) for image in images] == ["kept"] + ["replaced"] * 4
    assert frames.take(140 * MS) is images[4]
    assert frames.take(140 * MS) is None
    assert frames.add_image(colour(165)) == "kept"


def test_an_image_that_was_overtaken_is_late() -> None:
    frames = matcher()
    newer = colour(100)
    frames.add_image(newer)
    assert frames.add_image(colour(67, received_ms=101)) == "late"
    assert frames.take(110 * MS) is newer
    assert frames.add_image(colour(67, received_ms=111)) == "late"  # also when the newer one is gone
    assert frames.take(120 * MS) is None


def test_a_recording_that_starts_again_is_not_late() -> None:
    frames = matcher()
    frames.add_image(colour(60_000))
    again = colour(10, received_ms=60_033)
    assert frames.add_image(again) == "replaced"
    assert frames.take(60_034 * MS) is again
    assert frames.add_image(colour(43, received_ms=60_066)) == "kept"


def test_a_camera_without_stamps_is_answered() -> None:
    frames = matcher()
    for received_ms in (5, 38, 71):
        image = colour(0, received_ms)
        frames.add_image(image)
        assert frames.take(received_ms * MS) is image


def test_an_old_image_is_not_answered() -> None:
    frames = matcher()
    frames.add_image(colour(0))
    assert frames.has_image(S) and not frames.has_image(S + 1)
    assert frames.take(S + 1) is None
    assert frames.take(S) is not None


def test_ages_are_those_of_the_last_arrival() -> None:
    frames = matcher()
    assert frames.image_age_ns(S) is None and frames.depth_age_ns(S) is None
    frames.add_image(colour(5, received_ms=10))
    frames.add_depth(depth(5, received_ms=20))
    assert (frames.image_age_ns(50 * MS), frames.depth_age_ns(50 * MS)) == (40 * MS, 30 * MS)
    frames.take(50 * MS)
    assert frames.image_age_ns(50 * MS) == 40 * MS
    assert (frames.image_age_ns(0), frames.depth_age_ns(0)) == (0, 0)  # the clock was set back


@pytest.mark.parametrize(
    ("before", "after_image", "after_take", "matched"),
    [
        ([100], [], [], 100),
        ([], [100], [], 100),
        ([], [], [100], 100),
        ([80], [], [], 80),
        ([79], [], [], None),
        ([121], [], [], None),
        ([120], [], [], 120),
        ([67, 100, 133, 166], [], [], 100),
        ([67], [110], [101], 101),
        ([95], [104], [], 104),
        ([90], [], [133, 166, 200, 233, 266, 300, 333, 366, 400, 433], 90),
        ([], [], [67, 100, 133, 166, 200, 233, 266, 300, 333, 366], 100),
        ([100 + 33 * step for step in range(12)], [], [], None),  # nobody remembers that many
        ([], [], [], None),
    ],
)
def test_depth_is_matched_by_stamp_whenever_it_comes(
    before: Sequence[int], after_image: Sequence[int], after_take: Sequence[int], matched: int | None
) -> None:
    frames, image = matcher(), colour(100)
    for stamp in before:
        frames.add_depth(depth(stamp))
    frames.add_image(image)
    for stamp in after_image:
        frames.add_depth(depth(stamp))
    assert frames.take(110 * MS) is image
    for stamp in after_take:
        frames.add_depth(depth(stamp))
    found = frames.depth_of(image)
    assert (found.stamp_ns // MS if found else None) == matched


def test_depth_is_offered_to_the_image_that_waits_and_to_the_one_in_hand() -> None:
    frames, in_hand, waiting = matcher(), colour(100), colour(133)
    frames.add_image(in_hand)
    frames.take(105 * MS)
    frames.add_image(waiting)
    frames.add_depth(depth(100, received_ms=140))
    frames.add_depth(depth(133, received_ms=150))
    for image in (in_hand, waiting):
        found = frames.depth_of(image)
        assert found is not None and found.stamp_ns == image.stamp_ns


def test_an_image_that_was_put_down_holds_no_more_depth() -> None:
    frames, image = matcher(), colour(100)
    frames.add_image(image)
    frames.take(100 * MS)
    frames.put_down()
    frames.add_depth(depth(100))
    assert image.depth is None


def test_depth_without_stamps_is_matched_by_its_time_of_arrival() -> None:
    frames, image = matcher(), colour(0, received_ms=1000)
    frames.add_depth(depth(0, received_ms=499))
    frames.add_image(image)
    assert frames.depth_of(image) is None
    assert "came 0.5 s before or after" in frames.why_no_depth(image, 999 * MS)
    frames.add_depth(depth(0, received_ms=1001))
    assert frames.depth_of(image) is not None


@pytest.mark.parametrize(
    ("stamps", "now_ms", "awaited"),
    [
        ([], 100, False),  # nobody sends depth
        ([67], 100, True),
        ([67], 567, True),
        ([67], 568, False),  # the depth camera has stopped
        ([67, 133], 134, False),  # it is past the image
        ([67, 100], 101, False),  # it is here
        ([85], 101, False),  # near enough
    ],
)
def test_depth_is_awaited_only_while_it_may_come(stamps: Sequence[int], now_ms: int, awaited: bool) -> None:
    frames, image = matcher(), colour(100)
    for stamp in stamps:
        frames.add_depth(depth(stamp))
    frames.add_image(image)
    assert frames.awaits_depth(image, now_ms * MS) is awaited


@pytest.mark.parametrize(
    ("stamps", "now_ms", "reason"),
    [
        ([], 100, "no depth image has come"),
        ([100 - 350], 100, "0.350 s from the image by stamp, at most 0.02 s are allowed"),
        ([67], 4067, "no depth image for 4.0 s, at most 0.5 s are allowed"),
    ],
)
def test_why_there_is_no_depth(stamps: Sequence[int], now_ms: int, reason: str) -> None:
    frames, image = matcher(), colour(100)
    for stamp in stamps:
        frames.add_depth(depth(stamp, received_ms=max(stamp, 67)))
    frames.add_image(image)
    assert frames.depth_of(image) is None
    assert reason in frames.why_no_depth(image, now_ms * MS)


def test_depth_from_before_a_clock_was_set_back_is_forgotten() -> None:
    frames = matcher()
    frames.add_depth(depth(60_000))
    frames.add_depth(depth(10, received_ms=60_033))
    image = colour(60_000, received_ms=60_034)
    frames.add_image(image)
    assert frames.depth_of(image) is None


def test_tolerance_may_change_meanwhile() -> None:
    frames, image = matcher(), colour(100)
    frames.add_depth(depth(70))
    frames.add_image(image)
    assert frames.depth_of(image) is None
    frames.tolerance_ns = 30 * MS
    assert frames.depth_of(image) is not None


events = st.lists(
    st.tuples(st.sampled_from(["image", "depth", "take"]), st.integers(0, 900), st.integers(0, 8)), max_size=60
)


@given(events)
def test_in_any_order_of_events(script: list[tuple[str, int, int]]) -> None:
    """An image is taken once, with the nearest depth of the eight before it and all that came since, or with none."""
    frames, now_ms = matcher(), 0
    offered: list[int] = []
    offered_before: dict[ColourImage, int] = {}
    taken: list[ColourImage] = []
    for kind, stamp, pause in script:
        now_ms += pause
        if kind == "image":
            image = colour(stamp, now_ms)
            offered_before[image] = len(offered)
            frames.add_image(image)
        elif kind == "depth":
            frames.add_depth(depth(stamp, now_ms))
            offered.append(stamp)
        elif in_hand := frames.take(now_ms * MS):
            assert in_hand not in taken
            taken.append(in_hand)
        for image in taken[-1:]:
            apart = [abs(other - image.stamp_ns // MS) for other in offered[max(0, offered_before[image] - 8) :]]
            found = frames.depth_of(image)
            assert (abs(found.stamp_ns - image.stamp_ns) // MS if found else None) == min(
                (gap for gap in apart if gap <= 20), default=None
            )

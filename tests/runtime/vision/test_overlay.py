"""The picture of an answer: the thing stands out, the caption is there, frames of a video fit together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from runtime import Frame, Segmenter
from runtime.vision.overlay import draw_overlay

Picture = npt.NDArray[np.uint8]


def scene(width: int, height: int) -> Picture:
    """A red thing on the left, a dimmer red one on the right, on dark grey."""
    picture = np.full((height, width, 3), 60, np.uint8)
    picture[height // 4 : height // 2, width // 8 : width * 3 // 8] = (250, 60, 60)
    picture[height // 4 : height // 2, width * 5 // 8 : width * 7 // 8] = (220, 60, 60)
    return picture


@pytest.fixture
def segmenter(make_bundle: object) -> Segmenter:
    assert callable(make_bundle)
    return Segmenter(make_bundle(offsets=False), threads=1)


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1920, 1080), (48, 32), (240, 2000)])
def test_things_stand_out_and_the_rest_steps_back(segmenter: Segmenter, size: tuple[int, int]) -> None:
    picture = scene(*size)
    before = picture.copy()
    answer = segmenter.segment(Frame.from_array(picture), "the red thing")
    drawn = draw_overlay(picture, answer)
    assert np.array_equal(picture, before)
    assert drawn.dtype == np.uint8
    assert drawn.shape[1] >= 320
    factor = drawn.shape[1] // size[0]
    shown = drawn[: size[1] * factor]
    background = shown[size[1] * factor * 3 // 4, size[0] * factor // 2]
    assert background.max() < 45
    thing = shown[int(size[1] * factor * 0.375), size[0] * factor // 4]
    assert thing.max() > 120
    caption = drawn[size[1] * factor :]
    assert 50 < caption.shape[0] < 0.6 * max(drawn.shape[1], 320)
    assert caption.max() > 200


def test_candidates_differ_in_colour(segmenter: Segmenter) -> None:
    picture = scene(640, 480)
    answer = segmenter.segment(Frame.from_array(picture), "the red twin")
    assert len(answer.candidates) == 2
    drawn = draw_overlay(picture, answer).astype(int)
    (left, right) = (drawn[130, x] for x in (110, 430))
    assert np.abs(left - right).sum() > 80


def test_size_depends_on_the_picture_alone(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene(640, 480))
    sentences = ["red", "the red unicorn", "the red gizmo beside the other gizmo", "the red twin"]
    shapes = {draw_overlay(frame.image, segmenter.segment(frame, sentence)).shape for sentence in sentences}
    assert len(shapes) == 1


def test_captions_that_do_not_fit_end_within_the_picture(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene(320, 240))
    answer = segmenter.segment(frame, "red " + "W" * 200 + " кружка red")
    caption = draw_overlay(frame.image, answer)[240:]
    assert caption[:, -6:].max() < 60

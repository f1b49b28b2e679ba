"""The whole pipeline on a bundle whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from runtime import Command, Frame, SaymaskError, Segmenter, Verdict

Picture = npt.NDArray[np.uint8]


def scene(height: int = 64, width: int = 64) -> Picture:
    """A red square in the upper left quarter and a green one in the lower right quarter, on black."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[height // 8 : height // 2, width // 8 : width // 2, 0] = 255
    picture[height // 2 : height * 7 // 8, width // 2 : width * 7 // 8, 1] = 255
    return picture


def touching() -> Picture:
    """Two red things side by side, 20x20 each, whose green and blue point at their centres."""
    picture = np.full((64, 64, 3), (0, 127, 127), np.uint8)
    for left in (12, 32):
        y, x = np.mgrid[20:40, left : left + 20] + 0.5
        picture[20:40, left : left + 20, 0] = 255
        picture[20:40, left : left + 20, 1] = np.round(127.5 + (left + 10 - x) / 64 * 255)
        picture[20:40, left : left + 20, 2] = np.round(127.5 + (30 - y) / 64 * 255)
    return picture


@pytest.fixture
def segmenter(tiny_bundle: Path) -> Segmenter:
    return Segmenter(tiny_bundle, threads=1)


def test_finds_the_thing_that_the_sentence_names(segmenter: Segmenter) -> None:
    picture = scene(480, 640)
    answer = segmenter.segment(Frame.from_array(picture, stamp_ns=7, camera_frame="head"), "pick up the red thing")
    assert answer.verdict is Verdict.FOUND
    assert answer.mask.shape == (480, 640)
    wanted = picture[:, :, 0] > 0
    assert (answer.mask & wanted).sum() / (answer.mask | wanted).sum() > 0.93
    assert answer.centroid == pytest.approx((200, 150), abs=3)
    assert answer.box == pytest.approx((80, 60, 320, 240), abs=6)
    assert len(answer.candidates) == 1
    assert (answer.stamp_ns, answer.camera_frame, answer.command.action) == (7, "head", "pick")
    assert 0.9 < answer.confidence <= 1
    assert answer.note == ""


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 4096), (4096, 64), (720, 1280)])
def test_frames_of_any_size_are_answered_in_their_own_pixels(segmenter: Segmenter, size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 0, np.uint8)
    first_half = np.zeros(size, np.bool_)
    first_half[: size[0] // 2 if size[0] > size[1] else None, : size[1] // 2 if size[1] >= size[0] else None] = True
    picture[first_half] = (0, 255, 0)
    answer = segmenter.segment(Frame.from_array(picture), "the green thing")
    assert answer.mask.shape == size
    assert answer.mask[first_half].mean() > 0.9
    assert answer.mask[~first_half].mean() < 0.1


def test_the_largest_frame(segmenter: Segmenter) -> None:
    picture = np.zeros((4096, 4096, 3), np.uint8)
    picture[:2048, :2048, 0] = 255
    answer = segmenter.segment(Frame.from_array(picture), "the red thing")
    assert answer.centroid == pytest.approx((1024, 1024), abs=16)


def test_absent_thing_has_no_mask(segmenter: Segmenter) -> None:
    answer = segmenter.segment(Frame.from_array(scene()), "the red unicorn")
    assert answer.verdict is Verdict.NOT_FOUND
    assert not answer.mask.any()
    assert answer.raw_mask.any()
    assert (answer.box, answer.centroid, answer.candidates) == (None, None, ())
    assert answer.confidence == answer.count_probabilities[0] > 0.9


def test_an_empty_mask_is_never_found(segmenter: Segmenter) -> None:
    answer = segmenter.segment(Frame.from_array(np.zeros((64, 64, 3), np.uint8)), "the red thing")
    assert answer.verdict is Verdict.NOT_FOUND
    assert answer.confidence < 0.1


def test_touching_things_become_candidates(segmenter: Segmenter) -> None:
    answer = segmenter.segment(Frame.from_array(touching()), "the red twin")
    assert answer.verdict is Verdict.AMBIGUOUS
    assert [item.centroid for item in answer.candidates] == [
        pytest.approx((22, 30), abs=1),
        pytest.approx((42, 30), abs=1),
    ]
    assert not (answer.candidates[0].mask & answer.candidates[1].mask).any()
    assert sum(item.area for item in answer.candidates) == answer.mask.sum()


def test_several_things_are_no_doubt_for_a_plural(segmenter: Segmenter) -> None:
    answer = segmenter.segment(Frame.from_array(touching()), Command("", "pick", "all red twin", plural=True))
    assert answer.verdict is Verdict.FOUND
    assert len(answer.candidates) == 2
    assert answer.confidence > 0.9


def test_many_expressions_in_one_batch_equal_single_ones(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene())
    sentences = ["the red thing", "the green thing", "the red unicorn", "all the red green things"] * 6
    together = segmenter.segment_many(frame, sentences)
    for sentence, answer in zip(sentences, together, strict=True):
        alone = segmenter.segment(frame, sentence)
        assert np.array_equal(alone.mask, answer.mask)
        assert alone.verdict is answer.verdict
        assert alone.confidence == pytest.approx(answer.confidence, abs=1e-6)
    assert segmenter.segment_many(frame, []) == []


def test_text_and_image_are_encoded_once(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene())
    first = segmenter.segment(frame, "the red thing").timings_ms
    assert min(first.values()) > 0
    assert set(first) == {"text_encoder", "preprocess", "image_encoder", "mask_decoder", "postprocess", "total"}
    again = segmenter.segment(frame, "the red thing").timings_ms
    assert again["text_encoder"] == again["preprocess"] == again["image_encoder"] == 0
    other_words = segmenter.segment(frame, "the green thing").timings_ms
    assert other_words["image_encoder"] == 0 < other_words["text_encoder"]
    equal_frame = segmenter.segment(Frame.from_array(scene()), "the red thing").timings_ms
    assert equal_frame["text_encoder"] == 0 < equal_frame["image_encoder"]


def test_remembered_expressions_are_bounded(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene())
    segmenter.segment_many(frame, [f"the red thing {number}" for number in range(300)])
    assert segmenter.segment(frame, "the red thing 299").timings_ms["text_encoder"] == 0
    assert segmenter.segment(frame, "the red thing 0").timings_ms["text_encoder"] > 0


def test_unknown_words_are_told(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene())
    answer = segmenter.segment(frame, "the red gizmo beside the shiny thing")
    assert answer.command.unknown == ("gizmo", "shiny")
    assert "do not know what 'gizmo' is" in answer.note
    assert segmenter.segment(frame, "the shiny red thing").note.startswith("I do not know 'shiny'")
    assert answer.to_json()["unknown"] == ["gizmo", "shiny"]


def test_a_network_that_does_not_count(make_bundle: Callable[..., Path]) -> None:
    with Segmenter(make_bundle(counts=False, offsets=False), threads=1) as segmenter:
        frame = Frame.from_array(scene())
        assert segmenter.segment(frame, "the red twin").verdict is Verdict.FOUND
        dark = Frame.from_array(np.zeros((64, 64, 3), np.uint8))
        assert segmenter.segment(dark, "the red twin").verdict is Verdict.NOT_FOUND
        assert len(segmenter.segment(frame, "all the red green things").candidates) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("", "holds no word"),
        ("???", "holds no word"),
        ("стакан", "holds no word"),
        ("x" * 10_000, "10000 characters, at most 512"),
        ("stop", "'stop' names nothing to look for"),
        ("pick up", "'pick' needs a thing"),
        ("the red thing beside the blue thing beside the thing", "10 words, the model reads at most 8"),
        ("pick up everything except the red thing", "'except' leaves something out"),
        ("anything but the red thing", "'but' leaves something out"),
        (Command("", "pick"), "names nothing to look for"),
        (Command("", "pick", "x" * 10_000), "10000 characters"),
        (None, "expected a transcript as text, got NoneType"),
    ],
)
def test_sentences_that_cannot_be_read(segmenter: Segmenter, words: Command | str, complaint: str) -> None:
    with pytest.raises(SaymaskError, match=complaint):
        segmenter.segment(Frame.from_array(scene()), words)


def test_after_a_refused_sentence_the_next_is_answered(segmenter: Segmenter) -> None:
    frame = Frame.from_array(scene())
    with pytest.raises(SaymaskError):
        segmenter.segment(frame, "")
    assert segmenter.segment(frame, "the crimson thing").verdict is Verdict.FOUND


def test_a_closed_segmenter_says_so(tiny_bundle: Path) -> None:
    with Segmenter(tiny_bundle) as segmenter:
        pass
    with pytest.raises(SaymaskError, match="closed"):
        segmenter.segment(Frame.from_array(scene()), "the red thing")

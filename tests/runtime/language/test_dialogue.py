"""Asking back, and which candidate a reply chooses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.datatypes import Box, Verdict
from runtime.language.dialogue import Dialogue, after_answer, after_reply
from runtime.language.speech import is_list
from runtime.language.telling_apart import a_one, the_one
from runtime.language.vocabulary import words_of
from tests.runtime.language.made_up_answers import (
    BACK,
    BACK_LEFT,
    BIG_RIGHT,
    CORNERED,
    FRONT,
    LEFT,
    MUG,
    RIGHT,
    SIX,
    SMALL_LEFT,
    THREE,
    TWO,
    answer_to,
    asked,
    index_of,
    next_command,
    pick,
)


@pytest.mark.parametrize(
    ("boxes", "reply", "index"),
    [
        (TWO, "the left one", 0),
        (TWO, "Left.", 0),
        (TWO, "right", 1),
        (TWO, "the one on the right", 1),
        (TWO, "um the one on the, uh, left please", 0),
        (TWO, "it's the left one", 0),
        (TWO, "okay, the right one, thanks robot", 1),
        (TWO, "I want the left one", 0),
        (TWO, "can I have the left one", 0),
        (TWO, "the left jar", 0),
        (TWO, "the one to your left", 0),
        (TWO, "the leftmost", 0),
        (TWO, "the one furthest to the right", 1),
        (TWO, "yes, the left one", 0),
        (TWO, "no, wait, the left one", 0),
        (TWO, "not the left one", 1),
        (TWO, "the one that's not on the left", 1),
        (TWO, "anything but the right one", 0),
        (TWO, "the first", 0),
        (TWO, "the second", 1),
        (TWO, "the write one", 1),
        (TWO, "the lift one", 0),
        (TWO, "the one on the lift", 0),
        (THREE, "the left won", 0),
        (TWO, "number two", 1),
        (TWO, "2", 1),
        (TWO, "the second one from the right", 0),
        (TWO, "second from the left", 1),
        (TWO, "the last one", 1),
        (TWO, "left, I mean right", 1),
        (TWO, "the left one, no, the right one", 1),
        (THREE, "the middle one", 1),
        (THREE, "the one in the centre", 1),
        (THREE, "in between", 1),
        (THREE, "the last", 2),
        (THREE, "the last but one", 1),
        (THREE, "the first one from the right", 2),
        (THREE, "the second on the right", 1),
        ((FRONT, BACK), "the closer one", 0),
        ((FRONT, BACK), "nearest", 0),
        ((FRONT, BACK), "the one in front", 0),
        ((FRONT, BACK), "the bottom one", 0),
        ((FRONT, BACK), "the one closest to you", 0),
        ((FRONT, BACK), "at the back", 1),
        ((FRONT, BACK), "the one behind", 1),
        ((FRONT, BACK), "the far one", 1),
        ((FRONT, BACK), "the first from the back", 1),
        (CORNERED, "the front left one", 0),
        (CORNERED, "the back left one", 1),
        (CORNERED, "in the back left corner", 1),
        (CORNERED, "the right one", 2),
        ((SMALL_LEFT, BIG_RIGHT), "the bigger one", 1),
        ((SMALL_LEFT, BIG_RIGHT), "the smallest one", 0),
        ((SMALL_LEFT, BIG_RIGHT), "the tall one", 1),
        ((SMALL_LEFT, BIG_RIGHT), "the shorter one", 0),
        (SIX, "the fourth", 3),
        (SIX, "the third from the right", 3),
        (SIX, "number 5", 4),
        (SIX, "six", 5),
        ((FRONT, BACK), "either", 0),
        ((FRONT, BACK), "any of them", 0),
        ((BACK_LEFT, RIGHT), "I don't mind", 1),
        ((BACK_LEFT, RIGHT), "it doesn't matter", 1),
        (TWO, "grab the left one", 0),
        (TWO, "pick up the jar on the right", 1),
    ],
)
def test_a_reply_chooses(boxes: Sequence[Box], reply: str, index: int) -> None:
    state = asked(*boxes)
    assert state.open
    turn = after_reply(state, reply)
    assert index_of(turn) == index
    assert turn.say.startswith("Okay, ")
    assert not turn.state.open
    assert turn.state.taken == (index,)
    assert turn.state.command == state.command


@pytest.mark.parametrize(
    ("target", "reply", "index"),
    [
        ("the jar beside the apple", "the left jar beside the apple", 0),
        ("the red jar", "the left red jar", 0),
        ("the coffee mug", "the mug on the right", 1),
        ("the boxes", "the right box", 1),
    ],
)
def test_words_of_the_description_may_be_repeated(target: str, reply: str, index: int) -> None:
    assert index_of(after_reply(asked(*TWO, command=pick(target)), reply)) == index


@pytest.mark.parametrize(
    ("landmarks", "reply", "index"),
    [
        (MUG, "the one near the mug", 1),
        (MUG, "beside the mug", 1),
        (MUG, "the jar next to the mug", 1),
        (MUG, "not the one near the mug", 0),
        (MUG, "the one furthest from the mug", 0),
        (MUG, "the left one", 0),
        ({"coffee mug": MUG["the mug"]}, "the one closest to the mug", 1),
        ({"plate": (130, 100, 150, 160)}, "the one to the left of the plate", 0),
        ({"plate": (130, 100, 150, 160)}, "the one that is right of the plate", 1),
    ],
)
def test_a_landmark_decides(landmarks: Mapping[str, Box], reply: str, index: int) -> None:
    assert index_of(after_reply(asked(*TWO, landmarks=landmarks), reply)) == index


LEFT_OR_RIGHT = "Which one, the one on the left or the one on the right?"


@pytest.mark.parametrize(
    ("boxes", "reply", "say"),
    [
        (TWO, "what?", LEFT_OR_RIGHT),
        (TWO, "say that again", LEFT_OR_RIGHT),
        (TWO, "I don't know", LEFT_OR_RIGHT),
        (TWO, "кружка", LEFT_OR_RIGHT),
        (TWO, "yes", LEFT_OR_RIGHT),
        (TWO, "that one", LEFT_OR_RIGHT),
        (TWO, "the jar", LEFT_OR_RIGHT),
        (TWO, "the other one", LEFT_OR_RIGHT),
        (TWO, "the middle one", f"None of them fits that. {LEFT_OR_RIGHT}"),
        (TWO, "the third one", f"None of them fits that. {LEFT_OR_RIGHT}"),
        (TWO, "the bigger one", f"That fits both. {LEFT_OR_RIGHT}"),
        (TWO, "the left or the right one", f"One at a time, please. {LEFT_OR_RIGHT}"),
        (TWO, "x" * 600, f"That was too long. {LEFT_OR_RIGHT}"),
        (THREE, "both", "I see three. Which one, the one on the left, the one in the middle or the one on the right?"),
        (SIX, "what?", "Which one?"),
    ],
)
def test_the_question_stays_open(boxes: Sequence[Box], reply: str, say: str) -> None:
    turn = after_reply(asked(*boxes), reply)
    assert (turn.say, turn.chosen, turn.command) == (say, None, None)
    assert turn.state.open and turn.state.asked == tuple(range(len(boxes)))
    assert index_of(after_reply(turn.state, "the left one")) == 0


def test_a_single_letter_is_a_word_like_another() -> None:
    state = after_reply(asked(*TWO), "S").state
    assert "  " not in after_reply(state, "never").say


def test_silence_changes_nothing() -> None:
    state = asked(*TWO)
    for nothing in ("", "  \n", None):
        turn = after_reply(state, nothing)  # type: ignore[arg-type]
        assert turn.state is state and turn.say == "" and turn.chosen is None and turn.command is None


@pytest.mark.parametrize(
    ("boxes", "reply", "question", "then", "index"),
    [
        (CORNERED, "left", "the one at the front left or the one at the back left", "the back one", 1),
        (CORNERED, "left", "the one at the front left or the one at the back left", "no, the right one", 2),
        (THREE, "not the left one", "the one in the middle or the one on the right", "the right one", 2),
        (THREE, "all but the left one", "the one in the middle or the one on the right", "the first", 1),
        (SIX, "the middle one", "the third from the left or the third from the right", "the right one", 3),
        (SIX, "the middle one", "the third from the left or the third from the right", "the sixth", 5),
    ],
)
def test_a_reply_that_fits_several_is_asked_about(
    boxes: Sequence[Box], reply: str, question: str, then: str, index: int
) -> None:
    turn = after_reply(asked(*boxes), reply)
    assert turn.say == f"Two of them fit that. Which one, {question}?"
    assert len(turn.state.asked) == 2
    assert index_of(after_reply(turn.state, then)) == index


@pytest.mark.parametrize("side", ["on my left", "the one to my left", "first from my left"])
def test_the_speakers_own_side_is_not_the_cameras(side: str) -> None:
    turn = after_reply(asked(*TWO), side)
    assert turn.chosen is None
    assert turn.say == "I go by left and right as I see them. Do you mean the one on the left?"
    assert index_of(after_reply(turn.state, "yes")) == 0
    other = after_reply(turn.state, "no")
    assert other.say == "Okay, not that one. Do you mean the one on the right?"
    assert index_of(after_reply(other.state, "yes please")) == 1


@pytest.mark.parametrize("no", ["no", "nope", "not that one", "that's wrong", "no no", "wrong one"])
def test_no_after_a_choice_offers_the_other(no: str) -> None:
    turn = after_reply(after_reply(asked(*TWO), "left").state, no)
    assert turn.say == "Okay, not that one. Do you mean the one on the right?"
    assert index_of(after_reply(turn.state, "yes")) == 1
    refused = after_reply(turn.state, "no")
    assert refused.say == "Okay, not that one. Which jar do you mean?"
    assert index_of(after_reply(refused.state, "the left one")) == 0


@pytest.mark.parametrize("neither", ["no", "neither", "neither of them", "none of those"])
def test_neither(neither: str) -> None:
    turn = after_reply(asked(*TWO), neither)
    assert (turn.say, turn.state.open, turn.state.asked) == ("Okay. Which jar do you mean?", True, ())
    assert after_reply(turn.state, "the other one").say == "I see no other jar."
    assert next_command(after_reply(turn.state, "the blue one")).target == "the blue jar"


@pytest.mark.parametrize(
    "word", ["never mind", "stop", "cancel", "forget it", "No, never mind.", "no thanks", "robot stop"]
)
def test_calling_it_off_ends_the_dialogue(word: str) -> None:
    turn = after_reply(asked(*TWO), word)
    assert (turn.say, turn.chosen, turn.command) == ("Okay.", None, None)
    assert turn.state.command is None and not turn.state.open and not turn.state.candidates


def test_the_other_ones() -> None:
    turn = after_reply(asked(*THREE), "the middle one")
    turn = after_reply(turn.state, "and the other one")
    assert turn.say == LEFT_OR_RIGHT
    turn = after_reply(turn.state, "the right one")
    assert index_of(turn) == 2
    turn = after_reply(turn.state, "now the other one")
    assert index_of(turn) == 0
    assert after_reply(turn.state, "the other one").say == "I see no other jar."


@pytest.mark.parametrize(
    "yes", ["yes", "Yes please!", "yeah, that one", "that's right", "okay", "yes, the right one", "it"]
)
def test_yes_takes_what_was_offered(yes: str) -> None:
    offered = after_reply(after_reply(asked(*TWO), "left").state, "no").state
    assert index_of(after_reply(offered, yes)) == 1
    assert index_of(after_reply(asked(RIGHT), yes)) == 0


def test_one_thing_that_is_offered_in_doubt() -> None:
    state, said = after_answer(Dialogue(), answer_to(pick(), LEFT, verdict=Verdict.UNSURE, confidence=0.6))
    assert state.open and said.endswith("Do you mean that one?")
    assert index_of(after_reply(state, "yes that one")) == 0
    refused = after_reply(state, "no")
    assert refused.chosen is None and refused.say == "Okay, not that one. Which jar do you mean?"
    assert next_command(after_reply(state, "no the red one")).target == "the red jar"


def test_yes_and_then() -> None:
    offered = after_reply(after_reply(asked(*TWO), "left").state, "no").state
    assert next_command(after_reply(offered, "yes, put it on the plate")).target == "the jar on the right"


def test_a_correction_replaces_a_choice() -> None:
    turn = after_reply(after_reply(asked(*TWO), "left").state, "no, the right one")
    assert index_of(turn) == 1
    assert turn.state.taken == (1,)


coordinates = st.tuples(st.integers(0, 250), st.integers(0, 170), st.integers(16, 70), st.integers(16, 70))
boxes = coordinates.map(lambda c: (c[0], c[1], c[0] + c[2], c[1] + c[3]))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(boxes, min_size=2, max_size=6, unique=True), st.dictionaries(st.sampled_from(["mug", "the plate"]), boxes)
)
def test_what_was_said_of_a_candidate_chooses_it(places: list[Box], landmarks: dict[str, Box]) -> None:
    state = asked(*places, landmarks=landmarks)
    if not is_list(state.described):
        return
    for index, detail in enumerate(state.described):
        for reply in (the_one(detail), a_one(detail), detail):
            assert index_of(after_reply(state, reply)) == index, (reply, state.described)


WORDS = words_of(
    "the a left right one ones second last middle bigger other both all either any yes no not that it them never mind "
    "stop red blue jar mug near beside of from and or but pick up put on give me i mean which number two first please "
    "my front back closest to is with handle none neither"
)
texts = st.text(max_size=560) | st.lists(st.sampled_from([*WORDS, ",", "."]), max_size=14).map(" ".join)
layouts = st.sampled_from([(), (LEFT,), TWO, THREE, CORNERED, SIX])


@settings(max_examples=400, deadline=None)
@given(
    layouts, st.lists(texts, min_size=1, max_size=4), st.sampled_from(["the jar", "all the jars", "it", "the one", ""])
)
def test_no_text_raises_and_the_state_stays_usable(places: Sequence[Box], replies: list[str], target: str) -> None:
    state = asked(*places, command=pick(target, plural=target.endswith("s")), landmarks=MUG)
    for reply in replies:
        turn = after_reply(state, reply)
        assert turn.chosen is None or turn.command is None
        assert turn.chosen is None or any(turn.chosen is item for item in turn.state.candidates)
        assert turn.say == " ".join(turn.say.split())
        state = turn.state
        assert len(state.described) == len(state.candidates)
        assert all(0 <= index < len(state.candidates) for index in (*state.asked, *state.taken, *state.refused))
    state, say = after_answer(state, answer_to(pick("the spoon"), *TWO))
    assert say == "I see two spoons: one on the left and one on the right. Which one?"
    assert index_of(after_reply(state, "the left one")) == 0


@pytest.mark.parametrize(
    "part", ["the ", "no ", "and ", "not ", "left ", "um, ", "!", "or the ", "yes no ", "right of ", "m"]
)
def test_hostile_repetition_is_fast(part: str) -> None:
    state = asked(*THREE, landmarks=MUG)
    start = time.perf_counter()
    after_reply(state, (part * 512)[:512])
    assert time.perf_counter() - start < 0.2

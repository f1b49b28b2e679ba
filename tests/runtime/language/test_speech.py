"""What is said of an answer: the verdict, the things it could be, and doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from runtime.datatypes import Box, Verdict
from runtime.language.dialogue import speak
from runtime.language.telling_apart import tell_apart
from runtime.language.wording import (
    NounPhrase,
    counted,
    listed,
    number_word,
    one_noun,
    plural_of,
    seen,
    singular_of,
    unseen,
    with_article,
)
from tests.runtime.language.made_up_answers import (
    BACK,
    BACK_LEFT,
    FRONT,
    FRONT_LEFT,
    LEFT,
    MIDDLE,
    RIGHT,
    SIX,
    TWO,
    answer_to,
    candidate,
    pick,
)

FRONT_RIGHT, BACK_RIGHT = (220, 150, 260, 210), (224, 40, 264, 100)


@pytest.mark.parametrize(
    ("target", "missing", "there"),
    [
        ("the jar beside the apple", "a jar beside the apple", "the jar beside the apple"),
        ("jar", "a jar", "the jar"),
        ("the apple", "an apple", "the apple"),
        ("an hourglass", "an hourglass", "an hourglass"),
        ("the utensil", "a utensil", "the utensil"),
        ("the umbrella", "an umbrella", "the umbrella"),
        ("the biggest cup", "the biggest cup", "the biggest cup"),
        ("the second bottle from the left", "the second bottle from the left", "the second bottle from the left"),
        ("the left mug", "the left mug", "the left mug"),
        ("the mug closest to me", "the mug closest to you", "the mug closest to you"),
        ("the mug on the left", "a mug on the left", "the mug on the left"),
        ("the wooden chest", "a wooden chest", "the wooden chest"),
        ("my mug", "your mug", "your mug"),
        ("this mug", "that mug", "that mug"),
        ("the box behind you", "a box behind me", "the box behind me"),
        ("another jar", "another jar", "another jar"),
        ("every cup", "a cup", "a cup"),
        ("the scissors", "any scissors", "the scissors"),
        ("the bread", "any bread", "the bread"),
        ("the red one", "a red one", "the red one"),
        ("the one near the mug", "one near the mug", "the one near the mug"),
        ("something red", "anything red", "something red"),
        ("the knife and the fork", "a knife or a fork", "the knife and the fork"),
        ("the red and green mug", "a red and green mug", "the red and green mug"),
        ("the jar that isnt red", "a jar that is not red", "the jar that is not red"),
        ("it", "it", "it"),
        ("", "it", "something"),
    ],
)
def test_one_thing(target: str, missing: str, there: str) -> None:
    assert speak(answer_to(pick(target))) == f"I don't see {missing}."
    assert speak(answer_to(pick(target), LEFT)) == f"I see {there}."


@pytest.mark.parametrize(
    ("target", "count", "said"),
    [
        ("all the spoons", 0, "I don't see any spoons."),
        ("the two red cups", 0, "I don't see any red cups."),
        ("all my cups", 0, "I don't see any of your cups."),
        ("all the spoons", 3, "I see three spoons."),
        ("all the spoons", 1, "I see one spoon."),
        ("both boxes", 2, "I see two boxes."),
        ("both knives", 1, "I see only one knife."),
        ("the three dishes beside the bowl", 2, "I see only two dishes beside the bowl."),
        ("the cups that are red", 2, "I see two cups that are red."),
        ("the cups that are red", 1, "I see one cup that is red."),
        ("every mug", 4, "I see four mugs."),
        ("the knife and the fork", 2, "I see the knife and the fork."),
        ("the knife and the fork", 1, "I see only one of these: the knife and the fork."),
    ],
)
def test_several_things(target: str, count: int, said: str) -> None:
    assert speak(answer_to(pick(target, plural=True), *SIX[:count])) == said


@pytest.mark.parametrize(
    ("boxes", "listing"),
    [
        ([LEFT, RIGHT], ": one on the left and one on the right"),
        ([LEFT, MIDDLE, RIGHT], ": one on the left, one in the middle and one on the right"),
        (
            SIX[:4],
            ": one on the far left, the second from the left, the second from the right and one on the far right",
        ),
        (SIX[:5], ""),
        ([FRONT, BACK], ": one at the front and one at the back"),
        ([FRONT_LEFT, BACK_LEFT, RIGHT], ": one at the front left, one at the back left and one on the right"),
        (
            [FRONT_LEFT, BACK_LEFT, FRONT_RIGHT, BACK_RIGHT],
            ": one at the front left, one at the back left, one at the front right and one at the back right",
        ),
        ([(20, 100, 60, 160), (10, 94, 74, 166)], ": a smaller one and a bigger one"),
        ([(20, 100, 60, 160), (22, 102, 62, 162)], ""),
    ],
)
def test_a_question_tells_the_candidates_apart(boxes: list[Box], listing: str) -> None:
    count = number_word(len(boxes))
    assert speak(answer_to(pick(), *boxes)) == f"I see {count} jars{listing}. Which one?"


@pytest.mark.parametrize(
    ("target", "things"),
    [
        ("the jar beside the apple", "two jars beside the apple"),
        ("the biggest cup", "two cups"),
        ("the second bottle from the left", "two bottles"),
        ("my mug", "two mugs"),
        ("the mug that is red", "two mugs that are red"),
        ("the mug that stands there", "two mugs"),
        ("the scissors", "two pairs of scissors"),
        ("the bread", "two things that may be bread"),
        ("the red one", "two red ones"),
        ("the one near the mug", "two things near the mug"),
        ("the knife and the fork", "two things"),
        ("", "two things"),
    ],
)
def test_a_question_names_the_things(target: str, things: str) -> None:
    assert speak(answer_to(pick(target), *TWO)) == f"I see {things}: one on the left and one on the right. Which one?"


@pytest.mark.parametrize(
    ("landmarks", "told"),
    [
        ({"the mug": (270, 110, 300, 160)}, ("on the left", "beside the mug")),
        (
            {"coffee mug": (270, 110, 300, 160), "plate": (70, 110, 90, 160)},
            ("beside the plate", "beside the coffee mug"),
        ),
        ({"tray": (200, 80, 290, 180)}, ("on the left", "near the tray")),  # it lies on the tray
        ({"mug": (130, 110, 150, 160)}, ("on the left", "on the right")),  # between the two
        ({"mug": (0, 0, 320, 240)}, ("on the left", "on the right")),
        ({"apple": (270, 110, 300, 160)}, ("on the left", "on the right")),  # both are beside the apple
        ({"blue jar": (270, 110, 300, 160)}, ("on the left", "on the right")),  # itself a candidate
        ({"": (270, 110, 300, 160)}, ("on the left", "on the right")),
        ({}, ("on the left", "on the right")),
    ],
)
def test_a_landmark_beside_one_candidate_tells_it_apart(landmarks: Mapping[str, Box], told: tuple[str, ...]) -> None:
    answer = answer_to(pick("the jar beside the apple"), *TWO)
    assert tell_apart(answer.candidates, landmarks, answer.command.target) == told
    first, second = told
    assert f": one {first} and one {second}. Which one?" in speak(answer, landmarks=landmarks)


def test_a_landmark_alone_tells_two_apart() -> None:
    flat = [candidate((0, 100, 200, 120)), candidate((90, 102, 290, 122))]
    assert tell_apart(flat, {}, "the tray") == ("", "")
    assert tell_apart(flat, {"mug": (300, 90, 318, 130)}, "the tray") == ("away from the mug", "beside the mug")


@pytest.mark.parametrize(
    ("boxes", "plural", "said"),
    [
        ([], False, "I don't see a jar, but I am not sure."),
        ([LEFT], False, "I think I see the jar, but I am not sure."),
        ([LEFT, RIGHT], True, "I think I see two jars, but I am not sure."),
        ([LEFT, RIGHT], False, "I think I see two jars: one on the left and one on the right. Which one?"),
        (SIX, False, "I think I see six jars, but I am not sure. Which one?"),
    ],
)
def test_doubt_is_spoken(boxes: list[Box], plural: bool, said: str) -> None:
    assert speak(answer_to(pick(plural=plural), *boxes, confidence=0.4)) == said


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([], "I don't see a zarf. I do not know the word 'zarf'."),
        ([LEFT], "I think I see the zarf. I do not know what 'zarf' is."),
        (
            [LEFT, RIGHT],
            "I think I see two zarfs: one on the left and one on the right. I do not know what 'zarf' is. Which one?",
        ),
    ],
)
def test_an_unknown_word_is_told(boxes: list[Box], said: str) -> None:
    answer = answer_to(pick("the zarf"), *boxes)
    command = replace(answer.command, unknown=("zarf",))
    assert speak(replace(answer, command=command, note="I do not know what 'zarf' is.")) == said


def test_things_that_could_not_be_cut_apart() -> None:
    assert (
        speak(answer_to(pick(), LEFT, verdict=Verdict.UNSURE, confidence=0.7))
        == "I think I see the jar, but I am not sure. Do you mean that one?"
    )
    assert speak(answer_to(pick(), LEFT, verdict=Verdict.AMBIGUOUS)) == "I see more than one jar. Which one?"
    assert (
        speak(answer_to(pick("the pliers"), verdict=Verdict.AMBIGUOUS))
        == "I see more than one pair of pliers. Which one?"
    )


@pytest.mark.parametrize(
    ("one", "several"),
    [
        *[("jar", "jars"), ("box", "boxes"), ("knife", "knives"), ("dish", "dishes"), ("cherry", "cherries")],
        *[("toy", "toys"), ("glass", "glasses"), ("tomato", "tomatoes"), ("mouse", "mice"), ("vase", "vases")],
        *[("cookie", "cookies"), ("loaf", "loaves"), ("shelf", "shelves"), ("scarf", "scarves"), ("bus", "buses")],
        *[("bench", "benches"), ("lens", "lenses"), ("fish", "fish"), ("scissors", "scissors"), ("pie", "pies")],
    ],
)
def test_plurals_and_back(one: str, several: str) -> None:
    assert plural_of(one) == several == plural_of(several)
    assert singular_of(several) == one == singular_of(one)


@pytest.mark.parametrize(
    ("words", "said"),
    [("jar", "a jar"), ("egg", "an egg"), ("8 ball", "an 8 ball"), ("unit", "a unit"), ("onion", "an onion")],
)
def test_articles(words: str, said: str) -> None:
    assert with_article(words) == said


def test_the_parts_of_a_phrase() -> None:
    assert NounPhrase.of("all of my red jars beside the apple") == NounPhrase(
        "all of my", ("red",), "jars", "beside the apple"
    )
    assert NounPhrase.of("near the mug") == NounPhrase("", (), "", "near the mug")
    assert NounPhrase.of("the one") == NounPhrase("the", (), "one", "")


def test_counting_words() -> None:
    assert [number_word(count) for count in (0, 1, 12, 13)] == ["no", "one", "twelve", "13"]
    assert [listed(items.split()) for items in ("", "a", "a b", "a b c")] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    "target", ["", "the", "of of", "the the", "x" * 500, "кружка", "and", "that", "to the left of"]
)
def test_any_target_can_be_spoken_of(target: str) -> None:
    assert all([unseen(target), seen(target), one_noun(target), counted(target, 1), counted(target, 2)])

"""Replies that lead to another command: closer descriptions, corrections, "it", and something new."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from runtime.datatypes import Box, Command, Verdict
from runtime.language.dialogue import Dialogue, after_answer, after_reply
from tests.runtime.language.made_up_answers import (
    LEFT,
    RIGHT,
    SIX,
    THREE,
    TWO,
    answer_to,
    asked,
    index_of,
    next_command,
    pick,
)

LEFT_OR_RIGHT = "Which one, the one on the left or the one on the right?"


@pytest.mark.parametrize(
    ("target", "reply", "expected"),
    [
        ("the jar", "can I have the green one", "the green jar"),
        ("the jar", "the one near the mug", "the jar near the mug"),
        ("the jar", "the one beside the apple", "the jar beside the apple"),
        ("the jar", "near the mug", "the jar near the mug"),
        ("the jar", "the one with a handle", "the jar with a handle"),
        ("the jar", "the red one", "the red jar"),
        ("the jar", "I meant the blue one", "the blue jar"),
        ("the jar", "what about the blue one", "the blue jar"),
        ("the jar", "no, the blue one", "the blue jar"),
        ("the jar", "blue", "the blue jar"),
        ("the jar", "the one that is red", "the jar that is red"),
        ("the jar", "the red one on the left", "the red jar on the left"),
        ("the jar", "not the red one", "the jar that is not red"),
        ("the jar", "not the one near the mug", "the jar that is not near the mug"),
        ("the jar", "no the jar beside the apple", "the jar beside the apple"),
        ("the jar", "no, I said the mug", "the mug"),
        ("the red jar", "the metal one", "the metal red jar"),
        ("the red jar", "the blue one", "the blue jar"),
        ("the jar beside the apple", "the red one", "the red jar beside the apple"),
        ("the jar beside the apple", "no, the red one", "the red jar"),
        ("the coffee mug", "no, the red one", "the red coffee mug"),
        ("the biggest jar", "the red one", "the red jar"),
    ],
)
def test_a_description_becomes_a_command(target: str, reply: str, expected: str) -> None:
    """With the old action, destination and recipient."""
    last = pick(target, action="place", destination="on the plate", recipient="me")
    command = next_command(after_reply(asked(*TWO, command=last), reply))
    assert (command.target, command.transcript, command.plural) == (expected, reply, False)
    assert (command.action, command.destination, command.recipient) == ("place", "on the plate", "me")


@pytest.mark.parametrize(
    ("boxes", "reply", "expected"),
    [
        (TWO, "both", "both jars beside the apple"),
        (TWO, "both of them please", "both jars beside the apple"),
        (TWO, "take both", "both jars beside the apple"),
        (THREE, "all of them", "all the jars beside the apple"),
        (THREE, "all three", "all the jars beside the apple"),
        (THREE, "the red ones", "the red jars beside the apple"),
        (THREE, "the two red ones", "the two red jars beside the apple"),
    ],
)
def test_several_are_looked_for_as_a_plural(boxes: Sequence[Box], reply: str, expected: str) -> None:
    command = next_command(after_reply(asked(*boxes, command=pick("the jar beside the apple")), reply))
    assert (command.target, command.plural, command.action) == (expected, True, "pick")


@pytest.mark.parametrize(
    ("boxes", "command", "choice", "target", "plural"),
    [
        (TWO, pick(), "the left one", "the jar on the left", False),
        (TWO, pick("the jar beside the apple"), "left", "the jar on the left beside the apple", False),
        (TWO, pick("the biggest jar"), "left", "the jar on the left", False),
        (SIX, pick(), "the third", "the third jar from the left", False),
        ((LEFT,), pick("the red jar"), "yes", "the red jar", False),
        ((LEFT,), pick("the red jar"), "", "the red jar", False),
        (THREE, pick("all the spoons", plural=True), "", "all the spoons", True),
        (THREE, pick("all the spoons", plural=True), "the right one", "the spoon on the right", False),
        (THREE, pick("the cups that are red", plural=True), "left", "the cup on the left that is red", False),
    ],
)
def test_it_is_what_was_chosen(boxes: Sequence[Box], command: Command, choice: str, target: str, plural: bool) -> None:
    """Pointed out so that looking for it again asks no second time."""
    state = after_reply(asked(*boxes, command=command), choice).state
    for sentence, action, destination in [
        ("put it on the plate", "place", "on the plate"),
        ("give it to me", "give", ""),
    ]:
        follow_up = next_command(after_reply(state, sentence))
        assert (follow_up.action, follow_up.target, follow_up.destination) == (action, target, destination)
        assert follow_up.plural == plural and follow_up.transcript == sentence
    assert next_command(after_reply(state, "put the lid on it")).destination == f"on {target}"


def test_it_while_a_question_is_open_keeps_the_new_action() -> None:
    turn = after_reply(asked(*TWO), "put it on the plate")
    assert turn.say == LEFT_OR_RIGHT
    turn = after_reply(turn.state, "left")
    assert index_of(turn) == 0
    command = turn.state.command
    assert command is not None
    assert (command.action, command.target, command.destination) == ("place", "the jar", "on the plate")


@pytest.mark.parametrize(
    ("last", "reply", "action", "destination"),
    [
        (pick(action="give", recipient="me"), "take the left one", "give", ""),
        (pick(action="place", destination="in the bowl"), "grab the left one", "place", "in the bowl"),
        (pick(action="point"), "pick up the left one", "pick", ""),
        (pick(), "put the left one on the plate", "place", "on the plate"),
        (pick(), "give me the left one", "give", ""),
        (pick(), "the left one and put it on the plate", "place", "on the plate"),
    ],
)
def test_a_choice_may_bring_its_own_action(last: Command, reply: str, action: str, destination: str) -> None:
    turn = after_reply(asked(*TWO, command=last), reply)
    assert index_of(turn) == 0
    command = turn.state.command
    assert command is not None and (command.action, command.destination) == (action, destination)


@pytest.mark.parametrize(
    ("reply", "action", "target"),
    [
        ("pick up the mug", "pick", "the mug"),
        ("no, pick up the mug", "pick", "the mug"),
        ("where is the left apple", "point", "the left apple"),
        ("pick up the jar", "pick", "the jar"),
        ("go to the kitchen", "move", ""),
    ],
)
def test_a_new_command_replaces_the_old_one(reply: str, action: str, target: str) -> None:
    turn = after_reply(asked(*TWO), reply)
    command = next_command(turn)
    assert (command.action, command.target) == (action, target)
    assert not turn.state.open and not turn.state.candidates


def test_of_two_commands_the_rest_is_asked_for() -> None:
    turn = after_reply(asked(*TWO), "pick up the mug and put it on the plate")
    assert next_command(turn).target == "the mug"
    assert turn.say == "Then tell me the rest."


def test_one_thing_found() -> None:
    state = asked(LEFT)
    assert not state.open
    assert index_of(after_reply(state, "yes")) == 0
    assert after_reply(state, "no").say == "Okay, not that one. Which jar do you mean?"
    assert next_command(after_reply(state, "the left one")).target == "the left jar"
    assert next_command(after_reply(state, "no, the blue one")).target == "the blue jar"
    assert after_reply(state, "the other one").say == "I see no other jar."
    assert after_reply(state, "both").say == "I see only one jar."
    assert after_reply(state, "what?").say == "Sorry, I did not understand. What should I do?"


def test_several_found_can_be_chosen_from() -> None:
    state = asked(*THREE, command=pick("all the spoons", plural=True))
    assert index_of(after_reply(state, "the middle one")) == 1
    red = next_command(after_reply(state, "the red one"))
    assert (red.target, red.plural) == ("the red spoon", False)


def test_nothing_found() -> None:
    state = asked()
    assert next_command(after_reply(state, "the blue one")).target == "the blue jar"
    assert next_command(after_reply(state, "the mug")).target == "the mug"
    assert after_reply(state, "any").chosen is None


def test_things_that_could_not_be_cut_apart_cannot_be_chosen() -> None:
    state, say = after_answer(Dialogue(), answer_to(pick(), LEFT, verdict=Verdict.AMBIGUOUS))
    assert say == "I see more than one jar. Which one?"
    assert after_reply(state, "yes").say == "Which jar do you mean?"
    assert next_command(after_reply(state, "the left one")).target == "the left jar"


def test_a_closer_description_that_finds_nothing_keeps_the_question() -> None:
    state = asked(*TWO)
    turn = after_reply(state, "the red one")
    state, say = after_answer(turn.state, answer_to(next_command(turn)))
    assert say == f"I don't see a red jar. {LEFT_OR_RIGHT}"
    assert index_of(after_reply(state, "the left one")) == 0


def test_a_new_thing_that_is_not_there_closes_the_question() -> None:
    turn = after_reply(asked(*TWO), "no, the mug")
    state, say = after_answer(turn.state, answer_to(next_command(turn)))
    assert say == "I don't see a mug." and not state.open and state.candidates == ()


def test_a_description_that_is_found_takes_over() -> None:
    turn = after_reply(asked(*TWO), "the red one")
    state, say = after_answer(turn.state, answer_to(next_command(turn), RIGHT))
    assert say == "I see the red jar."
    assert next_command(after_reply(state, "give it to me")).target == "the red jar"


@pytest.mark.parametrize("reply", ["the left one", "yes", "no", "both", "what?", "the other one"])
def test_nothing_was_asked_yet(reply: str) -> None:
    turn = after_reply(Dialogue(), reply)
    assert turn.chosen is None and turn.command is None and turn.say


def test_the_first_words_may_be_a_command() -> None:
    wish = next_command(after_reply(Dialogue(), "I want the mug"))
    assert (wish.action, wish.target) == ("give", "the mug")
    assert next_command(after_reply(Dialogue(), "pick up the mug")).target == "the mug"
    assert next_command(after_reply(Dialogue(), "the red mug")).target == "the red mug"
    turn = after_reply(Dialogue(), "pick it up")
    assert turn.say == "I do not know what 'it' is. What should I look for?"

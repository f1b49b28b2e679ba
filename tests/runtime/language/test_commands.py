"""The first command parser: what people say around a description, and what is left of it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import parse_command
from runtime.language import commands
from runtime.language.nouns import head_nouns, is_plural


@pytest.mark.parametrize(
    ("transcript", "action", "target", "others"),
    [
        ("pick up the jar beside the apple", "pick", "the jar beside the apple", {}),
        ("Hey robot, could you please pick up the red jar, please?", "pick", "the red jar", {}),
        ("i'd like you to grab the third mug from the left", "pick", "the third mug from the left", {}),
        ("okay, pick up the mug that is closest to the bowl for me", "pick", "the mug that is closest to the bowl", {}),
        ("Pick the jar up.", "pick", "the jar", {}),
        ("take the jar and the cup", "pick", "the jar and the cup", {}),
        ("put the red mug on the plate", "place", "the red mug", {"destination": "on the plate"}),
        ("put down the cup", "place", "the cup", {"destination": ""}),
        (
            "place the jar into the box beside the apple",
            "place",
            "the jar",
            {"destination": "into the box beside the apple", "alternative": None},
        ),
        ("give me the apple", "give", "the apple", {"recipient": "me"}),
        ("could you hand the screwdriver to me", "give", "the screwdriver", {"recipient": "me"}),
        ("bring the blue cup to the man", "give", "the blue cup", {"recipient": "the man"}),
        ("fetch me two apples", "give", "two apples", {"recipient": "me", "plural": True}),
        ("point at the leftmost mug", "point", "the leftmost mug", {}),
        ("show me all the red cups", "point", "all the red cups", {"plural": True}),
        ("where is the banana", "point", "the banana", {"plural": False}),
        ("can you find the cup without a handle?", "point", "the cup without a handle", {}),
        ("move the jar to the left", "move", "the jar", {"destination": "to the left"}),
        ("go to the kitchen", "move", "", {"place": "the kitchen"}),
        ("open the drawer", "open", "the drawer", {}),
        ("please shut the box", "close", "the box", {}),
        ("stop!", "stop", "", {}),
        ("robot, stop", "stop", "", {}),
        ("Yes please.", "confirm", "", {}),
        ("that's right", "confirm", "", {}),
        ("nope", "deny", "", {}),
        ("the red glass", "none", "the red glass", {"plural": False}),
        ("bottles", "none", "bottles", {"plural": True}),
        ("pick up", "none", "", {"reason": "'pick' needs a thing; say which one"}),
    ],
)
def test_one_command(transcript: str, action: str, target: str, others: dict[str, object]) -> None:
    commands = parse_command(transcript)
    assert [(command.action, command.target) for command in commands] == [(action, target)]
    assert commands[0].transcript == transcript
    for name, value in others.items():
        assert getattr(commands[0], name) == value


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("pick the jar up and put it in the bowl", [("pick", "the jar", ""), ("place", "the jar", "in the bowl")]),
        ("pick up the mug, then close the drawer", [("pick", "the mug", ""), ("close", "the drawer", "")]),
        ("grab the cup. Give it to me!", [("pick", "the cup", ""), ("give", "the cup", "")]),
        ("no, the left one", [("deny", "", ""), ("none", "the left one", "")]),
        ("no the left one", [("deny", "", ""), ("none", "the left one", "")]),
    ],
)
def test_several_commands(transcript: str, expected: list[tuple[str, str, str]]) -> None:
    commands = parse_command(transcript)
    assert [(command.action, command.target, command.destination) for command in commands] == expected


def test_the_other_reading_is_kept() -> None:
    (command,) = parse_command("put the cup on the plate on the table")
    assert (command.target, command.destination) == ("the cup on the plate", "on the table")
    assert command.alternative is not None
    assert (command.alternative.target, command.alternative.destination) == ("the cup", "on the plate on the table")


@pytest.mark.parametrize("transcript", ["", "  ", "?!", "\u0000", "кружка", "x" * 513, None, 5])
def test_what_cannot_be_read_has_a_reason(transcript: str) -> None:
    (command,) = parse_command(transcript)
    assert (command.action, command.target) == ("none", "")
    assert command.reason


WORDS = ["put", "pick", "it", "the", "jar", "and", ",", "then", "on", "to", "me", "no", "yes", "stop", "please", "."]


LANGUAGE = Path(commands.__file__).parent
CLOSED = sorted(set(re.findall("[a-z]+", "".join((LANGUAGE / f).read_text() for f in ("phrases.txt", "words.txt")))))
"""Every word that the parser treats apart."""


@settings(max_examples=1500, deadline=None)
@given(
    st.text(max_size=600)
    | st.lists(st.sampled_from(WORDS)).map(" ".join)
    | st.lists(st.sampled_from(WORDS) | st.sampled_from(CLOSED), max_size=12).map(" ".join)
)
def test_never_raises(transcript: str) -> None:
    parsed = parse_command(transcript)
    assert parsed
    for command in parsed:
        assert command.target == " ".join(command.target.split())
        assert command.target or command.reason or command.action in ("stop", "confirm", "deny", "move")


@pytest.mark.parametrize("part", ["and ", "please ", "ok ", "pick ", ", ", "to the left of ", "no ", "a,", "then "])
def test_hostile_repetition_is_fast(part: str) -> None:
    start = time.perf_counter()
    parse_command((part * 512)[:512])
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    ("expression", "heads", "plural"),
    [
        ("the red jar beside the apple", ("jar", "apple"), False),
        ("the jars beside the apple", ("jars", "apple"), True),
        ("the jar beside the apples", ("jar", "apples"), False),
        ("both mugs", ("mugs",), True),
        ("the scissors", ("scissors",), False),
        ("the glass on the left", ("glass",), False),
        ("every red cup", ("cup",), True),
        ("", (), False),
    ],
)
def test_heads_and_number(expression: str, heads: tuple[str, ...], plural: bool) -> None:
    assert head_nouns(expression) == heads
    assert is_plural(expression) is plural

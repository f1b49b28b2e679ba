"""The same request in the many ways in which people word it."""

from __future__ import annotations

import pytest

from runtime.bundle import DEFAULT_MODEL
from runtime.language.commands import parse_command
from runtime.language.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.from_file(DEFAULT_MODEL / "vocab.json")


@pytest.mark.parametrize(
    "before",
    [
        "hey robot",
        "could you please just",
        "would it be possible for you to",
        "i was hoping you could",
        "the boss wants you to",
        "what i need you to do is",
        "your next task is to",
        "see if you can",
        "its time to",
        "make sure you",
        "when youre free",
        "go ahead and",
        "id really appreciate it if you would",
        "one more thing",
        "good job now",
        "once thats done",
        "hi its me again",
        "do you think you can",
        "is there any way you could",
        "he wants you to",
        "start by",
        "i told you to",
        "come on now",
        "sorry to bother you but",
    ],
)
def test_what_leads_up_to_a_command_is_no_part_of_it(before: str) -> None:
    [command] = parse_command(f"{before} put the red cup on the plate")
    assert (command.action, command.target, command.destination) == ("place", "the red cup", "on the plate")


@pytest.mark.parametrize(
    "after",
    [
        "thanks a million",
        "im starving",
        "i cant reach it",
        "if you can find it",
        "because its dirty",
        "before dinner",
        "as fast as possible",
        "as fast as you can",
        "and show me",
        "and tell me when youre done",
        "it belongs to my mother",
        "mind the glass",
        "do you see it",
        "its somewhere around here",
        "wherever it is",
        "with the gripper",
        "just this once",
        "if its still there",
        "so i can eat",
        "or someone will trip",
        "and make it snappy",
        "without spilling any",
        "my hands are full",
        "the baby is sleeping",
        "are you listening",
        "thats a good robot",
        "no rush",
        "take your time",
        "whenever youre ready",
        "like you did before",
        "over and out",
        "its getting late",
        "mind the cat",
        "chop chop",
        "the way i like it",
        "would that be ok",
        "sweetheart",
        "and dont drop it",
    ],
)
@pytest.mark.parametrize(
    ("command", "action", "destination"),
    [("bring me the red cup", "give", ""), ("move the red cup to the left", "move", "to the left")],
)
def test_talk_after_a_command_is_no_part_of_it(command: str, action: str, destination: str, after: str) -> None:
    [parsed] = parse_command(f"{command} {after}")
    assert (parsed.action, parsed.target, parsed.destination) == (action, "the red cup", destination)


@pytest.mark.parametrize(
    "thing",
    [
        "the cup i was drinking from",
        "the cup my mom bought yesterday",
        "the cup that isnt broken",
        "the cup farthest away from me",
        "the cup at the very back",
        "the cup whose handle is broken",
        "the cup belonging to my sister",
        "the cup made out of wood",
        "the cup that says love",
        "the one i showed you",
        "the other red cup",
        "the cup left of the bowl",
        "the smaller of the two cups",
        "all the cups except the red one",
        "the pair of scissors",
        "the cup that is neither red nor blue",
        "the pale blue cup",
        "the cup with a picture of a dog on it",
        "the one you had before",
        "the bottle of water that is almost empty",
        "something to write with",
        "the cup i cant reach",
        "whatever is in the box",
    ],
)
def test_a_description_stays_whole(thing: str, vocabulary: Vocabulary) -> None:
    [found] = parse_command(f"can you find {thing} for me", vocabulary)
    [given] = parse_command(f"hand {thing} to the lady please", vocabulary)
    [placed] = parse_command(f"put {thing} into the sink", vocabulary)
    assert (found.action, found.target) == ("point", thing)
    assert (given.action, given.target, given.recipient) == ("give", thing, "the lady")
    assert (placed.action, placed.target, placed.destination) == ("place", thing, "into the sink")


@pytest.mark.parametrize(
    ("transcript", "action", "target"),
    [
        ("go get the red cup", "pick", "the red cup"),
        ("get the cup for me", "give", "the cup"),
        ("take this cup to my mother", "give", "this cup"),
        ("the cup goes in the box", "place", "the cup"),
        ("the screws into the tin", "place", "the screws"),
        ("what is the biggest thing on the table", "point", "the biggest thing on the table"),
        ("which of these is the lightest clamp", "point", "the lightest clamp"),
        ("move the two chairs no only one chair move the blue chair", "move", "the blue chair"),
        ("bring me the apple no not the apple the orange", "give", "the orange"),
        ("light the candle", "turn_on", "the candle"),
        ("turn the cup upside down", "move", "the cup"),
        ("give me five", "none", ""),
        ("do you know any jokes", "none", ""),
        ("the light", "none", "the light"),
    ],
)
def test_other_ways_to_say_it(transcript: str, action: str, target: str) -> None:
    [command] = parse_command(transcript)
    assert (command.action, command.target) == (action, target)


@pytest.mark.parametrize(
    "transcript",
    [
        "dont pick up the cup",
        "do not open the box",
        "please dont move the red cup",
        "dont ever pick up the knife",
        "do not under any circumstances take the knife",
        "please never pick up the knife",
        "you mustnt pick up the knife",
        "you cant take the knife",
        "youre not allowed to take the knife",
        "i told you not to pick up the knife",
        "i dont want you to grab the glass",
        "id rather you didnt pick up the jar",
        "theres no need to pick up the jar",
        "donut pick up the jar",
        "pick up the jar dont",
        "leave the mug alone",
        "whatever you do dont pick up the knife",
    ],
)
def test_what_is_forbidden_is_not_done(transcript: str, vocabulary: Vocabulary) -> None:
    [command] = parse_command(transcript, vocabulary)
    assert (command.action, command.target) == ("none", "")
    assert "not to do" in command.reason


@pytest.mark.parametrize(
    ("transcript", "action", "target"),
    [
        ("why dont you pick up the jar", "pick", "the jar"),
        ("cant you bring me the jar", "give", "the jar"),
        ("i cant find the knife", "point", "the knife"),
        ("i cant reach the cup pick it up", "pick", "the cup"),
        ("pick up the cup that i never use", "pick", "the cup that i never use"),
        ("pick up the mug that is not red", "pick", "the mug that is not red"),
        ("bring me the donut", "give", "the donut"),
        ("if you dont mind bring me the cup", "give", "the cup"),
        ("dont forget to close the box", "close", "the box"),
        ("dont move", "stop", ""),
    ],
)
def test_not_every_not_forbids(transcript: str, action: str, target: str, vocabulary: Vocabulary) -> None:
    [command] = parse_command(transcript, vocabulary)
    assert (command.action, command.target) == (action, target)


def test_one_is_read_as_what_was_meant_all_along(vocabulary: Vocabulary) -> None:
    [command] = parse_command("grab the red jar no wait the orange one", vocabulary)
    assert (command.target, command.stand_ins) == ("the orange one", (("one", "jar"),))


@pytest.mark.parametrize(
    ("transcript", "target", "destination"),
    [
        ("put the the whisk yes the whisk put it in the tall jar", "the whisk", "in the tall jar"),
        ("put the pill bottle right between the clock and the box", "the pill bottle", "between the clock and the box"),
        ("put the lid on the pot thats boiling over", "the lid", "on the pot thats boiling over"),
        ("slide the cube up against the wall", "the cube", "up against the wall"),
        ("push the cup to the left a little bit", "the cup", "to the left"),
        ("push the trolley with the squeaky wheel up the ramp", "the trolley with the squeaky wheel", "up the ramp"),
        ("put the blue mug where i can see it", "the blue mug", "where i can see it"),
        ("set the mug an inch to the left", "the mug", "an inch to the left"),
        ("slide the mug three inches closer to the bowl", "the mug", "three inches closer to the bowl"),
        ("put the mug at the very back", "the mug", "at the very back"),
        ("push the mug my way", "the mug", "my way"),
        ("put the mug halfway between the two plates", "the mug", "halfway between the two plates"),
        ("set the mug nearby", "the mug", "nearby"),
        ("put the mug facing the wall", "the mug", "facing the wall"),
        (
            "put the frame between the plant and the phone facing me",
            "the frame",
            "between the plant and the phone facing me",
        ),
        ("nudge the vase further from the candle", "the vase", "further from the candle"),
        ("shove the box right up against the wall", "the box", "up against the wall"),
        ("sit the teddy bear on the rocking chair", "the teddy bear", "on the rocking chair"),
        ("put the mug that no one is using on the table", "the mug that no one is using", "on the table"),
        ("drop the mug thats upside down into the bin", "the mug thats upside down", "into the bin"),
        ("slide the mug that came with the set to the left", "the mug that came with the set", "to the left"),
        ("bring the mug you just washed to the table", "the mug you just washed", "to the table"),
    ],
)
def test_what_is_said_on_the_way_to_a_destination(
    transcript: str, target: str, destination: str, vocabulary: Vocabulary
) -> None:
    [command] = parse_command(transcript, vocabulary)
    assert (command.target, command.destination) == (target, destination)


@pytest.mark.parametrize(
    ("transcript", "wanted"),
    [
        ("use your other hand this time and pick up the die", [("pick", "the die", "")]),
        (
            "go round the table and stop at the chair",
            [("move", "", "round the table"), ("move", "", "at the chair")],
        ),
        ("snatch the ball off him", [("pick", "the ball", "")]),
        ("lift the mug that is not red up a bit", [("pick", "the mug that is not red", "")]),
        ("move a little bit forward", [("move", "", "forward")]),
        ("get the tv going", [("turn_on", "the tv", "")]),
        ("close the till and the safe please", [("close", "the till and the safe", "")]),
        ("close the jar of pickles tightly", [("close", "the jar of pickles", "")]),
        ("shut the door that leads to the ward", [("close", "the door that leads to the ward", "")]),
        ("open the curtain thats nearest the sick man", [("open", "the curtain thats nearest the sick man", "")]),
        ("is that the charger next to the mouse give it here", [("give", "the charger next to the mouse", "here")]),
        ("thats quite enough", [("stop", "", "")]),
        ("certainly", [("confirm", "", "")]),
    ],
)
def test_words_that_are_also_something_else(
    transcript: str, wanted: list[tuple[str, str, str]], vocabulary: Vocabulary
) -> None:
    commands = parse_command(transcript, vocabulary)
    done = [(command.action, command.target, command.destination) for command in commands]
    assert [item for item in done if item[0] != "none"] == wanted


def test_what_stands_behind_a_noun_makes_it_no_plural() -> None:
    for transcript in ("give me the thing you squeeze lemons with", "turn on whichever flashlight has batteries in it"):
        [command] = parse_command(transcript)
        assert not command.plural, transcript


@pytest.mark.parametrize(
    ("transcript", "target", "recipient"),
    [
        ("give the blue mug to whoever asked for it", "the blue mug", "whoever asked for it"),
        ("get the blue mug for my mother", "the blue mug", "my mother"),
        ("pass the blue mug along to dave", "the blue mug", "dave"),
        ("pass dave one of the spoons", "one of the spoons", "dave"),
        ("give the man in the blue shirt both apples", "both apples", "the man in the blue shirt"),
        ("can you reach the mug for me", "the mug", "me"),
        ("pass me the knife used for cutting", "the knife used for cutting", "me"),
    ],
)
def test_who_is_to_have_it(transcript: str, target: str, recipient: str, vocabulary: Vocabulary) -> None:
    [command] = parse_command(transcript, vocabulary)
    assert (command.action, command.target, command.recipient) == ("give", target, recipient)


@pytest.mark.parametrize("first", ["pick up the red mug", "close the door behind you", "turn off the lamp"])
@pytest.mark.parametrize(
    "between",
    [
        "and",
        "and then",
        "and could you",
        "and can you please",
        "and when youre done",
        "and while youre at it could you",
        "and i need you to",
        "oh and",
        "after that",
    ],
)
def test_what_leads_from_one_request_to_the_next(first: str, between: str) -> None:
    for second, action, target in (
        ("bring me a towel", "give", "a towel"),
        ("put the plate in the sink", "place", "the plate"),
        ("wait here", "stop", ""),
        ("come back", "move", ""),
    ):
        before, after = parse_command(f"{first} {between} {second}")
        assert (before.action, before.target) == (parse_command(first)[0].action, parse_command(first)[0].target)
        assert (after.action, after.target) == (action, target)


def test_what_is_forbidden_leaves_the_rest() -> None:
    commands = parse_command("dont pick up the red cup pick up the blue cup")
    assert [(command.action, command.target) for command in commands] == [("pick", "the blue cup")]


def test_a_broader_word_stands_in_for_the_network_only(vocabulary: Vocabulary) -> None:
    [command] = parse_command("grab the kettle beside the crimson mug", vocabulary)
    assert command.target == "the kettle beside the crimson mug"
    assert command.stand_ins == (("kettle", "pot"), ("crimson", "red"))
    assert (command.repairs, command.unknown) == ((), ())

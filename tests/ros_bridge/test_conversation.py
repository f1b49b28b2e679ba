"""A command over many frames: what is looked for, what is delivered for it, and what a person near the robot hears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.datatypes import Box, Verdict
from saymask_ros.session import Outcome, SessionSettings
from tests.ros_bridge.scripted_segmenter import Bench
from tests.runtime.language.made_up_answers import BACK, FRONT, LEFT, MIDDLE, RIGHT

WHICH = "I see two jars: one on the left and one on the right. Which one?"


def shown(outcome: Outcome) -> tuple[Verdict, list[Box]]:
    answer = outcome.segmentation
    assert answer.mask.sum() == sum(item.area for item in answer.candidates)
    return answer.verdict, [item.box for item in answer.candidates]


def moved(box: Box, dx: int) -> Box:
    return box[0] + dx, box[1], box[2] + dx, box[3]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def asked(bench: Bench) -> Bench:
    """After "pick up the jar", where two were seen."""
    assert bench.say("pick up the jar") == []
    assert bench.frame(LEFT, RIGHT)[1] == [WHICH]
    return bench


@pytest.fixture
def chosen(asked: Bench) -> Bench:
    """The left of two jars."""
    assert asked.say("the left one") == ["Okay, the one on the left."]
    assert shown(asked.frame(LEFT, RIGHT)[0]) == (Verdict.FOUND, [LEFT])
    return asked


def test_an_answer_is_said_once_and_delivered_for_every_frame(bench: Bench) -> None:
    bench.say("pick up the jar")
    outcomes, said = zip(*[bench.frame(moved(LEFT, 2 * step)) for step in range(40)], strict=True)
    assert [shown(outcome) for outcome in outcomes] == [(Verdict.FOUND, [moved(LEFT, 2 * step)]) for step in range(40)]
    assert said == (["I see the jar."], *([[]] * 39))


def test_a_flicker_is_delivered_and_not_spoken(bench: Bench) -> None:
    bench.say("pick up the jar")
    assert bench.frames(LEFT, count=5) == ["I see the jar."]
    for _ in range(100):
        outcome, said = bench.frame()
        assert outcome.segmentation.verdict is Verdict.NOT_FOUND and said == []
        outcome, said = bench.frame(LEFT)
        assert outcome.segmentation.verdict is Verdict.FOUND and said == []


def test_a_change_that_holds_is_spoken_once(bench: Bench) -> None:
    bench.say("pick up the jar")
    assert bench.frames(LEFT, count=5) == ["I see the jar."]
    assert bench.frames(count=10) == []
    assert bench.frames(count=50) == ["I don't see a jar."]
    assert bench.frames(LEFT, count=60) == ["I see the jar."]
    assert bench.frames(LEFT, RIGHT, count=90) == [WHICH]


def test_a_person_who_speaks_is_answered_at_once(bench: Bench) -> None:
    bench.say("pick up the jar")
    assert bench.frame(LEFT)[1] == ["I see the jar."]
    bench.say("pick up the jar")
    assert bench.frame(LEFT)[1] == ["I see the jar."]
    bench.say("pick up the cup")
    assert bench.frame()[1] == ["I don't see a cup."]


def test_the_chosen_one_is_followed_through_the_picture(chosen: Bench) -> None:
    for step in range(1, 8):
        left, right = moved(LEFT, 10 * step), moved(RIGHT, -10 * step)
        outcome, said = chosen.frame(left, right)
        assert shown(outcome) == (Verdict.FOUND, [left]) and said == []


def test_the_chosen_one_stays_chosen_where_it_alone_is_seen(chosen: Bench) -> None:
    outcome, said = chosen.frame(LEFT)
    assert shown(outcome) == (Verdict.FOUND, [LEFT]) and said == []


def test_the_other_one_is_never_taken_for_the_chosen_one(chosen: Bench) -> None:
    heard = []
    for _ in range(11):
        outcome, said = chosen.frame(RIGHT)
        heard += said
        assert outcome.segmentation.verdict is not Verdict.FOUND and outcome.grasp is None
    assert heard == ["I lost sight of it. Do you mean the other one?"]
    assert shown(chosen.frame(RIGHT)[0]) == (Verdict.AMBIGUOUS, [RIGHT])
    assert chosen.session.status().question_open
    assert chosen.say("yes")[0].startswith("Okay")
    assert shown(chosen.frame(RIGHT)[0]) == (Verdict.FOUND, [RIGHT])


def test_the_chosen_one_comes_back_from_behind_the_arm(chosen: Bench) -> None:
    assert chosen.frames(RIGHT, count=5) == []
    outcome, said = chosen.frame(LEFT, RIGHT)
    assert shown(outcome) == (Verdict.FOUND, [LEFT]) and said == []
    assert chosen.frames(count=15) == ["I don't see a jar."]
    assert chosen.frames(LEFT, RIGHT, count=30) == ["I see the jar."]
    assert shown(chosen.frame(LEFT, RIGHT)[0]) == (Verdict.FOUND, [LEFT])


def test_two_that_melt_into_one_are_not_the_chosen_one(bench: Bench) -> None:
    left, right = (100, 100, 140, 160), (140, 100, 180, 160)
    bench.say("pick up the jar")
    bench.frame(left, right)
    bench.say("the left one")
    assert shown(bench.frame(left, right)[0]) == (Verdict.FOUND, [left])
    outcome, _ = bench.frame((100, 100, 180, 160))
    assert shown(outcome) == (Verdict.NOT_FOUND, [])
    assert shown(bench.frame(left, right)[0]) == (Verdict.FOUND, [left])


def test_lost_among_several_is_asked_about_again(bench: Bench) -> None:
    bench.say("pick up the jar")
    bench.frame(LEFT, MIDDLE)
    bench.say("the left one")
    assert bench.frames((260, 20, 300, 80), (260, 170, 300, 230), count=12) == [
        "I lost sight of it. Which one, the one at the back or the one at the front?"
    ]


def test_a_question_is_asked_once_and_its_candidates_are_followed(asked: Bench) -> None:
    for step in range(1, 40):
        outcome, said = asked.frame(moved(LEFT, step), moved(RIGHT, step))
        assert outcome.segmentation.verdict is Verdict.AMBIGUOUS and said == []
    assert asked.say("the left one") == ["Okay, the one on the left."]
    assert shown(asked.frame(moved(LEFT, 40), moved(RIGHT, 40))[0]) == (Verdict.FOUND, [moved(LEFT, 40)])


def test_those_named_front_and_back_are_not_mixed_up(bench: Bench) -> None:
    """Their order from left to right is a matter of a pixel."""
    bench.say("pick up the jar")
    assert "front" in bench.frame(FRONT, BACK)[1][0]
    front, back = moved(FRONT, 8), moved(BACK, -8)
    bench.frame(front, back)
    bench.say("the one in front")
    assert shown(bench.frame(front, back)[0]) == (Verdict.FOUND, [front])


def test_while_a_question_is_open_nothing_is_found(asked: Bench) -> None:
    """One frame with a single jar must not send the gripper off before the person has answered."""
    outcome, said = asked.frame(RIGHT)
    assert shown(outcome) == (Verdict.AMBIGUOUS, [RIGHT]) and said == []
    assert outcome.no_grasp == "it is not settled which thing 'the jar' means; a reply is awaited"
    asked.frame(LEFT, RIGHT)
    assert asked.say("the left one") == ["Okay, the one on the left."]


def test_a_question_that_has_settled_itself(asked: Bench) -> None:
    assert asked.frames(RIGHT, count=11) == ["I see the jar."]
    assert not asked.session.status().question_open
    assert shown(asked.frame(RIGHT)[0]) == (Verdict.FOUND, [RIGHT])


def test_what_was_refused_is_not_found_again(bench: Bench) -> None:
    bench.say("pick up the jar")
    assert shown(bench.frame(LEFT)[0])[0] is Verdict.FOUND
    assert bench.say("no, not that one") == ["Okay, not that one. Which jar do you mean?"]
    for _ in range(30):
        outcome, said = bench.frame(LEFT)
        assert outcome.segmentation.verdict is Verdict.AMBIGUOUS and said == []


def test_one_thing_offered_in_doubt_is_grasped_after_a_yes_only(bench: Bench) -> None:
    see = bench.segmenter.see
    bench.segmenter.act = lambda frame, words: replace(see(frame, words), verdict=Verdict.UNSURE, confidence=0.6)
    bench.say("pick up the jar")
    outcome, said = bench.frame(LEFT)
    assert said == ["I think I see the jar, but I am not sure. Do you mean that one?"]
    assert shown(outcome) == (Verdict.UNSURE, [LEFT]) and bench.session.status().question_open
    assert outcome.no_grasp == "it is not settled which thing 'the jar' means; a reply is awaited"
    assert bench.say("yes") == ["Okay, that one."]
    outcome, said = bench.frame(moved(LEFT, 3))
    assert shown(outcome) == (Verdict.FOUND, [moved(LEFT, 3)]) and said == []


def test_a_choice_that_was_refused(chosen: Bench) -> None:
    assert chosen.say("no") == ["Okay, not that one. Do you mean the one on the right?"]
    assert shown(chosen.frame(LEFT, RIGHT)[0])[0] is Verdict.AMBIGUOUS
    chosen.say("yes")
    assert shown(chosen.frame(LEFT, RIGHT)[0]) == (Verdict.FOUND, [RIGHT])


def test_closer_words_for_what_is_not_there_leave_the_question_open(asked: Bench) -> None:
    assert asked.say("the red one") == []
    assert asked.session.status().command == "the red jar"
    _, said = asked.frame()
    assert len(said) == 1 and said[0].startswith("I don't see a red jar. Which one, ")
    assert asked.session.status().command == "the jar"
    outcome, said = asked.frame(LEFT, RIGHT)
    assert shown(outcome)[0] is Verdict.AMBIGUOUS and said == []
    asked.say("the right one")
    assert shown(asked.frame(LEFT, RIGHT)[0]) == (Verdict.FOUND, [RIGHT])


def test_closer_words_for_what_is_there(asked: Bench) -> None:
    asked.say("the red one")
    outcome, said = asked.frame(RIGHT)
    assert shown(outcome) == (Verdict.FOUND, [RIGHT]) and said == ["I see the red jar."]
    assert outcome.segmentation.command.action == "pick"


def test_a_reply_with_an_action_changes_the_action(bench: Bench) -> None:
    bench.say("find the jar")
    bench.frame(LEFT, RIGHT)
    bench.say("give me the left one")
    outcome, _ = bench.frame(LEFT, RIGHT)
    assert shown(outcome) == (Verdict.FOUND, [LEFT])
    assert outcome.segmentation.command.action == "give"


def test_it_means_what_was_chosen(chosen: Bench) -> None:
    chosen.say("put it on the plate")
    chosen.frame(LEFT)
    command = chosen.segmenter.asked[-1][1]
    assert (command.action, command.target, command.destination) == ("place", "the jar on the left", "on the plate")


@pytest.mark.parametrize(
    ("transcript", "target", "stand_ins", "said"),
    [
        ("grab the kettle", "the kettle", (("kettle", "pot"),), []),
        ("pick up the red jar no wait the orange one", "the orange one", (("one", "jar"),), []),
        ("the red mug", "the red mug", (), []),
        ("pick up the red mug and put it on the shelf", "the red mug", (), []),
        ("bring me the jar then find the cup", "the jar", (), ["Then tell me the rest."]),
    ],
)
def test_commands_are_read_in_the_words_of_the_model(
    bench: Bench, transcript: str, target: str, stand_ins: tuple[tuple[str, str], ...], said: list[str]
) -> None:
    assert bench.say(transcript) == said
    bench.frame(LEFT)
    command = bench.segmenter.asked[-1][1]
    assert (command.target, command.stand_ins) == (target, stand_ins)


def test_replies_are_read_in_the_words_of_the_model_too(asked: Bench) -> None:
    asked.say("no, the kettle")
    asked.frame(LEFT)
    command = asked.segmenter.asked[-1][1]
    assert (command.target, command.stand_ins) == ("the kettle", (("kettle", "pot"),))


@pytest.mark.parametrize("word", ["stop", "Stop!", "cancel", "never mind", "robot stop", "pick up the cup. stop."])
@pytest.mark.parametrize("state", ["found", "asked"])
def test_stop_ends_the_command(bench: Bench, word: str, state: str) -> None:
    bench.say("pick up the jar")
    bench.frame(LEFT, *([RIGHT] if state == "asked" else []))
    assert bench.say(word) == ["Okay."]
    bench.image()
    assert not bench.session.step()
    status = bench.session.status()
    assert (status.command, status.question_open) == ("", False)
    assert status.reasons == ("the last command was called off; say what to look for",)


@pytest.mark.parametrize("noise", ["", "   ", "what?", "I think it will rain", "кружка"])
def test_noise_ends_nothing(chosen: Bench, noise: str) -> None:
    chosen.say(noise)
    assert shown(chosen.frame(LEFT, RIGHT)[0]) == (Verdict.FOUND, [LEFT])


def test_where_to_drive_is_nothing_to_look_for(chosen: Bench) -> None:
    assert chosen.say("go to the kitchen") == []
    chosen.image()
    assert not chosen.session.step()
    assert chosen.session.status().reasons == ("'go to the kitchen' names nothing to look for",)


def test_a_command_times_out_in_silence() -> None:
    bench = Bench(settings=SessionSettings(command_timeout_s=10))
    bench.say("pick up the jar")
    assert bench.frames(LEFT, count=50) == ["I see the jar."]
    bench.say("yes")  # whoever speaks is still there
    assert bench.frames(LEFT, count=99) == []
    bench.image(after_ms=200)
    assert not bench.session.step()
    assert bench.session.status().reasons == ("the last command timed out after 10 s; say it again",)
    assert bench.say("the left one") == ["Sorry, I did not understand. What should I look for?"]


def test_without_a_timeout_a_command_stays(bench: Bench) -> None:
    bench.session.change(SessionSettings(command_timeout_s=0))
    bench.say("pick up the jar")
    bench.frame(LEFT, after_ms=1e9)
    assert shown(bench.frame(LEFT)[0])[0] is Verdict.FOUND


def test_a_clock_that_is_set_back_neither_ends_a_command_nor_keeps_it_for_ever() -> None:
    bench = Bench(settings=SessionSettings(command_timeout_s=10))
    bench.say("pick up the jar")
    bench.frame(LEFT)
    bench.clock.now_ns = 0
    bench.frame(LEFT)
    bench.image(after_ms=10_101)
    assert not bench.session.step()


def test_only_the_things_of_a_plural_are_counted(bench: Bench) -> None:
    bench.say("pick up all the jars")
    assert bench.frame(LEFT, RIGHT)[1] == ["I see two jars."]
    assert bench.frames(LEFT, MIDDLE, RIGHT, count=12) == ["I see three jars."]
    assert shown(bench.frame(LEFT, MIDDLE, RIGHT)[0]) == (Verdict.FOUND, [LEFT, MIDDLE, RIGHT])

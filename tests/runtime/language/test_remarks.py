"""Talk around a request: what only leads up to it, what comes after it, what takes it back."""

from __future__ import annotations

import pytest

from runtime.language.commands import parse_command


@pytest.mark.parametrize(
    ("transcript", "action", "target"),
    [
        ("my pen rolled under the cabinet could you fish it out", "pick", "my pen"),
        ("you forgot the saucers bring them too", "give", "the saucers"),
        ("the lamp is still on turn it off", "turn_off", "the lamp"),
        ("the jug's empty could you take it to the sink", "move", "the jug"),
        ("i dropped a washer somewhere under the bench see if you can spot it", "point", "a washer"),
        ("I dropped a marble, it rolled behind the box, can you find it?", "point", "a marble"),
        ("where on earth has the glue got to", "point", "the glue"),
        ("any idea where the pliers ended up", "point", "the pliers"),
        ("i seem to have lost my glasses", "point", "my glasses"),
        ("Which drawer did you put the batteries in?", "point", "the batteries"),
        ("help yourself to the smallest plum", "pick", "the smallest plum"),
        ("take this tray away, i've finished", "pick", "this tray"),
        ("take the saddle off", "pick", "the saddle"),
        ("turn the radio on the one by the bed", "turn_on", "the radio the one by the bed"),
        ("find my hearing aid it fell behind the bed i think", "point", "my hearing aid"),
        ("open the blinds a crack so i can see", "open", "the blinds"),
        ("close the laptop that nobody is using", "close", "the laptop that nobody is using"),
        ("turn that off its rubbish", "turn_off", "that"),
        ("the thing you use for opening tins where did that go", "point", "the thing you use for opening tins"),
        ("can you go and see if theres any milk left", "point", "any milk left"),
        ("have a look under the sink for the brush", "point", "the brush under the sink"),
        ("grab the cup for me", "pick", "the cup"),
        ("hey robot good morning how are you could you turn on the lamp", "turn_on", "the lamp"),
        ("hi there nice to see you can you please hand me the towel", "give", "the towel"),
        ("because its raining close the window", "close", "the window"),
        ("great job now the next thing i need is the tape on the desk", "give", "the tape on the desk"),
        ("the yellow one put that in the basket", "place", "the yellow one"),
        (
            "i want the cup that is the farthest away from the lamp",
            "give",
            "the cup that is the farthest away from the lamp",
        ),
        ("take the cup which is the nearest one to the door", "pick", "the cup which is the nearest one to the door"),
        ("move the box further away from the lamp", "move", "the box"),
        ("switch the fan on thats in the corner", "turn_on", "the fan thats in the corner"),
        ("put the pear of scissors in the drawer", "place", "the pair of scissors"),
        ("where is my watch", "point", "my watch"),
        ("hand me the watch on the shelf", "give", "the watch on the shelf"),
        ("it would be great if you put the books away", "place", "the books"),
        ("i was hoping you might hand me the towel", "give", "the towel"),
        ("shall we move the table", "move", "the table"),
        ("look there's a fork on the floor could you pick that up", "pick", "a fork on the floor"),
        ("a longer screwdriver is what i need", "give", "a longer screwdriver"),
        ("the one i want is the red cup", "give", "the red cup"),
        ("bring me a snack anything is fine", "give", "a snack"),
        ("this goes here", "place", "this"),
        ("hand my son the glue stick that hasn't dried out", "give", "the glue stick that hasnt dried out"),
        ("slide the cactus on the windowsill away from the curtain", "move", "the cactus on the windowsill"),
        ("get the lid off this jam jar", "open", "this jam jar"),
        ("put the lid on", "place", "the lid"),
        ("you wouldn't mind turning that lamp off, would you?", "turn_off", "that lamp"),
        ("turn on the lamp that's plugged in there", "turn_on", "the lamp thats plugged in there"),
        ("the one you're holding", "none", "the one youre holding"),
        ("the plates need to go in the cupboard", "place", "the plates"),
    ],
)
def test_one_request_in_talk(transcript: str, action: str, target: str) -> None:
    [command] = parse_command(transcript)
    assert (command.action, command.target) == (action, target)


@pytest.mark.parametrize(
    ("transcript", "target", "recipient"),
    [
        ("would you pass this letter on to Mrs. Adams", "this letter", "mrs adams"),
        ("leave the flowers with the lady at reception", "the flowers", "the lady at reception"),
        ("give whoever is up the ladder a hammer", "a hammer", "whoever is up the ladder"),
        (
            "bring the lady in bed six the magazine with the horse on it",
            "the magazine with the horse on it",
            "the lady",
        ),
        ("hand the lady at the counter this parcel with the brown tape", "this parcel with the brown tape", "the lady"),
        ("can my bunny have the carrot", "the carrot", "my bunny"),
        ("itd be lovely if somebody handed me that blanket", "that blanket", "me"),
        ("what id really like is the pudding", "the pudding", "me"),
        ("were going to need the biggest drill bit", "the biggest drill bit", "us"),
        ("mummy said i can have the lollipop", "the lollipop", "me"),
        ("anna would like the menu", "the menu", "anna"),
        (
            "give ana and her friend the puzzle with the sheep on it",
            "the puzzle with the sheep on it",
            "ana and her friend",
        ),
        ("hand it to the professor", "it", "the professor"),
        ("mom asked for the casserole dish", "the casserole dish", "mom"),
        ("take this to mom in the living room", "this", "mom"),
    ],
)
def test_who_is_to_have_it(transcript: str, target: str, recipient: str) -> None:
    [command] = parse_command(transcript)
    assert (command.action, command.target) == ("give", target)
    assert command.recipient.startswith(recipient)


@pytest.mark.parametrize(
    ("transcript", "action", "target", "destination"),
    [
        ("take the saw across to the other bench", "move", "the saw", "to the other bench"),
        ("take the plate at the bottom of the pile to the left of the sink", "pick", None, ""),
        ("roll the barrel to the back of the shed", "move", "the barrel", "to the back of the shed"),
        ("stand the bottle upright next to the mustard", "place", "the bottle", "next to the mustard"),
        ("set the bucket down wherever theres room", "place", "the bucket", "wherever theres room"),
        ("put the pen next to the tape no wait in the drawer", "place", "the pen", "in the drawer"),
        ("can the dinosaur go in the cave now", "place", "the dinosaur", "in the cave"),
        ("the teddy wants to sit on the chair", "place", "the teddy", "on the chair"),
        ("move yourself back", "move", "", "back"),
        ("get the toy out of the way", "move", "the toy", "out of the way"),
        ("get out of my way", "move", "", "out of my way"),
        ("leave the can where it was", "place", "the can", "where it was"),
        ("put the jar in the box no thats wrong on the tray", "place", "the jar", "on the tray"),
        ("scoot over", "move", "", "over"),
    ],
)
def test_where_it_goes(transcript: str, action: str, target: str | None, destination: str) -> None:
    [command] = parse_command(transcript)
    assert (command.action, command.destination) == (action, destination)
    assert target is None or command.target == target


@pytest.mark.parametrize(
    ("transcript", "meant"),
    [
        ("no its the one with the yellow grip", "the one with the yellow grip"),
        ("no i asked for the spotted one", "the spotted one"),
        ("Not the hammer, you fool, the axe!", "the axe"),
        ("not the ripe ones the green ones", "the green ones"),
        ("nuh uh the flat one", "the flat one"),
    ],
)
def test_a_correction(transcript: str, meant: str) -> None:
    denied, named = parse_command(transcript)
    assert (denied.action, named.action, named.target) == ("deny", "none", meant)


def test_what_is_shown_is_what_the_pronoun_means() -> None:
    picked, put = parse_command("lift those up and put them down over there")
    assert (picked.target, put.target, put.plural) == ("those", "those", True)
    [_, given] = parse_command("see that stack of envelopes take the top one and hand it to the lady")
    assert (given.action, given.target, given.recipient) == ("give", "the top one", "the lady")


@pytest.mark.parametrize(
    "described",
    [
        "the mug whose handle broke off",
        "the mug i am looking at",
        "the mug the cat is sitting on",
        "the mug i drank from",
        "the mug where the paint came off",
        "the mug that keeps falling over",
        "the mug that i need to wash",
        "the mug that nobody wants",
        "the mug that doesnt belong here",
        "the mug that my sister gave me for my birthday",
        "the mug with the handle that is broken",
    ],
)
@pytest.mark.parametrize(
    ("frame", "action"),
    [
        ("pick up {}", "pick"),
        ("bring {} to my brother", "give"),
        ("put {} into the box", "place"),
        ("can you find {}", "point"),
        ("take {} and put it on the tray", "pick"),
        ("no {}", "deny"),
    ],
)
def test_a_relative_clause_is_kept_whole(frame: str, action: str, described: str) -> None:
    commands = parse_command(frame.format(described))
    assert commands[0].action == action
    assert {command.target for command in commands if command.target} == {described}
    assert commands[0].destination == ("into the box" if action == "place" else "")
    assert commands[0].recipient == ("my brother" if action == "give" else "")


@pytest.mark.parametrize(
    ("transcript", "target", "recipient"),
    [
        ("give emma back the mug", "the mug", "emma"),
        ("pass emma two apples", "two apples", "emma"),
        ("bring them", "them", ""),
        ("we need some bread over here", "some bread", "us"),
        ("bring the cup that is not chipped over here", "the cup that is not chipped", ""),
    ],
)
def test_frames_of_giving(transcript: str, target: str, recipient: str) -> None:
    [command] = parse_command(transcript)
    assert (command.action, command.target, command.recipient) == ("give", target, recipient)


@pytest.mark.parametrize(
    ("transcript", "last"),
    [
        ("open the box take out the ball and close it again", ("close", "the box", "")),
        ("turn on the lamp and find my book then turn it off", ("turn_off", "the lamp", "")),
        ("put the pot back on the stove and turn it off", ("turn_off", "the stove", "")),
        ("grab the toys and put them in there", ("place", "the toys", "in there")),
        ("not the one on the left the one in the middle", ("none", "the one in the middle", "")),
        ("yes but the smaller one", ("none", "the smaller one", "")),
        ("Turn it off, the lamp.", ("turn_off", "the lamp", "")),
        ("Where is it, the remote?", ("point", "the remote", "")),
        ("put it on the table, the mug is dirty", ("place", "it", "on the table")),
        ("Get the book, which is on the desk, and bring it here.", ("give", "the book which is on the desk", "here")),
        (
            "Grab the cup that, if I remember right, is behind the toaster.",
            ("pick", "the cup that is behind the toaster", ""),
        ),
        ("Close whichever window is open.", ("close", "whichever window is open", "")),
        ("grab the mug that has a crack", ("pick", "the mug that has a crack", "")),
        ("put the small ball in the box then the big one", ("place", "the big one", "in the box")),
        ("the box it's too heavy push it", ("move", "the box", "")),
        ("move it to the left no right", ("move", "it", "to the right")),
        ("give it to my brother who is in the kitchen", ("give", "it", "")),
        ("give me the pen not the pencil", ("give", "the pen", "")),
        ("What about the red one? Take that.", ("pick", "the red one", "")),
        ("Under the bed is a ball, get it.", ("pick", "a ball", "")),
    ],
)
def test_the_last_command_of_several(transcript: str, last: tuple[str, str, str]) -> None:
    command = parse_command(transcript)[-1]
    assert (command.action, command.target, command.destination) == last

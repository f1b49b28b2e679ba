"""From what a person said to what a robot should do, and to the words that say with which thing.

By hand rather than by grammar: a spoken command is a verb that we know, in a frame of polite filler, around noun
phrases that we pass on unread. `parse_command` never raises; what it cannot read is a command of action "none".
`python -m runtime.language.commands "SENTENCE"` prints the parse.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from runtime.bundle import DEFAULT_MODEL
from runtime.datatypes import Command
from runtime.entry import command_line
from runtime.language.clauses import split_clauses
from runtime.language.disfluency import fluent
from runtime.language.framing import after_filler
from runtime.language.nouns import head_nouns, is_plural
from runtime.language.phrasebook import word_set
from runtime.language.phrases import PRONOUNS
from runtime.language.prohibition import forbidding
from runtime.language.reading import parse_clause, topic_of
from runtime.language.repair import Repairer, in_context
from runtime.language.vocabulary import Vocabulary

MAX_CHARACTERS = 512
"""Nobody says more to a robot in one breath; longer transcripts are a fault upstream."""

_NOT_WORDS = re.compile(r"[^a-z0-9,.;!?]+")
_CLAUSE_END = re.compile(r"\s*[.;!?]+\s*")
_IS = re.compile(
    r"\b((?:the|my|your) [a-z]{2,}[^sui])s (?=(?:still |almost |already )?(?:empty|full|dirty|broken|leaking"
    r"|boiling|ringing|burning|on(?! it\b)|off(?! it\b)|open|cold|ready|done|running|finished|gone|stuck)\b.* it\b)"
)
"""A thing and what is the matter with it, before what to do with "it": "the jugs empty could you refill it"."""
_PARENTHESIS = re.compile(r"\b(that|which|who) , [^,]{3,40} , (?=(?:is|are|was|has|looks|stands|sits)\b)")
"""What is thrown in: "the cup that, if I remember correctly, is behind the toaster"."""
_NAMED_AFTER = re.compile(
    r"(?P<before>(?:(?!(?:the|an?|my|your|some)\b)[a-z]+ ){1,4})(?:it|them|those)\b(?P<after>[^,.;!?]*?) , "
    r"(?P<thing>(?:the|my|your|that|those|these)"
    r"(?: (?!(?:is|are|was|were|has|have|needs?|goes|looks|will|can|other|way|rest)\b)[a-z]+){1,4})"
    r"(?P<rest>$| ,.*| ?[.;!?].*)"
)
"""A thing that is named after its pronoun: "turn it off, the lamp", "where is it, the remote"."""
_DESCRIBES_ON = re.compile(r"(?<=\w) , (?=(?:which|who|whose) (?!one\b|is (?:it|that|the)\b))")
"""Before a relative clause that a recogniser set apart: "the book, which is on the desk, and bring it here"."""
_ABBREVIATED = re.compile(r"\b(mrs?|ms|dr|prof|st)\.")


def parse_command(transcript: str, vocabulary: Vocabulary | None = None) -> list[Command]:
    """Cut a transcript into commands, in the order in which they were said; at least one, never an exception.

    Action "none" comes with a `reason`, and with a `target` where the words may still describe a thing ("the red
    one"). "it" and its like mean the target before them. With a `vocabulary`, words that were mis-heard or are rare are
    put into words that it holds, and told in `repairs`; what it lacks is told in `stand_ins` or `unknown`. Transcripts
    of more than 512 characters are refused.
    """
    heard: object = transcript  # a recogniser's answer, which may be None
    if not isinstance(heard, str):
        return [Command("", "none", reason=f"expected a transcript as text, got {type(heard).__name__}")]
    if len(transcript) > MAX_CHARACTERS:
        reason = f"the transcript has {len(transcript)} characters, at most {MAX_CHARACTERS} are read; say it shorter"
        return [Command(transcript[:MAX_CHARACTERS], "none", reason=reason)]
    commands: list[Command] = []
    topics: list[Command] = []
    asked: list[Command] = []
    for sentence in _sentences(transcript):
        repairs: list[tuple[str, str]] = []
        text, taken_back = fluent(sentence)
        text = after_filler(in_context(forbidding(text), repairs))
        text = in_context(text, repairs, at_start=True)
        told = (*taken_back, *repairs)
        topics += [
            named for words, _ in taken_back if (named := parse_clause(words.split(), "")).target not in _NO_TOPICS
        ]
        for words in split_clauses(text.split()):
            command = parse_clause(words, transcript, vocabulary)
            topic = topic_of(words) if command.action == "none" and not command.target else None
            command = _resolved(command, [*topics, *commands])
            command = replace(command, repairs=told)
            if vocabulary:
                command = _in_known_words(command, vocabulary)
                command = _called_by_its_noun(command, [*commands, *topics], vocabulary)
            commands.append(command)
            remark = words[0] in _ASKS or (command.action == "point" and words[0] in _SEEKERS)
            asked += commands[-1:] if remark else []
            topics += [topic] if topic else []
            told = ()
    return _asked_for(commands, asked) or [
        Command(transcript, "none", reason="the transcript holds no word (a-z, 0-9); say what to do")
    ]


_NO_TOPICS = frozenset({"", "left", "right", "on", "off", "up", "down", "top", "bottom", "front", "back"})
_PAUSES = ("wait", "hold on", "hang on")
_ASKS = frozenset(
    {"is", "are", "isnt", "arent", "do", "does", "can", "could", "did", "have", "you", "which", "where", "see", "what"}
)
_SEEKERS = frozenset({"i", "he", "she", "we", "they", "ive", "im"})
"""Who "cannot find" a thing only tells why it is to be found."""


def _asked_for(commands: list[Command], asked: list[Command]) -> list[Command]:
    """Without what only led up to a command: its topic, a question that the command answers, an answer given twice."""
    kept: list[Command] = []
    for i, command in enumerate(commands):
        later = [other for other in commands[i + 1 :] if other.action not in ("none", "confirm", "deny")]
        again = any(other.target == command.target for other in later)
        wished = command.action == "give" and any(
            other.action == "give" and other.target == command.target for other in later
        )
        looked = i == 0 and command.action == "point" and command.transcript.lower().startswith(("see ", "you see "))
        led_up = command.action == "none" or (command in asked and again) or wished or looked
        twice = command.action in ("confirm", "deny") and kept and kept[-1].action == command.action
        paused = command.action == "stop" and later and command.transcript.lower().lstrip().startswith(_PAUSES)
        if not (led_up and later) and not twice and not paused:
            kept.append(command)
    kept = _put_together(kept)
    said = [command for command in kept if command.action != "none" or command.target]
    return said or kept[:1]


def _put_together(commands: list[Command]) -> list[Command]:
    """ "grab the car. the one with the broken wheel", "i want the bus. no, the fire truck": one command each.

    And once what was said twice, or begun and then said whole: "put the whisk, put it in the jar".
    """
    kept: list[Command] = []
    for command in commands:
        last = kept[-1] if kept else None
        corrected = kept[-2] if len(kept) > 1 and kept[-1].action == "deny" and kept[-2].target else None
        bare = command.action == "none" and command.target
        if bare and last and last.action not in _NOT_DONE and command.target.startswith(("the one ", "the ones ")):
            kept[-1] = replace(
                last, target=f"{last.target} {command.target}", unknown=(*last.unknown, *command.unknown)
            )
        elif bare and corrected and corrected.action not in _NOT_DONE:
            kept[-2:] = [replace(command, action=corrected.action, recipient=corrected.recipient, reason="")]
        elif last and last == replace(command, destination="", recipient="", repairs=last.repairs) and last != command:
            kept[-1] = replace(command, repairs=last.repairs)
        elif not (
            last
            and last.action not in _NOT_DONE
            and (last.action, last.target, last.destination) == (command.action, command.target, command.destination)
        ):
            kept.append(command)
    return kept


_NOT_DONE = ("none", "confirm", "deny", "stop")


def _sentences(transcript: str) -> Iterator[str]:
    """Parts between full stops, as lower-case words and commas."""
    text = unicodedata.normalize("NFKD", transcript).lower().replace("\u2019", "").replace("'", "")
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    text = _IS.sub(r"\1 is ", text)
    text = _ABBREVIATED.sub(r"\1", text)
    text = re.sub(r"\s*,[\s,]*", " , ", _NOT_WORDS.sub(" ", text))
    text = _DESCRIBES_ON.sub(" ", _PARENTHESIS.sub(r"\1 ", text))
    if found := _NAMED_AFTER.match(text):
        text = f"{found['before']}{found['thing']}{found['after']}{found['rest']}"
    for sentence in _CLAUSE_END.split(text):
        if words := sentence.strip(" ,"):
            yield words


def _resolved(command: Command, earlier: Sequence[Command]) -> Command:
    """A pronoun means the last thing named that it can stand for: "put the cup in the box and close it" the box."""
    if command.target not in PRONOUNS:
        return command
    named = [other for other in earlier if other.target and other.target not in PRONOUNS]
    shown = [other for other in earlier if other.target in _SHOWN]
    if not named and shown and command.target in ("it", "them"):
        named = shown  # "lift those up and put them down"
    if not named:
        return command
    several = command.target in _SEVERAL
    last = next((other for other in reversed(named) if other.plural == several), named[-1])
    if last is named[-1] and (around := _what_it_is_in(command, last)):
        return replace(command, target=around, plural=is_plural(around))
    undone = next((other for other in reversed(named) if other.action == _UNDOES.get(command.action)), None)
    last = undone or last  # "open the box take out the ball and close it"
    return replace(command, target=last.target, plural=last.plural, place=command.place or last.place)


_UNDOES = {"close": "open", "turn_off": "turn_on"}
_SHOWN = frozenset({"this", "that", "those", "these", "this one", "that one"})
_SEVERAL = frozenset({"them", "those", "these", "they"})
_INSIDE = re.compile(r"^(?:back )?(?:in|into|inside|inside of) (?P<thing>(?:the|my|your|that|this) .+)")
_OUT_OF = re.compile(r".+ out of (?P<thing>(?:the|my|your|that|this) .+)")
_ON = re.compile(r"^(?:back )?(?:on|onto|in|into|inside) (?P<thing>(?:the|my|your|that|this) .+)")
_APPLIANCES = word_set("appliances")


def _what_it_is_in(command: Command, last: Command) -> str:
    """What is opened, closed or switched on after something was put there, or taken out of there."""
    if command.action in ("open", "close"):
        found = _INSIDE.match(last.destination) or _OUT_OF.match(last.target)
        return found["thing"] if found else ""
    if command.action in ("turn_on", "turn_off") and (found := _ON.match(last.destination)):
        return found["thing"] if not _APPLIANCES.isdisjoint(found["thing"].split()) else ""
    return ""


def _called_by_its_noun(command: Command, earlier: Sequence[Command], vocabulary: Vocabulary) -> Command:
    """ "the orange one" after "the red jar no wait": the network reads the jar that was meant all along."""
    heads = head_nouns(command.target)
    if not heads or heads[0] not in ("one", "ones"):
        return command
    nouns = [noun for other in earlier for noun in head_nouns(other.target)[:1] if noun not in ("one", "ones")]
    if not nouns or nouns[-1] not in vocabulary:
        return command
    return replace(command, stand_ins=(*command.stand_ins, (heads[0], nouns[-1])))


def _in_known_words(command: Command, vocabulary: Vocabulary) -> Command:
    repairer = _repairer(vocabulary)
    repairs: list[tuple[str, str]] = []
    named = repairer.description("" if command.target in PRONOUNS else command.target, repairs)
    destination = repairer.description(command.destination, repairs).text
    alternative = command.alternative and _in_known_words(command.alternative, vocabulary)
    return replace(
        command,
        target=named.text or command.target,
        destination=destination,
        plural=is_plural(named.text) if repairs else command.plural,
        unknown=named.unknown,
        stand_ins=named.stand_ins,
        repairs=(*command.repairs, *repairs),
        alternative=alternative,
    )


@lru_cache(maxsize=4)
def _repairer(vocabulary: Vocabulary) -> Repairer:
    return Repairer(vocabulary)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Parse the sentence against the model's vocabulary; returns the JSON."""
    vocabulary = Vocabulary.from_file(arguments.model / "vocab.json")
    return {"commands": [asdict(command) for command in parse_command(arguments.sentence, vocabulary)]}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("sentence", help='what was heard: "uh robot could you pick up the the jar besides the apple"')
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="model directory whose words are known")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

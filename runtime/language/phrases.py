"""The closed lists behind `commands`: verbs, answers, filler, prepositions, and the head nouns of a description."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VERBS = re.compile(
    r"""
      (?P<stop>stop|halt|freeze|wait|cancel|abort|never\ mind)\b
    | (?P<give>(?:give|hand|pass|bring|fetch|deliver)(?:\ over)?
        | get(?=\ me\b))\b
    | (?P<pick>pick(?:\ up)?|grab|take(?:\ hold\ of)?|lift(?:\ up)?|get(?:\ hold\ of)?|collect|grasp|catch|hold)\b
    | (?P<place>put(?:\ down)?|place|set(?:\ down)?|drop|lay|stack|insert)\b
    | (?P<point>point(?:\ (?:at|to|out))?|show(?:\ me)?|find(?:\ me)?|where(?:s|\ is|\ are)|locate|look\ (?:for|at)
        |search\ for|highlight|identify|segment|select|detect)\b
    | (?P<move>move|push|slide|shift|pull|drag|go(?!\ ahead)|drive|come|navigate|walk)\b
    | (?P<open>open(?:\ up)?)\b
    | (?P<close>close|shut)\b
    """,
    re.VERBOSE,
)
"""A verb at the start of a clause; the group that matched is the action."""

JOINTS = re.compile(
    rf"\s(?:,\s)?(?:(?:and\s)?then\s|and\s|(?<=,\s))(?=(?:please\s|also\s|then\s)*(?:(?x:{VERBS.pattern})))"
)
"""Between two commands. Only a verb behind "and" opens a new one: "the jar and the cup" is one target."""

ANSWERS = re.compile(
    r"""
      (?P<confirm>(?:yes|yeah|yep|yup|correct|exactly|right|sure|confirm|go\ ahead|do\ it|thats\ (?:it|right|correct)
        |that\ is\ (?:it|right|correct))(?:\ please)?)(?:\ ,\ |$)
    | (?P<deny>(?:no|nope|wrong|incorrect|negative|not\ that(?:\ one)?|thats\ (?:not\ it|wrong)
        |that\ is\ (?:not\ it|wrong)))(?:\ ,\ |\ (?=the\b|not\b)|$)
    """,
    re.VERBOSE,
)
"""Yes or no, alone or before a correction ("no, the left one", "no the left one")."""

_ADDRESS = (
    r"(?:hey|hi|hello|ok|okay)\s(?:there\s)?(?:saymask|robot|buddy)|(?:saymask|robot|hey|hi|hello|ok|okay|well|um+|uh+)"
)
_POLITE = (
    r"(?:could|can|would|will)\s(?:you|we)(?:\splease)?(?:\slike\sto|\sbe\sable\sto|\smind)?"
    r"|please|kindly|just|now|then|also|and|so|lets|go\sahead\sand|quickly|slowly|carefully|gently"
    r"|i(?:\swould|d)?\s(?:want|need|like)(?:\syou)?\sto|you\s(?:should|must|have\sto|need\sto)|try\sto"
    r"|i\s(?:want|need)(?=\s(?:the|a|that|this|my)\b)"
)
_FILLER_BEFORE = re.compile(rf"\s*(?:,\s*)?(?:(?:{_ADDRESS}|{_POLITE})\b\s*(?!$)(?:,\s*)?)*")
_FILLER_AFTER = re.compile(
    r"(?:\s*,)?\s*\b(?:please|thanks|thank\syou|for\sme|would\syou|will\syou|could\syou|right\snow|now|robot|saymask"
    r"|if\syou\s(?:can|could|would)|carefully|gently|quickly|slowly)\s*$"
)

PARTICLES = re.compile(r"^(?:up|down|out)\b|\b(?:up|down)$")
"""What is left of "pick the jar up" and "put down the jar"."""

PREPOSITIONS = re.compile(
    r"\b(?:(?:on|to|at)\sthe\s(?:left|right|top|side|back|front)(?:\sside)?\sof|on\stop\sof|in\sfront\sof|in\sbetween"
    r"|next\sto|close\sto|(?:to\sthe\s)?(?:left|right)\sof|onto|into|inside|beside|behind|below|beneath|under|underneath"
    r"|above|over|between|near|against|by|on|in|at|to)\b"
)
PLACES_INTO = re.compile(r"(?:onto|into|to(?!\sthe\s(?:left|right|top|side|back|front)(?:\sside)?\sof))\b")
"""Where something goes, never where it is."""
BEFORE = re.compile(
    r"\b(?:to|onto|into|towards?|away\sfrom|next\sto|closer\sto|forwards?|backwards?|aside|left(?=$)|right(?=$)|up|down)\b"
)
NAVIGATION = re.compile(r"(?:to|towards?|into|over\sto|here|back\sto|forwards?|backwards?)\b|(?=$)")
RECIPIENT = re.compile(
    r"^(?P<who>me|us|him|her|them)\b|\b(?:over\s)?to\s(?P<whom>me|us|him|her|them|(?:the|my|that|this)\s\w+|[a-z]+)$"
)
PRONOUNS = frozenset({"it", "that", "this", "them", "those", "these"})

_PLURAL_WORDS = _words("all every each both these those two three four five six seven eight nine ten several many")
_SINGULAR_IN_S = _words(
    "scissors pliers tongs tweezers glasses sunglasses goggles binoculars headphones lens canvas dress compass "
    "chess gas atlas cactus bus hummus asparagus citrus glass is has was this its yes less across towards"
)
_RELATIONS = _words(
    "beside near behind under below beneath underneath above over between on in at to from by with without inside into "
    "onto left right next close front top of off against around among that which who is are and or not but than"
)


def after_filler(words: str) -> str:
    """Words without greeting, wake word and politeness around them."""
    before = _FILLER_BEFORE.match(words)
    words = words[before.end() if before else 0 :].strip(" ,")
    while (shorter := _FILLER_AFTER.sub("", words).strip(" ,")) != words and shorter:
        words = shorter
    return words


def head_nouns(expression: str) -> tuple[str, ...]:
    """The last word before each relation word and the end: ("jar", "apple") of "the red jar beside the apple"."""
    heads: list[str] = []
    previous = ""
    for word in [*expression.split(), "of"]:
        if word in _RELATIONS and previous and previous not in _RELATIONS and previous not in ("the", "a", "an"):
            heads.append(previous)
        previous = word
    return tuple(heads)


def is_plural(expression: str) -> bool:
    """Whether an expression asks for all things of its kind: a counting word before its first noun, or a noun in -s."""
    heads = head_nouns(expression)
    if not heads:
        return False
    words = expression.split()
    before = words[: words.index(heads[0]) + 1]
    noun = heads[0]
    ends_in_s = noun.endswith("s") and not noun.endswith("ss") and noun not in _SINGULAR_IN_S
    return ends_in_s or any(word in _PLURAL_WORDS for word in before)

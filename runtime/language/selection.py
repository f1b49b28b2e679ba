"""Replies that say which candidates are meant: where, which in order, how big, how many."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from runtime.language.telling_apart import plain_name
from runtime.language.wording import NUMBERS, RANKS

Quantity = Literal["one", "other", "both", "all", "any", "several"]
Criterion = tuple[str, str]
"""("side", "left"), ("size", "big"), ("rank", "2"; negative from the end), ("from", "right"), ("near", "mug")."""


@dataclass(frozen=True)
class Selection:
    """What a reply asks for: candidates that meet every criterion of `wanted`, less those of `unwanted`.

    `mirrored`: the side is the speaker's own ("on my left"), who may sit across the table. "several" are joined by
    "and" or "or", to be asked about one at a time.
    """

    quantity: Quantity = "one"
    wanted: tuple[Criterion, ...] = ()
    unwanted: tuple[Criterion, ...] = ()
    mirrored: bool = False

    @property
    def by_landmark(self) -> bool:
        """Whether it depends on where landmarks are."""
        return any(kind in RELATIONS for kind, _ in (*self.wanted, *self.unwanted))


_OF_THEM = r"(?: of (?:them|these|those|the (?:two|three|four|five|six)))?"
_COUNTS = "|".join((*NUMBERS[1:], r"[1-9]\d?"))
_RANKS = "|".join((*RANKS, "last", "final", "1st", "2nd", "3rd", r"\dth"))
_OF_PICTURE = r"(?: of (?:the )?(?:picture|image|table|frame|camera|screen|view|row|line|you|them))?"
_PART = rf"(?: (?:side|end|edge|part|corner|row|half|hand side))?{_OF_PICTURE}"
_AT = r"(?:(?:in|at|on|to|towards?) )?(?:(?:the|your|its) )?(?:very )?"
_OF_ALL = r"(?: of (?:me|us|the others?|it|them))?"
_ME = r"(?:me|us|you|here|the camera|the robot)"
_NO_SIDE = r"(?! (?:to |on |at )?(?:the )?(?:left|right)\b)"
_MOST = r"(?:(?:furthest|farthest|furthest away|all the way|closest|nearest) )?"
_TOKENS: dict[str, tuple[str, ...]] = {
    "any": (
        rf"(?:any|either|anything)(?: one)?{_OF_THEM}|whichever(?: one)?|whatever|no preference|your choice|up to you",
        r"(?:i )?(?:dont|do not) (?:care|mind)|(?:it )?(?:doesnt|does not) matter|no matter|you (?:choose|decide|pick)",
    ),
    "both": (rf"both(?: ones)?{_OF_THEM}|the two of them|them both",),
    "all": (
        rf"all(?: (?:{_COUNTS}))?(?: ones)?{_OF_THEM}|every(?: single)? one{_OF_THEM}|each(?: one)?{_OF_THEM}",
        r"everything|them all|the (?:whole )?lot",
    ),
    "other": (r"(?:the )?(?:an)?other(?: ones?)?|the (?:rest|next(?: one)?|remaining(?: ones?)?)",),
    "not": (r"but not|not|but|except(?: for)?|other than|apart from|isnt",),
    "penultimate": (r"(?:second|one|next) (?:to |from )?(?:the )?last|last but one|penultimate",),
    "from": (
        r"(?:counting |starting )?from (?:the |your |(?P<own_end>my) )?(?:far )?"
        rf"(?P<end>left|right|front|back|top|bottom){_PART}",
    ),
    "rank": (rf"(?P<nth>{_RANKS})|number (?P<number>{_COUNTS})",),
    "front": (
        rf"(?:right )?{_AT}(?:front|foreground|bottom|lower)(?:most)?{_PART}{_OF_ALL}",
        rf"{_AT}near (?:end|side|edge|row)",
        rf"(?:closest|nearest|closer|nearer|close|near)(?:(?: to)? (?:{_ME}|the front))?{_NO_SIDE}",
    ),
    "back": (
        rf"{_AT}(?:back|rear|background|top|upper)(?:most)?{_PART}|behind(?: (?:the )?others?| it| them)?",
        rf"{_AT}far (?:end|side|edge|row)",
        rf"(?:furthest|farthest|further|farther|far)(?: (?:away|back|off|behind))?(?: from {_ME})?{_NO_SIDE}",
    ),
    "side": (
        rf"{_MOST}(?:(?:on|to|at|in|towards?) )?(?:(?:the|your|its|(?P<own_side>my)) )?(?:(?:far|very|extreme) )?"
        rf"(?P<which>left|right)(?:most| most)?(?: hand)?{_PART}",
    ),
    "middle": (
        rf"{_AT}(?:middle|centre|center|central|middlemost){_OF_PICTURE}|in between(?: them| the others)?",
        r"between(?: them| the (?:others|other two|two))",
    ),
    "big": ("bigger|biggest|larger|largest|big|large|huge",),
    "small": ("smaller|smallest|small|little|littlest|tiny",),
    "tall": ("taller|tallest|tall|higher|highest",),
    "short": ("shorter|shortest|short",),
    "idle": (
        r"the|an?|that|this|these|those|it|its|is|thats|which|who|ones?|thing|object|item|please|just|then|now",
        r"u+[hm]+|er+|over there|there|here|of (?:them|these|those|the (?:two|three|four|five|six))",
    ),
}
"""Patterns of what a reply is made of, the first that fits counts."""
_TOKEN = re.compile(f"(?:{'|'.join(f'(?P<{name}>{chr(124).join(lines)})' for name, lines in _TOKENS.items())})(?= |$)")
_ENDS = {"top": "back", "bottom": "front"}
RELATIONS = {
    "near": "(?:right )?next to|near(?: to)?|(?:near|clos)(?:est|er) to|nearest|closest|nearer|close to|besides?|by"
    "|alongside",
    "away": "furthest (?:away )?from|farthest (?:away )?from|further from|far from|away from",
    "left_of": "to the left of|on the left of|on the left side of|left of",
    "right_of": "to the right of|on the right of|on the right side of|right of",
    "before": "in front of",
    "behind": "behind",
}
"""To a landmark; the words of each as a pattern."""
_RELATION = re.compile(
    r"(?:^| )(?:(?:that|which) is |thats )?"
    f"(?:{'|'.join(f'(?P<{name}>{words})' for name, words in RELATIONS.items())})$"
)
_NUMBER_ALONE = re.compile(rf"(?:(?:number|option|candidate) )?({'|'.join(NUMBERS[2:])}|[1-9]\d?)")
_TAKEN_BACK = re.compile(r" (?:no|i meant?|sorry|or rather|rather|wait|actually) ")
_SOUNDS = {"write": "right", "rite": "right", "wright": "right", "won": "one", "forth": "fourth", "middel": "middle"}
"""What recognisers make of the few words that a reply is made of."""


def read_selection(words: str, own: Collection[str], landmarks: Iterable[str]) -> Selection | None:
    """The selection that a reply of lower-case words is wholly made of; None where it says anything else.

    `own` are the words of the description that was asked about, which say nothing new ("the left jar"). `landmarks` are
    the names of things whose places are known.
    """
    words = " ".join(_SOUNDS.get(word, word) for word in words.split())
    if not words:
        return None
    alone = _NUMBER_ALONE.fullmatch(words)
    if alone:
        return Selection(wanted=(("rank", str(_number(alone[1]))),))
    corrected = _TAKEN_BACK.split(words)
    if len(corrected) > 1:
        read = [read_selection(part, own, landmarks) for part in corrected]
        return read[-1] if all(read) else None
    parts = re.split(" (?:and|or) ", words)
    if len(parts) > 1:
        return Selection("several") if all(read_selection(part, own, landmarks) for part in parts) else None
    wanted: list[Criterion] = []
    cut = _cut_landmark(words, landmarks)
    if cut:
        words, criterion = cut
        wanted.append(criterion)
    return _read(words, own, wanted)


def _read(words: str, own: Collection[str], wanted: list[Criterion]) -> Selection | None:
    """Token by token; a landmark, already in `wanted`, came last and so belongs to a "not" before it."""
    landmark = wanted.copy()
    unwanted: list[Criterion] = []
    current = wanted
    quantity: Quantity = "one"
    mirrored = False
    position = 0
    while position < len(words):
        token = _TOKEN.match(words, position)
        if token is None:
            word = words[position:].split(" ", 1)[0]
            if word not in own:
                return None
            position += len(word) + 1
            continue
        position = token.end() + 1
        kind = str(token.lastgroup)
        mirrored = mirrored or bool(token["own_side"] or token["own_end"])
        if kind == "not":
            current = unwanted
            if landmark:
                wanted.remove(landmark[0])
                unwanted.append(landmark.pop())
        elif kind in ("any", "both", "all", "other"):
            quantity = kind  # type: ignore[assignment]  # the four names are quantities
        elif kind != "idle":
            current.append(_criterion(kind, token))
    return Selection(quantity, tuple(wanted), tuple(unwanted), mirrored)


def _criterion(kind: str, token: re.Match[str]) -> Criterion:
    if kind == "from":
        return "from", _ENDS.get(token["end"], token["end"])
    if kind == "penultimate":
        return "rank", "-2"
    if kind == "rank":
        return "rank", str(_number(token["nth"] or token["number"]))
    if kind in ("front", "back", "middle"):
        return "side", kind
    return ("side", token["which"]) if kind == "side" else ("size", kind)


def _number(word: str) -> int:
    """1 for "first", "1st", "one" and "1"; -1 for "last"."""
    if word in ("last", "final"):
        return -1
    if word in RANKS:
        return RANKS.index(word) + 1
    return NUMBERS.index(word) if word in NUMBERS else int(re.sub(r"\D", "", word))


def _cut_landmark(words: str, landmarks: Iterable[str]) -> tuple[str, Criterion] | None:
    """Words without the relation to a known landmark at their end, and that relation."""
    names = {plain_name(name): name for name in landmarks}
    last = [plain for plain in names if plain and plain.split()[-1] == words.split()[-1]]
    for plain in sorted(last, key=len, reverse=True):
        # "the mug" is enough for "coffee mug" where no other mug is known.
        said = plain if words.endswith(plain) else plain.split()[-1] if len(last) == 1 else ""
        if not said:
            continue
        before = re.sub(r"(?: (?:the|a|an|that|this|my|your))+$", "", f" {words[: -len(said)].strip()}").strip()
        relation = _RELATION.search(before)
        if relation:
            return before[: relation.start()], (str(relation.lastgroup), names[plain])
    return None

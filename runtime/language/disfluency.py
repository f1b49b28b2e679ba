"""What people say and do not mean: fillers, stutters, repetitions, and what they take back."""

from __future__ import annotations

import re

from runtime.language.mishearings import sound
from runtime.language.phrasebook import word_set
from runtime.language.phrases import ANSWERS, DETERMINERS, PEOPLE, VERBS

_FILLERS = re.compile(
    r"\b(?:(?<!nuh )u+h+m*(?! huh)|u+m+|e+r+m*|a+h+|h+m+|mm+|eh|(?<!uh )huh|(?<!do )you know"
    r"(?! (?:what|where|how|which|that|if))|basically|literally"
    r"|kind of|sort of|kinda|sorta"
    r"|(?:whats|what is) it called|what do (?:you|they) call it|how (?:do )?you say"
    r"|whatchamacallit|thingamajig|thingy(?= the)"
    r"|that thing(?= the\b)|let me think|let me see(?! (?:the|that|this|those|these|my|your|his|her|a|an|it|them)\b)"
    r"|i guess|i think|i suppose"
    r"|(?<!would )(?<!d )(?<!looks )(?<!look )(?<!looking )(?<!tastes )(?<!smells )(?<!shaped )(?<!you )(?<!i )"
    r"(?<!they )"
    r"like(?= (?:,|the|that|this|my|a|an|right|those|these|really|over|uh|um|on|in)\b)"
    r"|(?<=\bwith )like|(?<=\bthe )like|(?<=\ba )like)\b"
)
_STUTTER = re.compile(r"\b([b-hj-z])(?: \1)* (?=\1[a-z])|\b([a-z]{2,3}) (?=\2[a-z]{2})")
_WORDS = word_set("words")
_WAIT = r"wait(?! (?:here|there|for|until|till|by|outside)\b)"
_TAKES_BACK = re.compile(
    r"(?:\s,)*\s(?:or\s)?(?P<cue>(?:(?:no|" + _WAIT + r"|sorry|oops|actually|nope|hold on|hang on|well)(?:\s,)*\s)*"
    r"(?:no thats (?:wrong|not it|not right)|let me rephrase|what i mean is"
    r"|no(?! (?:rush|hurry|problem|worries|need|pressure|matter"
    r"|one (?!no\b|the\b|wait\b|sec\b)[a-z]+)\b)|nope|" + _WAIT + r"|sorry|oops|actually"
    r"|i mean(?! it\b)|i meant|or rather|rather"
    r"|make (?:that|it(?! (?:snappy|quick|fast)\b))|scratch that|correction"
    r"|i mean to say|on second thoughts?|excuse me|pardon|my mistake|strike that|hold on|hang on|forget that)"
    r"(?:\s(?:no|not that(?: one)?|i mean|i meant|sorry|wait|rather|actually|make that|just|maybe|perhaps))*)"
    r"(?:\s,)*\s(?=\S)"
)
_NOT_THAT = re.compile(r"^not (?:the |a |that |my )?\w+ (?=(?:the|a|that|an|my) )")
"""What was said before, named once more: "(the apple no) not the apple the orange"."""
_TOLD_APART = re.compile(
    r"\b(?:the|a|an) (?P<noun>\w+) (?:not (?:the|a|an) (?P=noun) (?=(?:the|a|an) )"
    r"|(?=(?:the|a|an) (?:(?!of|in|on|that|with)\w+ ){1,2}(?P=noun)\b))"
)
"""A thing that is replaced at once: "the apple not the apple the orange", "the cup the red cup"."""
_DIRECTIONS = r"(?:to|towards?|closer|nearer|further|farther|forwards?|backwards?|back|left|right|away|down|over|up)"
_BIT = r"a (?:(?:tiny|wee|little) )?(?:bit|tad|touch|smidge|smidgen|hair)"
_ROUGHLY = re.compile(
    rf"\b(?:(?:just )?{_BIT}|(?:just )?a little|slightly)(?: more)? (?={_DIRECTIONS}\b)"
    r"|\b(?:more|further|farther) (?=to the (?:left|right)\b)"
    rf"|(?<=\b(?:left|back|over|down)) (?:{_BIT}|a little)\b"
    rf"|(?:(?<=\bup)|(?<=\bright)|(?<=ward)|(?<=wards)) (?:{_BIT}|a little)\b"
)
"""How far, where nobody measures: "a bit to the left"."""
_SAID_AGAIN = re.compile(
    r"\b(?P<article>the|a|an|my|that) (?P<noun>\w+)(?: ,)? "
    r"(?:(?:yes|yeah|yep|please|okay|right)(?: ,)? )+(?=(?P=article) (?P=noun)\b)"
)
"""A thing that is confirmed by saying it again: "the whisk yes the whisk"."""
_EXACTLY = re.compile(
    r"\b(?:right|exactly|straight) (?=(?:between|in the middle|in front of|beside|behind|under|underneath|up against) )"
)
"""How near, where the place is said anyway: "right between the two"."""
_NO_BELONGS = re.compile(r"\b(?:with|has|have|having|is|are|theres|says|there is|got|of|or|and|say|said)$")


_STARTS_PHRASE = re.compile(
    r"\b(?:(?P<article>the|a|an|my|your|this|that|these|those|both|all|two|three|every|each|another|one)"
    r"|(?P<preposition>next to|close to|in front of|on top of|to the (?:left|right) of|on|in|into|onto|to|with|without"
    r"|under|behind|beside|near|between|by|next|inside|above|below|beneath|left|right|over|from|at))\b"
)


_COMMON = frozenset(["the", "a", "an", "of", "on", "in", "to", "from", "by", "with", "and", "next"])


def fluent(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """`text` (lower-case words and commas) without what was not meant, and (taken back, put instead) pairs."""
    text = _FILLERS.sub(" ", _HESITATES.sub(_or_later, text))
    text = _EXACTLY.sub("", text)
    text = _ROUGHLY.sub("", text)
    text = re.sub(r"\b(the|a|an|my|to|of) ,(?: ,)*|\b(in|on)(?: ,){2,}", r"\1\2", " ".join(text.split()))
    text = re.sub(r",(?: ,)+", ",", text)
    text = _SAID_AGAIN.sub("", _TOLD_APART.sub("", _unstuttered(text)))
    text = _without_repetitions(text)
    taken_back: list[tuple[str, str]] = []
    start = 0
    while cue := _TAKES_BACK.search(text, start):
        before = text[: cue.start()]
        after = _NOT_THAT.sub("", _asked_again(before, text[cue.end() :]))
        kept = _kept(before, after, cue.group("cue"))
        if kept is None:
            start = cue.end()
            continue
        taken_back.append((before[len(kept) :].strip(" ,"), " ".join(after.split(" , ")[0].split()[:6])))
        text = " ".join(f"{kept} {after}".split())
        start = len(kept)
    return _without_false_start(_without_near_repetition(_without_repetitions(text))), tuple(taken_back)


def _without_near_repetition(text: str) -> str:
    """ "the flour the flower": said once, heard twice; "the ap the apple": begun twice."""
    words = text.split()
    for i in range(len(words) - 3):
        if (
            words[i] == words[i + 2] == "the"
            and words[i + 1] != words[i + 3]
            and (sound(words[i + 1]) == sound(words[i + 3]) or words[i + 3].startswith(words[i + 1]))
        ):
            return " ".join(words[:i] + words[i + 2 :])
    return text


def _without_false_start(text: str) -> str:
    """ "open the close the window": an article before a verb is where the speaker turned back."""
    words = text.split()
    for i in range(1, len(words) - 2):
        verb = VERBS.at(words, i + 1)
        if (
            words[i] in ("the", "a")
            and verb
            and verb[0]
            and words[i + 1] != "power"
            and verb[1] < len(words)
            and words[verb[1]] in ("the", "a")
        ):
            begins = [j for j in range(i) if VERBS.at(words, j)]
            return " ".join(words[: begins[-1] if begins else i] + words[i + 1 :])
    return text


_HESITATES = re.compile(
    r"\b(?P<before>\w+ (?:the|a|my|that) (?:\w+ )?\w+) (?:, )?(?:u+h+m*|u+m+|e+r+m*) (?:, )?"
    r"(?P<after>(?:the|a|my|that) \w+)"
)


def _or_later(found: re.Match[str]) -> str:
    """ "find the pencil uh the pen": the second replaces the first, unless the first is somebody or a place."""
    before = found.group("before").split()
    if before[-1] in PEOPLE or before[-1] in DETERMINERS or before[0] in _RELATES:
        return found.group()
    return f"{before[0]} {found.group('after')}"


_RELATES = frozenset(["on", "in", "at", "by", "with", "from", "to", "under", "near", "beside", "behind", "and", "of"])


def _unstuttered(text: str) -> str:
    return _STUTTER.sub(lambda found: found.group() if found.group().strip() in _WORDS else "", text)


def _without_repetitions(text: str) -> str:
    """One of each run of up to four words said twice or more; "that that" and numbers are said on purpose at times."""
    words = text.split()
    for size in (4, 3, 2, 1):
        i = 0
        while i + 2 * size <= len(words):
            run = words[i : i + size]
            gap = 1 if words[i + size : i + size + 1] == [","] else 0
            if (
                run == words[i + size + gap : i + 2 * size + gap]
                and run
                not in (
                    [","],
                    ["her"],
                    ["yo"],
                    ["choo"],
                    ["pom"],
                )
                and not (run == ["on"] and words[i - 1] in ("hang", "hold"))
            ):
                del words[i : i + size + gap]
            else:
                i += 1
    return " ".join(words)


def _kept(before: str, after: str, cue: str) -> str | None:
    """The part of `before` that stands, or None where nothing was taken back.

    What comes after the cue replaces what begins in the same way: from the last verb, preposition or article, or, where
    it begins with a bare word, the last word ("the red no blue mug").
    """
    if cue.split()[0] in ("no", "rather") and _NO_BELONGS.search(before):
        return None
    if not before.strip(" ,") or (ANSWERS.at(before.split()) and not VERBS.at(before.split())):
        return None
    verb = VERBS.at(after.split())
    if verb and verb[0]:
        words = before.split()
        places = [i for i in range(len(words)) if VERBS.at(words, i)]
        if not places:
            return "" if len(words) <= _SHORT else None
        return " ".join(words[: places[-1]]).rstrip(" ,")
    opening = _STARTS_PHRASE.match(after)
    if opening is None:
        return before.rpartition(" ")[0] if len(cue.split()) > 0 and _is_description(before) else None
    kind = "article" if opening.lastgroup == "article" else "preposition"
    starts = [found.start() for found in _STARTS_PHRASE.finditer(before) if found.lastgroup == kind]
    if not starts:
        return None
    said_again = set(after.split()[1:5]) - _COMMON
    if after.split()[1:2] in (["one"], ["ones"]):
        return before[: starts[0]].rstrip(" ,")
    alike = [start for start in starts if said_again & set(before[start:].split()[1:4])]
    return before[: alike[0] if alike else starts[-1]].rstrip(" ,")


def _asked_again(before: str, after: str) -> str:
    """`after` from the verb that it says once more: "(move the two chairs no) only one chair move the blue chair"."""
    words, again = before.split(), after.split()
    verbs = {verb[0] for i in range(len(words)) if (verb := VERBS.at(words, i))}
    for i in range(1, min(6, len(again) - 2)):
        verb = VERBS.at(again, i)
        if verb and verb[0] in verbs and verb[1] < len(again) and again[verb[1]] in DETERMINERS | {"me", "us"}:
            return " ".join(again[i:])
    return after


_SHORT = 4
"""Words without a verb that a command said after them replaces: "light off please i mean turn off the lamp"."""


def _is_description(before: str) -> bool:
    return _STARTS_PHRASE.search(before) is not None

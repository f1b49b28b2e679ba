"""What stands around a command and says nothing of what is wanted: wake words, politeness, when and how."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.joints import plainly_joined
from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import AFTER_ANSWER, ANSWERS, ARTICLES, DETERMINERS, VERBS, WISHES, words_in
from runtime.language.tails import without_tail

_BEFORE = phrasebook("opening")
_AFTER = phrasebook("closing")
_ANYWHERE = word_set("anywhere")
_NOT_NAMES = DETERMINERS | word_set("not_names")


def after_filler(text: str) -> str:
    """Words without greeting, wake word, politeness, time and manner around them; something is always left."""
    words = text.split()
    if answer_end(words) == len(words):
        return text
    if words[:2] != ["uh", "huh"]:
        words = words[_frame_before(words) :]
    words = without_tail(plainly_joined(words))
    end = len(words)
    while end > 0 and (shorter := _frame_after(words, end)) < end:
        end = shorter
    while 1 < end < len(words) and words[end - 1] in _LEFT_OVER:
        end -= 1
    kept = words[:end] if end else words
    inner = [word for i, word in enumerate(kept) if not (word in _ANYWHERE and i > 0)] or kept
    return " ".join(inner).strip(" ,")


def _frame_before(words: Sequence[str]) -> int:
    """Where the command begins. The last word is never filler: "now" alone may be an answer to somebody."""
    start = 0
    while start < len(words) - 1:
        if words[start] == ",":
            start += 1
            continue
        if list(words[start : start + 2]) == ["do", "not"]:
            break
        found = _BEFORE.at(words, start)
        verb = VERBS.at(words, start)
        wish = WISHES.at(words, start)
        longest = max((end for _, end in filter(None, (verb, wish))), default=0)
        if found and found[1] > longest and found[1] < len(words) and not _is_noun(words, found[1]):
            start = found[1]
        elif _pauses(words, start):
            start += 1 if words[start] == "wait" else 2
        elif not longest and _is_name(words, start):
            start += 1
        elif not longest and words[start + 1] == "robot" and words[start] not in _NOT_NAMES and start + 2 < len(words):
            start += 2
        elif not longest and (led := _led_up(words, start) or _asked_later(words, start)):
            start = led
        else:
            break
    return start


def _pauses(words: Sequence[str], start: int) -> bool:
    """ "wait put the cup down", "hold on bring me the jar"."""
    end = start + (1 if words[start] == "wait" else 2 if list(words[start : start + 2]) in _HOLD_ON else len(words))
    verb = VERBS.at(words, end)
    if not verb or verb[0] in ("", "stop") or verb[1] >= len(words):
        return False
    return words[verb[1]] in DETERMINERS | {"me"}


_HOLD_ON = (["hold", "on"], ["hang", "on"])


def _led_up(words: Sequence[str], start: int) -> int:
    """Where a command begins that somebody is said to wish: "the boss wants you to lift the box"; 0 where none does."""
    for i in range(start + 2, min(start + 12, len(words) - 1)):
        verb = VERBS.at(words, i)
        asked = words[i - 1] == "to" and words[i - 2] not in _NOT_ASKED
        asked = asked or (list(words[i - 2 : i]) in [*_YOU_CAN, ["do", "is"], ["next", "is"], ["now", "is"]])
        if asked and verb and verb[0] not in ("", "stop") and verb[1] < len(words):
            follows = words[verb[1]]
            told = (
                words[i - 2] == "you"
                or ARTICLES.isdisjoint(words[start : i - 1])
                or not _TELLS.isdisjoint(words[start : i - 1])
            )
            return i if told and (follows in DETERMINERS | {"me", "us", "him", "her", "them"}) else 0
    return 0


def _asked_later(words: Sequence[str], start: int) -> int:
    """Where a request begins behind talk or a condition: "how are you could you", "once youve done that close the"."""
    conditional = words[start] in _CONDITIONS
    for i in range(start + 2, min(start + 14, len(words) - 1)):
        you = next((k for k in range(i - 1, start, -1) if words[k] not in _POLITELY | _MODALS), start)
        asked = words[you] == "you" and (
            words[you - 1] in _MODALS | {"if"} or not _MODALS.isdisjoint(words[you + 1 : i])
        )
        asked = asked or (words[i - 1] == "youd" and words[i - 2] in ("if", "that"))
        after_condition = conditional and i > start + 2 and words[i - 1] not in _GOES_ON
        verb = VERBS.at(words, i) if asked or after_condition else None
        if verb and verb[0] not in ("", "stop", "point") and verb[1] < len(words) and words[verb[1]] in _GIVEN:
            return i
    return 0


_CONDITIONS = words_in("once when after before while until since because now if as")
_MODALS = words_in("can could would will")
_POLITELY = words_in("please just also maybe kindly now then")
_GIVEN = DETERMINERS - {"it", "them", "that"} | {"me", "us"}
_GOES_ON = DETERMINERS | words_in(
    "i you we they he she it to and or not id ill can could will would should must please"
)
"""After one of these a verb is not yet the request: "when you (get the ...)"."""
_LEFT_OVER = words_in("and or but so then as")
"""What joined what was taken away: "... and (show me)"."""
_STATES = words_in("open shut closed on off")
_BEFORE_RIGHT = words_in("your my his her our the to far on turn left and go move roll come drive steer")
_MACHINES = words_in("coffee washing sewing espresso vending bread ice fax copy ticket toy popcorn bubble the a my")
_HAPPENED = words_in("came arrived was were made bought used saw had wore opened")
_NAMES = words_in("says saying said marked labeled labelled called named word")
_LIES = words_in("plugged put left sitting lying standing kept stuck is thats are stored hidden")
_HAS = words_in("has have had got gets with without of is thats")
_FETCHES = words_in("get fetch bring")
_YOU_CAN = tuple(["you", modal] for modal in ("can", "could", "would", "might", "will", "should", "must"))
_NOT_ASKED = words_in("next close closer nearest how ready i me we due thanks")
_TELLS = words_in("wants want told tell asked ask asks needs said says task job order orders")


def _is_noun(words: Sequence[str], end: int) -> bool:
    """Whether what looks like a wake word is a thing on the table: "robot on the left", "next to the mug"."""
    return (
        words[end - 1] in ("robot", "next", "first", "machine", "computer", "right", "man")
        and words[end] in words_in("on in next to beside by near with behind under is that which arm toy of from one")
        and list(words[end : end + 2]) != ["which", "one"]
    ) or (words[end - 1] in ("first", "next") and VERBS.at(words, end) is None and words[end] != ",")


def _is_name(words: Sequence[str], start: int) -> bool:
    """A word that we do not know before a comma, "please" or a verb is what the speaker calls the robot."""
    if words[start] in _NOT_NAMES or ANSWERS.at(words, start):
        return False
    follows = start + 1 + (words[start + 1] == ",")
    rest = words[follows:]
    asks = bool(rest) and (
        (rest[0] == "please" and len(rest) > 1)
        or (rest[0] in ("can", "could", "would", "will") and rest[1:2] == ["you"])
    )
    if asks:
        return True
    verb = VERBS.at(words, follows)
    return bool(verb and verb[0] and len(words) > verb[1] and words[verb[1]] in DETERMINERS | {"me", "the"}) and (
        start > 0 or words[start + 1] == ","
    )


def _frame_after(words: Sequence[str], end: int) -> int:
    if words[end - 1] == ",":
        return end - 1
    found = _AFTER.before(words, end)
    if (
        found
        and found[1] > 0
        and not (found[0] == "address" and words[found[1] - 1] in DETERMINERS | {"of", "with", "and"})
        and not _belongs(words, found[1], end)
        and not _fetched_for(words, end)
    ):
        return found[1]
    if (
        end > 2
        and words[end - 2] in (",", "please")
        and words[end - 1] not in _NOT_NAMES
        and ANSWERS.before(words, end - 2) is None
    ):
        return end - 2  # a name
    return end


def _fetched_for(words: Sequence[str], end: int) -> bool:
    """Whether "for me" says to whom: "get the cup for me", but not "get the jar open for me"."""
    whom = list(words[end - 2 : end]) in (["for", "me"], ["for", "us"])
    fetches = words[0] == "reach" or not _FETCHES.isdisjoint(words[:end])
    return whom and fetches and words[end - 3] not in _STATES


def _belongs(words: Sequence[str], start: int, end: int) -> bool:
    """Whether the closing words name a place or a thing after all: "on the right", "the one i said"."""
    if words[start] == "from" and words[start - 1] in ("across", "away", "far", "further", "farther"):
        return True
    if words[start - 1] in _NAMES or words[start - 1] in _HAPPENED:
        return True
    if list(words[start:end]) == ["machine"] and words[start - 1] in _MACHINES:
        return True
    verb = VERBS.at(words)
    if list(words[start:end]) == ["in", "there"] and words[start - 1] in _LIES:
        return True
    if list(words[start:end]) == ["a", "crack"] and words[start - 1] in _HAS:
        return True
    if list(words[start:end]) == ["in", "there"] and "place" in {
        (VERBS.at(words, i) or ("", 0))[0] for i in range(start)
    }:
        return True
    if list(words[start : start + 2]) in (["right", "away"], ["right", "now"]) and words[start - 1] in (
        "left",
        "right",
    ):
        return False
    if words[start:end] == ["right"] and verb and verb[0] in ("move", "turn", "drive"):
        return True
    return (words[start] == "right" and words[start - 1] in _BEFORE_RIGHT) or (
        words[end - 1] in ("robot", "machine", "computer", "man", "first", "next")
        and words[start - 1]
        in DETERMINERS - {"one"}
        | words_in("toy red blue green small big on little white black yellow sick old young tall")
    )


def answer_end(words: Sequence[str]) -> int:
    """Where the yes or no that `words` begin with ends; 0 where they do not answer."""
    ends = [0]
    end = 0
    while found := ANSWERS.at(words, end):
        end = found[1]
        while end < len(words) and words[end] == ",":
            end += 1
        skipped = AFTER_ANSWER.at(words, end)
        if skipped and skipped[1] == len(words):
            end = skipped[1]
        ends.append(end)
    if end in (0, len(words)):
        return end
    return next((end for end in reversed(ends) if end and _corrected_after(words, end)), 0)


def _corrected_after(words: Sequence[str], end: int) -> bool:
    """Whether what follows an answer is another request: "no | its the one with the grip", not "its the one | with"."""
    end += words[end] in ("wait", "but") and end + 2 < len(words)
    if words[end - 1] == ",":
        return True
    if list(words[:end]) == ["why", "not"]:
        return False  # "why not take the blue one"
    follows = words[end] in DETERMINERS | words_in("not left right i its take pick grab give put thats im")
    return follows and words[0] not in ("right", "good", "great", "fine", "do", "go", "ok", "okay")

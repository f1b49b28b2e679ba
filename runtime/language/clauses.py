"""Where a sentence falls into commands: joints, answers before corrections, verbs left out the second time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runtime.language.arguments import cuts_of
from runtime.language.framing import after_filler, answer_end
from runtime.language.phrasebook import word_set
from runtime.language.phrases import (
    AFTER_ANSWER,
    ARTICLES,
    DETERMINERS,
    NOUNS_TOO,
    PREPOSITIONS,
    RELATIVE,
    VERBS,
    WISHES,
    words_in,
)

_JOINTS = word_set("joints")
_OPENS_OBJECT = DETERMINERS | words_in("me us him up down out off on over back away to in here")
_SUBJECTS = words_in("i you we he she they")
_WHICH_HAND = words_in("other your my left right free one each good")
_SAYS_MORE = words_in(
    "is isnt was wasnt has hasnt had are arent does doesnt can cant will wont i you we he she they looks"
)
_SIDES = words_in("left right top bottom middle center centre back front end corner side")
_WAITS = words_in("here there for until till outside")
_STOPS_AT = words_in("at by beside near")
_NO_VERB_AFTER = word_set("no_verb_after")


def split_clauses(words: Sequence[str]) -> Iterator[list[str]]:
    """The words of each command, filler removed, answers ("no") apart from their corrections."""
    start = 0
    for end, begin in [*_joints(words), (len(words), len(words))]:
        for part in _after_answer(words[start:end]):
            yield from _gapped(part)
        start = begin


def _joints(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(end of one clause, begin of the next): "and" before a verb, or a verb that cannot belong to the words before."""
    first = VERBS.at(words)
    wish = WISHES.at(words)  # "ill take the donut"
    i = max(1, first[1] if first else 1, wish[1] if wish else 1)
    stopping = bool(first and first[0] == "stop")
    while i < len(words):
        j = i
        while j < len(words) and (words[j] in _JOINTS or (words[j - 1] == "after" and words[j] in ("that", "this"))):
            j += 1
        if j > i and j < len(words) and _may_end(words, i) and _opens_clause(words, j, joined=True):
            yield i - (i > 1 and words[i - 1] == "go"), j
            i = j + 1
        elif j == i and not stopping and _breaks_off(words, i):
            end = i
            while end > 1 and words[end - 1] in ("go", "please", "so", "now", "just", "then", ","):
                end -= 1
            yield end, i
            verb = VERBS.at(words, i)
            i = verb[1] if verb else i + 1
        else:
            i = max(j, i + 1)


def _may_end(words: Sequence[str], i: int) -> bool:
    """Whether a request may end before `i`: not "he and bring", but "close the door behind you and bring"."""
    return words[i - 1] not in _SUBJECTS or (i > 1 and bool(PREPOSITIONS.before(words, i - 1)))


def _breaks_off(words: Sequence[str], i: int) -> bool:
    """Whether a new request begins here unannounced: "the mug put it on the tray", "the lamp could you turn it off"."""
    if words[i] in ("could", "can", "would", "will") and words[i + 1 : i + 2] == ["you"] and i + 2 < len(words):
        return words[i - 1] not in ("that", "how", "what", "if", "as", "you", "i")
    if answer_end(words) == i:
        return False  # "no i asked for the spotted one" corrects
    wish = WISHES.at(words, i) if words[i] in ("i", "id", "can", "could", "may") else None
    if wish and wish[0] and words[i - 1] not in _NO_VERB_AFTER | {"one", "ones", "thing"}:
        return wish[1] < len(words) and words[wish[1]] in ARTICLES | {"it", "them", "that"}
    within = words[i - 1] == "it" and i > 2 and bool(PREPOSITIONS.before(words, i - 1))  # "with cheese on it give it"
    verb = VERBS.at(words, i)
    again = verb is not None and list(words[verb[1] : verb[1] + 1]) in (["it"], ["them"], ["that"])
    within = within or (again and words[i - 1] in ("one", "ones", "on", "off"))
    return (within or words[i - 1] not in _NO_VERB_AFTER) and _opens_clause(words, i, joined=False)


def _opens_clause(words: Sequence[str], start: int, *, joined: bool) -> bool:
    if joined and WISHES.at(words, start):
        return True
    if joined and list(words[start:]) == ["let", "it", "go"]:
        return True
    verb = VERBS.at(words, start)
    if not verb or not verb[0]:
        return False
    if (
        words[start] in NOUNS_TOO
        and list(words[verb[1] : verb[1] + 1]) == ["that"]
        and words[verb[1] + 1 :][:1]
        and words[verb[1] + 1] in _SAYS_MORE
    ):
        return False  # "the glue stick that hasnt dried out"
    action, end = verb
    follows = words[end] if end < len(words) else ""
    if words[start] == "hand" and words[start - 1] in _WHICH_HAND:
        return False
    if not joined and words[start] in NOUNS_TOO and list(words[end : end + 2]) in (["the", "one"], ["the", "ones"]):
        return False  # "the walking stick the one by the wall"
    asks_where = not joined and words[start] in ("where", "wheres") and follows in ("it", "that", "they")
    if asks_where and end >= len(words) - (
        3 if end - start > 1 else 1
    ):  # "where is it now", but "(leave it) where it was"
        return True
    if not joined and (
        (words[start].endswith("ing") and words[start] != "bring")
        or (action == "point" and words[start] not in ("find", "show", "locate", "look", "help", "point"))
    ):
        return False
    if words[start] in ("turn", "go", "come", "move", "drive") and follows in (
        "left",
        "right",
        "around",
        "back",
        "here",
        "forward",
    ):
        return True
    if action == "stop" and joined and (follows in _STOPS_AT or (words[start] == "wait" and follows in _WAITS)):
        return True
    if action == "stop":
        return end == len(words) and (joined or end - start > 1)
    if joined and (words[start] not in NOUNS_TOO or end - start > 1):
        return action != "move" or follows in _OPENS_OBJECT or not follows
    return (
        follows in _OPENS_OBJECT and (joined or follows in DETERMINERS | {"me", "us"}) and words[start] not in ("to",)
    )


def _after_answer(part: Sequence[str]) -> Iterator[list[str]]:
    """Split "no, the left one" into its answer and its correction; drop filler and empty parts."""
    words = list(part)
    while words and words[0] == ",":
        del words[0]
    if _forbids(words):
        yield words
        return
    end = answer_end(words)
    if not end:
        words = after_filler(" ".join(words)).split()
        end = answer_end(words)
    if words[:1] == ["not"] and (meant := _correction(words)) != words:
        yield ["no"]  # "not the hammer the axe"
        words = meant
    if end and end < len(words):
        yield words[:end]
        rest = _correction(words[end - (words[end - 1] == "not") :])
        while rest and (rest[0] == "," or AFTER_ANSWER.at(rest)):
            skipped = AFTER_ANSWER.at(rest)
            rest = rest[skipped[1] if skipped else 1 :]
        words = after_filler(" ".join(rest)).split() if rest else []
    if words:
        yield words


def _forbids(words: Sequence[str]) -> bool:
    """ "dont pick up the cup"; but "dont" alone, "dont do that" and "dont move" are answers."""
    end = 1 if words[:1] == ["dont"] else 2 if list(words[:2]) == ["do", "not"] else 0
    verb = VERBS.at(words, end) if end else None
    return bool(verb and verb[0] not in ("", "stop") and not VERBS.at(words)) and len(words) > end + 1


def _gapped(words: list[str]) -> Iterator[list[str]]:
    """Two commands where the second has no verb of its own: "put the cow in the barn and the pig behind it"."""
    verb = VERBS.at(words)
    for i in range(verb[1] + 1 if verb else len(words), len(words) - 1):
        if words[i] == "then" and words[i + 1] in ARTICLES and verb:
            first = words[: i - (words[i - 1] == "and")]
            yield first
            goals = cuts_of(first)[0] if verb[0] == "place" and not cuts_of(words[i + 1 :])[0] else []
            yield [*words[: verb[1]], *words[i + 1 :], *(first[goals[-1] :] if goals else [])]
            return
    if verb and verb[0] in ("place", "move", "turn"):
        for i in range(verb[1] + 2, len(words) - 2):
            if words[i] != "and" or words[i + 1] not in ARTICLES:
                continue
            if verb[0] == "turn":
                gapped = words[i - 1] in ("on", "off") and words[-1] in ("on", "off")
            else:
                before, after = words[verb[1] : i], words[i + 1 :]
                gapped = bool(cuts_of(before)[0] and cuts_of(after)[0]) and "between" not in before
            if gapped:
                yield words[:i]
                yield [*words[: verb[1]], *words[i + 1 :]]
                return
    yield words


def _correction(rest: list[str]) -> list[str]:
    """What is asked for instead: the hammer of "thats a wrench i meant the hammer", "not the wrench the hammer"."""
    while rest and rest[0] == ",":
        rest = rest[1:]
    if (
        rest
        and rest[0] in ("thats", "its", "that", "this", "it", "those", "these", "theyre")
        and (rest[0] in ("thats", "its", "theyre") or rest[1:2] in (["is"], ["are"], ["was"]))
    ):
        for i in range(len(rest) - 2, 0, -1):
            if rest[i] == "its" or rest[i : i + 2] == ["it", "is"]:
                return rest[i + 1 + (rest[i] == "it") :]
        if rest[0] in ("its", "theyre") and rest[1:2] == ["the"]:
            return rest[1:]
        if rest[1:2] == ["not"] or rest[2:3] == ["not"]:
            return []
        for i in range(1, len(rest)):
            if (
                rest[i] == "i"
                and rest[i + 1 : i + 2]
                and rest[i + 1] in ("meant", "mean", "want", "wanted", "said", "need", "asked")
            ):
                return rest[i + 2 + (rest[i + 1] == "asked") :]
        return []
    if rest[:1] == ["not"]:
        for i in range(2, len(rest) - 1):
            if rest[i] == "its" or rest[i : i + 2] == ["it", "is"]:
                return rest[i + 1 + (rest[i] == "it") :]
        for i in range(2, len(rest)):
            another = rest[i + 1 : i + 2] == ["one"] and rest[i - 1] in _SIDES  # "not the one on the left the one here"
            if rest[i] in ARTICLES and (
                another or not (PREPOSITIONS.before(rest, i) or rest[i - 1] in RELATIVE | {"and", "or", "of", "with"})
            ):
                return rest[i:]
    return rest

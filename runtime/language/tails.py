"""Where a command is over and the speaker goes on talking: reasons, conditions, moods, small talk."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.language.phrasebook import phrasebook, word_set
from runtime.language.phrases import ANSWERS, DETERMINERS, PEOPLE, PERSONAL, PREPOSITIONS, VERBS, WISHES, words_in

_TAILS = phrasebook("tails")
"""What tells why, when or how to the end of the sentence."""
_NOT_EXPLAINED = word_set("not_explained")
"""What makes a new sentence ("its cold") part of the one before."""
_AFTER_ITS = word_set("after_its")
"""After these "its" is "it is"."""
_CONTRACTED = words_in("its hes shes theyre im youre were theres ill id ive youve weve theyve well")
_SUBJECTS = words_in("i you we they he she it")
_OBJECTS = words_in("it them")
_FEELS = word_set("feels")
"""After "i" or "we" these begin a sentence of its own; other verbs may describe: "the cup i left on the table"."""
_POSSESSIVE = words_in("my our your his her their the")
_FINITE_ENDS = words_in("is are was were isnt arent wasnt has have hasnt havent needs wants hurts cant will wont looks")
_RELATIVE = words_in("that who which")
_ANYBODY = words_in("nobody noone no everybody everyone somebody")
_HAPPENS = word_set("happens")
_CONTACT = word_set("contact")
"""Verbs that need an object: "the cup the man is holding" describes the cup, "the baby is sleeping" does not."""
_QUESTIONS_BEFORE = words_in("see check know tell wonder ask as only even")
_TO_BE = words_in("are is was were should must might")
_NO_VERBS = word_set("function_words")
_RINGS = words_in("ring string spring icing king")
_IT_DOES = words_in(
    "looks seems belongs needs has goes smells feels weighs hurts might should sounds tastes matters makes"
)
_HABITS = words_in("just already always never usually often")
_MODALS = words_in("can could will would should may might do does did")
_CANNOT = words_in("cant cannot couldnt dont didnt wont wouldnt never")
_CONDITIONS = words_in("if unless until till because cause cuz coz whenever although though otherwise")
_CAN_YOU = tuple([modal, "you"] for modal in ("can", "could", "would", "will"))
_TIMES = words_in("when while once before after since as")


def without_tail(words: Sequence[str]) -> list[str]:
    """`words` up to where the speaker stops saying what is wanted; a further command after the remark is kept."""
    wish = WISHES.at(words)
    for start in range(max(2, wish[1] if wish else 0), len(words)):
        if _begins_tail(words, start) and not _only_leads_up(words, start):
            goes_on = _next_command(words, start)
            return [*words[:start], *words[goes_on:]]
    return list(words)


def _only_leads_up(words: Sequence[str], start: int) -> bool:
    """ "im cooking soup so i need the big pot", "the cup i need it": nothing is asked before."""
    if any(VERBS.at(words, i) or WISHES.at(words, i) for i in range(start)):
        return False
    if WISHES.at(words, start + (words[start] == "so")):
        return True
    later = (VERBS.at(words, i) for i in range(start + 1, len(words) - 1) if words[i - 1] in ("could", "can", "please"))
    return any(verb and verb[0] for verb in later)


def _next_command(words: Sequence[str], start: int) -> int:
    """Where, after a remark that begins at `start`, "and" leads to another command; the end where none does."""
    if words[start] in ("if", "when", "once", "and", "without"):
        return len(words)
    for i in range(start + 2, len(words) - 1):
        verb = VERBS.at(words, i + 1)
        asked = VERBS.at(words, i + 2) if list(words[i : i + 2]) in _CAN_YOU and i + 3 < len(words) else None
        if asked and asked[0] and words[asked[1] : asked[1] + 1] and words[asked[1]] in DETERMINERS | {"me"}:
            return i
        turned = VERBS.at(words, i)  # "(it rolled away) fetch it": what "it" is, was said before
        may_turn = turned and turned[0] not in ("", "stop") and words[i - 1] not in _NO_VERBS | _MODALS | _CANNOT
        if turned and may_turn and list(words[turned[1] : turned[1] + 1]) in (["it"], ["them"]):
            return i
        joined = words[i] in ("and", "then", "so", ",") and verb and verb[0] not in ("", "stop")
        if joined and verb and words[verb[1] : verb[1] + 1] and words[verb[1]] in DETERMINERS | {"me"}:
            return i
    return len(words)


def _begins_tail(words: Sequence[str], i: int) -> bool:
    word, before, follows = words[i], words[i - 1], words[i + 1] if i + 1 < len(words) else ""
    if before in ("for", "of", "where") or (word == "no" and before in ("that", "which")):
        return False
    tail = _TAILS.at(words, i)
    object_told = tail is not None and words[tail[1] - 1] in _OBJECTS  # "(put down that) i need it"
    named = before in _RELATIVE and (word in _ANYBODY or (word in _SUBJECTS and not object_told))
    if tail and not named and not (word == "after" and VERBS.at(words, tail[1])):  # "after that turn it off"
        return True
    if word in _CONDITIONS:
        if word == "till" and before in DETERMINERS:
            return False
        return bool(follows) and before not in _QUESTIONS_BEFORE
    if word in _TIMES and follows:
        return _begins_clause(words, i + 1) and (word != "as" or follows != "it" or before != "same")
    if word == "like":
        return follows in ("i", "you", "we", "last", "before", "always", "usual") and before not in ("looks", "just")
    if word == "and" and i + 2 < len(words) and words[i + 2] in _OBJECTS:
        return _unknown_verb(words, i + 1)
    if follows in _OBJECTS and words[i + 2 : i + 3] in ([], ["and"], ["with"]) and word.isalpha() and i > 2:
        return word not in _NO_VERBS and _unknown_verb(words, i)
    if word == "without":
        return follows.endswith("ing") and follows not in _RINGS
    return _explains(words, i)


def _unknown_verb(words: Sequence[str], i: int) -> bool:
    """ "(pick up the cup and) wash it": something asked that we cannot do."""
    describes = words_in("that which who i you we he she they thats").intersection(words[:i])
    return (
        not describes
        and not (VERBS.at(words, i) or PREPOSITIONS.at(words, i))
        and words[i] not in ("of", "with", "for")
    )


def _begins_clause(words: Sequence[str], i: int) -> bool:
    """Whether a subject with its verb stands at `i`: "youre done", "the baby wakes"."""
    if words[i] in _CONTRACTED | _SUBJECTS:
        return i + 1 < len(words) or words[i] != "it"
    return words[i] in _POSSESSIVE and not (_FINITE_ENDS | _HAPPENS).isdisjoint(words[i + 1 : i + 4])


def _explains(words: Sequence[str], start: int) -> bool:
    """Whether a sentence of its own begins that gives a reason: "its cold", "grandma is sleeping"."""
    before = words[start - 1] if words[start - 1] != "," or start < 2 else words[start - 2]
    follows = words[start + 1] if start + 1 < len(words) else ""
    if ANSWERS.before(words, start) or VERBS.at(words, start - 1):
        return words[start] == "its" and before in ("on", "off") and follows in _AFTER_ITS  # "turn it on its cold"
    switched = before in ("on", "off") and follows in _AFTER_ITS
    if before in _NOT_EXPLAINED and not switched:
        return False
    word, rest = words[start], words[start + 1 :]
    if word == "its" and words[start - 1] != ",":
        return follows in _AFTER_ITS or (follows.endswith("ing") and len(follows) > 5 and follows not in _RINGS)
    if word in _CONTRACTED:
        describes = word in ("youre", "ive", "youve", "weve", "theyve", "theyre", "were") and _is_contact(rest)
        return bool(rest) and not describes and word != "well"
    if word == "there":
        return follows in _TO_BE and before not in words_in("over out in up down from right back")
    if before in _MODALS:
        return False
    if word in ("i", "we"):
        if before in ("one", "ones") and follows in _HABITS:
            return False  # "the one i just ate"
        if _is_contact(rest) and rest[2:3] and (PREPOSITIONS.at(rest, 2) or rest[2] in ("at", "about", "with")):
            return False  # "the mug i am looking at"
        return follows in _FEELS or not _OBJECTS.isdisjoint(rest[1:4])
    if word in ("you", "they", "he", "she", "it") and follows != "and":
        if follows == "is" and "not" in words[:start]:
            return False  # "it is not the lemon it is the lime"
        if word == "it" and follows in _IT_DOES and not PREPOSITIONS.before(words, len(words)):
            return True
        return (follows in _TO_BE and not _is_contact(rest[1:])) or not _OBJECTS.isdisjoint(rest[1:3])
    inside = before not in ("left", "right") and PREPOSITIONS.before(words, start)
    if start > 2 and before not in DETERMINERS and not inside and word in _POSSESSIVE | PEOPLE | PERSONAL:
        owner = start + (word in _POSSESSIVE)
        ends = [i for i in range(owner + 1, min(owner + 3, len(words))) if words[i] in _FINITE_ENDS | _RELATIVE]
        if ends and not _SUBJECTS.isdisjoint(words[owner : ends[0]]):
            return False
        if ends and (words[ends[0]] in _RELATIVE or list(words[ends[0] :]) in (["will", "you"], ["would", "you"])):
            return False
        related = PREPOSITIONS.before(words, len(words))  # "the chest the toys are kept in"
        return bool(ends) and len(words) > ends[0] + 1 and not (related or _is_contact(words[ends[0] + 1 :]))
    return False


def _is_contact(rest: Sequence[str]) -> bool:
    """ "using" of "the cups theyre using", "holding" of "the cup the man is holding by its handle"."""
    return any(word in _CONTACT for word in rest[:2])

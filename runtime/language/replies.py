"""The frame around a reply: yes, no, never mind, and what people say before they come to the point."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from runtime.language.vocabulary import words_of

Answer = Literal["", "yes", "no", "neither"]

_GAP = r"(?:[\s,.;!?]+|$)"
_FILLER = re.compile(
    r"[\s,.;!?]*(?:(?:u+[hm]+|e+r+m*|h+m+|m+|well|oh|ah|so|and|then|but|ok|okay|hey|robot|please|maybe|probably|perhaps"
    r"|actually|rather|instead|sorry|wait|just|preferably|i (?:said|meant?|think|guess|choose|prefer|pick)"
    r"|its|it is|it was|that is|thats|that would be|it would be|(?:lets )?(?:go (?:for|with)|use|try)|lets (?:say|take)"
    rf"|what about|how about|make (?:it|that)|choose){_GAP})*"
)
_WISH = re.compile(
    r"(?:(?:i (?:want|wanted|need|would like|would prefer)|id (?:like|prefer))(?! (?:you|to)\b)"
    rf"|(?:can|could|may) i (?:please )?(?:have|get|take)){_GAP}"
)
_FILLER_AFTER = re.compile(
    r"(?:[\s,.;!?]+(?:please|thanks|thank you|robot|instead|i (?:think|guess|suppose)|then|now|for me|obviously"
    r"|(?:is|would be) (?:fine|ok|okay|good|alright)|will do|would do))+"
    r"[\s,.;!?]*$"
)
_IT_IS = r"(?:thats|that is|its|it is|that one is|this is|that was)"
_ANSWERS = re.compile(
    r"[\s,.;!?]*(?:"
    r"(?P<yes>(?:yes|yeah|yep|yup|correct|exactly|sure|of course|certainly|affirmative|go ahead|do it|i think so"
    rf"|{_IT_IS} (?:it|right|correct|fine|good|the (?:right )?one))(?: please| thanks)?)"
    r"|(?P<no>no(?! (?:matter|preference|idea|one|longer|more)\b)|nope|nah|(?:the )?wrong(?: one)?|incorrect|negative"
    rf"|(?:{_IT_IS} )?not (?:that|this|it)(?: one)?(?=[\s,.;!?]*(?:$|[,.;!?]|the\b|but\b|i m))"
    rf"|{_IT_IS} (?:the )?wrong(?: one)?|{_IT_IS} not (?:right|correct|the (?:right )?one|what i (?:meant|said|wanted))"
    rf")){_GAP}"
)
_NEITHER = re.compile(
    r"(?:no )?(?:neither|none|not (?:any|either))(?: one)?(?: of (?:them|these|those|the (?:two|three|four)))?"
)
_CANCEL = re.compile(
    r"(?:please )?(?:stop|halt|wait|cancel|abort|quit|never mind|nevermind|nothing|forget|forget about|leave|enough"
    r"|no thanks|no thank you|thats (?:all|enough)|dont bother)(?: it| that| this)?(?: all| alone| now| please)?"
)


def leading_answer(transcript: str, *, to_question: bool) -> tuple[Answer, str]:
    """The yes or no that a reply opens with, and its rest in lower case, with punctuation but without filler.

    In reply `to_question` "I want the left one" says which; elsewhere it asks for something.
    """
    text = unicodedata.normalize("NFKC", transcript).lower()
    text = re.sub(r"[^a-z0-9,.;!?]+", " ", re.sub("['\u2019\u2018`]", "", text)).strip()
    words = " ".join(words_of(text))
    if _NEITHER.fullmatch(words):
        return "neither", ""
    if words in ("ok", "okay", "alright", "all right", "fine"):
        return "yes", ""
    answer: Answer = ""
    while text:
        said = _ANSWERS.match(text)
        if said is None:
            shorter = _without_filler(text)
            shorter = _WISH.sub("", shorter, count=1) if to_question and _WISH.match(shorter) else shorter
            if shorter == text:
                break
            text = shorter
            continue
        answer = "yes" if said.lastgroup == "yes" else "no"
        text = text[said.end() :]
    return answer, text


def _without_filler(text: str) -> str:
    """`text` without "um", "I mean", "please" and their like at both ends."""
    filler = _FILLER.match(text)
    return _FILLER_AFTER.sub("", text[filler.end() if filler else 0 :]).strip()


def means_cancel(words: str) -> bool:
    """Whether lower-case words call the question off: "never mind", "forget it"."""
    return _CANCEL.fullmatch(words) is not None

"""What recognisers write for the words of this trade, and the sound of a word as its spelling tells it."""

from __future__ import annotations

import re
from pathlib import Path

Rule = tuple[re.Pattern[str], str]
"""What is heard, and what is meant."""

_ARTICLE = r"(?:the|a|an|my|that|this|your|those|these|its)"


def _sections() -> dict[str, list[str]]:
    text = (Path(__file__).parent / "mishearings.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            sections[heading.group(1)] = []
        elif line and not line.startswith("#"):
            sections[next(reversed(sections))].append(line)
    return sections


def _rule(line: str) -> Rule:
    heard, _, meant = line.partition(" ->")
    # what a rule looks for keeps its closing space: the words after it stay apart
    return re.compile(r"\b" + heard.replace("{article}", _ARTICLE)), meant.strip()


_SECTIONS = _sections()


def _table(name: str) -> dict[str, str]:
    rows = (line.partition(": ") for line in _SECTIONS[name])
    return {heard: meant for meant, _, row in rows for heard in row.split()}


SOUND_ALIKES = _table("words")
"""Heard word to meant word."""
HEADS = _table("heads")
"""The same at the end of a description only."""
START_RULES = tuple(map(_rule, _SECTIONS["start"]))
CONTEXT_RULES = tuple(map(_rule, _SECTIONS["context"]))

_VOWELS = "aeiouy"
_SPELLINGS = (
    (r"^(?:kn|gn)", "n"),
    (r"^wr", "r"),
    (r"^wh", "w"),
    (r"ph", "f"),
    (r"gh(?=t|$)", ""),
    (r"tch|ch", "C"),
    (r"sh|ti(?=on)", "S"),
    (r"th", "0"),
    (r"ck|q", "k"),
    (r"dge?(?=$|[ei])|ge$|j", "J"),
    (r"[sz]c?(?=[eiy])|c(?=[eiy])", "s"),
    (r"c", "k"),
    (r"x", "ks"),
    (r"z", "s"),
    (r"mb$", "m"),
    (r"(.)\1+", r"\1"),
    (r"(?<=.)[aeiouyw]+", "a"),  # which vowel it is, spelling hardly tells
)


def sound(word: str) -> str:
    """The consonants of a word as they are heard, "a" for every vowel between them: "scissors" is "sasars"."""
    for spelling, heard in _SPELLINGS:
        word = re.sub(spelling, heard, word)
    first = "a" if word[:1] in _VOWELS else word[:1]
    return (first + word[1:]).rstrip("a") or first

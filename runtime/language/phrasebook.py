"""Lists of fixed phrases (`phrases.txt`), and the longest of them that stands at a place in a sentence.

In a list, phrases are parted by commas. In a phrase "a/b" stands for either word, "a?" for a or nothing, and "_" joins
the words of one alternative: "could/would you please/be_so_kind_as_to?". Lines break anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path

_FILE = Path(__file__).parent / "phrases.txt"
_SECTION = re.compile(r"\[(?P<book>[$\w ]+)(?:: ?(?P<label>\w*) ?(?P<ing>\+ing)?)?\]")
_DOUBLED = re.compile(
    r"(?:gra|na)b|[gs]et|put|drop|pop|shut|spin|tip|swap|slip|drag|snag|flip|grip|let|pat|zip|unzip|cut"
)


class Phrasebook:
    """Phrases of one or more words, each under a label."""

    def __init__(self, phrases: dict[tuple[str, ...], str]) -> None:
        self._labels = phrases
        self._longest = max(map(len, phrases))
        self._first = frozenset(phrase[0] for phrase in phrases)
        self._last = frozenset(phrase[-1] for phrase in phrases)

    def at(self, words: Sequence[str], start: int = 0) -> tuple[str, int] | None:
        """Label and end of the longest phrase that begins at `start`."""
        if start >= len(words) or words[start] not in self._first:
            return None
        for end in range(min(len(words), start + self._longest), start, -1):
            label = self._labels.get(tuple(words[start:end]))
            if label is not None:
                return label, end
        return None

    def before(self, words: Sequence[str], end: int) -> tuple[str, int] | None:
        """Label and start of the longest phrase that ends before `end`."""
        if end <= 0 or words[end - 1] not in self._last:
            return None
        for start in range(max(0, end - self._longest), end):
            label = self._labels.get(tuple(words[start:end]))
            if label is not None:
                return label, start
        return None


def word_set(name: str) -> frozenset[str]:
    """A list of single words of `words.txt`."""
    return _word_sets()[name]


@lru_cache(maxsize=1)
def _word_sets() -> dict[str, frozenset[str]]:
    text = (_FILE.parent / "words.txt").read_text(encoding="utf-8")
    sections = re.findall(r"(?m)^\[([\w ]+)\]\n([^\[]*)", text)
    return {name: frozenset(body.split()) for name, body in sections}


def phrasebook(name: str, kind: type[Phrasebook] = Phrasebook) -> Phrasebook:
    """A book of `phrases.txt`; where two labels hold a phrase the later list wins."""
    return kind(_books()[name])


@lru_cache(maxsize=1)
def _books() -> dict[str, dict[tuple[str, ...], str]]:
    text = re.sub(r"(?m)^#.*\n", "", _FILE.read_text(encoding="utf-8"))
    definitions: dict[str, str] = {}
    books: dict[str, dict[tuple[str, ...], str]] = {}
    headings = list(_SECTION.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        body = re.sub(r"/\s+", "/", text[heading.end() : following.start() if following else None]).strip()
        if heading["book"].startswith("$"):
            definitions[heading["book"]] = body
            continue
        body = re.sub(r"\$\w+", lambda found: definitions[found.group()], body)
        phrases = [phrase for entry in body.split(",") for phrase in _expand(entry)]
        if heading["ing"]:
            phrases += [(_gerund(first), *rest) for first, *rest in phrases]
        books.setdefault(heading["book"], {}).update(dict.fromkeys(phrases, heading["label"] or ""))
    return books


def _expand(entry: str) -> Iterator[tuple[str, ...]]:
    """Every phrase that an entry stands for."""
    slots = []
    for part in entry.split():
        choices = [choice.split("_") for choice in part.removesuffix("?").split("/")]
        slots.append([*choices, []] if part.endswith("?") else choices)
    for chosen in product(*slots):
        phrase = tuple(word for words in chosen for word in words)
        if phrase:
            yield phrase


def _gerund(verb: str) -> str:
    if _DOUBLED.fullmatch(verb):
        return f"{verb}{verb[-1]}ing"
    return f"{verb.removesuffix('e') if not verb.endswith('ee') else verb}ing"

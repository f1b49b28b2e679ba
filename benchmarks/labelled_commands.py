"""Transcripts with the commands that they should become, and how an answer is scored against them.

The labels live in `tests/data/commands.jsonl`. Lines with `held_out` are for figures only: whoever writes the parser
must not see them, so nothing here, errors included, tells a line's words.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from runtime import Command
from runtime.errors import SaymaskError
from runtime.language.vocabulary import words_of

TEXT_FIELDS = ("target", "destination", "recipient", "place")
ARTICLES = frozenset(("a", "an", "the"))


@dataclass(frozen=True)
class LabelledCommand:
    """One command as it should come out. `texts` holds the accepted forms of each of TEXT_FIELDS, "" for empty."""

    action: str
    texts: dict[str, tuple[str, ...]]
    plural: bool


@dataclass(frozen=True)
class LabelledTranscript:
    """What was said, what it should become, which phenomena it shows, and which half it belongs to."""

    transcript: str
    commands: tuple[LabelledCommand, ...]
    phenomena: tuple[str, ...]
    held_out: bool

    @staticmethod
    def from_json(row: dict[str, Any]) -> LabelledTranscript:
        """One line of the file. Raises ValueError, TypeError or KeyError for anything else."""
        commands = tuple(
            LabelledCommand(
                str(command["action"]),
                {field: _forms(command[field]) for field in TEXT_FIELDS},
                bool(command["plural"]),
            )
            for command in row["commands"]
        )
        if not isinstance(row["transcript"], str) or not commands:
            raise ValueError("a transcript is text with at least one command")
        return LabelledTranscript(row["transcript"], commands, tuple(row["phenomena"]), bool(row["held_out"]))


def load_labelled(path: Path) -> list[LabelledTranscript]:
    """Every line of a labelled file. Raises SaymaskError, naming file and line but none of its words."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SaymaskError(f"cannot read labelled commands: {error}") from error
    labelled = []
    for number, line in enumerate(lines, 1):
        try:
            labelled.append(LabelledTranscript.from_json(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise SaymaskError(
                f"{path}, line {number}: expected an object with transcript, commands, phenomena and held_out as "
                f"tests/data/commands.jsonl has them ({type(error).__name__})"
            ) from None  # its text could quote the line
    if not labelled:
        raise SaymaskError(f"{path} holds no labelled command; see tests/data/commands.jsonl")
    return labelled


def _forms(value: object) -> tuple[str, ...]:
    forms = [value] if isinstance(value, str) else value
    if not isinstance(forms, list) or not forms or not all(isinstance(form, str) for form in forms):
        raise TypeError("a field is text or a list of accepted texts")
    return tuple(map(plain_expression, forms))


def plain_expression(text: str) -> str:
    """Lower-case words with single spaces, without articles; "my", "both" and other determiners stay."""
    return " ".join(word for word in words_of(text) if word not in ARTICLES)


def scores(line: LabelledTranscript, commands: Sequence[Command]) -> dict[str, bool]:
    """Whether an answer to `line` is right in `action`, each of TEXT_FIELDS, `plural`, and in `everything`.

    A field is right when the number of commands is, and the field of each of them in order.
    """
    pairs = list(zip(line.commands, commands, strict=False)) if len(commands) == len(line.commands) else []
    right = {"action": bool(pairs) and all(label.action == command.action for label, command in pairs)}
    for field in TEXT_FIELDS:
        right[field] = bool(pairs) and all(
            plain_expression(getattr(command, field)) in label.texts[field] for label, command in pairs
        )
    right["plural"] = bool(pairs) and all(label.plural == command.plural for label, command in pairs)
    return right | {"everything": all(right.values())}


def names_a(field: str, line: LabelledTranscript) -> bool:
    """Whether one of the line's commands must have `field`: no answer without it is right."""
    return any("" not in label.texts[field] for label in line.commands)


def summarise(lines: Sequence[LabelledTranscript], answers: Iterable[Sequence[Command]]) -> dict[str, Any]:
    """Number `n` and share of lines that are right in each figure of `scores`.

    Most lines name no destination, recipient or place, so that leaving it empty is right: `named` holds the same for
    the lines that name one, null where none does. `phenomena` holds n, action and target of each phenomenon.
    """
    scored = [(line, scores(line, commands)) for line, commands in zip(lines, answers, strict=True)]
    named = {field: [right[field] for line, right in scored if names_a(field, line)] for field in TEXT_FIELDS}
    phenomena: dict[str, list[dict[str, bool]]] = defaultdict(list)
    for line, right in scored:
        for name in line.phenomena:
            phenomena[name].append(right)
    every = [right for _, right in scored]
    return {
        "n": len(every),
        **({figure: share(right[figure] for right in every) for figure in every[0]} if every else {}),
        "named": {field: {"n": len(values), "right": share(values)} for field, values in named.items()},
        "phenomena": {
            name: {"n": len(rows)} | {figure: share(row[figure] for row in rows) for figure in ("action", "target")}
            for name, rows in sorted(phenomena.items())
        },
    }


def share(values: Iterable[bool]) -> float | None:
    """The share of true values; None of none."""
    found = list(values)
    return fmean(found) if found else None

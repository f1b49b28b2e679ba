"""What an expression generator hands to training: words, and what they provably refer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Count = Literal["none", "one", "several"]
Kind = Literal["category", "attribute", "relation", "position", "ordinal", "superlative", "negation", "plural"]


@dataclass(frozen=True)
class Expression:
    """One referring expression on one view.

    `text` is what the network reads ("the red jar beside the apple": lower-case, a-z, digits and spaces);
    `transcript` wraps it as people speak to robots ("could you pick up the red jar beside the apple").
    `kind` is the hardest step its program takes. `referents` are the indices of the objects it denotes when executed
    on the ground truth, sorted; `count` follows from them. `plural`: the words ask for all of them, so several
    referents are no doubt.
    `landmarks` are the objects that its relation leans on ("the apple"). `needed` is False where a shorter form
    already picks out the same object. `pair` joins expressions of this view that differ by one word: same number,
    or -1.
    """

    text: str
    transcript: str
    kind: Kind
    referents: tuple[int, ...]
    plural: bool = False
    landmarks: tuple[int, ...] = ()
    needed: bool = True
    pair: int = -1

    @property
    def count(self) -> Count:
        return "none" if not self.referents else "one" if len(self.referents) == 1 else "several"

"""saymask's robot side: a camera frame and a sentence in, the pixels of the object meant out. Never imports torch.

    from runtime import Frame, Segmenter

    segmenter = Segmenter()
    answer = segmenter.segment(Frame.from_array(picture), "pick up the jar beside the apple")
    print(answer.verdict, answer.confidence, answer.box)

Names are loaded when first used, so that training can import `runtime.language` without an inference engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.datatypes import Command, Frame, Segmentation, Verdict
    from runtime.errors import SaymaskError
    from runtime.language.commands import parse_command
    from runtime.segmenter import Segmenter

_HOMES = {
    "Command": "runtime.datatypes",
    "Frame": "runtime.datatypes",
    "SaymaskError": "runtime.errors",
    "Segmentation": "runtime.datatypes",
    "Segmenter": "runtime.segmenter",
    "Verdict": "runtime.datatypes",
    "parse_command": "runtime.language.commands",
}

__all__ = ["Command", "Frame", "SaymaskError", "Segmentation", "Segmenter", "Verdict", "parse_command"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'runtime' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

"""The networks, by name. Both go through the same training, export and runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runtime.errors import SaymaskError
from training.models.base import NetworkSpec, ReferringSegmenter
from training.models.edge import EdgeSegmenter
from training.models.per_word import PerWordSegmenter
from training.models.text_objseg import TextObjsegSegmenter

ARCHITECTURES: dict[str, Callable[..., ReferringSegmenter]] = {
    "edge": EdgeSegmenter,
    "per_word": PerWordSegmenter,
    "text_objseg": TextObjsegSegmenter,
}


def build_model(architecture: str, options: Mapping[str, Any]) -> ReferringSegmenter:
    """Build a network by registered name with its constructor's keyword options.

    Raises SaymaskError on an unknown name or option.
    """
    if architecture not in ARCHITECTURES:
        raise SaymaskError(f"unknown architecture {architecture!r}, expected one of {sorted(ARCHITECTURES)}")
    try:
        return ARCHITECTURES[architecture](**options)
    except TypeError as error:
        raise SaymaskError(f"architecture {architecture!r} cannot be built from {dict(options)}: {error}") from error


__all__ = ["ARCHITECTURES", "NetworkSpec", "ReferringSegmenter", "build_model"]

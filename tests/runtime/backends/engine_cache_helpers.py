"""What the tests of the engine cache share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.backends.engine_cache import EngineCache, EngineKey
from tests.runtime.backends.engine_cache_worker import PLAN, key

OTHER_PLAN = b"the plan of another build"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away or mount a disk")

Warnings = Callable[[], list[str]]
"""The warnings since the last call."""
Mount = Callable[[str], Path]
"""`mount("size=64k")`: an empty disk of its own with these options."""


class Builder:
    """Counts the builds; `plan` is what they make."""

    def __init__(self, plan: bytes = PLAN) -> None:
        self.plan, self.builds = plan, 0

    def __call__(self) -> bytes:
        self.builds += 1
        return self.plan


def load(cache: EngineCache, build: Callable[[], bytes], wanted: EngineKey | None = None) -> bytes:
    return cache.load_or_build(wanted or key(), build, bytes, label="the image encoder")


def rebuilt(cache: EngineCache, warnings: Warnings) -> str:
    """The one warning that a kept engine is built again, which it must be, once."""
    build = Builder(OTHER_PLAN)
    assert load(cache, build) == OTHER_PLAN
    (warning,) = warnings()
    assert load(cache, build) == OTHER_PLAN
    assert build.builds == 1
    assert not warnings()
    assert warning.startswith("the kept engine of the image encoder is not used, a new one is built: ")
    return warning

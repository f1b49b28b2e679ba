"""What all tests share."""

from __future__ import annotations

import numpy as np
import pytest

TOLERANCES: dict[str, float] = {
    "float64": 1e-9,
    "float32": 1e-5,
    "float16": 2e-3,
    "uint8": 1.0,  # one grey level: rounding differs between OpenCV builds
}
"""Largest absolute difference that counts as equal, for values of order 1 (uint8: of order 255)."""


@pytest.fixture
def tolerance() -> dict[str, float]:
    """Largest absolute difference by dtype name; `tolerance[str(array.dtype)]`."""
    return TOLERANCES


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in every run of a test."""
    return np.random.default_rng(20160926)

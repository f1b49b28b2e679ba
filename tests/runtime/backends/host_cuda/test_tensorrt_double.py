"""The stand-in has no method that TensorRT lacks, and none that takes other arguments."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any

import pytest

CLASSES = (
    "Builder",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "ITimingCache",
    "OnnxParser",
    "Runtime",
)
ENUMERATIONS = ("BuilderFlag", "DataType", "MemoryPoolType", "ProfilingVerbosity")
ATTRIBUTES = {"INetworkDefinition": {"content", "inputs", "outputs"}}
"""Where the stand-in keeps what it knows."""


@pytest.fixture
def real() -> ModuleType:
    module: ModuleType = pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    return module


def takes(documented: str, names: list[str]) -> bool:
    """Whether one of the signatures that pybind11 writes into a docstring can be called with these arguments."""
    for signature in re.findall(r"\(self: (.*?)\) ->", documented, re.DOTALL):
        arguments = re.split(r", (?=\w+: )", signature)[1:]
        known = [argument.partition(":")[0] for argument in arguments]
        required = [name for name, argument in zip(known, arguments, strict=True) if " = " not in argument]
        if required == names[: len(required)] and names == known[: len(names)]:
            return True
    return False


@pytest.mark.parametrize("name", CLASSES)
def test_its_methods_are_tensorrts(name: str, tensorrt: Any, real: ModuleType) -> None:
    ours, theirs = getattr(tensorrt, name), getattr(real, name)
    checked = 0
    for method, value in vars(ours).items():
        if method.startswith("_") or method in ATTRIBUTES.get(name, ()):
            continue
        assert hasattr(theirs, method), f"TensorRT has no {name}.{method}"
        if inspect.isfunction(value):
            arguments = list(inspect.signature(value).parameters)[1:]
            assert takes(getattr(theirs, method).__doc__, arguments), getattr(theirs, method).__doc__
        checked += 1
    assert checked


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_its_enumerations_are_tensorrts(name: str, tensorrt: Any, real: ModuleType) -> None:
    assert {member.name for member in getattr(tensorrt, name)} <= set(getattr(real, name).__members__)

"""The message classes of the ROS that is sourced, found by name: this module imports without ROS."""

from __future__ import annotations

import array
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from saymask_ros.messages import PACKAGES, MessageTypes


class RclpyTypes(MessageTypes):
    """Raises ImportError where a package of messages is missing."""

    def __init__(self) -> None:
        for package, names in PACKAGES.items():
            module = import_module(f"{package}.msg")
            for name in names:
                setattr(self, name, getattr(module, name))

    def octets(self, values: npt.NDArray[np.uint8]) -> Any:
        """An array.array, the only thing that rclpy takes over without looking at each byte."""
        return array.array("B", values.tobytes())

    def level(self, value: int) -> Any:
        """One byte."""
        return bytes([value])

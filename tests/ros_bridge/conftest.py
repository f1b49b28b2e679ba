"""The stand-in for rclpy, for the tests that ask for it, and a robot around a node on it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ros_bridge.node_world import World

STANDIN = Path(__file__).parent / "rclpy_standin"


@pytest.fixture(scope="session")
def standin() -> Path:
    """From here on `import rclpy` means the stand-in."""
    if str(STANDIN) not in sys.path:
        if importlib.util.find_spec("rclpy"):
            pytest.skip("ROS is sourced here: test_real_rclpy.py runs on it")
        sys.path.insert(0, str(STANDIN))
    return STANDIN


@pytest.fixture
def world(standin: Path) -> Iterator[World]:
    """A domain with a camera, a person and someone who listens; see `World`."""
    from tests.ros_bridge.node_world import World

    world = World()
    yield world
    world.close()

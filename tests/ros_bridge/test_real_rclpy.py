"""The scenarios of test_node.py on a real rclpy, where ROS is sourced: `pytest -m ros`. CI has not run this."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ros_bridge.conftest import STANDIN

rclpy = pytest.importorskip("rclpy", reason="no ROS 2 is sourced here (rclpy is on no package index)")
if Path(rclpy.__file__).is_relative_to(STANDIN):
    pytest.skip("only the stand-in for rclpy is here", allow_module_level=True)

from tests.ros_bridge.test_node import *  # noqa: E402, F403  # collected again, with the fixture below

pytestmark = pytest.mark.ros


@pytest.fixture
def standin() -> Path:
    """The real rclpy in the stand-in's place; nothing is put on the path."""
    return Path(rclpy.__file__).parent

"""`saymask_node`, what `ros2 run` starts: the node, or where there is no ROS one line that says what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from runtime.entry import BAD_INPUT
from runtime.errors import SaymaskError, missing_package

_ROS_PACKAGES = (
    "rclpy",
    "rcl_interfaces",
    "builtin_interfaces",
    "std_msgs",
    "sensor_msgs",
    "geometry_msgs",
    "vision_msgs",
    "diagnostic_msgs",
    "tf2_ros",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node until it is shut down, with ROS's own arguments in `argv` (None: the process's); the exit code.

    0: shut down. 2: told in one line: no ROS here, a package that is missing, a parameter out of range.
    """
    try:
        from saymask_ros import node

        return node.run(argv)
    except ImportError as error:  # while node is imported, or of message classes when it starts
        return fail(cannot_run(error))
    except SaymaskError as error:
        return fail(str(error))


def fail(line: str) -> int:
    """Tell `line` on standard error; the exit code that goes with it."""
    sys.stderr.write(f"error: {' '.join(line.split())}\n")
    return BAD_INPUT


def cannot_run(error: ImportError) -> str:
    """One line for what an import of the node lacked: ROS itself, one of its packages, or one of the runtime's."""
    package = (error.name or "").partition(".")[0]
    if package not in _ROS_PACKAGES:
        return missing_package(error)
    if not isinstance(error, ModuleNotFoundError) or error.name != package:  # it is there, and does not load
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (
            f"ROS's {package} cannot be loaded by this Python {version} ({error}); use the python3 that ROS came with"
        )
    if package == "rclpy":
        return (
            "there is no ROS 2 in this shell (no rclpy): source /opt/ros/<distribution>/setup.bash first; "
            "without ROS, use 'saymask bag RUN.mcap \"SENTENCE\"' on a recording or 'saymask zenoh' over the network"
        )
    return f"the ROS package {package} is not installed: sudo apt install ros-$ROS_DISTRO-{package.replace('_', '-')}"

"""Starts saymask_node: `ros2 launch saymask_ros saymask.launch.py image:=/camera/image_raw command:=/speech/text`."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

INPUTS = {
    "image": "camera pictures",
    "depth": "depth registered to the pictures",
    "camera_info": "calibration of the pictures' camera",
    "command": "what the person says (std_msgs/String)",
    "reply": "what the person answers to a question (std_msgs/String)",
}
CONFIG = Path(__file__).parents[1] / "config" / "saymask.yaml"


def generate_launch_description() -> LaunchDescription:
    """One node; every input is an argument, and `params` a file of parameters."""
    arguments = [DeclareLaunchArgument(name, default_value=name, description=told) for name, told in INPUTS.items()]
    arguments += [
        DeclareLaunchArgument("namespace", default_value="", description="namespace of the node and its topics"),
        DeclareLaunchArgument("params", default_value=str(CONFIG), description="YAML file of parameters"),
    ]
    node = Node(
        package="saymask_ros",
        executable="saymask_node",
        name="saymask",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params")],
        remappings=[(name, LaunchConfiguration(name)) for name in INPUTS],
        output="screen",
        emulate_tty=True,
    )
    return LaunchDescription([*arguments, node])

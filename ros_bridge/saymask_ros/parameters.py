"""Every ROS parameter of the node, once: name, default, range, what it does, and when a change takes effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, TypeVar

from runtime.backends import BACKENDS
from runtime.errors import SaymaskError
from saymask_ros.events import SessionSettings

Value = bool | int | float | str
When = Literal["start", "configure", "any time"]
"""When a change takes effect: only at the start of the program; at the next `configure`; with the next message."""

_V = TypeVar("_V", bool, int, float, str)


@dataclass(frozen=True)
class Parameter:
    """One parameter as ROS declares it. `low` and `high` are inclusive, and both set for a number."""

    name: str
    default: Value
    description: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    when: When

    @property
    def constraints(self) -> str:
        """What the range alone does not say, for `ros2 param describe`."""
        effect = {
            "start": "Read at the start.",
            "configure": "A change is taken only while the node is unconfigured.",
            "any time": "A change takes effect with the next message.",
        }[self.when]
        return f"One of: {', '.join(self.choices)}. {effect}" if self.choices else effect


def _parameter(
    default: _V,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    when: When = "any time",
) -> _V:
    told = {"description": description, "low": low, "high": high, "choices": choices, "when": when}
    value: _V = field(default=default, metadata=told)
    return value


@dataclass(frozen=True)
class Settings:
    """The values of all parameters at one moment. Times are in seconds."""

    autostart: bool = _parameter(
        True, "Configure and activate at once; false leaves both to a life cycle manager.", when="start"
    )
    model: str = _parameter("", "Model directory; empty for the one that came with the package.", when="configure")
    backend: str = _parameter("auto", "What runs the model.", choices=BACKENDS, when="configure")
    threads: int = _parameter(
        0, "CPU threads of ONNX Runtime; 0 leaves the number to it.", low=0, high=256, when="configure"
    )
    image_transport: str = _parameter(
        "raw",
        "Type of the image topic: sensor_msgs/Image, or sensor_msgs/CompressedImage (jpeg, png).",
        choices=("raw", "compressed"),
        when="configure",
    )
    use_depth: bool = _parameter(
        True,
        "Listen to depth and camera_info; false gives masks without target_point and grasp_pose.",
        when="configure",
    )
    depth_transport: str = _parameter(
        "raw",
        "Type of the depth topic: sensor_msgs/Image, or sensor_msgs/CompressedImage (compressedDepth).",
        choices=("raw", "compressed"),
        when="configure",
    )
    rectified: bool = _parameter(
        False, "Distortion is undone in the pictures (image_rect): camera_info counts by its P, not by its K."
    )
    command_timeout_s: float = _parameter(
        60.0, "A command ends so long after the last word about it; 0: never.", low=0.0, high=86400.0
    )
    depth_tolerance_s: float = _parameter(
        0.02, "Largest difference between the stamps of a picture and of its depth.", low=0.0, high=1.0
    )
    max_depth_age_s: float = _parameter(
        0.5, "Depth that came longer before or after its picture is refused as stale.", low=0.01, high=60.0
    )
    max_image_age_s: float = _parameter(
        1.0, "A picture that came longer ago is not answered, and the camera counts as silent.", low=0.05, high=60.0
    )
    depth_wait_s: float = _parameter(
        0.05, "How long an answer may wait for depth that is still to come.", low=0.0, high=1.0
    )
    settle_s: float = _parameter(1.0, "How long another answer must hold before it is spoken.", low=0.0, high=60.0)
    target_frame: str = _parameter(
        "", "Frame of target_point and grasp_pose, by tf2; empty for the camera's own frame."
    )
    tf_wait_s: float = _parameter(
        0.1, "How long a grasp may wait for the transform of its picture's time.", low=0.0, high=1.0
    )
    diagnostics_period_s: float = _parameter(1.0, "Time between two messages on /diagnostics.", low=0.1, high=60.0)

    def of_session(self) -> SessionSettings:
        """Those that the session reads. Raises SaymaskError for a value that it cannot use, such as NaN."""
        return SessionSettings(**{item.name: getattr(self, item.name) for item in fields(SessionSettings)})


def _describe() -> tuple[Parameter, ...]:
    described = []
    for item in fields(Settings):
        assert item.default is not MISSING
        described.append(Parameter(name=item.name, default=item.default, **item.metadata))
    return tuple(described)


PARAMETERS = _describe()
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings from a value of every parameter. Ranges are ROS's own to check; choices are checked here.

    Raises SaymaskError for a value that is none of its parameter's choices.
    """
    for parameter in PARAMETERS:
        if parameter.choices and values[parameter.name] not in parameter.choices:
            wanted = ", ".join(parameter.choices)
            raise SaymaskError(f"{parameter.name} is {values[parameter.name]!r}, must be one of: {wanted}")
    return Settings(**{parameter.name: values[parameter.name] for parameter in PARAMETERS})

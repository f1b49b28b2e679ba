"""Stand-in, see ../README.md."""

from __future__ import annotations

from typing import Any


class RCLError(RuntimeError):
    """In rclpy itself this is `rclpy._rclpy_pybind11.RCLError`."""


class InvalidHandle(Exception):
    pass


class ParameterException(Exception):
    pass


class ParameterNotDeclaredException(ParameterException):
    pass


class ParameterAlreadyDeclaredException(ParameterException):
    pass


class InvalidParameterTypeException(ParameterException):
    def __init__(self, desired_parameter: Any, expected_type: Any) -> None:
        super().__init__(
            f"Trying to set parameter '{desired_parameter.name}' to '{desired_parameter.value}' of type "
            f"'{desired_parameter.type_.name}', expecting type '{expected_type.name}'"
        )


class InvalidParameterValueException(ParameterException):
    def __init__(self, parameter: Any, value: Any, reason: str) -> None:
        super().__init__(f"Invalid parameter value ({value}) for parameter '{parameter}'. Reason: {reason}")

"""Stand-in, see ../README.md."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Parameter:
    class Type(Enum):
        NOT_SET = 0
        BOOL = 1
        INTEGER = 2
        DOUBLE = 3
        STRING = 4

        @classmethod
        def from_parameter_value(cls, parameter_value: Any) -> Parameter.Type:
            kinds = {bool: cls.BOOL, int: cls.INTEGER, float: cls.DOUBLE, str: cls.STRING, type(None): cls.NOT_SET}
            if type(parameter_value) not in kinds:
                raise TypeError(f"The given value is not one of the allowed types '{parameter_value}'.")
            return kinds[type(parameter_value)]

    def __init__(self, name: str, type_: Parameter.Type | None = None, value: Any = None) -> None:
        found = Parameter.Type.from_parameter_value(value)
        if type_ is not None and type_ is not found:
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self.name, self.type_, self.value = name, found, value

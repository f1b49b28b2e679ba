"""Stand-in, see ../README.md."""

from rosidl_standin import Message, boolean, float64, int64, string, uint8, uint64


class FloatingPointRange(Message):
    from_value: float64
    to_value: float64
    step: float64


class IntegerRange(Message):
    from_value: int64
    to_value: int64
    step: uint64


class ParameterDescriptor(Message):
    name: string
    type: uint8
    description: string
    additional_constraints: string
    read_only: boolean
    dynamic_typing: boolean
    floating_point_range: list[FloatingPointRange]
    integer_range: list[IntegerRange]


class SetParametersResult(Message):
    successful: boolean
    reason: string

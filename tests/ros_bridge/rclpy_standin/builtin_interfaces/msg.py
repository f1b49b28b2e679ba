"""Stand-in, see ../README.md."""

from rosidl_standin import Message, int32, uint32


class Time(Message):
    sec: int32
    nanosec: uint32

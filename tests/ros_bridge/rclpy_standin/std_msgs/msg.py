"""Stand-in, see ../README.md."""

from builtin_interfaces.msg import Time
from rosidl_standin import Message, string


class Header(Message):
    stamp: Time
    frame_id: string


class String(Message):
    data: string

"""Stand-in, see ../README.md."""

from rosidl_standin import Message, byte, string
from std_msgs.msg import Header


class KeyValue(Message):
    key: string
    value: string


class DiagnosticStatus(Message):
    OK = b"\0"
    WARN = b"\1"
    ERROR = b"\2"
    STALE = b"\3"

    level: byte
    name: string
    message: string
    hardware_id: string
    values: list[KeyValue]


class DiagnosticArray(Message):
    header: Header
    status: list[DiagnosticStatus]

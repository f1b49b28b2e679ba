"""Stand-in, see ../README.md."""

from rosidl_standin import Message, float64, float64x36, string
from std_msgs.msg import Header


class Point(Message):
    x: float64
    y: float64
    z: float64


class Vector3(Message):
    x: float64
    y: float64
    z: float64


class Quaternion(Message):
    x: float64
    y: float64
    z: float64
    w: float64

    def __init__(self, **values: float) -> None:
        super().__init__(**{"w": 1.0, **values})  # the definition's own default


class Pose(Message):
    position: Point
    orientation: Quaternion


class PointStamped(Message):
    header: Header
    point: Point


class PoseStamped(Message):
    header: Header
    pose: Pose


class PoseWithCovariance(Message):
    pose: Pose
    covariance: float64x36


class Transform(Message):
    translation: Vector3
    rotation: Quaternion


class TransformStamped(Message):
    header: Header
    child_frame_id: string
    transform: Transform

"""Stand-in, see ../README.md."""

from geometry_msgs.msg import PoseWithCovariance
from rosidl_standin import Message, float64, string
from std_msgs.msg import Header


class Point2D(Message):
    x: float64
    y: float64


class Pose2D(Message):
    position: Point2D
    theta: float64


class BoundingBox2D(Message):
    center: Pose2D
    size_x: float64
    size_y: float64


class ObjectHypothesis(Message):
    class_id: string
    score: float64


class ObjectHypothesisWithPose(Message):
    hypothesis: ObjectHypothesis
    pose: PoseWithCovariance


class Detection2D(Message):
    header: Header
    results: list[ObjectHypothesisWithPose]
    bbox: BoundingBox2D
    id: string


class Detection2DArray(Message):
    header: Header
    detections: list[Detection2D]

"""The message classes that answers are made of: rclpy's on a robot, those of rosbags without ROS. No ROS import.

Both take the fields by name and differ in how they hold bytes, which `MessageTypes` hides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

Distribution = Literal["humble", "jazzy", "kilted", "lyrical"]
DISTRIBUTIONS: tuple[Distribution, ...] = get_args(Distribution)

PACKAGES = {
    "builtin_interfaces": ("Time",),
    "diagnostic_msgs": ("DiagnosticArray", "DiagnosticStatus", "KeyValue"),
    "geometry_msgs": ("Point", "PointStamped", "Pose", "PoseStamped", "PoseWithCovariance", "Quaternion"),
    "sensor_msgs": ("CameraInfo", "CompressedImage", "Image"),
    "std_msgs": ("Header", "String"),
    "vision_msgs": (
        "BoundingBox2D",
        "Detection2D",
        "Detection2DArray",
        "ObjectHypothesis",
        "ObjectHypothesisWithPose",
        "Point2D",
        "Pose2D",
    ),
}
"""Every message that is read or made, by the package that it comes from."""

# The fields of vision_msgs 4 (https://github.com/ros-perception/vision_msgs, branch ros2), the same from Humble on;
# rosbags does not bring them.
_VISION_MSGS = {
    "Point2D": "float64 x\nfloat64 y",
    "Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
    "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
    "Detection2D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox2D bbox\nstring id"
    ),
    "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
}


class MessageTypes(ABC):
    """Message classes by their ROS names; each takes its fields as keywords."""

    Time: Callable[..., Any]
    DiagnosticArray: Callable[..., Any]
    DiagnosticStatus: Callable[..., Any]
    KeyValue: Callable[..., Any]
    Point: Callable[..., Any]
    PointStamped: Callable[..., Any]
    Pose: Callable[..., Any]
    PoseStamped: Callable[..., Any]
    PoseWithCovariance: Callable[..., Any]
    Quaternion: Callable[..., Any]
    CompressedImage: Callable[..., Any]
    Image: Callable[..., Any]
    Header: Callable[..., Any]
    String: Callable[..., Any]
    BoundingBox2D: Callable[..., Any]
    Detection2D: Callable[..., Any]
    Detection2DArray: Callable[..., Any]
    ObjectHypothesis: Callable[..., Any]
    ObjectHypothesisWithPose: Callable[..., Any]
    Point2D: Callable[..., Any]
    Pose2D: Callable[..., Any]

    @abstractmethod
    def octets(self, values: npt.NDArray[np.uint8]) -> Any:
        """What a field `uint8[]` takes; for rclpy `array.array("B", values.tobytes())`, as a list takes far longer."""

    @abstractmethod
    def level(self, value: int) -> Any:
        """What a field `byte` takes, such as DiagnosticStatus.level."""


class RosbagsTypes(MessageTypes):
    """The message classes of rosbags for one distribution, and their CDR."""

    def __init__(self, distribution: Distribution) -> None:
        """Raises SaymaskError for a distribution that is none of DISTRIBUTIONS, ImportError without rosbags."""
        self.distribution = distribution
        self._store = typestore(distribution)
        for package, names in PACKAGES.items():
            for name in names:
                setattr(self, name, self._store.types[f"{package}/msg/{name}"])

    def octets(self, values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The bytes themselves."""
        return values.reshape(-1)

    def level(self, value: int) -> int:
        """The number itself."""
        return value

    def type_name(self, kind: str) -> str:
        """The full name of one of PACKAGES' messages: "sensor_msgs/msg/Image" for "Image"."""
        package = next(package for package, names in PACKAGES.items() if kind in names)
        return f"{package}/msg/{kind}"

    def type_hash(self, type_name: str) -> str:
        """The REP-2011 hash of a type: "RIHS01_..."."""
        return self._store.hash_rihs01(type_name)

    def serialise(self, message: Any) -> bytes:
        """The CDR of a message, with its four bytes of encapsulation."""
        return bytes(self._store.serialize_cdr(message, message.__msgtype__))

    def deserialise(self, cdr: bytes, type_name: str) -> Any:
        """The message in `cdr`, whose arrays are views of it. Raises SaymaskError where it is none."""
        try:
            return self._store.deserialize_cdr(cdr, type_name)
        except Exception as error:  # rosbags' own errors, and whatever else broken bytes make of its generated code
            raise SaymaskError(f"{len(cdr)} bytes are no {type_name}: {error}") from error


@cache
def typestore(distribution: str) -> Typestore:
    """rosbags' types of a distribution, vision_msgs among them. Do not register others.

    Raises SaymaskError for a distribution that is none of DISTRIBUTIONS, ImportError without rosbags.
    """
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore  # not on a robot

    if distribution not in DISTRIBUTIONS:
        raise SaymaskError(f"the distribution must be one of: {', '.join(DISTRIBUTIONS)}; got {distribution!r}")
    store = get_typestore(Stores[f"ROS2_{distribution.upper()}"])
    for name, definition in _VISION_MSGS.items():
        store.register(get_types_from_msg(definition, f"vision_msgs/msg/{name}"))
    return store

"""Why a topic brings nothing: what ROS's graph says of its publishers, in one line. No ROS import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Talker:
    """One publisher of a topic. `mismatch`: why its QoS cannot reach us, empty where it can."""

    node: str
    type_name: str
    mismatch: str


def why_silent(topic: str, wanted_type: str, talkers: Sequence[Talker], input_name: str) -> str:
    """The likeliest reason why nothing comes on `topic`, of `wanted_type` ("sensor_msgs/msg/Image"), and what to do."""
    if not talkers:
        return f"nobody publishes {topic}: start the camera, or remap with -r {input_name}:=/its/topic"
    fitting = [talker for talker in talkers if talker.type_name == wanted_type]
    if not fitting:
        other = talkers[0]
        return f"{other.node} publishes {other.type_name} on {topic}, {wanted_type} is expected{_hint(other.type_name)}"
    refused = [talker for talker in fitting if talker.mismatch]
    if len(refused) == len(fitting):
        return (
            f"QoS mismatch suspected on {topic}: {refused[0].node} offers what we cannot take ({refused[0].mismatch})"
        )
    names = ", ".join(dict.fromkeys(talker.node for talker in fitting))
    return (
        f"{names} publishes {topic} and nothing arrives: it may be idle, or on another network; "
        f"see 'ros2 topic hz {topic}' and 'ros2 topic info -v {topic}'"
    )


def _hint(type_name: str) -> str:
    transports = {"sensor_msgs/msg/CompressedImage": "compressed", "sensor_msgs/msg/Image": "raw"}
    return f"; set image_transport:={transports[type_name]}" if type_name in transports else ""

"""How rmw_zenoh names topics on Zenoh, tells others of its nodes, and stamps messages: pure functions, no Zenoh.

After rmw_zenoh's `docs/design.md`, `liveliness_utils.cpp` and `attachment_helpers.cpp` (Jazzy 0.2.4 and later, Humble,
Kilted; Jazzy's 0.2.0 to 0.2.3 write another attachment). Experimental: not yet checked against a running rmw_zenoh.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

import xxhash

from runtime.errors import SaymaskError

NO_TYPE_HASH = "TypeHashNotSupported"
"""Stands in the place of the hash on Humble, whose messages carry none."""
LARGEST_DOMAIN = 232
"""The largest ROS_DOMAIN_ID that every middleware of ROS 2 takes."""

_ATTACHMENT = struct.Struct("<qqB16s")
_GID_BYTES = 16
_TOPIC = re.compile(r"/?[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True)
class TopicType:
    """A topic by its ROS name ("/camera/image"), its type ("sensor_msgs/msg/Image") and the type's REP-2011 hash."""

    topic: str
    type_name: str
    type_hash: str

    def __post_init__(self) -> None:
        if not _TOPIC.fullmatch(self.topic):
            raise SaymaskError(
                f"'{self.topic}' is not the name of a ROS topic; give one such as /camera/color/image_raw"
            )

    @property
    def dds_type(self) -> str:
        """The type as the wire names it: "sensor_msgs::msg::dds_::Image_"."""
        package, kind, name = self.type_name.split("/")
        return f"{package}::{kind}::dds_::{name}_"

    def key(self, domain: int, type_hash: str | None = None) -> str:
        """The key that messages are put under; `type_hash` "*" subscribes to every definition of the type."""
        return f"{domain}/{self.topic.strip('/')}/{self.dds_type}/{type_hash or self.type_hash}"


@dataclass(frozen=True)
class Node:
    """Ourselves in ROS's graph: a node `name` without a namespace, of the Zenoh session `session_id`."""

    domain: int
    session_id: str
    name: str

    def token(self) -> str:
        """The liveliness token that `ros2 node list` shows."""
        return f"{self._prefix(0)}/NN/%/%/{self.name}"

    def endpoint_token(self, kind: Literal["publisher", "subscription"], number: int, topic: TopicType) -> str:
        """The liveliness token that `ros2 topic info` shows; `number` is unique within the node.

        Publishers are reliable, subscriptions best effort as ROS's sensor data profile is; both volatile, depth 5.
        """
        entity, reliability = ("MP", "") if kind == "publisher" else ("MS", "2")
        name = "%" + topic.topic.strip("/").replace("/", "%")
        # Reliability:durability:history,depth:deadline:lifespan:liveliness; what is left out is rmw_zenoh's default.
        qos = f"{reliability}::,5:,:,:,,"
        path = f"{self._prefix(number)}/{entity}/%/%/{self.name}"
        return f"{path}/{name}/{topic.dds_type}/{topic.type_hash}/{qos}"

    def _prefix(self, number: int) -> str:
        return f"@ros2_lv/{self.domain}/{self.session_id}/0/{number}"


def pack_attachment(sequence: int, stamp_ns: int, gid: bytes) -> bytes:
    """What rides on every message, without which rmw_zenoh drops it: its number from 1, time sent, publisher's id.

    Little-endian int64, int64, and `gid` of 16 bytes after their count. rmw_zenoh reads it inside a callback where
    a field too few would end the other process.
    """
    return _ATTACHMENT.pack(sequence, stamp_ns, _GID_BYTES, gid)


def gid_of(token: str) -> bytes:
    """The 16 bytes by which ROS knows the publisher or subscription of a liveliness token."""
    return xxhash.xxh3_128_intdigest(token.encode()).to_bytes(_GID_BYTES, "little")


def check_domain(domain: int) -> None:
    """Raises SaymaskError where `domain` is no ROS_DOMAIN_ID."""
    if not 0 <= domain <= LARGEST_DOMAIN:
        raise SaymaskError(f"--domain is a ROS_DOMAIN_ID, 0 to {LARGEST_DOMAIN}, got {domain}")

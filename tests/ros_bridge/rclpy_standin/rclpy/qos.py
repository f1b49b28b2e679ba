"""Stand-in, see ../README.md."""

from __future__ import annotations

from enum import Enum, IntEnum


class HistoryPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2


class ReliabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3


class DurabilityPolicy(IntEnum):
    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3


class QoSCompatibility(Enum):
    OK = 0
    WARNING = 1
    ERROR = 2


class QoSProfile:
    def __init__(
        self,
        *,
        depth: int,
        history: HistoryPolicy = HistoryPolicy.KEEP_LAST,
        reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE,
        durability: DurabilityPolicy = DurabilityPolicy.VOLATILE,
    ) -> None:
        self.depth, self.history, self.reliability, self.durability = depth, history, reliability, durability


qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


def qos_check_compatible(publisher_qos: QoSProfile, subscription_qos: QoSProfile) -> tuple[QoSCompatibility, str]:
    reliability = publisher_qos.reliability, subscription_qos.reliability
    if reliability == (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE):
        return QoSCompatibility.ERROR, "ERROR: Best effort publisher and reliable subscription;"
    durability = publisher_qos.durability, subscription_qos.durability
    if durability == (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL):
        return QoSCompatibility.ERROR, "ERROR: Volatile publisher and transient local subscription;"
    return QoSCompatibility.OK, ""

"""One Zenoh session that publishes and subscribes as a node of rmw_zenoh does. Payloads are CDR, as bytes."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

import zenoh

from runtime.datatypes import LARGEST_SIDE
from runtime.errors import SaymaskError
from saymask_ros.rmw_zenoh import Node, TopicType, check_domain, gid_of, pack_attachment

_log = logging.getLogger("saymask")

LARGEST_MESSAGE = LARGEST_SIDE**2 * 4 + 65536
"""Bytes: the largest picture of four channels, or depth in float32, and its header."""
ROUTER = "tcp/127.0.0.1:7447"
"""Where rmw_zenoh looks for its router, on this machine only."""

Take = Callable[[bytes], None]
Refuse = Callable[[str], None]
_ENDPOINT = re.compile(r"tcp/(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")


class Transport:
    """A Zenoh session with a node of the name `name` in ROS's graph. A context manager that closes it.

    With `connect` ("tcp/HOST:PORT") a client of that router, which has no open port of its own. With `listen`, and at
    127.0.0.1 where neither is given, a router that rmw_zenoh's nodes find as they find rmw_zenohd. A lost router is
    looked for until it is back. Raises SaymaskError in one line for an endpoint that cannot be read, reached or opened.
    """

    def __init__(self, *, connect: str | None, listen: str | None, domain: int, name: str) -> None:
        check_domain(domain)
        if listen is None and connect is None:
            listen = ROUTER
        self._session = _open(connect, listen)
        self._node = Node(domain, str(self._session.zid()), name)
        self._tokens = [self._session.liveliness().declare_token(self._node.token())]

    def publisher(self, topic: TopicType, serialise: Callable[[Any], bytes]) -> Publisher:
        """Announce `topic`; what is published goes to every subscriber that has the same type and hash.

        `serialise` makes CDR of a message.
        """
        token = self._announce("publisher", topic)
        publisher = self._session.declare_publisher(
            topic.key(self._node.domain),
            encoding=zenoh.Encoding.APPLICATION_CDR,
            congestion_control=zenoh.CongestionControl.DROP,
        )
        return Publisher(publisher, gid_of(token), serialise)

    def subscribe(self, topic: TopicType, take: Take, refuse: Refuse) -> None:
        """Hand each message's CDR to `take`, or the reason why it is none to `refuse`, from a thread of Zenoh's.

        Both should return at once: what comes meanwhile waits in memory.
        """

        def on_sample(sample: zenoh.Sample) -> None:
            reason = _refusal(sample, topic)
            if reason:
                refuse(reason)
            else:
                take(sample.payload.to_bytes())

        self._session.declare_subscriber(topic.key(self._node.domain, "*"), on_sample)
        self._announce("subscription", topic)

    def _announce(self, kind: Literal["publisher", "subscription"], topic: TopicType) -> str:
        token = self._node.endpoint_token(kind, len(self._tokens), topic)
        self._tokens.append(self._session.liveliness().declare_token(token))
        return token

    def close(self) -> None:
        """Leave ROS's graph; nothing is handed on after this. Closing twice is allowed."""
        if not self._session.is_closed():
            self._session.close()  # type: ignore[no-untyped-call]  # zenoh's stub leaves out `-> None`

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Publisher:
    """One topic that we publish. For one thread at a time."""

    def __init__(self, publisher: zenoh.Publisher, gid: bytes, serialise: Callable[[Any], bytes]) -> None:
        self._publisher = publisher
        self._gid = gid
        self._serialise = serialise
        self._sequence = 0

    def publish(self, msg: Any) -> None:
        """Send a message; where the network is too slow, it is dropped."""
        self._sequence += 1
        attachment = pack_attachment(self._sequence, time.time_ns(), self._gid)
        self._publisher.put(self._serialise(msg), attachment=attachment)

    def get_subscription_count(self) -> int:
        """1 where somebody listens, else 0: Zenoh does not tell how many."""
        status: Any = self._publisher.matching_status  # a MatchingStatus, which zenoh's stub calls a bool
        return int(status.matching)


def _refusal(sample: zenoh.Sample, topic: TopicType) -> str:
    """Why a sample is no message of `topic`, empty where it is."""
    if sample.kind != zenoh.SampleKind.PUT or not len(sample.payload):
        return f"{topic.topic}: an empty message"
    if len(sample.payload) > LARGEST_MESSAGE:
        return f"{topic.topic}: {len(sample.payload)} bytes, at most {LARGEST_MESSAGE} are taken"
    type_hash = str(sample.key_expr).rpartition("/")[2]
    if type_hash != topic.type_hash:
        return f"{topic.topic}: a {topic.type_name} with the hash {type_hash}; is --distribution the robot's?"
    return ""


def _open(connect: str | None, listen: str | None) -> zenoh.Session:
    for option, endpoint in (("--connect", connect), ("--listen", listen)):
        _check_endpoint(option, endpoint)
    settings = {
        "mode": "router" if listen else "client",
        "connect/endpoints": [connect] if connect else [],
        "listen/endpoints": [listen] if listen else [],
        "scouting/multicast/enabled": False,  # as rmw_zenoh; and nobody is to find us uninvited
        # Larger ones are discarded while they come in; those between the two limits are counted by _refusal.
        "transport/link/rx/max_message_size": 2 * LARGEST_MESSAGE,
    }
    config = zenoh.Config()
    for key, value in settings.items():
        config.insert_json5(key, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError as error:
        raise SaymaskError(_cannot_open(connect, listen, str(error))) from error


def _cannot_open(connect: str | None, listen: str | None, reason: str) -> str:
    if "in use" in reason:
        return f"{listen} is in use, perhaps by rmw_zenohd; connect to that instead: --connect {listen}"
    if listen and "listener" in reason:
        return f"cannot listen on {listen}: {reason.partition(' at ')[0]}; give an address of this machine to --listen"
    return f"no Zenoh router answers at {connect}; start one there: ros2 run rmw_zenoh_cpp rmw_zenohd"


def _check_endpoint(option: str, endpoint: str | None) -> None:
    """Refuse what is no endpoint; warn of one that opens this machine to others."""
    if endpoint is None:
        return
    read = _ENDPOINT.fullmatch(endpoint)
    if not read or not 0 < int(read["port"]) < 65536:
        raise SaymaskError(f"{option} takes tcp/HOST:PORT such as {ROUTER}, got '{endpoint}'")
    if option == "--listen" and not _is_loopback(read["host"].strip("[]")):
        _log.warning(
            "%s is open to the network: whoever reaches it can send commands and see what is answered", endpoint
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"

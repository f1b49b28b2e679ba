"""Stand-in, see ../README.md: one context, one process, callbacks in the thread that spins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy import graph
from rclpy.exceptions import RCLError

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node


def init(
    *,
    args: list[str] | None = None,
    context: Any | None = None,
    domain_id: int | None = None,
    signal_handler_options: Any | None = None,
) -> None:
    if graph.DOMAIN.up:
        raise RuntimeError("Context.init() must only be called once")
    graph.DOMAIN = graph.Domain(args or [])


def ok(*, context: Any | None = None) -> bool:
    return graph.DOMAIN.up


def shutdown(*, context: Any | None = None, uninstall_handlers: bool | None = None) -> None:
    if not graph.DOMAIN.up:
        raise RCLError("failed to shutdown: rcl_shutdown already called on the given context")
    graph.DOMAIN.shut_down()


def try_shutdown(*, context: Any | None = None, uninstall_handlers: bool | None = None) -> None:
    if graph.DOMAIN.up:
        graph.DOMAIN.shut_down()


def spin_once(node: Node, *, executor: Executor | None = None, timeout_sec: float | None = None) -> None:
    work = graph.DOMAIN.next_work(node, timeout_sec)
    if work is not None:
        work()


def spin(node: Node, executor: Executor | None = None) -> None:
    from rclpy.executors import ExternalShutdownException

    while graph.DOMAIN.up:
        spin_once(node, timeout_sec=0.05)
    raise ExternalShutdownException


def spin_until(node: Node, done: Callable[[], bool], seconds: float = 10.0) -> bool:
    """For tests, not in rclpy: spin until `done()`; whether it came to that within the time."""
    import time

    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        spin_once(node, timeout_sec=0.005)
    return True

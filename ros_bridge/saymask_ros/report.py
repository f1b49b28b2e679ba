"""Why the node puts out nothing, or less than it could: the session's reasons and those that only the node can know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from saymask_ros.events import SessionStatus

IDLE = SessionStatus((), "", "", False, {}, None, None, False, None, "")
"""Of a node that has no session."""


@dataclass(frozen=True)
class NodeState:
    """What the node knows at one moment.

    `name`: its full name. `fault`: what the last transition failed of. `silent`: for inputs that bring nothing, the
    likeliest reason. `no_transform`: why the last grasp could not be put into the target frame. `fallback`: why the
    fastest backend does not run. All "" or empty where there is nothing to say.
    """

    label: Literal["unconfigured", "inactive", "active"]
    name: str
    fault: str = ""
    silent: Mapping[str, str] = field(default_factory=dict)
    no_transform: str = ""
    fallback: str = ""


def report(state: NodeState, status: SessionStatus = IDLE) -> SessionStatus:
    """`status` with all reasons, most important first."""
    return replace(status, reasons=tuple(reason for reason in _reasons(state, status) if reason))


def _reasons(state: NodeState, status: SessionStatus) -> list[str]:
    if state.label != "active":
        next_step = "configure" if state.label == "unconfigured" else "activate"
        return [state.fault, f"the node is {state.label}: ros2 lifecycle set {state.name} {next_step}", state.fallback]
    return [*state.silent.values(), *status.reasons, state.no_transform, state.fallback]

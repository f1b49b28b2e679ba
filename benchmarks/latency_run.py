"""One run in which every backend, the bare graphs and the peers take turns; benchmarks/latency.py is the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from benchmarks.contenders import CHECKPOINT, Contender, open_contender
from benchmarks.jetson import Conditions
from benchmarks.robot import Robot
from benchmarks.timing import interleaved, summarise
from benchmarks.workload import Request
from runtime.errors import SaymaskError, missing_package

Summaries = dict[str, dict[str, float]]
Calls = dict[str, Callable[[], object]]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Plan:
    """What takes part: contenders by name, the bare graphs, and the peers where `peers_dir` says where they are."""

    model: Path
    contenders: Sequence[str]
    requests: Sequence[Request]
    rounds: int
    warmup: int
    seconds: float = 0.0
    threads: int | None = None
    checkpoint: Path = CHECKPOINT
    peers_dir: Path | None = None


@dataclass
class Measured:
    """Summaries in milliseconds: of the contenders by stage, of the bare graphs and of the peers by name.

    `warmup` is of end_to_end in the rounds before those that count; `device_times` what Robot.device_summary gives.
    `conditions` is a Jetson's; `not_run` says why.
    """

    contenders: dict[str, Summaries] = field(default_factory=dict)
    warmup: Summaries = field(default_factory=dict)
    device_times: dict[str, Summaries] = field(default_factory=dict)
    bare: Summaries = field(default_factory=dict)
    peers: Summaries = field(default_factory=dict)
    conditions: dict[str, Any] | None = None
    not_run: dict[str, str] = field(default_factory=dict)


def measure(plan: Plan) -> Measured:
    """Open everything, and time it in turns. Raises SaymaskError where none of the contenders can run."""
    measured = Measured()
    with ExitStack() as stack:
        robots: dict[str, Robot] = {}
        for name in tqdm(plan.contenders, desc="opening", unit="backend", leave=False):
            robot = _attempt(name, partial(_open, plan, name, stack), measured.not_run)
            if robot:
                robots[name] = robot
        if not robots:
            raise SaymaskError("; ".join(dict.fromkeys(measured.not_run.values())))
        bare = _attempt("bare sessions", partial(_bare_calls, plan), measured.not_run) or {}
        peers = _peer_calls(plan, measured.not_run)
        calls: Calls = {}
        for name, robot in robots.items():
            calls |= {f"{name}/{call}": ask for call, ask in robot.calls().items()}
        calls |= {f"bare/{name}": call for name, call in bare.items()}
        calls |= {f"peer/{name}": call for name, call in peers.items()}
        with Conditions() as conditions:
            times = interleaved(
                calls, rounds=plan.rounds, warmup=plan.warmup, seconds=plan.seconds, description="latency"
            )
    measured.conditions = conditions.result
    for name, robot in robots.items():
        own = {call: times.measured[f"{name}/{call}"] for call in robot.calls()}
        measured.contenders[name] = robot.summary(own, plan.warmup)
        if plan.warmup:
            measured.warmup[name] = summarise(times.warmup[f"{name}/end_to_end"])
        device_times = robot.device_summary(plan.warmup)
        if device_times:
            measured.device_times[name] = device_times
    measured.bare = {name: summarise(times.measured[f"bare/{name}"]) for name in bare}
    measured.peers = {name: summarise(times.measured[f"peer/{name}"]) for name in peers}
    return measured


def _open(plan: Plan, name: str, stack: ExitStack) -> Robot:
    """A contender that has answered once; it is closed with `stack`, and at once where it cannot answer."""
    contender: Contender = open_contender(name, plan.model, checkpoint=plan.checkpoint, threads=plan.threads)
    try:
        robot = Robot(contender, plan.requests, getattr(contender.backend, "times", None))
    except BaseException:
        contender.close()
        raise
    stack.enter_context(contender)
    return robot


def _bare_calls(plan: Plan) -> Calls:
    from benchmarks.bare_sessions import bare_calls  # a robot with TensorRT need not have ONNX Runtime

    return dict(bare_calls(plan.model, plan.requests[0], threads=plan.threads))


def _peer_calls(plan: Plan, not_run: dict[str, str]) -> Calls:
    if plan.peers_dir is None:
        return {}
    from benchmarks.peers import PEERS, peer_call

    calls: Calls = {}
    for name, peer in tqdm(PEERS.items(), desc="building peers", unit="peer", leave=False):
        call = _attempt(name, partial(peer_call, peer, name, plan.peers_dir, threads=plan.threads), not_run)
        if call:
            calls[name] = call
    return calls


def _attempt(name: str, make: Callable[[], _T], not_run: dict[str, str]) -> _T | None:
    """What `make` makes; where that cannot be here, None, and the reason in `not_run`."""
    try:
        return make()
    except SaymaskError as error:
        not_run[name] = str(error)
    except ImportError as error:
        not_run[name] = missing_package(error)
    return None

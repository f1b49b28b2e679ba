"""One clear line for what a TensorRT parser or builder complains about in many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runtime.backends.tensorrt_api import Message, TensorRT
from runtime.errors import SaymaskError

_CAUSES = (
    (r"workspace", "a layer{node} finds no room in the workspace{limit}; allow more with --workspace MIB"),
    (
        r"no space left on device|disk quota",
        "the disk is full; free some, or name another folder with --cache DIR (or SAYMASK_CACHE)",
    ),
    (
        r"out ?of ?memory|bad_alloc|cannot allocate|failed to allocate|resource temporarily unavailable",
        "out of memory; close other programs, or build for less with --max-expressions or --workspace MIB",
    ),
    (
        r"no cuda.capable device|driver version is insufficient|cuda initialization",
        "no usable NVIDIA GPU; nvidia-smi must list one, with a driver as new as TensorRT's CUDA",
    ),
)
"""What to look for in the builder's errors, and what to tell. The first that occurs counts."""
_REQUESTED = r"OutOfMemory \(Requested size was (\d+) bytes"
_NODE = r"implementation for node \{?([^\s{}()]+)"
_LONGEST = 300


def parse_error(api: TensorRT, file: str, errors: Sequence[Any]) -> SaymaskError:
    """The parser's `errors` (`ParserError`) about one graph; names the node and its operator."""
    if not errors:
        return SaymaskError(f"{api} cannot read {file}; is it an ONNX file?")
    error = errors[0]  # the others follow from it
    if not error.node_operator():
        return SaymaskError(f"{api} cannot read {file}: {_short(error.desc())}")
    node = f"the node '{error.node_name()}' ({error.node_operator()})"
    if error.code().name == "UNSUPPORTED_NODE":
        return SaymaskError(f"{file}: {api} has no such operator: {node}; export the model without it")
    return SaymaskError(f"{file}: {api} refuses {node}: {_short(error.desc())}")


def build_error(api: TensorRT, file: str, messages: Sequence[Message], workspace_mib: int | None) -> SaymaskError:
    """What the builder's log (in order) says about a graph for which no engine came out."""
    errors = [message.text for message in messages if message.severity in ("error", "internal_error")]
    everything = "\n".join(errors)
    reason = _short(errors[0]) if errors else "the builder gave no reason"
    for pattern, told in _CAUSES:
        if re.search(pattern, everything, re.IGNORECASE):
            node = re.search(_NODE, everything)
            limit = f" of {workspace_mib} MiB" if workspace_mib else ""
            reason = told.format(limit=limit, node=f" ({node[1].rstrip(',.')})" if node else "")
            break
    requested = re.search(_REQUESTED, everything)
    if workspace_mib and requested and int(requested[1]) > workspace_mib << 20:
        # The builder calls its own limit a lack of memory.
        needed = (int(requested[1]) >> 20) + 1
        reason = f"a layer needs {needed} MiB, the workspace has {workspace_mib}; allow more with --workspace MIB"
    return SaymaskError(f"{file}: {api} built no engine: {reason}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."

"""Which layers run in which precision: as TensorRT parsed them, and as a finished engine runs them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from runtime.backends.tensorrt_api import TensorRT

_FLOATS = ("float32", "float16", "bfloat16")
_TRT = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}
_WORDS = {"fp32": "float32", "float": "float32", "fp16": "float16", "half": "float16", "bf16": "bfloat16"}
"""What engine inspectors of different versions call them."""


@dataclass(frozen=True)
class LayerPrecision:
    """One layer: its name, its kind as TensorRT calls it ("CONVOLUTION"), the type of what it puts out ("float16").

    "" where it puts out nothing (an assertion).
    """

    name: str
    kind: str
    precision: str


def network_layers(api: TensorRT, network: Any) -> tuple[LayerPrecision, ...]:
    """The layers of a parsed network. Strongly typed: the builder may fuse them but not change a precision."""
    layers = []
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        dtype = layer.get_output(0).dtype.name if layer.num_outputs else ""
        layers.append(LayerPrecision(layer.name, layer.type.name, _TRT.get(dtype, dtype.lower())))
    return tuple(layers)


def engine_layers(api: TensorRT, engine: Any) -> tuple[LayerPrecision, ...]:
    """The layers that a deserialised engine runs, after fusion; empty where its inspector tells no precisions."""
    told = engine.create_engine_inspector().get_engine_information(api.module.LayerInformationFormat.JSON)
    return inspected_layers(told)


def inspected_layers(told: str) -> tuple[LayerPrecision, ...]:
    """What an engine inspector's JSON says of its layers."""
    try:
        entries = json.loads(told)["Layers"]
    except (ValueError, KeyError, TypeError):
        return ()
    found = []
    for entry in entries:
        if not isinstance(entry, dict):  # bare names: the engine was built without details
            continue
        outputs = entry.get("Outputs") or [{}]
        words = str(outputs[0].get("Datatype") or outputs[0].get("Format/Datatype", "")).lower()
        precision = next((meant for word, meant in _WORDS.items() if word in words.split()), words)
        found.append(LayerPrecision(str(entry.get("Name", "")), str(entry.get("LayerType", "")), precision))
    return tuple(found)


def count_precisions(layers: Iterable[LayerPrecision]) -> dict[str, int]:
    """Layers by precision, the floating-point ones (which do the arithmetic) first."""
    counts = Counter(item.precision for item in layers if item.precision)
    return dict(sorted(counts.items(), key=lambda item: (item[0] not in _FLOATS, -item[1])))

"""A bundle of a few ONNX nodes that truly segments by colour word: small, exact, and known by heart."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtime.language.vocabulary import Vocabulary

OPSET, IR_VERSION = 18, 10
SIDE, MAX_WORDS = 48, 8
WORDS = ("the", "block", "blocks", "on", "left", "red", "green", "blue")
_TYPES = {"uint8": TensorProto.UINT8, "int64": TensorProto.INT64, "float32": TensorProto.FLOAT}
Side = list[tuple[str, str, list[Any]]]
_SPECS: dict[str, tuple[Side, Side]] = {
    "image_encoder": (
        [("pixels", "uint8", [SIDE, SIDE, 3])],
        [("features", "float32", [1, 3, SIDE, SIDE])],
    ),
    "text_encoder": (
        [("token_ids", "int64", ["N", "T"]), ("lengths", "int64", ["N"])],
        [("sentence", "float32", ["N", 3])],
    ),
    "mask_decoder": (
        [("features", "float32", [1, 3, SIDE, SIDE]), ("sentence", "float32", ["N", 3])],
        [("mask_logits", "float32", ["N", SIDE, SIDE]), ("count_logits", "float32", ["N", 3])],
    ),
}


def write_colour_bundle(folder: Path) -> Path:
    """Write the bundle into `folder` (made) and return it.

    Its mask is where the picture has the colour that the words name; it says "none" where that is nowhere, else "one".
    """
    folder.mkdir(parents=True)
    vocabulary = Vocabulary.from_words(WORDS)
    (folder / "vocab.json").write_text(json.dumps(vocabulary.to_json()), encoding="utf-8")
    for name, (nodes, constants) in _graphs(vocabulary).items():
        graph = helper.make_graph(
            nodes,
            name,
            inputs=[helper.make_tensor_value_info(n, _TYPES[t], shape) for n, t, shape in _SPECS[name][0]],
            outputs=[helper.make_tensor_value_info(n, _TYPES[t], shape) for n, t, shape in _SPECS[name][1]],
            initializer=[numpy_helper.from_array(array, key) for key, array in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, folder / f"{name}.onnx")
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    (folder / "model.json").write_text(json.dumps(_description(files)), encoding="utf-8")
    return folder


def _graphs(vocabulary: Vocabulary) -> dict[str, tuple[list[onnx.NodeProto], dict[str, Any]]]:
    """Nodes and constants of each graph."""
    embedding = np.zeros((len(vocabulary), 3), np.float32)
    for channel, word in enumerate(("red", "green", "blue")):
        embedding[vocabulary.id_of(word), channel] = 1
    # How much more red (green, blue) a pixel is than grey; grey itself is at -3.
    purity = (np.eye(3, dtype=np.float32) * 1.5 - 0.5)[:, :, None, None] / 20
    image = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "first"], ["batch"]),
        helper.make_node("Conv", ["batch", "purity", "bias"], ["features"]),
    ]
    text = [
        helper.make_node("Gather", ["embedding", "token_ids"], ["words"]),
        helper.make_node("ReduceMax", ["words", "second"], ["sentence"], keepdims=0),
    ]
    mask = [
        helper.make_node("Einsum", ["sentence", "features"], ["mask_logits"], equation="nc,bchw->nhw"),
        helper.make_node("ReduceMax", ["mask_logits", "plane"], ["best"], keepdims=0),
        helper.make_node("Unsqueeze", ["best", "second"], ["one"]),
        helper.make_node("Neg", ["one"], ["none"]),
        helper.make_node("Sub", ["none", "much"], ["several"]),
        helper.make_node("Concat", ["none", "one", "several"], ["count_logits"], axis=1),
    ]
    return {
        "image_encoder": (
            image,
            {"first": np.array([0]), "purity": purity, "bias": np.full(3, -3, np.float32)},
        ),
        "text_encoder": (text, {"embedding": embedding, "second": np.array([1])}),
        "mask_decoder": (
            mask,
            {"plane": np.array([1, 2]), "second": np.array([1]), "much": np.full((1, 1), 9, np.float32)},
        ),
    }


def _description(files: dict[str, str]) -> dict[str, Any]:
    """What model.json says."""

    def tensors(side: Side) -> list[dict[str, Any]]:
        return [{"name": name, "dtype": dtype, "shape": shape} for name, dtype, shape in side]

    return {
        "schema_version": 1,
        "name": "colour",
        "architecture": "colour",
        "image_size": [SIDE, SIDE],
        "pad_value": 127,
        "logit_size": [SIDE, SIDE],
        "max_words": MAX_WORDS,
        "graphs": {
            name: {"file": f"{name}.onnx", "inputs": tensors(inputs), "outputs": tensors(outputs)}
            for name, (inputs, outputs) in _SPECS.items()
        },
        "thresholds": {"mask_logit": 0.0, "absent_probability": 0.5, "ambiguous_probability": 0.5},
        "calibration": {"count_temperature": 1.0, "mask_temperature": 1.0},
        "vocabulary_sha256": files["vocab.json"],
        "files": files,
        "provenance": {},
        "metrics": {},
    }

"""A real bundle, small enough to know every answer by heart. Nothing of ONNX Runtime is faked.

Pictures of 64x64, logits of 32x32. The mask logit of a cell is the mean red (for "red" in the sentence), green or blue
of its pixels, / 32 - 4: above zero where a channel exceeds 128. Green and blue also say where the centre of the thing
under a cell lies: (value - 127.5) / 255 of the picture's width and height. Counts follow from the words: "unicorn"
none, "twin" several, everything else one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from runtime.datatypes import CONFIDENCE_KINDS
from runtime.language.vocabulary import Vocabulary

MakeBundle = Callable[..., Path]
WORDS = ("the", "red", "green", "thing", "things", "unicorn", "twin", "beside", "all")
FLOAT, INT64, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8
OPSET, IR = 18, 9  # old enough for onnxruntime 1.19


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> MakeBundle:
    """`make_bundle(counts=True, offsets=True)`: a new directory with the bundle described above."""

    def make(*, counts: bool = True, offsets: bool = True) -> Path:
        directory = tmp_path_factory.mktemp("bundle")
        vocabulary = Vocabulary.from_words(WORDS, {"crimson": "red"})
        (directory / "vocab.json").write_text(json.dumps(vocabulary.to_json()))
        graphs = {
            "image_encoder": _image_encoder(offsets),
            "text_encoder": _text_encoder(vocabulary),
            "mask_decoder": _mask_decoder(counts),
        }
        for name, model in graphs.items():
            onnx.checker.check_model(model, full_check=True)
            (directory / f"{name}.onnx").write_bytes(model.SerializeToString())
        files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}
        spec = {
            "schema_version": 2,
            "name": "tiny",
            "architecture": "tiny",
            "image_size": [64, 64],
            "pad_value": 127,
            "logit_size": [32, 32],
            "max_words": 8,
            "graphs": {name: _described(name, model) for name, model in graphs.items()},
            "half_graphs": {},
            "engine_gate": {"mask_iou_mean": 0.99, "overall_iou_change": 0.005},
            "thresholds": {
                "mask_logit": 0.0,
                "absent_probability": 0.5,
                "ambiguous_probability": 0.5,
                "piece_share": 0.7,
                "found_confidence": 0.0,
            },
            "calibration": {
                "count_temperature": 1.0,
                "mask_temperature": 1.0,
                "evidence_weight": 0.0,
                "evidence_offset": 0.0,
                **{f"{kind}_slope": 1.0 for kind in CONFIDENCE_KINDS},
                **{f"{kind}_offset": 0.0 for kind in CONFIDENCE_KINDS},
            },
            "vocabulary_sha256": files["vocab.json"],
            "files": files,
            "provenance": {},
            "metrics": {},
        }
        (directory / "model.json").write_text(json.dumps(spec))
        return directory

    return make


@pytest.fixture(scope="session")
def tiny_bundle(make_bundle: MakeBundle) -> Path:
    """The bundle described above; do not write to it."""
    return make_bundle()


def _model(name: str, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Any]) -> Any:
    initialisers = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initialisers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _image_encoder(offsets: bool) -> Any:
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["planes", "zero"], ["batch"]),
        helper.make_node("AveragePool", ["batch"], ["features"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    outputs = [helper.make_tensor_value_info("features", FLOAT, [1, 3, 32, 32])]
    constants: dict[str, Any] = {"zero": np.array([0])}
    if offsets:
        nodes += [
            helper.make_node("AveragePool", ["features"], ["coarse"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Slice", ["coarse", "from", "to", "axis"], ["green_blue"]),
            helper.make_node("Sub", ["green_blue", "middle"], ["centred"]),
            helper.make_node("Div", ["centred", "range"], ["centre_offsets"]),
        ]
        outputs.append(helper.make_tensor_value_info("centre_offsets", FLOAT, [1, 2, 16, 16]))
        constants |= {"from": np.array([1]), "to": np.array([3]), "axis": np.array([1])}
        constants |= {"middle": np.float32(127.5), "range": np.float32(255)}
    return _model("image", nodes, [helper.make_tensor_value_info("pixels", UINT8, [64, 64, 3])], outputs, constants)


def _text_encoder(vocabulary: Vocabulary) -> Any:
    weights, counts = np.zeros((2, len(vocabulary), 3), np.float32)
    weights[vocabulary.id_of("red")] = [1, 0, 0]
    weights[vocabulary.id_of("green")] = [0, 1, 0]
    counts[2:] = [0, 4, 0]
    counts[vocabulary.id_of("unicorn")] = [40, 0, 0]
    counts[vocabulary.id_of("twin")] = [0, 0, 40]
    nodes = [
        helper.make_node("Gather", ["weight_table", "token_ids"], ["weight_rows"]),
        helper.make_node("ReduceSum", ["weight_rows", "axis"], ["weights"], keepdims=0),
        helper.make_node("Gather", ["count_table", "token_ids"], ["count_rows"]),
        helper.make_node("ReduceSum", ["count_rows", "axis"], ["count_sum"], keepdims=0),
        helper.make_node("Cast", ["lengths"], ["float_lengths"], to=FLOAT),
        helper.make_node("Unsqueeze", ["float_lengths", "axis"], ["column"]),
        helper.make_node("Div", ["count_sum", "column"], ["counts"]),
    ]
    inputs = [
        helper.make_tensor_value_info("token_ids", INT64, ["N", "T"]),
        helper.make_tensor_value_info("lengths", INT64, ["N"]),
    ]
    outputs = [helper.make_tensor_value_info(name, FLOAT, ["N", 3]) for name in ("weights", "counts")]
    return _model(
        "text", nodes, inputs, outputs, {"weight_table": weights, "count_table": counts, "axis": np.array([1])}
    )


def _mask_decoder(counts: bool) -> Any:
    nodes = [
        helper.make_node("Reshape", ["features", "flat"], ["columns"]),
        helper.make_node("MatMul", ["weights", "columns"], ["mixed"]),
        helper.make_node("Div", ["mixed", "range"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "bias"], ["rows"]),
        helper.make_node("Reshape", ["rows", "grid"], ["mask_logits"]),
    ]
    inputs = [
        helper.make_tensor_value_info("features", FLOAT, [1, 3, 32, 32]),
        helper.make_tensor_value_info("weights", FLOAT, ["N", 3]),
    ]
    outputs = [helper.make_tensor_value_info("mask_logits", FLOAT, ["N", 32, 32])]
    if counts:
        nodes.append(helper.make_node("Identity", ["counts"], ["count_logits"]))
        inputs.append(helper.make_tensor_value_info("counts", FLOAT, ["N", 3]))
        outputs.append(helper.make_tensor_value_info("count_logits", FLOAT, ["N", 3]))
    shapes = {"flat": np.array([3, 1024]), "grid": np.array([-1, 32, 32])}
    return _model("decoder", nodes, inputs, outputs, {**shapes, "range": np.float32(32), "bias": np.float32(4)})


def _described(name: str, model: Any) -> dict[str, Any]:
    def tensors(values: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": value.name,
                "dtype": {FLOAT: "float32", INT64: "int64", UINT8: "uint8"}[value.type.tensor_type.elem_type],
                "shape": [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim],
            }
            for value in values
        ]

    return {"file": f"{name}.onnx", "inputs": tensors(model.graph.input), "outputs": tensors(model.graph.output)}

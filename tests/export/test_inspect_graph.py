"""The inspection notices each way in which a graph can be other than designed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import onnx
import pytest

from export.inspect_graph import inspect_graphs, operator_histogram, tensor_specs
from runtime.datatypes import TensorSpec
from training.models import ReferringSegmenter

Graphs = dict[str, onnx.ModelProto]


def _lstm(graphs: Graphs) -> onnx.NodeProto:
    node: onnx.NodeProto = next(node for node in graphs["text_encoder"].graph.node if node.op_type == "LSTM")
    return node


def _fix_batch(graphs: Graphs) -> None:
    graphs["text_encoder"].graph.input[1].type.tensor_type.shape.dim[0].dim_value = 3


def _fix_answers(graphs: Graphs) -> None:
    graphs["mask_decoder"].graph.output[0].type.tensor_type.shape.dim[0].dim_value = 3


def _free_the_picture(graphs: Graphs) -> None:
    graphs["image_encoder"].graph.input[0].type.tensor_type.shape.dim[0].dim_param = "H"


def _free_an_image_feature(graphs: Graphs) -> None:
    graphs["image_encoder"].graph.output[0].type.tensor_type.shape.dim[0].dim_param = "N"


def _unroll_the_lstm(graphs: Graphs) -> None:
    _lstm(graphs).op_type = "GRU"


def _read_the_padding(graphs: Graphs) -> None:
    del _lstm(graphs).input[4:]


def _transpose_the_lstm(graphs: Graphs) -> None:
    _lstm(graphs).attribute.append(onnx.helper.make_attribute("layout", 1))


def _compute_the_weights(graphs: Graphs) -> None:
    _lstm(graphs).input[1] = graphs["text_encoder"].graph.node[0].output[0]


def _add_a_loop(graphs: Graphs) -> None:
    inner = onnx.helper.make_node("Loop", [], [], name="inner")
    branch = onnx.helper.make_graph([inner], "branch", [], [])
    graphs["whole"].graph.node.append(onnx.helper.make_node("If", ["x"], [], then_branch=branch, else_branch=branch))


def _be_too_new(graphs: Graphs) -> None:
    graphs["mask_decoder"].ir_version = 11


def _use_foreign_operators(graphs: Graphs) -> None:
    graphs["mask_decoder"].opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))


def test_a_sound_export_has_no_problems(tiny: ReferringSegmenter, tiny_graphs: Graphs) -> None:
    inspection = inspect_graphs(tiny_graphs, tiny.spec)
    assert inspection.problems == ()
    assert (inspection.lstm_nodes, inspection.conv_transpose_nodes) == (1, 2)  # the whole graph is not counted twice
    assert inspection.operators["text_encoder"]["LSTM"] == inspection.operators["whole"]["LSTM"] == 1


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (_fix_batch, "input lengths has shape (3,), expected ('N',)"),
        (_fix_answers, "mask_logits has shape (3, 16, 24), expected N first"),
        (_free_the_picture, "pixels has the size 'H'"),
        (_free_an_image_feature, "expected fixed sizes"),
        (_unroll_the_lstm, "0 LSTM nodes, designed are 1"),
        (_read_the_padding, "no sequence_lens"),
        (_transpose_the_lstm, "layout 1"),
        (_compute_the_weights, "the LSTM's W is computed"),
        (_add_a_loop, "2 Loop nodes, expected none"),
        (_be_too_new, "IR version 11"),
        (_use_foreign_operators, "com.microsoft"),
    ],
)
def test_each_fault_is_named(
    tiny: ReferringSegmenter, tiny_graphs: Graphs, break_it: Callable[[Graphs], None], message: str
) -> None:
    broken = {}
    for name, graph in tiny_graphs.items():
        broken[name] = onnx.ModelProto()
        broken[name].CopyFrom(graph)
    break_it(broken)
    assert any(message in problem for problem in inspect_graphs(broken, tiny.spec).problems)


def test_deconvolutions_are_counted_against_the_design(tiny: ReferringSegmenter, tiny_graphs: Graphs) -> None:
    problems = inspect_graphs(tiny_graphs, replace(tiny.spec, conv_transpose_nodes=3)).problems
    assert problems == (
        "the three graphs: 2 ConvTranspose nodes, designed are 3",
        "whole: 2 ConvTranspose nodes, designed are 3",
    )


def test_histogram_and_tensor_specs(tiny_graphs: Graphs) -> None:
    assert operator_histogram(tiny_graphs["image_encoder"])["ConvTranspose"] == 1
    assert tensor_specs(tiny_graphs["text_encoder"].graph.input) == (
        TensorSpec("token_ids", "int64", ("N", "T")),
        TensorSpec("lengths", "int64", ("N",)),
    )

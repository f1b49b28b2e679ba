"""The exported graphs: one LSTM, free batch and length, constants folded, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from export.graphs import IR_VERSION, OPSET, export_graphs
from export.inspect_graph import inspect_graphs
from export.parity import LOGIT_TOLERANCE, Parity, answer_in_torch, random_probes, split_networks
from training.models import ReferringSegmenter

Graphs = dict[str, onnx.ModelProto]


def _largest_error(model: ReferringSegmenter, graphs: Graphs, folder: Path) -> float:
    for name, graph in graphs.items():
        onnx.save(graph, folder / f"{name}.onnx")
    networks = split_networks({name: folder / f"{name}.onnx" for name in graphs})
    parity = Parity(threshold=0.0)
    for probe in random_probes(model.spec):
        for network in networks.values():
            parity.compare(answer_in_torch(model, probe), network.answer(probe))
    assert parity.problems() == []
    return parity.max_abs_err


def test_all_graphs_answer_at_every_batch_size_and_length(
    tiny: ReferringSegmenter, tiny_graphs: Graphs, tmp_path: Path
) -> None:
    assert set(tiny_graphs) == {"image_encoder", "text_encoder", "mask_decoder", "whole"}
    assert _largest_error(tiny, tiny_graphs, tmp_path) <= LOGIT_TOLERANCE


def test_random_probes_cover_every_length(tiny: ReferringSegmenter) -> None:
    probes = list(random_probes(tiny.spec))
    assert {int(length) for probe in probes for length in probe.lengths} == set(range(1, tiny.spec.max_words + 1))
    assert len({probe.token_ids.shape for probe in probes}) > 2


def test_the_network_of_2016_has_one_lstm_and_one_deconvolution(
    small_paper_network: ReferringSegmenter, tmp_path: Path
) -> None:
    graphs = export_graphs(small_paper_network)
    inspection = inspect_graphs(graphs, small_paper_network.spec)
    assert inspection.problems == ()
    assert (inspection.lstm_nodes, inspection.conv_transpose_nodes) == (1, 1)
    (deconvolution,) = (node for node in graphs["mask_decoder"].graph.node if node.op_type == "ConvTranspose")
    attributes = {item.name: list(item.ints) for item in deconvolution.attribute if item.ints}
    assert attributes["strides"] == [32, 32]
    assert attributes["pads"] == [16] * 4
    assert _largest_error(small_paper_network, graphs, tmp_path) <= LOGIT_TOLERANCE


def test_versions_suit_old_engines(tiny_graphs: Graphs) -> None:
    for graph in tiny_graphs.values():
        onnx.checker.check_model(graph, full_check=True)
        assert graph.ir_version <= IR_VERSION == 10
        assert [(item.domain, item.version) for item in graph.opset_import] == [("", OPSET)] == [("", 18)]


def test_lstm_weights_are_constants_and_nothing_else_is_left_of_them(tiny_graphs: Graphs) -> None:
    graph = tiny_graphs["text_encoder"].graph
    (lstm,) = (node for node in graph.node if node.op_type == "LSTM")
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert [weights[name] for name in lstm.input[1:4]] == [(1, 20, 4), (1, 20, 5), (1, 40)]
    assert not {"Split", "Concat"} & {node.op_type for node in graph.node}
    assert (20, 4) not in weights.values()  # torch's own order of the gates


def test_features_that_the_decoder_ignores_reach_the_runtime(tiny_graphs: Graphs) -> None:
    def names(graph: str, kind: str) -> list[str]:
        return [value.name for value in getattr(tiny_graphs[graph].graph, kind)]

    assert "centre_offsets" in names("image_encoder", "output")
    assert names("mask_decoder", "input") == ["features", "word_states", "sentence", "word_mask"]
    assert names("whole", "output") == ["mask_logits", "count_logits", "centre_offsets"]


def test_same_weights_give_the_same_bytes(tiny: ReferringSegmenter, tiny_graphs: Graphs) -> None:
    again = export_graphs(tiny)
    for name, graph in again.items():
        content = graph.SerializeToString(deterministic=True)
        assert content == tiny_graphs[name].SerializeToString(deterministic=True), name
        for secret in (str(Path(__file__).parents[1]), "conftest.py", torch.__version__, "pkg.torch"):
            assert secret.encode() not in content


@pytest.mark.parametrize("name", ["image_encoder", "text_encoder", "mask_decoder", "whole"])
def test_only_expressions_and_words_are_free(tiny_graphs: Graphs, name: str) -> None:
    graph = tiny_graphs[name].graph
    for value in (*graph.input, *graph.output):
        free = [size.dim_param for size in value.type.tensor_type.shape.dim if not size.HasField("dim_value")]
        assert free in ([], ["N"], ["N", "T"]), value.name

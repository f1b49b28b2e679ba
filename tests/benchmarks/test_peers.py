"""Peers: small ones of every kind are built, run in ONNX Runtime, kept, and built again only for other sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from benchmarks.bare_sessions import open_session
from benchmarks.peers import CLIPSEG, OWLVIT, PEERS, TEXT_OBJSEG, Peer, ensure_built, peer_call
from runtime.errors import SaymaskError

_TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
_VISION = {**_TEXT, "image_size": 64, "patch_size": 16}
SMALL: dict[str, tuple[Peer, tuple[int, ...]]] = {
    "clipseg": (
        CLIPSEG.of(
            {
                "text_config": _TEXT,
                "vision_config": {**_VISION, "num_hidden_layers": 3},
                "extract_layers": [0, 1, 2],
                "projection_dim": 16,
                "reduce_dim": 8,
                "decoder_intermediate_size": 16,
            }
        ),
        (1, 64, 64),
    ),
    "owlvit": (OWLVIT.of({"text_config": _TEXT, "vision_config": _VISION, "projection_dim": 16}), (1, 16, 4)),
    "text_objseg": (
        TEXT_OBJSEG.of(
            {
                "image_size": [64, 64],
                "vocabulary_size": 9,
                "backbone": "mobilenet_v2",
                "image_channels": 8,
                "embedding_size": 4,
                "hidden_size": 8,
                "classifier_channels": 4,
            }
        ),
        (1, 64, 64),
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_kind_is_built_and_runs(name: str, tmp_path: Path) -> None:
    if name != "text_objseg":
        pytest.importorskip("transformers", reason="needs the extra `peers`")
    peer, answer = SMALL[name]
    outputs: Any = peer_call(peer, name, tmp_path, threads=1)()
    assert outputs[0].shape == answer
    assert all(np.isfinite(output).all() for output in outputs)
    graph = onnx.load(tmp_path / f"{name}.onnx")
    assert {"Conv", "MatMul"} & {node.op_type for node in graph.graph.node}
    assert graph.opset_import[0].version == 18
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json", f"{name}.onnx"]


def _export_scaled(options: Any) -> onnx.ModelProto:
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy")
    factor = numpy_helper.from_array(np.array(options["factor"], np.float32), "factor")
    graph = helper.make_graph(nodes, "scaled", [x], [y], [factor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _scaled(factor: float) -> Peer:
    """The smallest peer there is: one that multiplies."""
    return Peer("a product", {"factor": factor}, _export_scaled, lambda options, rng: {"x": np.ones(2, np.float32)})


def test_kept_until_the_sizes_change(tmp_path: Path) -> None:
    def answer(factor: float) -> float:
        outputs: Any = peer_call(_scaled(factor), "peer", tmp_path, threads=1)()
        return float(outputs[0][0])

    assert answer(2.0) == 2.0
    path = tmp_path / "peer.onnx"
    built = path.stat().st_mtime_ns
    assert answer(2.0) == 2.0 and path.stat().st_mtime_ns == built
    assert answer(3.0) == 3.0
    (tmp_path / "peer.json").write_text("{")  # half written
    built = path.stat().st_mtime_ns
    assert answer(3.0) == 3.0 and path.stat().st_mtime_ns > built


def test_a_kept_peer_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = CLIPSEG.of({})
    (tmp_path / "peer.onnx").write_bytes(b"kept")
    (tmp_path / "peer.json").write_text('{"options": {}}')
    for package in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    assert ensure_built(peer, "peer", tmp_path).read_bytes() == b"kept"
    with pytest.raises(ImportError):
        ensure_built(peer, "another", tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaymaskError, match=r"cannot write the peer .*give another --peers-dir"):
        ensure_built(_scaled(1.0), "peer", tmp_path / "file")


def test_published_sizes() -> None:
    """CLIPSeg's own default is B/32 at 224: rd64 was released as B/16 and is run at 352."""
    assert set(PEERS) == {"clipseg-rd64", "owlvit-b32", "text-objseg-2016"}
    assert CLIPSEG.options["vision_config"] == {"patch_size": 16, "image_size": 352}
    assert OWLVIT.options["vision_config"] == {"patch_size": 32, "image_size": 768}
    assert TEXT_OBJSEG.options["image_size"] == [512, 512] and TEXT_OBJSEG.options["backbone"] == "vgg16"
    transformers = pytest.importorskip("transformers", reason="needs the extra `peers`")
    config = transformers.CLIPSegConfig(**CLIPSEG.options)
    assert (config.reduce_dim, list(config.extract_layers)) == (64, [3, 6, 9])
    assert (config.vision_config.hidden_size, config.vision_config.num_hidden_layers) == (768, 12)
    json.dumps([dict(peer.options) for peer in PEERS.values()])  # what is written beside the graph


def test_sessions_have_the_threads_asked_for(tmp_path: Path) -> None:
    path = ensure_built(_scaled(1.0), "peer", tmp_path)
    assert open_session(str(path), 2).get_session_options().intra_op_num_threads == 2

"""Networks that others run for the same task, with random weights: for their latency only, never for an answer.

Each is built from its published sizes, exported to ONNX and kept in a folder outside the repository, so that the same
ONNX Runtime runs all of them and ours, on a robot without torch as well (copy the folder). They are run as a robot
would find it cheapest: batch 1, no preprocessing, a sentence of 16 tokens, and nothing that the answer does not need
(the exporter drops CLIPSeg's last two layers of CLIP, which its decoder never reads).
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runtime.errors import SaymaskError

if TYPE_CHECKING:  # a robot need have none of them
    import onnx
    import torch

    from benchmarks.bare_sessions import Tensors

PEERS_DIR = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "saymask" / "peers"
WORDS = 16
"""Tokens of a sentence, OWL-ViT's limit; CLIPSeg pads to 77 as released, which costs it a little more."""
_CLIP_END = 49407  # CLIP's end-of-text token, whose state is the sentence's
_OPSET = 18
_SEED = 0

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """One network: `what` says it to people, `options` are the sizes it is built from.

    `export(options)` makes its graph; `feeds(options, rng)` one input of batch 1.
    """

    what: str
    options: Options
    export: Callable[[Options], onnx.ModelProto]
    feeds: Callable[[Options, np.random.Generator], Tensors]

    def of(self, options: Options) -> Peer:
        """The same network of other sizes."""
        return replace(self, options=options)


def peer_call(peer: Peer, name: str, folder: Path, *, threads: int | None) -> Callable[[], object]:
    """One run of a peer on the CPU, built first where `folder` does not hold it.

    Raises SaymaskError where it cannot be read or written, ImportError where what builds it is not installed.
    """
    from benchmarks.bare_sessions import open_session

    session = open_session(str(ensure_built(peer, name, folder)), threads)
    return partial(session.run, None, peer.feeds(peer.options, np.random.default_rng(_SEED)))


def ensure_built(peer: Peer, name: str, folder: Path) -> Path:
    """The peer's ONNX file, exported now where it is missing or of other sizes; takes up to a minute and 3 GB."""
    path, described = folder / f"{name}.onnx", folder / f"{name}.json"
    if path.is_file() and _options_of(described) == dict(peer.options):
        return path
    graph = peer.export(peer.options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        described.unlink(missing_ok=True)  # never beside a graph that it does not describe
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".onnx", delete=False) as file:
            file.write(graph.SerializeToString())
        Path(file.name).replace(path)
        described.write_text(json.dumps({"what": peer.what, "options": dict(peer.options)}, indent=1))
    except OSError as error:
        raise SaymaskError(f"cannot write the peer {path}: {error.strerror}; give another --peers-dir") from error
    return path


def _options_of(described: Path) -> dict[str, Any] | None:
    try:
        options: dict[str, Any] = json.loads(described.read_text())["options"]
    except (OSError, ValueError, KeyError):
        return None
    return options


def _export_clipseg(options: Options) -> onnx.ModelProto:
    from transformers import CLIPSegConfig
    from transformers.models.clipseg.modeling_clipseg import CLIPSegForImageSegmentation

    network = _build(CLIPSegForImageSegmentation, CLIPSegConfig(**options))
    # The position embeddings have the picture's own size already: nothing to interpolate in every run.
    feeds = _clip_feeds(options, np.random.default_rng(_SEED))
    return _export(network, "logits", feeds, interpolate_pos_encoding=False)


def _export_owlvit(options: Options) -> onnx.ModelProto:
    from transformers import OwlViTConfig
    from transformers.models.owlvit.modeling_owlvit import OwlViTForObjectDetection

    network = _build(OwlViTForObjectDetection, OwlViTConfig(**options))
    return _export(network, "pred_boxes", _clip_feeds(options, np.random.default_rng(_SEED)))


def _export_text_objseg(options: Options) -> onnx.ModelProto:
    import torch

    from export.graphs import WHOLE, export_graphs
    from training.models import build_model

    torch.manual_seed(_SEED)
    return export_graphs(build_model("text_objseg", options).eval(), whole=True)[WHOLE]


def _build(network: Callable[[Any], torch.nn.Module], config: Any) -> torch.nn.Module:
    import torch

    torch.manual_seed(_SEED)
    config._attn_implementation = "eager"  # plain MatMul and Softmax, which ONNX Runtime fuses by itself
    return network(config).eval()


def _export(network: torch.nn.Module, answer: str, feeds: Tensors, **settings: Any) -> onnx.ModelProto:
    """The graph of `network` with fixed sizes, from `feeds` to `answer` and, where it has them, `logits`."""
    import torch

    class Answers(torch.nn.Module):
        """Only what counts: transformers' outputs hold every hidden state."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            outputs = self.network(**dict(zip(feeds, inputs, strict=True)), **settings)
            return tuple(outputs[name] for name in dict.fromkeys((answer, "logits")))

    logging.disable(logging.WARNING)  # the exporter's remarks about itself
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arguments = tuple(torch.from_numpy(array) for array in feeds.values())
            program = torch.onnx.export(
                Answers(), arguments, input_names=list(feeds), opset_version=_OPSET, dynamo=True, verbose=False
            )
    finally:
        logging.disable(logging.NOTSET)
    assert program is not None  # with dynamo=True it always is one
    graph: onnx.ModelProto = program.model_proto
    return graph


def _clip_feeds(options: Options, rng: np.random.Generator) -> Tensors:
    side = options["vision_config"]["image_size"]
    ids = rng.integers(1, 1000, (1, WORDS))
    ids[0, -1] = _CLIP_END
    return {
        "pixel_values": rng.standard_normal((1, 3, side, side), np.float32),
        "input_ids": ids.astype(np.int64),
        "attention_mask": np.ones((1, WORDS), np.int64),
    }


def _text_objseg_feeds(options: Options, rng: np.random.Generator) -> Tensors:
    return {
        "pixels": rng.integers(0, 256, (*options["image_size"], 3), dtype=np.uint8),
        "token_ids": rng.integers(1, options["vocabulary_size"], (1, WORDS)).astype(np.int64),
        "lengths": np.array([WORDS], np.int64),
    }


CLIPSEG = Peer(
    "CLIPSeg rd64 (Lüddecke and Ecker, CVPR 2022): CLIP ViT-B/16 at 352x352, decoder of 64 channels, as released",
    # transformers' own default is B/32 at 224; everything else is as in CIDAS/clipseg-rd64
    {"text_config": {}, "vision_config": {"patch_size": 16, "image_size": 352}},
    _export_clipseg,
    _clip_feeds,
)
OWLVIT = Peer(
    "OWL-ViT B/32 (Minderer et al., ECCV 2022) at 768x768: finds boxes by words, no masks",
    {"text_config": {}, "vision_config": {"patch_size": 32, "image_size": 768}},
    _export_owlvit,
    _clip_feeds,
)
TEXT_OBJSEG = Peer(
    "the network of 2016 (Hu, Rohrbach and Darrell): fully convolutional VGG-16 at 512x512, LSTM, deconvolution",
    {"backbone": "vgg16", "image_size": [512, 512], "vocabulary_size": 8803},
    _export_text_objseg,
    _text_objseg_feeds,
)
PEERS = {"clipseg-rd64": CLIPSEG, "owlvit-b32": OWLVIT, "text-objseg-2016": TEXT_OBJSEG}

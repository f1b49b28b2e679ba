"""A network as ONNX graphs: image encoder, text encoder and mask decoder, and all three as one.

The robot runs the three at three different rates, so each is a graph of its own. N (expressions) and T (words) are
dynamic; picture and logits have the one size the network was trained for.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from tqdm import tqdm

from export.fold import tidy
from training.models import ReferringSegmenter

OPSET = 18
IR_VERSION = 10
"""The newest that onnxruntime 1.19 reads."""
WHOLE = "whole"

_SIZES = {"N": (3, 4), "T": (7, 9)}
"""Two example sizes of each dynamic dimension: what differs between their features is dynamic."""
_TALKATIVE = ("torch.onnx", "onnxscript", "onnx_ir")

DynamicShape = dict[int, str] | None


class ImageEncoderGraph(nn.Module):
    """`pixels` uint8 (H, W, 3) RGB, letterboxed -> the network's image features, in their order."""

    def __init__(self, model: ReferringSegmenter) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.encode_image(_batch(pixels)).values())


class TextEncoderGraph(nn.Module):
    """`token_ids` int64 (N, T), `lengths` int64 (N,) -> the network's text features, in their order."""

    def __init__(self, model: ReferringSegmenter) -> None:
        super().__init__()
        self.model = model

    def forward(self, token_ids: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.encode_text(token_ids, lengths).values())


class MaskDecoderGraph(nn.Module):
    """Image features of one picture, then text features of N expressions -> mask_logits and, if there, count_logits."""

    def __init__(self, model: ReferringSegmenter, image_names: tuple[str, ...], text_names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.image_names, self.text_names = image_names, text_names

    def forward(self, *features: Tensor) -> tuple[Tensor, ...]:
        count = len(self.image_names)
        image = dict(zip(self.image_names, features[:count], strict=True))
        text = dict(zip(self.text_names, features[count:], strict=True))
        return tuple(self.model.decode(image, text).values())


class WholeGraph(nn.Module):
    """`pixels`, `token_ids`, `lengths` as above -> the decoder's outputs, then the image features it does not read."""

    def __init__(self, model: ReferringSegmenter, further_names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.further_names = further_names

    def forward(self, pixels: Tensor, token_ids: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        image = self.model.encode_image(_batch(pixels))
        answers = self.model.decode(image, self.model.encode_text(token_ids, lengths))
        return (*answers.values(), *(image[name] for name in self.further_names))


def _batch(pixels: Tensor) -> Tensor:
    """uint8 (H, W, 3) -> float (1, H, W, 3). TensorRT reads bytes but may do nothing with them before a Cast."""
    return pixels.float()[None]


def export_graphs(model: ReferringSegmenter, *, whole: bool = False) -> dict[str, onnx.ModelProto]:
    """Export `model`, which must be in evaluation mode, to graphs by name; with `whole` also to one of that name.

    The same weights give the same bytes: no path, date, version or stack trace is kept.
    """
    height, width = model.spec.image_size
    pixels = torch.arange(height * width * 3).remainder(251).to(torch.uint8).reshape(height, width, 3)
    words, other_words = (_example_words(number) for number in (0, 1))
    graphs: dict[str, onnx.ModelProto] = {}
    progress = tqdm(total=3 + whole, desc="exporting", unit="graph", disable=None)
    with torch.no_grad(), _quiet(), progress:

        def add(
            name: str,
            module: nn.Module,
            arguments: tuple[Tensor, ...],
            inputs: dict[str, DynamicShape],
            outputs: Iterable[str],
        ) -> None:
            graphs[name] = _export(module, arguments, inputs, list(outputs))
            tidy(graphs[name], name)
            progress.update()

        image = model.encode_image(pixels[None])
        text, other_text = model.encode_text(*words), model.encode_text(*other_words)
        answers = tuple(model.decode(image, text))
        word_inputs: dict[str, DynamicShape] = {"token_ids": {0: "N", 1: "T"}, "lengths": {0: "N"}}
        features: dict[str, DynamicShape] = dict.fromkeys(image)
        features |= {name: _dynamic(text[name], other_text[name]) for name in text}
        decoder = MaskDecoderGraph(model, tuple(image), tuple(text))
        add("image_encoder", ImageEncoderGraph(model), (pixels,), {"pixels": None}, image)
        add("text_encoder", TextEncoderGraph(model), words, word_inputs, text)
        add("mask_decoder", decoder, (*image.values(), *text.values()), features, answers)
        if whole:
            read = {value.name for value in graphs["mask_decoder"].graph.input}
            further = tuple(name for name in image if name not in read)
            inputs = {"pixels": None, **word_inputs}
            add(WHOLE, WholeGraph(model, further), (pixels, *words), inputs, (*answers, *further))
    return graphs


def _export(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    inputs: Mapping[str, DynamicShape],
    outputs: list[str],
) -> onnx.ModelProto:
    shapes: tuple[Any, ...] = tuple(inputs.values())
    program = torch.onnx.export(
        module.eval(),
        arguments,
        input_names=list(inputs),
        output_names=outputs,
        # *features of the decoder is ONE parameter to torch.export, hence the extra parentheses
        dynamic_shapes=(shapes,) if isinstance(module, MaskDecoderGraph) else shapes,
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returned no program")
    graph: onnx.ModelProto = program.model_proto
    return graph


def _example_words(number: int) -> tuple[Tensor, Tensor]:
    """Token ids and lengths of one pair of sizes; every id is 1, which each vocabulary has."""
    count, words = (sizes[number] for sizes in _SIZES.values())
    return torch.ones(count, words, dtype=torch.int64), torch.arange(words, words - count, -1)


def _dynamic(one: Tensor, other: Tensor) -> DynamicShape:
    """The dimensions of a text feature that follow N or T, by name."""
    names = {sizes: name for name, sizes in _SIZES.items()}
    pairs = enumerate(zip(one.shape, other.shape, strict=True))
    return {axis: names[sizes] for axis, sizes in pairs if sizes in names}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks about itself (torchvision is missing, an optimisation was skipped)."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

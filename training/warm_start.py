"""Start a network from another one's weights, as far as they fit: layers by name and shape, words by word."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from runtime.language.vocabulary import Vocabulary
from training.checkpoint import load_checkpoint

_GROWS = "count."
"""Layers that `doubt` makes larger."""
_WORD_TABLES = ("text.embedding.weight", "lexicon.rows.weight", "lexicon.bias.weight")
"""Tensors with a row for each word of the vocabulary."""


@torch.no_grad()
def warm_start(model: nn.Module, path: Path, vocabulary: Vocabulary) -> list[str]:
    """Copy what fits from the checkpoint `path` into `model`, whose words are `vocabulary`; returns what was left out.

    A word that both know takes its row along, wherever it stands in either vocabulary; one that is new keeps the row
    that it was drawn. Raises SaymaskError for a checkpoint that is missing or damaged.
    """
    source, metadata = load_checkpoint(path)
    before = Vocabulary.from_json(metadata["vocabulary"])
    theirs, own = source.state_dict(), model.state_dict()
    for name in _WORD_TABLES:
        if name in theirs and name in own and theirs[name].shape[1:] == own[name].shape[1:]:
            theirs[name] = _rows_by_word(own[name], theirs[name], vocabulary, before)
    for name, tensor in theirs.items():
        if name.startswith(_GROWS) and name in own and own[name].shape != tensor.shape:
            theirs[name] = _grown(own[name], tensor)
    fitting = {name: tensor for name, tensor in theirs.items() if name in own and own[name].shape == tensor.shape}
    model.load_state_dict(fitting, strict=False)
    return sorted(own.keys() - fitting.keys())


def _grown(own: Tensor, theirs: Tensor) -> Tensor:
    """A layer that was made larger: the old one in its first rows and columns, what was drawn in its further rows.

    Further columns start at zero, so that what is new to the layer does not disturb it.
    """
    if any(new < old for new, old in zip(own.shape, theirs.shape, strict=True)):
        return theirs
    grown = own.clone()
    if own.ndim > 1:
        grown[: theirs.shape[0]] = 0
    grown[tuple(slice(size) for size in theirs.shape)] = theirs
    return grown


def _rows_by_word(own: Tensor, theirs: Tensor, words: Vocabulary, before: Vocabulary) -> Tensor:
    rows = own.clone()
    places = {word: place for place, word in enumerate(before.words)}
    for place, word in enumerate(words.words):
        if word in places:
            rows[place] = theirs[places[word]]
    return rows

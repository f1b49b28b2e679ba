"""Words to vectors: embedding and LSTM, exported to ONNX as ONE LSTM node with dynamic batch and length."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def onnx_lstm_weights(lstm: nn.LSTM) -> tuple[Tensor, Tensor, Tensor]:
    """W (1, 4H, E), R (1, 4H, H) and B (1, 8H) of a one-layer LSTM in ONNX's gate order.

    PyTorch stacks the gates i, f, g, o; ONNX wants i, o, f, c (operator LSTM, opset 14).
    """

    def reorder(stacked: Tensor) -> Tensor:
        i, f, g, o = stacked.detach().chunk(4, 0)
        return torch.cat([i, o, f, g], 0)

    parts = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights, recurrence, bias_input, bias_hidden = (reorder(lstm.get_parameter(part)) for part in parts)
    return weights[None], recurrence[None], torch.cat([bias_input, bias_hidden])[None]


class TextEncoder(nn.Module):
    """LSTM over embedded words.

    `forward(token_ids int64 (N, T), lengths int64 (N,))` returns the hidden states (N, T, hidden) and the state at
    the TRUE last word (N, hidden). Id 0 is padding.
    """

    def __init__(self, *, vocabulary_size: int, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=0)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True)

    def forward(self, token_ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        embedded = self.embedding(token_ids)
        if torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting():
            return self._as_onnx_node(embedded, lengths)
        states, _ = self.lstm(embedded)  # causal: padding after the last word cannot change the states before it
        last = states[torch.arange(len(states), device=states.device), lengths - 1]
        return states, last

    def _as_onnx_node(self, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        # nn.LSTM itself exports with T frozen, and packing fails (torch 2.13); the node is therefore named outright.
        count, words, _ = embedded.shape
        hidden = self.lstm.hidden_size
        weights, recurrence, bias = onnx_lstm_weights(self.lstm)
        states, last, _ = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            (embedded.transpose(0, 1), weights, recurrence, bias, lengths.to(torch.int32)),
            {"hidden_size": hidden, "direction": "forward"},
            dtypes=(embedded.dtype,) * 3,
            shapes=((words, 1, count, hidden), (1, count, hidden), (1, count, hidden)),
            version=None,
        )
        return states.squeeze(1).transpose(0, 1), last.squeeze(0)

"""The values that travel between camera, language, network and robot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Tokens:
    """Expressions as the text encoder reads them.

    `ids` int64 (N, max_words), 0 where there is no word; `lengths` int64 (N,), 1..max_words; `unknown`: for each
    expression the words, in order and once each, that the vocabulary lacks (their id is 1).
    """

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    unknown: tuple[tuple[str, ...], ...]

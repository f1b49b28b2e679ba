"""What other people's data sets have in common here: a mask of one thing, and what people wrote about it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from runtime.errors import SaymaskError
from runtime.language.vocabulary import words_of
from runtime.test_set import read_picture
from training.data.expression_kinds import kind_of
from training.expressions.datatypes import Expression
from training.scenes.datatypes import BACKGROUND

MOST_WORDS = 20
"""Words of an expression that are read, as in Hu et al. 2016; what follows them is cut off."""
REFERENT = 0
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
"""Masks were drawn on the pixels as they are stored, whatever a camera noted about which side is up."""

Image = npt.NDArray[np.uint8]
Instances = npt.NDArray[np.int8]
Labelled = tuple[Image, Instances, tuple[Expression, ...]]


class ReferentViews(ABC):
    """Views (see training/data/rendered.py) of one referent each: masks of one image may overlap.

    `counts` tells what was passed over: "empty_expression" (no word of a-z, 0-9), "cut_expression" (more than
    MOST_WORDS, of which the rest is not read), "empty_mask" (no pixel; counted when it is come upon).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.counts = Counter({"empty_expression": 0, "cut_expression": 0, "empty_mask": 0})
        self._empty: set[int] = set()

    @abstractmethod
    def __len__(self) -> int:
        """How many referents there are."""

    @abstractmethod
    def _texts(self, index: int) -> Sequence[str]:
        """What was written about a referent."""

    @abstractmethod
    def _image_path(self, index: int) -> Path:
        """The picture that a referent is in."""

    @abstractmethod
    def _mask(self, index: int, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """The referent's pixels, bool of `size` (h, w). Raises SaymaskError that names the file."""

    def referent(self, index: int) -> Labelled | None:
        """Image uint8 (h, w, 3) RGB, instances int8 (h, w) with the referent as 0, expressions; None for an empty mask.

        Raises SaymaskError, naming the file, for a picture or a mask that is missing, damaged or of another size.
        """
        picture = read_picture(self._image_path(index), _AS_STORED)
        image = np.ascontiguousarray(picture[..., ::-1])
        mask = self._mask(index, (image.shape[0], image.shape[1]))
        if not mask.any():
            if index not in self._empty:
                self._empty.add(index)
                self.counts["empty_mask"] += 1
            return None
        instances = np.where(mask, np.int8(REFERENT), np.int8(BACKGROUND))
        return image, instances, tuple(expression_of(text) for text in self._texts(index))

    def view(self, index: int) -> Labelled:
        """`referent`, or where its mask is empty the next that is not. Raises SaymaskError where all are empty."""
        for step in range(len(self)):
            labelled = self.referent((index + step) % len(self))
            if labelled is not None:
                return labelled
        raise SaymaskError(f"{self.root}: not one of {len(self)} masks has a pixel")

    def descriptions(self, index: int) -> tuple[frozenset[str], ...]:
        """Nothing: these data sets tell what was said of a thing, which may be true of others as well."""
        return ()

    def every(self, limit: int | None = None) -> Iterator[Labelled]:
        """Every referent that has a pixel, or `limit` evenly spaced ones, once."""
        count = len(self) if limit is None else min(limit, len(self))
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int).tolist()
        for index in tqdm(chosen, desc=self.root.name, unit="referent", leave=False):
            labelled = self.referent(index)
            if labelled is not None:
                yield labelled

    def _readable(self, texts: Sequence[Any], where: str) -> tuple[str, ...]:
        """The texts that hold a word, in lower-case words and cut to MOST_WORDS; counts what was passed over."""
        kept = []
        for text in texts:
            if not isinstance(text, str):
                raise SaymaskError(f"{where}: an expression is {text!r}, expected text")
            words = words_of(text)
            self.counts["empty_expression"] += not words
            self.counts["cut_expression"] += len(words) > MOST_WORDS
            if words:
                kept.append(" ".join(words[:MOST_WORDS]))
        return tuple(kept)


def expression_of(text: str) -> Expression:
    """What is known of an expression whose referent is the only thing that is labelled."""
    return Expression(text=text, transcript=text, kind=kind_of(text), referents=(REFERENT,))


def read_json(path: Path, kind: type) -> Any:
    """The content of a JSON file, of the type `kind`. Raises SaymaskError, naming the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SaymaskError(f"{path}: cannot be read: {error.strerror}; is this the data set's folder?") from error
    except ValueError as error:
        raise SaymaskError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(content, kind):
        raise SaymaskError(f"{path}: expected a JSON {kind.__name__}, got {type(content).__name__}")
    return content

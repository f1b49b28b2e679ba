"""ReferIt (Kazemzadeh et al., EMNLP 2014) as Hu et al. published it for their network.

ROOT/referit_query_{train,val,trainval,test}.json   crop name -> list of expressions
ROOT/referit_bbox.json       crop name -> [xmin, ymin, xmax, ymax], whole pixels, both ends inside
ROOT/referit_imcrop.json     image name -> list of crop names
ROOT/referit_imsize.json     image name -> [width, height]
ROOT/vocabulary_referit.txt  one word a line
ROOT/images/<image>.jpg      ROOT/mask/<crop>.mat, variable segimg_t: the crop is where it is 0
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary, words_of
from training.data.referents import ReferentViews, read_json

SPLITS = ("train", "val", "trainval", "test")
_VARIABLE = "segimg_t"
_IMAGE_SUFFIXES = ("", ".jpg")


class ReferItViews(ReferentViews):
    """The crops of one split, one to a view, in the order of the query file."""

    def __init__(self, root: Path, split: str) -> None:
        """Read the split's index; pictures and masks are read one by one.

        Raises SaymaskError, naming the file, for an unknown split, a file that is missing or of another layout, and a
        crop that belongs to no image or has no box.
        """
        super().__init__(root)
        if split not in SPLITS:
            raise SaymaskError(f"ReferIt has no split {split!r}; choose from {', '.join(SPLITS)}")
        query = root / f"referit_query_{split}.json"
        queries = read_json(query, dict)
        image_of = _image_of(root / "referit_imcrop.json")
        self._sizes = read_json(root / "referit_imsize.json", dict)
        self._boxes = read_json(root / "referit_bbox.json", dict)
        self._crops: list[tuple[str, str, tuple[str, ...]]] = []
        for crop, texts in queries.items():
            if crop not in image_of:
                raise SaymaskError(f"{root / 'referit_imcrop.json'}: no image has the crop {crop!r} of {query.name}")
            if not _is_box(self._boxes.get(crop)):
                raise SaymaskError(f"{root / 'referit_bbox.json'}: no box of 4 numbers for the crop {crop!r}")
            if not isinstance(texts, list):
                raise SaymaskError(f"{query}: the crop {crop!r} has {type(texts).__name__}, expected a list of texts")
            if readable := self._readable(texts, f"{query}: crop {crop!r}"):
                self._crops.append((crop, image_of[crop], readable))
        if not self._crops:
            raise SaymaskError(f"{query}: holds no expression")

    def __len__(self) -> int:
        return len(self._crops)

    def box(self, index: int) -> tuple[int, int, int, int]:
        """xmin, ymin, xmax, ymax of the crop, in whole pixels, the far ends outside."""
        xmin, ymin, xmax, ymax = (round(value) for value in self._boxes[self._crops[index][0]])
        return xmin, ymin, xmax + 1, ymax + 1

    def _texts(self, index: int) -> Sequence[str]:
        return self._crops[index][2]

    def _image_path(self, index: int) -> Path:
        name = self._crops[index][1]
        paths = [self.root / "images" / f"{name}{suffix}" for suffix in _IMAGE_SUFFIXES]
        return next((path for path in paths if path.is_file()), paths[-1])

    def _mask(self, index: int, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        crop, image, _ = self._crops[index]
        told = self._sizes.get(image)
        if told is not None and tuple(told) != size[::-1]:
            raise SaymaskError(
                f"{self._image_path(index)}: is {size[1]}x{size[0]} pixels, referit_imsize.json says {told}"
            )
        path = self.root / "mask" / f"{crop}.mat"
        labels = read_mat(path, _VARIABLE)
        if labels.shape != size:
            raise SaymaskError(f"{path}: the mask is {labels.shape} high and wide, its image {size}")
        return np.asarray(labels == 0)


def read_vocabulary(path: Path) -> Vocabulary:
    """The words of `vocabulary_referit.txt`, one a line; its marks such as "<unk>" are our own or left out.

    Raises SaymaskError, naming the file, where it cannot be read or holds no word.
    """
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise SaymaskError(f"{path}: cannot be read ({error}); expected one word a line") from error
    words = {word for line in lines if not line.startswith("<") for word in words_of(line)}
    if not words:
        raise SaymaskError(f"{path}: holds no word")
    return Vocabulary.from_words(words)


def read_mat(path: Path, variable: str) -> npt.NDArray[Any]:
    """One matrix (h, w) of a MATLAB 5 file. Raises SaymaskError, naming the file."""
    from scipy.io import loadmat

    if not path.is_file():
        raise SaymaskError(f"{path}: missing; every crop has a mask of its own")
    try:
        content = loadmat(str(path), variable_names=[variable])
    except Exception as error:  # scipy raises many kinds for a file that is cut short or is none
        raise SaymaskError(f"{path}: not a readable MATLAB file ({type(error).__name__}: {error})") from error
    if variable not in content:
        raise SaymaskError(f"{path}: holds no variable {variable!r}")
    labels = np.asarray(content[variable])
    if labels.ndim != 2 or labels.dtype.kind not in "buif":
        raise SaymaskError(f"{path}: {variable} is {labels.dtype} {labels.shape}, expected a matrix of numbers")
    return labels


def _image_of(path: Path) -> dict[str, str]:
    """Crop name to image name."""
    images: dict[str, str] = {}
    for image, crops in read_json(path, dict).items():
        if not isinstance(crops, list):
            raise SaymaskError(f"{path}: {image!r} has {type(crops).__name__}, expected a list of crop names")
        images |= dict.fromkeys(crops, image)
    return images


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(type(number) in (int, float) for number in value)

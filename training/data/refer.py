"""RefCOCO, RefCOCO+ (Yu et al., ECCV 2016) and RefCOCOg (Mao et al., CVPR 2016), as the REFER API lays them out.

ROOT/<dataset>/refs(<by>).p      list of references, a pickle; <by> is who split it: unc, umd or google
ROOT/<dataset>/instances.json    COCO's images and annotations, polygons or run lengths
ROOT/images/mscoco/images/train2014/*.jpg    or ROOT/images/train2014, or ROOT/train2014
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.data.coco_masks import MALFORMED, decode_segmentation
from training.data.plain_pickle import load_plain_pickle
from training.data.referents import ReferentViews, read_json

SPLIT_BY = {"refcoco": ("unc", "google"), "refcoco+": ("unc",), "refcocog": ("umd", "google")}
"""Who split each data set; the first where nothing is said."""
_IMAGE_FOLDERS = ("images/mscoco/images/train2014", "images/train2014", "train2014")


class ReferViews(ReferentViews):
    """The references of one split, one to a view, in the order of the file."""

    def __init__(self, root: Path, dataset: str, split: str, split_by: str | None = None) -> None:
        """Read the split's index; pictures are read one by one.

        `split` is "train", "val", "test", "testA" or "testB", whichever the file has. Raises SaymaskError, naming the
        file, for an unknown data set or split, a file that is missing, damaged or of another layout, and a reference
        to an image or annotation that does not exist.
        """
        super().__init__(root)
        if dataset not in SPLIT_BY:
            raise SaymaskError(f"there is no data set {dataset!r}; choose from {', '.join(SPLIT_BY)}")
        by = split_by or SPLIT_BY[dataset][0]
        if by not in SPLIT_BY[dataset]:
            raise SaymaskError(f"{dataset} was not split by {by!r}; choose from {', '.join(SPLIT_BY[dataset])}")
        folder = root / dataset
        self._index, references = folder / "instances.json", folder / f"refs({by}).p"
        coco = read_json(self._index, dict)
        try:
            self._images = {image["id"]: image["file_name"] for image in coco["images"]}
            self._annotations = {annotation["id"]: annotation for annotation in coco["annotations"]}
        except (KeyError, TypeError) as error:
            raise SaymaskError(f"{self._index}: an image or annotation is malformed: {error!r}") from error
        self._pictures = next((root / name for name in _IMAGE_FOLDERS if (root / name).is_dir()), root / "images")
        self._references: list[tuple[Any, Any, tuple[str, ...]]] = []
        self._read(references, split)

    def _read(self, path: Path, split: str) -> None:
        references = load_plain_pickle(path)
        if not isinstance(references, list):
            raise SaymaskError(f"{path}: expected a list of references, got {type(references).__name__}")
        splits = set()
        try:
            for reference in references:
                splits.add(reference["split"])
                if reference["split"] != split:
                    continue
                image, annotation = reference["image_id"], reference["ann_id"]
                if image not in self._images or annotation not in self._annotations:
                    raise SaymaskError(f"{path}: {self._index.name} knows no image {image} or annotation {annotation}")
                texts = [sentence["sent"] for sentence in reference["sentences"]]
                if readable := self._readable(texts, str(path)):
                    self._references.append((image, annotation, readable))
        except (KeyError, TypeError) as error:
            raise SaymaskError(f"{path}: a reference is malformed: {error!r}") from error
        if not self._references:
            raise SaymaskError(f"{path}: has no split {split!r}; choose from {', '.join(sorted(map(str, splits)))}")

    def __len__(self) -> int:
        return len(self._references)

    def _texts(self, index: int) -> Sequence[str]:
        return self._references[index][2]

    def _image_path(self, index: int) -> Path:
        return self._pictures / str(self._images[self._references[index][0]])

    def _mask(self, index: int, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        number = self._references[index][1]
        try:
            return decode_segmentation(self._annotations[number]["segmentation"], size)
        except MALFORMED as error:
            raise SaymaskError(
                f"{self._index}: the segmentation of annotation {number} is malformed: {error!r}"
            ) from error

"""Rendered shards become a committed test set: plain pictures and one JSON, as training/data/testset.py reads them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.data.testset import TestImage

JPEG_QUALITY = 92


def write_test_set(images: Iterable[TestImage], out: Path, *, limit_bytes: int) -> dict[str, Any]:
    """Write `images` as `out`/test.json, images/*.jpg and instances/*.png; returns counts and bytes.

    `file` of each image is its name without folder and ending. Everything is written beside `out` first and renamed at
    the end; an earlier test set at `out` is replaced, any other folder there is refused. Raises SaymaskError, leaving
    `out` as it was, when the set would be larger than `limit_bytes`.
    """
    if out.exists() and not (out / "test.json").is_file():
        raise SaymaskError(f"{out} exists and is not a test set; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        records = [_write_image(image, folder) for image in images]
        lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
        (folder / "test.json").write_text(f'{{"images":[\n{lines}\n]}}\n', encoding="utf-8")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if size > limit_bytes:
            raise SaymaskError(
                f"the test set would have {size} bytes, {limit_bytes} are allowed; choose fewer --images"
            )
        shutil.rmtree(out, ignore_errors=True)
        folder.rename(out)
    expressions = [expression for record in records for expression in record["expressions"]]
    return {
        "images": len(records),
        "expressions": len(expressions),
        "kinds": dict(sorted(Counter(item["kind"] for item in expressions).items())),
        "absent": sum(not item["referents"] for item in expressions),
        "bytes": size,
    }


def _write_image(image: TestImage, folder: Path) -> dict[str, Any]:
    """Write both pictures of one image and return its record for test.json."""
    file, instances = f"images/{image.file}.jpg", f"instances/{image.file}.png"
    _write_picture(folder / file, image.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    labels = (image.instances.astype(np.int16) + 1).astype(np.uint8)
    _write_picture(folder / instances, labels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return {
        "file": file,
        "instances": instances,
        "objects": [asdict(item) for item in image.objects],
        "expressions": [asdict(item) for item in image.expressions],
        "scene_seed": image.scene_seed,
        "table_texture": image.table_texture,
    }


def _write_picture(path: Path, picture: npt.NDArray[np.uint8], options: Sequence[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.ascontiguousarray(picture), options):
        raise SaymaskError(f"cannot write {path}; is the disk full?")

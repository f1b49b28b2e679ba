"""Shards: some two hundred rendered views with ground truth and expressions in one `.npz` file, without pickle.

Images are JPEG, instances PNG (object index + 1, 0 for the background), depth 16-bit PNG in tenths of a millimetre (0
where beyond 6.5 m); each kind is one byte array with offsets. `records` is UTF-8 JSON, one object per view.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError
from training.expressions.datatypes import Expression
from training.scenes.datatypes import Intrinsics, SceneObject, View

JPEG_QUALITY = 95
DEPTH_UNITS_PER_M = 10_000
_REQUIRED = ("images", "image_offsets", "instances", "instance_offsets", "records")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every member: a shard's bytes must follow from its seed alone."""


@dataclass(frozen=True, eq=False)
class ViewRecord:
    """What a shard says of one view beside its pictures; the fields are those of `View`."""

    objects: tuple[SceneObject, ...]
    expressions: tuple[Expression, ...]
    gap_m: npt.NDArray[np.float32]
    resting_on: frozenset[tuple[int, int]]
    intrinsics: Intrinsics
    scene_seed: int
    view: int
    table_texture: str


def write_shard(path: Path, views: Sequence[tuple[View, Sequence[Expression]]], *, with_depth: bool) -> None:
    """Writes one shard under a temporary name and renames it, so that a file that exists is complete."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    arrays["images"], arrays["image_offsets"] = _join(
        [_encode(".jpg", view.image[..., ::-1], cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY) for view, _ in views]
    )
    arrays["instances"], arrays["instance_offsets"] = _join(
        [_encode(".png", (view.instances + 1).astype(np.uint8), cv2.IMWRITE_PNG_COMPRESSION, 6) for view, _ in views]
    )
    if with_depth:
        arrays["depths"], arrays["depth_offsets"] = _join(
            [_encode(".png", _depth_units(view.depth_m), cv2.IMWRITE_PNG_COMPRESSION, 3) for view, _ in views]
        )
    records = json.dumps([_as_json(view, expressions) for view, expressions in views], separators=(",", ":"))
    arrays["records"] = np.frombuffer(records.encode(), np.uint8)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write_npz(temporary, arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_shard(path: Path) -> Shard:
    """Opens a shard. SaymaskError when the file is not one, naming what is wrong with it."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SaymaskError(
            f"{path}: not a readable shard ({error}); render it again with training/render.py"
        ) from error
    missing = [name for name in _REQUIRED if name not in arrays]
    if missing:
        raise SaymaskError(f"{path}: not a shard, it lacks {', '.join(missing)}; expected a file of training/render.py")
    return Shard(path, arrays)


class Shard:
    """The views of one file; pictures are decoded when asked for."""

    def __init__(self, path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.path = path
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays["image_offsets"]) - 1

    @cached_property
    def _records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = json.loads(self._arrays["records"].tobytes())
        return records

    def image(self, i: int) -> npt.NDArray[np.uint8]:
        """uint8 (h, w, 3) RGB."""
        decoded = cv2.imdecode(self._bytes("images", "image_offsets", i), cv2.IMREAD_COLOR)
        return np.ascontiguousarray(np.asarray(decoded, dtype=np.uint8)[..., ::-1])

    def instances(self, i: int) -> npt.NDArray[np.int8]:
        """int8 (h, w): object index, -1 for the background."""
        decoded = cv2.imdecode(self._bytes("instances", "instance_offsets", i), cv2.IMREAD_GRAYSCALE)
        return np.asarray(decoded).astype(np.int8) - np.int8(1)

    def depth_m(self, i: int) -> npt.NDArray[np.float32]:
        """float32 (h, w) metres along the optical axis, 0 where beyond 6.5 m. SaymaskError in a shard without depth."""
        if "depths" not in self._arrays:
            raise SaymaskError(f"{self.path}: holds no depth; render it with --depth")
        decoded = cv2.imdecode(self._bytes("depths", "depth_offsets", i), cv2.IMREAD_UNCHANGED)
        return np.asarray(decoded).astype(np.float32) / np.float32(DEPTH_UNITS_PER_M)

    def record(self, i: int) -> ViewRecord:
        stored = self._records[i]
        return ViewRecord(
            objects=tuple(SceneObject(**_tuples(thing)) for thing in stored["objects"]),
            expressions=tuple(Expression(**_tuples(expression)) for expression in stored["expressions"]),
            gap_m=np.array(stored["gap_m"], np.float32),
            resting_on=frozenset((upper, lower) for upper, lower in stored["resting_on"]),
            intrinsics=Intrinsics(**stored["intrinsics"]),
            scene_seed=stored["scene_seed"],
            view=stored["view"],
            table_texture=stored["table_texture"],
        )

    def _bytes(self, name: str, offsets: str, i: int) -> npt.NDArray[np.uint8]:
        if not 0 <= i < len(self):
            raise IndexError(f"{self.path}: view {i} of {len(self)}")
        start, stop = self._arrays[offsets][i : i + 2]
        return np.asarray(self._arrays[name][start:stop], dtype=np.uint8)


def _encode(kind: str, pixels: npt.NDArray[Any], flag: int, value: int) -> npt.NDArray[np.uint8]:
    done, encoded = cv2.imencode(kind, np.ascontiguousarray(pixels), [flag, value])
    if not done:
        raise SaymaskError(f"OpenCV cannot write {kind}; reinstall opencv-python-headless")
    return np.asarray(encoded, dtype=np.uint8).ravel()


def _join(pieces: Sequence[npt.NDArray[np.uint8]]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    offsets = np.cumsum([0, *(len(piece) for piece in pieces)], dtype=np.int64)
    return np.concatenate(pieces) if pieces else np.empty(0, np.uint8), offsets


def _depth_units(depth_m: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    units = np.round(depth_m * DEPTH_UNITS_PER_M)
    return np.where(units <= np.iinfo(np.uint16).max, units, 0).astype(np.uint16)


def _as_json(view: View, expressions: Sequence[Expression]) -> dict[str, Any]:
    return {
        "objects": [_rounded(asdict(thing)) for thing in view.objects],
        "gap_m": np.round(view.gap_m.astype(np.float64), 5).tolist(),
        "resting_on": sorted(view.resting_on),
        "intrinsics": asdict(view.intrinsics),
        "scene_seed": view.scene_seed,
        "view": view.view,
        "table_texture": view.table_texture,
        "expressions": [asdict(expression) for expression in expressions],
    }


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Metres to a hundredth of a millimetre: a third of the file would be digits that mean nothing."""
    metric = {name: np.round(value, 5).tolist() for name, value in fields.items() if name.endswith("_m")}
    return fields | metric


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _write_npz(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """`numpy.savez` with a fixed time stamp; only the records are worth compressing."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED if name == "records" else zipfile.ZIP_STORED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)

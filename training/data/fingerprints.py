"""What a model has seen, small enough to commit: anyone can check that a test set shares nothing with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from runtime.errors import SaymaskError

Hashes = npt.NDArray[np.uint64]
_GRID = 16
SAME_PICTURE_BITS = 20
"""Pictures that differ in at most this many of 256 bits are taken for the same one, encoded twice.

Over the committed test set a picture encoded again differs in at most 17, two pictures in at least 34."""
_MARGIN = 2  # grey levels; without it the noise of plain tables flips bits


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """What was seen, as hashes.

    Sorted 64-bit hashes of object identifiers (a procedural mesh follows from its identifier) and of surface names,
    and 256-bit difference hashes (n, 4) of the pictures.
    """

    objects: Hashes
    surfaces: Hashes
    pictures: Hashes

    def shared_with(self, other: Fingerprints) -> list[str]:
        """One line for each kind of thing that both have seen; empty where they share nothing."""
        lines = []
        for kind in ("objects", "surfaces"):
            both = np.intersect1d(getattr(self, kind), getattr(other, kind))
            if both.size:
                lines.append(f"{both.size} {kind}, such as {both[0]:016x}")
        for index, picture in enumerate(self.pictures):
            bits = np.bitwise_count(other.pictures ^ picture).sum(1)
            if bits.size and bits.min() <= SAME_PICTURE_BITS:
                lines.append(f"picture {index} (as picture {int(bits.argmin())})")
        return lines

    def save(self, path: Path) -> None:
        """Write an `.npz` without pickle."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, objects=self.objects, surfaces=self.surfaces, pictures=self.pictures)

    @staticmethod
    def load(path: Path) -> Fingerprints:
        """Read what `save` wrote.

        Raises SaymaskError, naming the file.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                return Fingerprints(archive["objects"], archive["surfaces"], archive["pictures"])
        except (OSError, ValueError, KeyError) as error:
            raise SaymaskError(f"{path}: not a file of fingerprints ({error})") from error


def collect(views: Iterable[tuple[npt.NDArray[np.uint8], Iterable[str], str]]) -> Fingerprints:
    """Fingerprints of views: image uint8 (h, w, 3) RGB, identifiers of its objects, name of its table's surface."""
    objects, surfaces, pictures = set[int](), set[int](), []
    for image, identifiers, surface in views:
        objects.update(name_hash(identifier) for identifier in identifiers)
        surfaces.add(name_hash(surface))
        pictures.append(picture_hash(image))
    stacked = np.stack(pictures) if pictures else np.zeros((0, 4), np.uint64)
    return Fingerprints(_sorted(objects), _sorted(surfaces), stacked)


def name_hash(name: str) -> int:
    """First 64 bits of the SHA-256 of a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def picture_hash(image: npt.NDArray[np.uint8]) -> Hashes:
    """Difference hash, uint64 (4,): whether each cell of a 16 x 16 grid is clearly brighter than the one to its left.

    It hardly changes when a picture is encoded or scaled again, and differs in about half its bits between two
    pictures.
    """
    grey: npt.NDArray[Any] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (_GRID + 1, _GRID), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(cells[:, 1:] > cells[:, :-1] + _MARGIN).view(np.uint64)


def _sorted(hashes: set[int]) -> Hashes:
    return np.array(sorted(hashes), np.uint64)

"""Procedural surfaces by seed, and folders of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from runtime.errors import SaymaskError
from training.scenes.surfaces import load_surfaces, make_surface


def test_same_seed_same_surface() -> None:
    first, again, other = make_surface(4), make_surface(4), make_surface(5)
    assert first.name == again.name and first.sha256 == again.sha256
    assert first.sha256 != other.sha256 and first.name != other.name
    assert first.texture.shape == (512, 512, 3) and first.texture.dtype == np.uint8


def test_surfaces_are_of_many_kinds_and_tones() -> None:
    surfaces = [make_surface(seed) for seed in range(30)]
    assert len({surface.name.split("/")[0] for surface in surfaces}) >= 4
    means = np.array([surface.texture.mean() for surface in surfaces])
    assert means.std() > 25
    assert ((means > 15) & (means < 250)).all()


def test_folder_of_pictures(tmp_path: Path) -> None:
    picture = np.zeros((700, 1400, 3), np.uint8)
    picture[..., 2] = 255  # OpenCV writes blue, green, red
    cv2.imwrite(str(tmp_path / "oak.png"), picture)
    cv2.imwrite(str(tmp_path / "ash.png"), picture[:100, :80])
    (tmp_path / "notes.txt").write_text("not a picture")
    ash, oak = load_surfaces(tmp_path)
    assert (ash.name, oak.name) == ("ash", "oak")
    assert ash.texture.shape == (100, 80, 3) and oak.texture.shape == (256, 512, 3)
    assert (oak.texture == [255, 0, 0]).all()


def test_folder_errors(tmp_path: Path) -> None:
    with pytest.raises(SaymaskError, match="no surface folder"):
        load_surfaces(tmp_path / "missing")
    with pytest.raises(SaymaskError, match="no pictures in"):
        load_surfaces(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"no jpeg")
    with pytest.raises(SaymaskError, match="cannot read the picture"):
        load_surfaces(tmp_path)

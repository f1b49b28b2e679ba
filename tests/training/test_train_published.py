"""Training on a data set in ReferIt's published layout, written here: each stage, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from training import train

CONFIGS = Path(train.__file__).parent / "configs"
WORDS = ("<pad>", "<go>", "<eos>", "<unk>", "the", "red", "blue", "block", "left")


@pytest.fixture(scope="module")
def referit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of a red block on the left and a blue one on the right, 48 x 64."""
    root = tmp_path_factory.mktemp("referit")
    (root / "images").mkdir()
    (root / "mask").mkdir()
    queries: dict[str, list[str]] = {}
    boxes, crops, sizes = {}, {}, {}
    for image in range(4):
        pixels = np.full((48, 64, 3), 120, np.uint8)
        crops[f"{image}.jpg"] = [f"{image}_1", f"{image}_2"]
        sizes[f"{image}.jpg"] = [64, 48]
        for number, (left, colour, words) in enumerate([(4, (30, 30, 200), "red"), (40, (200, 30, 30), "blue")], 1):
            top = 5 + 6 * image
            pixels[top : top + 16, left : left + 16] = colour
            outside = np.ones((48, 64), np.uint8)
            outside[top : top + 16, left : left + 16] = 0
            savemat(root / "mask" / f"{image}_{number}.mat", {"segimg_t": outside})
            queries[f"{image}_{number}"] = [f"the {words} block", "left block" if number == 1 else words]
            boxes[f"{image}_{number}"] = [left, top, left + 15, top + 15]
        cv2.imwrite(str(root / "images" / f"{image}.jpg"), pixels)
    for split in ("train", "val"):
        (root / f"referit_query_{split}.json").write_text(json.dumps(queries))
    for name, content in (("bbox", boxes), ("imcrop", crops), ("imsize", sizes)):
        (root / f"referit_{name}.json").write_text(json.dumps(content))
    (root / "vocabulary_referit.txt").write_text("\n".join(WORDS) + "\n")
    return root


def arguments(root: Path, out: Path, name: str) -> list[str]:
    options = (
        "{backbone: mobilenet_v2, image_size: [64, 64], embedding_size: 8, hidden_size: 16, image_channels: 24, "
        "classifier_channels: 16}"
    )
    return [
        *("--config", str(CONFIGS / f"text_objseg_mobilenet_{name}.yaml"), "--out", str(out)),
        *("--dataset", "referit", "--root", str(root), "--split", "train"),
        *("--validation", str(root), "--validation-split", "val", "--vocabulary", str(root / "vocabulary_referit.txt")),
        *("--set", "steps=3", "--set", "images_per_step=2", "--set", f"options={options}"),
        *("--workers", "0", "--threads", "1", "--accelerator", "cpu", "--precision", "32-true"),
    ]


@pytest.mark.parametrize(("name", "figure"), [("region", "box_accuracy"), ("low", "mean_iou"), ("high", "mean_iou")])
def test_every_stage_trains_on_referit(name: str, figure: str, referit: Path, tmp_path: Path) -> None:
    assert train.main(arguments(referit, tmp_path, name)) == 0
    described = json.loads((tmp_path / "checkpoint.json").read_text())
    assert 0 <= described["metrics"][figure] <= 1
    assert described["provenance"]["training_views"] == 8
    assert set(WORDS[4:]) <= set(described["vocabulary"]["words"])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--split", "dev"], "no split 'dev'"),
        (["--root", "/nonexistent", "/tmp"], "referit lies in one folder, 2 were given"),
        (["--root", "/nonexistent"], "/nonexistent/referit_query_train.json"),
        (["--vocabulary", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_bad_requests_are_one_line(
    extra: list[str], message: str, referit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main([*arguments(referit, tmp_path, "low"), *extra]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error

"""The card says what the results say, and the bundle still opens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.model_card import main
from runtime.bundle import open_bundle

PROVENANCE: dict[str, Any] = {
    "training_views": 24000,
    "step": 10,
    "samples": 240,
    "seconds": 7200.0,
    "stages": ["an earlier run"],
    "machine": "a desk",
    "date": "2026-11-22",
    "commit": "abc",
    "command": "python training/train.py",
    "config": {"seed": 3, "images_per_step": 4, "expressions_per_image": 6},
}
FIGURES = ("overall_iou", "mean_iou", "precision_at_0.5", "precision_at_0.7", "precision_at_0.9", "right_object")
DOUBT = ("absent_auroc", "ambiguous_auroc", "ece", "answers_correct", "wrong_found_rate", "coverage")


def results(value: float) -> dict[str, Any]:
    figures = dict.fromkeys((*FIGURES, *DOUBT), value)
    about = {"data": "d", "images": 2, "expressions": 5, "device": "a desk", "date": "2026-11-22"}
    return {**about, **figures, "slices": {"relation": {"n": 4, **figures, "right_object": None}}}


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(tiny_bundle, tmp_path / "tiny")
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**description, "provenance": PROVENANCE}))
    (tmp_path / "accuracy.json").write_text(json.dumps(results(0.625)))
    (tmp_path / "photos.json").write_text(json.dumps(results(0.25)))
    (tmp_path / "notes.md").write_text("## Known failures\nglass\n")
    return folder


def test_card_holds_the_figures_and_the_bundle_still_opens(bundle: Path, tmp_path: Path) -> None:
    for _ in range(2):  # a card may be replaced
        assert main(["--model", str(bundle), "--results", str(tmp_path)]) == 0
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "| overall IoU | 0.625 | 0.250 |" in card
    assert "| relation | 4 | 0.625 | 0.625 | - | 4 | 0.250 |" in card
    assert (
        "| hours of this run | 2.0 |" in card
        and "| stage | an earlier run |" in card
        and card.endswith("## Known failures\nglass\n")
    )
    assert "MODEL_CARD.md" in open_bundle(bundle).spec.files
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_missing_results_say_what_to_run(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos.json").unlink()
    assert main(["--model", str(bundle), "--results", str(tmp_path)]) == 2
    assert "make it with: python benchmarks/accuracy.py --coco DIR" in capsys.readouterr().err
    assert not (bundle / "MODEL_CARD.md").exists()

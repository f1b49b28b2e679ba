"""Write a bundle's MODEL_CARD.md from what the commands printed: `python benchmarks/model_card.py`.

Figures come from the bundle's own provenance and from benchmarks/results/*.json; `benchmarks/results/notes.md` is the
part that a person wrote. The bundle's hashes are renewed with it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import shown
from export.bundle_writer import replace_card
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.entry import command_line
from runtime.errors import SaymaskError

RESULTS = Path(__file__).parent / "results"
_FIGURES = {
    "overall_iou": "overall IoU",
    "mean_iou": "mean IoU",
    "precision_at_0.5": "precision@0.5",
    "precision_at_0.7": "precision@0.7",
    "precision_at_0.9": "precision@0.9",
    "right_object": "right object (one referent)",
    "absent_auroc": "AUROC absent against present",
    "ambiguous_auroc": "AUROC ambiguous against unique",
    "ece": "expected calibration error",
    "answers_correct": "answers fully correct (verdict, and IoU >= 0.5 where FOUND)",
    "wrong_found_rate": "FOUND, but on the wrong thing",
    "coverage": "answered FOUND where it should be",
}


def card(description: Mapping[str, Any], rendered: Mapping[str, Any], photos: Mapping[str, Any], notes: str) -> str:
    """The card's text. `description` is model.json, the others what benchmarks/accuracy.py wrote."""
    provenance = description["provenance"]
    lines = [
        f"# {description['name']}",
        "",
        f"Referring-expression segmentation of tabletop scenes, architecture `{description['architecture']}`, "
        f"{' x '.join(map(str, description['image_size']))} pixels. Written by `python benchmarks/model_card.py`; "
        "every figure is what a command printed.",
        "",
        "## Training",
        "",
        *_table(("what", "value"), _training_rows(provenance)),
        "",
        "## Figures",
        "",
        f"Rendered: {rendered['images']} images, {rendered['expressions']} expressions of `{rendered['data']}` (test "
        f"seeds, textures and objects never trained on). Photographs: {photos['images']} real ones with "
        f"{photos['expressions']} sentences of our own (`benchmarks/data/photo-sentences.json`; the photographs are "
        "not in this repository). "
        f"Both through the runtime, {rendered['device']}, {rendered['date']}.",
        "",
        *_table(("", "rendered", "photographs"), [(label, rendered[k], photos[k]) for k, label in _FIGURES.items()]),
        "",
        "By kind of expression (those with a referent):",
        "",
        *_table(
            ("kind", "n", "mean IoU", "precision@0.5", "right object", "photographs: n", "mean IoU"),
            _slices(rendered, photos),
        ),
        "",
        notes.strip(),
    ]
    return "\n".join(lines) + "\n"


def _training_rows(provenance: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    config = provenance["config"]
    return [
        ("images", provenance["training_views"]),
        ("steps of this run", provenance["step"]),
        ("expressions seen in this run", provenance["samples"]),
        ("hours of this run", round(provenance["seconds"] / 3600, 2)),
        *(("stage", stage) for stage in provenance.get("stages", ())),
        *([("restarts", provenance["restarts"])] if "restarts" in provenance else []),
        ("machine", provenance["machine"]),
        ("date, commit", f"{provenance['date']}, {provenance['commit']}"),
        ("command", f"`{provenance['command']}`"),
        ("seed", config["seed"]),
        ("batch", f"{config['images_per_step']} images x {config['expressions_per_image']} expressions"),
    ]


def _slices(rendered: Mapping[str, Any], photos: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for kind, figures in rendered["slices"].items():
        there = photos["slices"].get(kind, {})
        columns = [figures[name] for name in ("n", "mean_iou", "precision_at_0.5", "right_object")]
        rows.append((kind, *columns, there.get("n", 0), there.get("mean_iou")))
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    return ["| " + " | ".join(map(_cell, row)) + " |" for row in (head, ["---"] * len(head), *rows)]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and abs(value) < 1 else str(value)


def _read(path: Path, command: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SaymaskError(f"{path}: cannot be read ({error}); make it with: {command}") from error
    return content


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, write, renew the hashes, and open the result once."""
    rendered = _read(
        args.results / "accuracy.json", f"python benchmarks/accuracy.py --out {args.results}/accuracy.json"
    )
    photos = _read(
        args.results / "photos.json", f"python benchmarks/accuracy.py --coco DIR --out {args.results}/photos.json"
    )
    notes = args.results / "notes.md"
    description = _read(args.model / "model.json", "python export/to_onnx.py")
    text = card(description, rendered, photos, notes.read_text(encoding="utf-8") if notes.is_file() else "")
    replace_card(args.model, text)
    open_bundle(args.model)
    return {"out": shown(args.model / "MODEL_CARD.md"), "lines": text.count("\n")}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="DIR", help="accuracy.json, photos.json, notes.md"
    )
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

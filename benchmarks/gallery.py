"""Show what a model gets right or wrong: `python benchmarks/gallery.py [--show failures|successes|all]`.

Draws answers on the test set (or on photographs, --coco) as one contact sheet, the truth outlined in white. Failures
are chosen evenly over the expression kinds, the surest first: a sure mistake is the one to know about. The last line of
JSON counts the faults of all answers, of `fault_of`.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.accuracy import Scored, add_data_options, load_images, score
from benchmarks.report import shown
from runtime import Segmenter
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.vision.overlay import draw_overlay
from training.metrics import CORRECT_IOU, Outcome

Picture = npt.NDArray[np.uint8]
_TILE = (400, 460)  # width and height in pixels


def tile(scored: Scored) -> Picture:
    """Overlay of one answer with the truth outlined, uint8 (460, 400, 3) RGB, letterboxed in white."""
    image = scored.image.image.copy()
    picture = draw_overlay(image, scored.answer)
    factor = picture.shape[1] / image.shape[1]
    truth = scored.image.mask(scored.expression).astype(np.uint8)
    outlines, _ = cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    scaled = [np.round(outline * factor).astype(np.int32) for outline in outlines]
    cv2.drawContours(picture, scaled, -1, (255, 255, 255), max(1, round(picture.shape[1] / 400)), cv2.LINE_AA)
    scale = min(_TILE[0] / picture.shape[1], _TILE[1] / picture.shape[0])
    fitted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((_TILE[1], _TILE[0], 3), 255, np.uint8)
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
    return canvas


def choose(scored: Iterable[Scored], show: str, count: int) -> list[Scored]:
    """`count` answers, taken in turn from each expression kind, the surest first; "all" keeps the order of the data."""
    if show == "all":
        return list(scored)[:count]
    by_kind: dict[str, list[Scored]] = defaultdict(list)
    for item in scored:
        if item.outcome.correct == (show == "successes"):
            by_kind[item.expression.kind].append(item)
    for items in by_kind.values():
        items.sort(key=lambda item: -item.outcome.confidence)
    chosen: list[Scored] = []
    while len(chosen) < count and any(by_kind.values()):
        for kind in sorted(by_kind):
            if by_kind[kind] and len(chosen) < count:
                chosen.append(by_kind[kind].pop(0))
    return chosen


def fault_of(outcome: Outcome) -> str | None:
    """What is wrong with an answer, in a few words; None for a correct one."""
    if outcome.correct:
        return None
    if outcome.count == "none":
        return "nothing is there"
    if outcome.verdict == "NOT_FOUND":
        return "one is there, said none"
    if outcome.iou >= CORRECT_IOU and outcome.chosen:
        return "right pixels, another verdict"
    return "part of it, or more than it" if outcome.chosen else "another thing"


def contact_sheet(tiles: Sequence[Picture], columns: int = 4) -> Picture:
    """Tiles of one size, row by row, white where the last row is short."""
    rows = -(-len(tiles) // columns)
    height, width, _ = tiles[0].shape
    sheet = np.full((rows * height, min(columns, len(tiles)) * width, 3), 255, np.uint8)
    for index, picture in enumerate(tiles):
        y, x = index // columns * height, index % columns * width
        sheet[y : y + height, x : x + width] = picture
    return sheet


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Score, choose, draw and write the sheet."""
    with Segmenter(args.model) as segmenter:
        scored = [item for image in load_images(args) for item in score(segmenter, image)]
    chosen = choose(scored, args.show, args.count)
    if not chosen:
        raise SaymaskError(f"there are no {args.show} among {len(scored)} answers; nothing to show")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet([tile(item) for item in chosen])
    if not cv2.imwrite(str(args.out), np.ascontiguousarray(sheet[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 85]):
        raise SaymaskError(f"cannot write {args.out}; name a .jpg or .png file in a folder that can be written")
    faults = Counter(fault_of(item.outcome) or "none" for item in scored)
    return {"out": shown(args.out), "shown": len(chosen), "answers": len(scored), "faults": dict(faults.most_common())}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, metavar="DIR", help="bundle")
    add_data_options(parser)
    parser.add_argument("--show", choices=("failures", "successes", "all"), default="failures", help="which answers")
    parser.add_argument("--count", type=int, default=16, help="how many at most")
    parser.add_argument("--out", type=Path, default=Path("gallery.jpg"), help="contact sheet to write")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

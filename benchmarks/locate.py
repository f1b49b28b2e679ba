"""How well a grasp is placed from depth, on rendered scenes: `python benchmarks/locate.py [--scenes 40]`.

Depth and masks are the renderer's, exact (`perfect`), with 2 mm of noise and 5 % holes (`noisy`), with a mask that
reaches 3 pixels over the outline (`spilt`), and with depths mixed across every outline (`flying`). For each, over all
things with at least 200 visible pixels: medians and 90th percentiles of
`visible_mm`: from the point to the centroid, by area, of the visible part of the thing's own mesh;
`pixels_mm`: to the mean of the exact points of the mask's pixels, another meaning of the same words;
`centre_mm`: to the centre of the whole thing, most of which is hidden: no target, it says how deep to reach;
and of things seen whole, `width_mm`: from the width to the thing's extent where the jaws close, and `axis_deg`: from
the axis to the longest side of those that are clearly longer than wide. `passed`: `visible_mm` and `pixels_mm` are at
most 5 mm in the median with perfect masks, 10 mm with noise.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.rendered_things import SIZE, Array, Depth, Thing, rays, rendered_things
from benchmarks.report import machine, plain, write_json
from runtime.datatypes import Grasp, Mask
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.tables import aligned
from runtime.vision.locate import locate

CONDITIONS = ("perfect", "noisy", "spilt", "flying")
TARGETS_MM = {"perfect": 5.0, "noisy": 10.0}
NOISE_M, HOLES, SPILL_PIXELS = 0.002, 0.05, 3
_ELONGATED = 1.5
_HALF_FINGER_M = 0.01
_MEASURES = ("visible_mm", "pixels_mm", "centre_mm", "width_mm", "axis_deg")


def degraded(mask: Mask, depth_m: Depth, condition: str, rng: np.random.Generator) -> tuple[Mask, Depth]:
    """Copies of an exact mask and depth as `condition` has them."""
    depth = depth_m.copy()
    if condition == "noisy":
        depth += rng.normal(0.0, NOISE_M, depth.shape).astype(np.float32)
        depth[rng.random(depth.shape) < HOLES] = np.nan
    elif condition == "spilt":
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SPILL_PIXELS + 1,) * 2)
        mask = cv2.dilate(mask.view(np.uint8), disc).astype(np.bool_)
    elif condition == "flying":
        square = np.ones((3, 3), np.uint8)
        outline = cv2.dilate(depth, square) - cv2.erode(depth, square) > 0.02
        depth[outline] = cv2.blur(depth, (3, 3))[outline]
    return mask, depth


def errors(thing: Thing, grasp: Grasp) -> dict[str, float]:
    """The measures of one grasp, nan where they do not apply."""
    point, axis, approach = np.array(grasp.point_m), np.array(grasp.axis), np.array(grasp.approach)
    rows, columns = np.nonzero(thing.mask)
    exact = rays(rows, columns, thing.intrinsics) * thing.depth_m[rows, columns][:, None]
    result = {
        "visible_mm": 1e3 * _distance(point, thing.samples[thing.visible].mean(axis=0)),
        "pixels_mm": 1e3 * _distance(point, exact.mean(axis=0)),
        "centre_mm": 1e3 * _distance(point, thing.centre),
    } | dict.fromkeys(("width_mm", "axis_deg"), np.nan)
    offsets = thing.samples - point
    between = np.abs(offsets @ axis) <= _HALF_FINGER_M
    if thing.whole and between.any():
        needed = float(np.ptp(offsets[between] @ np.cross(axis, approach)))
        result["width_mm"] = 1e3 * abs(grasp.width_m - needed)
    variances, principal = np.linalg.eigh(np.cov(thing.samples.T))
    if thing.whole and variances[2] >= _ELONGATED**2 * variances[1]:
        result["axis_deg"] = float(np.rad2deg(np.arccos(min(1.0, abs(axis @ principal[:, 2])))))
    return result


def _distance(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b))


def measure(things: Iterator[Thing], seed: int) -> dict[str, Any]:
    """Figures of every condition over all `things`."""
    rng = np.random.default_rng((seed, 1))
    found: dict[str, list[dict[str, float]]] = {condition: [] for condition in CONDITIONS}
    refused, times = dict.fromkeys(CONDITIONS, 0), []
    for thing in things:
        for condition in CONDITIONS:
            mask, depth = degraded(thing.mask, thing.depth_m, condition, rng)
            start = time.perf_counter()
            try:
                grasp = locate(mask, depth, thing.intrinsics, camera_frame="camera", stamp_ns=0)
            except SaymaskError:
                refused[condition] += 1
                continue
            times.append(1e3 * (time.perf_counter() - start))
            found[condition].append(errors(thing, grasp))
    if not all(found.values()):
        raise SaymaskError("no thing could be located; render more --scenes")
    result: dict[str, Any] = {
        condition: {"things": len(rows), "refused": refused[condition]}
        | {name: _summary([row[name] for row in rows]) for name in _MEASURES}
        for condition, rows in found.items()
    }
    result["milliseconds"] = {f"p{level}": float(np.percentile(times, level)) for level in (50, 90, 99)}
    result["passed"] = all(
        result[condition][name]["p50"] <= most
        for condition, most in TARGETS_MM.items()
        for name in ("visible_mm", "pixels_mm")
    )
    return result


def _summary(values: Sequence[float]) -> dict[str, float]:
    known = [value for value in values if np.isfinite(value)]
    levels = np.percentile(known, (50, 90)) if known else (np.nan, np.nan)
    return {"n": len(known), "p50": float(levels[0]), "p90": float(levels[1])}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Render, measure, and return the figures."""
    if args.scenes < 1 or args.seed < 0:
        raise SaymaskError(f"--scenes must be 1 or more and --seed 0 or more, got {args.scenes} and {args.seed}")
    settings = {"scenes": args.scenes, "seed": args.seed, "split": "test", "size": SIZE, "noise_m": NOISE_M}
    result: dict[str, Any] = plain(settings | measure(rendered_things(args.scenes, args.seed), args.seed) | machine())
    sys.stderr.write(table(result) + "\n")
    if args.out:
        write_json(args.out, result)
    return result


def table(result: dict[str, Any]) -> str:
    """The medians (90th percentiles) for a person."""
    rows = [
        (condition, *(f"{result[condition][name]['p50']} ({result[condition][name]['p90']})" for name in _MEASURES))
        for condition in CONDITIONS
    ]
    return aligned(("depth and mask", *_MEASURES), rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--scenes", type=int, default=40, metavar="N", help="scenes of 3 to 10 things, one picture of each")
    add("--seed", type=int, default=7, help="the same seed renders the same scenes")
    add("--out", type=Path, metavar="JSON", help="also write the JSON here")
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())

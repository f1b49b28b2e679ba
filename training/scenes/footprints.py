"""Convex outlines on the table and the distance between them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def footprint(vertices: Points) -> Points:
    """Convex outline (k, 2) of points (n, 2 or 3) seen from above, metres."""
    flat = np.ascontiguousarray(vertices[:, :2], dtype=np.float32)
    return np.asarray(cv2.convexHull(flat)[:, 0], dtype=np.float64)


def footprint_gap(first: Points, second: Points) -> float:
    """Smallest distance between two convex outlines in metres; 0 where they overlap.

    Disjoint convex outlines are nearest at a corner of one of them, and they are disjoint exactly when the normal of
    some side separates them.
    """
    if max(_separation(first, second), _separation(second, first)) <= 0:
        return 0.0
    return min(_corner_distance(first, second), _corner_distance(second, first))


def _separation(outline: Points, other: Points) -> float:
    """Largest clearance that a side's normal of `outline` sees towards `other`; negative where none separates them."""
    sides = np.roll(outline, -1, axis=0) - outline
    normals = np.stack([sides[:, 1], -sides[:, 0]], axis=1)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    own, others = normals @ outline.T, normals @ other.T
    above = others.min(axis=1) - own.max(axis=1)
    below = own.min(axis=1) - others.max(axis=1)
    return float(np.maximum(above, below).max())


def _corner_distance(corners: Points, outline: Points) -> float:
    starts = outline[None]
    sides = np.roll(outline, -1, axis=0)[None] - starts
    offsets = corners[:, None] - starts
    squared = np.maximum((sides**2).sum(-1), 1e-18)
    along = np.clip((offsets * sides).sum(-1) / squared, 0.0, 1.0)
    return float(np.linalg.norm(offsets - along[..., None] * sides, axis=-1).min())

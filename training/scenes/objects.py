"""The procedural objects: a category name and a seed make one thing that can stand on a table."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from training.scenes.datatypes import TabletopObject
from training.scenes.draft import Draft
from training.scenes.geometry import convex_hull
from training.scenes.objects_containers import CONTAINERS
from training.scenes.objects_cookware import COOKWARE
from training.scenes.objects_cutlery import CUTLERY
from training.scenes.objects_desk import DESK
from training.scenes.objects_fruit import FRUIT
from training.scenes.objects_packages import PACKAGES
from training.scenes.objects_serving import SERVING
from training.scenes.objects_tableware import TABLEWARE
from training.scenes.objects_tools import TOOLS
from training.scenes.objects_toys import TOYS
from training.scenes.objects_vegetables import VEGETABLES

CATEGORIES: dict[str, Callable[[np.random.Generator], Draft]] = {
    **TABLEWARE,
    **SERVING,
    **CONTAINERS,
    **PACKAGES,
    **FRUIT,
    **VEGETABLES,
    **CUTLERY,
    **COOKWARE,
    **DESK,
    **TOYS,
    **TOOLS,
}
"""Maker of each category; the keys are the usual nouns (underscores for spaces)."""


def make_object(category: str, seed: int) -> TabletopObject:
    """The object `category`/`seed`, the same for ever; raises KeyError for a category that is not in `CATEGORIES`."""
    rng = np.random.default_rng([zlib.crc32(category.encode()), seed])
    return finish_object(f"{category}/{seed}", CATEGORIES[category](rng))


def finish_object(identifier: str, draft: Draft) -> TabletopObject:
    """Sets a draft on the ground (origin at the bottom centre of its bounding box) and gives it a hull."""
    points = np.concatenate([part.vertices for part in draft.parts])
    low, high = points.min(0), points.max(0)
    origin = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    hull_vertices, hull_faces = convex_hull(points - origin)
    return TabletopObject(
        identifier=identifier,
        nouns=draft.nouns,
        colours=tuple(dict.fromkeys(draft.colours)),
        material=draft.material,
        pattern=draft.pattern,
        parts=tuple(replace(part, vertices=part.vertices - origin) for part in draft.parts),
        hull_vertices=hull_vertices,
        hull_faces=hull_faces,
        lying_probability=draft.lying_probability,
        supports=draft.supports,
    )

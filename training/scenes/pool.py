"""Which objects and surfaces one library holds: fresh procedural ones and a draw of the user's meshes and images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.scenes.datatypes import TabletopObject
from training.scenes.meshes import MeshEntry, load_mesh
from training.scenes.objects import CATEGORIES, make_object
from training.scenes.split import Split, draw_seed, split_of
from training.scenes.surfaces import Surface, make_surface

INSTANCES_PER_CATEGORY = 4
MESHES = 45
SURFACES = 14
IMAGE_SURFACE_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Pool:
    """Objects and surfaces of one split that many scenes are made of."""

    objects: tuple[TabletopObject, ...]
    surfaces: tuple[Surface, ...]


def draw_pool(
    rng: np.random.Generator,
    split: Split,
    catalogue: Sequence[MeshEntry] = (),
    images: Sequence[Surface] = (),
    *,
    instances: int = INSTANCES_PER_CATEGORY,
    categories: Sequence[str] = (),
) -> Pool:
    """`instances` new objects of each of `categories` (none named: all procedural ones), 45 meshes, 14 surfaces.

    All of `split`; fewer meshes where there are not so many.
    """
    objects = [
        make_object(category, draw_seed(rng, split))
        for category in sorted(categories or CATEGORIES)
        for _ in range(instances)
    ]
    entries = [entry for entry in catalogue if split_of(entry.identifier) == split]
    drawn = rng.permutation(len(entries))[:MESHES]
    objects += [load_mesh(entries[i]) for i in drawn]
    allowed = [surface for surface in images if split_of(surface.name) == split]
    from_images = rng.permutation(len(allowed))[: round(SURFACES * IMAGE_SURFACE_SHARE)]
    surfaces = [allowed[i] for i in from_images]
    surfaces += [make_surface(draw_seed(rng, split)) for _ in range(SURFACES - len(surfaces))]
    return Pool(tuple(objects), tuple(surfaces))

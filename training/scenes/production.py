"""Renders whole shards: draws a library, settles scenes, takes views, asks for expressions, writes the file.

A shard follows from its plan and its index alone; worker processes and machines may share the indices freely.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from runtime.errors import SaymaskError
from training.expressions.datatypes import Expression
from training.expressions.generate import generate, procedural_nouns
from training.scenes.camera import CLOSE_UPS, random_camera
from training.scenes.datatypes import View
from training.scenes.library import Library
from training.scenes.meshes import MeshEntry, load_catalogue
from training.scenes.photography import develop
from training.scenes.plan import RenderPlan, shard_path
from training.scenes.pool import draw_pool
from training.scenes.renderer import ClassicRenderer
from training.scenes.scene import frame_size, make_scene
from training.scenes.shards import write_shard
from training.scenes.split import SPLITS, split_of
from training.scenes.staging import stage_look, stage_room
from training.scenes.surfaces import Surface, load_surfaces
from training.scenes.truth import make_view

AZIMUTH_AT_WALL = 0.9
"""Radians: a camera at a table against the wall stays on the near side."""


class ShardMaker:
    """Keeps what outlives a shard: the GL context, the mesh catalogue, the surface images."""

    def __init__(self, plan: RenderPlan, out: Path) -> None:
        self._plan, self._out = plan, out
        self._catalogue: Sequence[MeshEntry] = load_catalogue(Path(plan.objects)) if plan.objects else ()
        self._images: Sequence[Surface] = load_surfaces(Path(plan.surfaces)) if plan.surfaces else ()
        # Words of meshes must be absent sometimes too, or hearing one would prove that the thing is there; but only of
        # this split's meshes, or a word that never has a referent here would come to mean "there is none".
        mine = [entry for entry in self._catalogue if split_of(entry.identifier) == plan.split]
        meshes = {noun for entry in mine for noun in entry.nouns}
        self._nouns = sorted({*procedural_nouns(), *meshes})
        self._renderer = _open_renderer(plan)

    def make(self, shard: int, taken: Callable[[int], None]) -> tuple[int, int]:
        """Writes the shard; calls `taken(1)` after each image. Returns its number of images and of expressions."""
        plan = self._plan
        root = np.random.SeedSequence((plan.seed, SPLITS.index(plan.split), shard))
        pool_sequence, scene_sequence = root.spawn(2)
        pool = draw_pool(
            np.random.default_rng(pool_sequence), plan.split, self._catalogue, self._images, categories=plan.categories
        )
        library = Library(pool.objects, pool.surfaces, plan.long_side)
        self._renderer.load(library)
        views: list[tuple[View, Sequence[Expression]]] = []
        for state in scene_sequence.generate_state(plan.scenes_of(shard), np.uint32):
            views += self._scene_views(library, int(state), taken)
        write_shard(shard_path(self._out, shard), views, with_depth=plan.depth)
        return len(views), sum(len(expressions) for _, expressions in views)

    def _scene_views(
        self, library: Library, seed: int, taken: Callable[[int], None]
    ) -> list[tuple[View, Sequence[Expression]]]:
        plan = self._plan
        scene = make_scene(library.objects, seed)
        # apart from the stream that made the scene, so that neither shifts when the other draws more numbers
        rng = np.random.default_rng((seed, 1))
        library.arrange(scene.objects, scene.poses)
        stage_room(library, scene, rng)
        hulls = scene.hulls(library.objects)
        size = frame_size(scene.aspect, plan.long_side)
        views: list[tuple[View, Sequence[Expression]]] = []
        for number in range(plan.views):
            table_texture = stage_look(library, scene, rng)
            span = AZIMUTH_AT_WALL if scene.against_wall else np.pi
            camera = random_camera(rng, hulls, size, span, CLOSE_UPS if plan.split == "train" else 0.0)
            rendering = self._renderer.render(camera)
            view = make_view(
                library.objects,
                scene,
                camera,
                develop(rendering.image, rng),
                library.index_of_geom(scene.objects)[rendering.geoms],
                rendering.depth_m,
                view=number,
                table_texture=table_texture,
            )
            taken(1)
            expressions = generate(view, rng, noun_pool=self._nouns)
            if expressions:
                views.append((view, expressions))
        return views

    def close(self) -> None:
        self._renderer.close()


def _open_renderer(plan: RenderPlan) -> ClassicRenderer:
    if plan.renderer == "filament":
        from training.scenes.filament import FilamentRenderer  # needs a Vulkan driver, which few machines have

        return FilamentRenderer(plan.long_side)
    if plan.renderer == "classic":
        return ClassicRenderer(plan.long_side)
    raise SaymaskError(f"unknown renderer '{plan.renderer}'; expected classic or filament")

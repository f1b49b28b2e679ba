"""Spreads the shards of a set over processes, each with a GL context of its own.

MuJoCo is imported by the workers alone: it picks its GL backend, and Mesa its number of threads, when it is loaded.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from runtime.errors import SaymaskError, missing_package
from training.scenes.opengl import no_gl
from training.scenes.plan import RenderPlan

if TYPE_CHECKING:
    from training.scenes.production import ShardMaker

_POLL_S = 0.5


def render_shards(plan: RenderPlan, out: Path, shards: Sequence[int], *, workers: int) -> tuple[int, int]:
    """Renders `shards` of `plan` into `out` with a progress bar; returns the numbers of images and of expressions."""
    if not shards:
        return 0, 0
    context = multiprocessing.get_context("spawn")
    taken = context.Value("q", 0)
    scenes = sum(plan.scenes_of(shard) for shard in shards)
    inherited = {name: os.environ.get(name) for name in ("MUJOCO_GL", "LP_NUM_THREADS")}
    os.environ.setdefault("MUJOCO_GL", "egl")
    # one core per worker: more threads of Mesa's software rasteriser only get into each other's way
    os.environ["LP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(min(workers, len(shards)), context, _start, (plan, out, taken))
    try:
        with tqdm(total=scenes * plan.views, unit="image") as bar:
            pending = {pool.submit(_make, shard) for shard in shards}
            images = expressions = 0
            while pending:
                done, pending = wait(pending, _POLL_S, FIRST_EXCEPTION)
                bar.update(taken.value - bar.n)
                for future in done:
                    made = future.result()
                    images, expressions = images + made[0], expressions + made[1]
    except BrokenProcessPool as error:
        raise SaymaskError(
            "a rendering process died, most likely for want of memory; run again with fewer --workers: "
            "finished shards are kept"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in inherited.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return images, expressions


_plan_of_process: tuple[RenderPlan, Path, Synchronized[int]] | None = None
_maker: ShardMaker | None = None


def _start(plan: RenderPlan, out: Path, taken: Synchronized[int]) -> None:
    # the maker is opened by the first task: an exception in here would break the pool without a word of the cause
    global _plan_of_process
    _plan_of_process = plan, out, taken


def _make(shard: int) -> tuple[int, int]:
    global _maker
    assert _plan_of_process is not None
    plan, out, taken = _plan_of_process
    if _maker is None:
        _maker = _open_maker(plan, out)

    def count(images: int) -> None:
        with taken.get_lock():
            taken.value += images

    return _maker.make(shard, count)


def _open_maker(plan: RenderPlan, out: Path) -> ShardMaker:
    try:
        import mujoco
    except ImportError as error:
        raise (SaymaskError(missing_package(error)) if error.name == "mujoco" else no_gl(error)) from error
    except (AttributeError, RuntimeError) as error:  # PyOpenGL without libEGL, MuJoCo with an unknown MUJOCO_GL
        raise no_gl(error) from error
    del mujoco
    from training.scenes.production import ShardMaker

    return ShardMaker(plan, out)

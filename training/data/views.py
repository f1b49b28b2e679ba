"""Every data set that networks here are trained on and scored on, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runtime.errors import SaymaskError
from training.data.refer import SPLIT_BY, ReferViews
from training.data.referents import ReferentViews
from training.data.referit import ReferItViews
from training.data.rendered import RenderedShards

PUBLISHED = ("referit", *SPLIT_BY)
DATASETS = ("rendered", *PUBLISHED)


def open_views(
    dataset: str, roots: Sequence[Path], split: str, split_by: str | None = None
) -> RenderedShards | ReferentViews:
    """The views of `dataset`: of folders of rendered shards, which have no splits, or of one published data set.

    Raises SaymaskError for another name, more than one folder of a published data set, and what it cannot read.
    """
    if dataset == "rendered":
        return RenderedShards(roots)
    if dataset not in PUBLISHED:
        raise SaymaskError(f"there is no data set {dataset!r}; choose from {', '.join(DATASETS)}")
    if len(roots) != 1:
        raise SaymaskError(f"{dataset} lies in one folder, {len(roots)} were given")
    if dataset == "referit":
        return ReferItViews(roots[0], split)
    return ReferViews(roots[0], dataset, split, split_by)

"""Stages of training: each starts from the one before (`--init-from`).

Every network trains in stage "full". "region" and "low" are those of Hu et al. 2016 (arXiv 1603.06180): boxes, then
coarse cells, then pixels. "words" is the edge network's: what each thing is called, before any sentence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset

from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from training.config import TrainingConfig
from training.data.regions import RegionBatches
from training.data.rendered import TrainingBatches, Views
from training.evaluate import evaluate_shards, shard_views
from training.evaluate_regions import evaluate_regions
from training.evaluate_words import evaluate_words
from training.losses import low_loss, region_loss, words_loss
from training.models import ReferringSegmenter
from training.models.edge import EdgeSegmenter
from training.models.text_objseg import TextObjsegSegmenter
from training.trainer import TrainingStep

WATCHED = {
    "region": ("box_accuracy", "match_auroc"),
    "low": ("mean_iou", "overall_iou", "precision_at_0.5", "right_object"),
    "words": ("word_precision", "likeliest_true"),
    "full": ("mean_iou", "precision_at_0.5", "right_object", "absent_auroc"),
}
"""Validation figures of each stage; the first decides which checkpoint is kept."""


class RegionStep(nn.Module):
    """The region stage: a batch of training/data/regions.py to its loss."""

    def __init__(self, model: TextObjsegSegmenter, loss_weights: dict[str, float]) -> None:
        super().__init__()
        self.model = model
        self.loss_weights = loss_weights

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        regions = self.model.encode_regions(batch["crops"], batch["boxes"])
        sentence = self.model.encode_text(batch["token_ids"], batch["lengths"])["sentence"]
        logits = self.model.score_region_features(regions[batch["region_of"]], sentence[batch["expression_of"]])
        return region_loss(logits, batch["matches"], self.loss_weights)


class LowStep(nn.Module):
    """The low-resolution stage: scores of the cells before the deconvolution, against masks on the same grid."""

    def __init__(self, model: TextObjsegSegmenter, loss_weights: dict[str, float]) -> None:
        super().__init__()
        self.model = model
        self.loss_weights = loss_weights

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        image = self.model.encode_image(batch["pixels"])
        text = self.model.encode_text(batch["token_ids"], batch["lengths"])
        return low_loss(self.model.decode_cells_together(image, text), batch["masks"], self.loss_weights)


class WordsStep(nn.Module):
    """The stage of the words: the image encoder alone, three times as many pictures a second as with sentences."""

    def __init__(self, model: EdgeSegmenter, loss_weights: dict[str, float]) -> None:
        super().__init__()
        self.model = model
        self.loss_weights = loss_weights

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return words_loss(self.model.encode_image(batch["pixels"]), batch, self.loss_weights)


def make_step(model: ReferringSegmenter, config: TrainingConfig) -> nn.Module:
    """The stage's forward pass, from a batch of `make_batches` to the terms of the loss and their sum as "loss".

    Raises SaymaskError for a stage that the network does not have.
    """
    weights = config.loss_weights()
    if config.stage == "full":
        return TrainingStep(model, weights)
    if config.stage == "words":
        return WordsStep(_edge(model), weights)
    staged = _staged(model, config.stage)
    # It has no part in these stages, and data-parallel training would wait for its gradient.
    staged.upsample.requires_grad_(False)
    return RegionStep(staged, weights) if config.stage == "region" else LowStep(staged, weights)


def make_batches(
    views: Views, vocabulary: Vocabulary, model: ReferringSegmenter, config: TrainingConfig
) -> Dataset[dict[str, Tensor]]:
    """The `config.steps` batches that the stage's step takes."""
    if config.stage == "region":
        return RegionBatches(views, vocabulary, model.spec, config)
    if config.stage == "low":
        grid = replace(model.spec, logit_size=_staged(model, config.stage).cells)
        return TrainingBatches(views, vocabulary, grid, config)
    return TrainingBatches(views, vocabulary, model.spec, config)


def validate(model: ReferringSegmenter, stage: str, views: Views, vocabulary: Vocabulary, limit: int) -> dict[str, Any]:
    """The stage's figures over `limit` views evenly spaced: those of training/evaluate_regions.py or evaluate.py.

    The low-resolution stage is judged through the bilinear deconvolution that it leaves as it is.
    """
    if stage == "region":
        return evaluate_regions(_staged(model, stage), vocabulary, shard_views(views, limit))
    if stage == "words":
        return evaluate_words(_edge(model), vocabulary, views, limit)
    return evaluate_shards(model, views, vocabulary, limit)


def _staged(model: ReferringSegmenter, stage: str) -> TextObjsegSegmenter:
    """`model` as the one network that has the stages "region" and "low"."""
    if not isinstance(model, TextObjsegSegmenter):
        raise SaymaskError(f"stage {stage!r} is for architecture 'text_objseg'")
    return model


def _edge(model: ReferringSegmenter) -> EdgeSegmenter:
    """`model` as the one network that has the stage "words"."""
    if not isinstance(model, EdgeSegmenter):
        raise SaymaskError("stage 'words' is for architecture 'edge'")
    return model

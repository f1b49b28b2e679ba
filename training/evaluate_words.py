"""How well the image alone tells what each thing is called; training watches it in the stage "words"."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from runtime.language.vocabulary import UNKNOWN_ID, Vocabulary
from runtime.vision.preprocess import letterbox, letterbox_mask
from training.data.rendered import Views
from training.models.edge import EdgeSegmenter
from training.scenes.datatypes import BACKGROUND


@torch.inference_mode()
def evaluate_words(model: EdgeSegmenter, vocabulary: Vocabulary, views: Views, limit: int) -> dict[str, Any]:
    """Figures over the things of `limit` views evenly spaced, seen with at least one cell's centre.

    "word_precision": of the n words true of a thing, how many are among its n likeliest, on average; "likeliest_true":
    how often the likeliest is true; "things": how many there were.
    """
    precisions, likeliest = list[float](), list[bool]()
    chosen = np.linspace(0, len(views) - 1, min(limit, len(views))).round().astype(int)
    for index in tqdm(chosen.tolist(), desc="evaluating", leave=False):
        image, instances, _ = views.view(index)
        pixels, _ = letterbox(image, model.spec.image_size)
        scores = model.word_scores(torch.from_numpy(pixels)[None])[0]
        rows, columns = scores.shape[1:]
        tall, wide = (side // cells for side, cells in zip(pixels.shape, (rows, columns), strict=False))
        cells = letterbox_mask(instances, model.spec.image_size, BACKGROUND)[tall // 2 :: tall, wide // 2 :: wide]
        for thing, words in enumerate(views.descriptions(index)):
            true = {vocabulary.id_of(word) for word in words} - {UNKNOWN_ID}
            if not true or not (cells == thing).any():
                continue
            mean = scores[:, torch.from_numpy(cells == thing)].mean(1)
            best = mean.topk(len(true)).indices.tolist()
            precisions.append(len(true.intersection(best)) / len(true))
            likeliest.append(best[0] in true)
    mean_precision, mean_likeliest = (
        float(np.mean(values)) if values else float("nan") for values in (precisions, likeliest)
    )
    return {"word_precision": mean_precision, "likeliest_true": mean_likeliest, "things": len(precisions)}

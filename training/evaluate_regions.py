"""How well the region stage tells the boxes of an image apart; training watches it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from runtime.language.vocabulary import Vocabulary
from training.data.regions import crop_region, elsewhere, relative_box, thing_boxes
from training.evaluate import Labelled
from training.metrics import auroc
from training.models.text_objseg import TextObjsegSegmenter
from training.scenes.datatypes import BACKGROUND

_BOXES_AROUND_NOTHING = 4


@torch.inference_mode()
def evaluate_regions(model: TextObjsegSegmenter, vocabulary: Vocabulary, views: Iterable[Labelled]) -> dict[str, Any]:
    """Scores of all boxes of things under all expressions of `views`.

    Views of a single thing, which is all that some data sets tell, are given boxes around nothing beside it.
    `box_accuracy`: expressions of one referent, among at least two boxes, whose best box is the referent's;
    `chance_accuracy`: that of a blind choice. `match_auroc`: matching pairs against the others. nan without any.
    """
    right, chance = list[bool](), list[float]()
    scores, matches = list[float](), list[bool]()
    rng = np.random.default_rng(0)
    for image, instances, expressions in views:
        boxes = thing_boxes(instances)
        if not boxes or not expressions:
            continue
        if len(boxes) == 1:
            size = image.shape[0], image.shape[1]
            boxes |= {BACKGROUND - n: elsewhere(size, boxes, rng) for n in range(_BOXES_AROUND_NOTHING)}
        crops = torch.from_numpy(np.stack([crop_region(image, box) for box in boxes.values()]))
        places = [relative_box(box, (image.shape[0], image.shape[1])) for box in boxes.values()]
        regions = model.encode_regions(crops, torch.from_numpy(np.stack(places)))
        tokens = vocabulary.encode([expression.text for expression in expressions], model.spec.max_words)
        text = model.encode_text(torch.from_numpy(tokens.ids), torch.from_numpy(tokens.lengths))
        for expression, sentence in zip(expressions, text["sentence"], strict=True):
            logits = model.score_region_features(regions, sentence.expand(len(boxes), -1)).tolist()
            scores += logits
            matches += [thing in expression.referents for thing in boxes]
            if expression.count == "one" and len(boxes) > 1:
                right.append(list(boxes)[int(np.argmax(logits))] == expression.referents[0])
                chance.append(1 / len(boxes))
    return {
        "box_accuracy": float(np.mean(right)) if right else float("nan"),
        "chance_accuracy": float(np.mean(chance)) if chance else float("nan"),
        "match_auroc": auroc(scores, matches),
        "expressions": len(right),
    }

"""Score a checkpoint in PyTorch: `python training/evaluate.py --checkpoint FILE --data DIR`.

DIR holds shards or a committed test set. The exported bundle is scored by benchmarks/accuracy.py, with the same metrics.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.vocabulary import Vocabulary
from runtime.vision.postprocess import Calibration, Thresholds, judge, unletterbox_logits
from runtime.vision.preprocess import letterbox
from training.checkpoint import load_checkpoint
from training.data.rendered import RenderedShards
from training.data.testset import iterate_test_set
from training.expressions.datatypes import Expression
from training.metrics import Outcome, overlap, summarise
from training.models import ReferringSegmenter

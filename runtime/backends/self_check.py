"""Does a backend answer the samples of a bundle as the trained network did? Every new engine is asked first.

`samples.npz` (written by the export) holds a few pictures with one expression each, and PyTorch's own logits.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.backends import Backend
from runtime.bundle import Bundle
from runtime.datatypes import Tokens
from runtime.errors import SaymaskError
from runtime.vision.overlap import mask_iou

SAMPLES = "samples.npz"


@dataclass(frozen=True)
class Tolerance:
    """How far answers may be from PyTorch's.

    `logit` and `logit_share`: a logit's difference, absolute and as a share of the largest logit of its kind (the
    larger of the two counts). `mask_iou`: least mean IoU of the masks. It is not asked of each mask: a small one has
    some ninety cells, and a few of those lie on the threshold.
    """

    logit: float
    logit_share: float
    mask_iou: float


TOLERANCES = {
    # A GPU adds up in another order than PyTorch, and more so where it convolves by Winograd's algorithm.
    "fp32": Tolerance(logit=1e-4, logit_share=1e-4, mask_iou=0.99),
    # FP16 keeps 11 bits: 5e-4 of a value per operation, which some sixty layers add up to a few 1e-3. An overflow, a
    # wrong layout or a lost input is off by whole logits. The test set is asked more closely by export/to_engine.py.
    "fp16": Tolerance(logit=0.1, logit_share=0.02, mask_iou=0.95),
}
"""By the precision that the graphs run in."""


class SelfCheckFailed(SaymaskError):
    """The answers are not the trained network's."""


@dataclass(frozen=True)
class SelfCheck:
    """How close the answers were: IoU of the masks over the samples, and the largest difference of a logit."""

    mask_iou_mean: float
    mask_iou_min: float
    max_abs_err: float


def check_samples(bundle: Bundle, backend: Backend, *, precision: str) -> SelfCheck:
    """Answer the samples of `bundle` with `backend`, whose graphs run in `precision` ("fp32", "fp16").

    Raises SelfCheckFailed, naming sample and output, where an answer is further off than `TOLERANCES` allows or not a
    number; SaymaskError where the bundle has no samples.
    """
    tolerance = TOLERANCES[precision]
    threshold = bundle.spec.thresholds["mask_logit"]
    samples = _read_samples(bundle)
    ious, errors = [], []
    for row, pixels in enumerate(samples["pixels"]):
        tokens = Tokens(samples["ids"][row : row + 1], samples["lengths"][row : row + 1], ((),))
        logits = backend.decode(backend.encode_image(pixels), backend.encode_text(tokens))
        for name, actual in (("mask_logits", logits.mask), ("count_logits", logits.count)):
            if actual is not None:
                where = f"{bundle.directory}: sample {row}: {name}"
                errors.append(_logit_error(actual[0], samples[name][row], tolerance, where))
        ious.append(mask_iou(logits.mask[0] > threshold, samples["mask_logits"][row] > threshold))
    mean = float(np.mean(ious))
    if mean < tolerance.mask_iou:
        raise SelfCheckFailed(
            f"{bundle.directory}: the masks' mean IoU with the trained network's is {mean:.4f}, "
            f"needed are {tolerance.mask_iou}; build the engines again, or use another backend"
        )
    return SelfCheck(mean, min(ious), max(errors))


def _logit_error(actual: npt.NDArray[Any], expected: npt.NDArray[Any], tolerance: Tolerance, where: str) -> float:
    if actual.shape != expected.shape:
        raise SelfCheckFailed(f"{where} are {actual.shape}, expected {expected.shape}; export the model again")
    error = float(np.abs(actual - expected).max())
    allowed = max(tolerance.logit, tolerance.logit_share * float(np.abs(expected).max()))
    if not error <= allowed:  # so that NaN is refused too
        raise SelfCheckFailed(
            f"{where} differ by {error:.2e} from the trained network's, allowed are {allowed:.1e}; "
            "build the engines again, or use another backend"
        )
    return error


def _read_samples(bundle: Bundle) -> dict[str, npt.NDArray[Any]]:
    if SAMPLES not in bundle.spec.files:
        raise SaymaskError(
            f"{bundle.directory} holds no {SAMPLES}, so no engine can be checked; export the model again"
        )
    try:
        with np.load(io.BytesIO(bundle.read(SAMPLES)), allow_pickle=False) as samples:
            arrays = {name: samples[name] for name in samples}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise SaymaskError(f"{bundle.directory / SAMPLES} cannot be read: {error}; export the model again") from error
    missing = {"pixels", "ids", "lengths", "mask_logits"} - arrays.keys()
    if missing or not len(arrays["pixels"]):
        raise SaymaskError(f"{bundle.directory / SAMPLES} lacks {', '.join(sorted(missing)) or 'samples'}")
    return arrays

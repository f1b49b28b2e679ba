"""The grasp that belongs to an answer, or one line that says why there is none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Frame, Grasp, Intrinsics, Segmentation, Verdict
from runtime.errors import SaymaskError
from runtime.vision.locate import locate


def nothing_to_grasp(answer: Segmentation) -> str:
    """Why an answer is none to grasp by; "" where it is."""
    if answer.verdict is Verdict.FOUND:
        return ""
    target = answer.command.target
    if answer.verdict is Verdict.NOT_FOUND:
        return f"'{target}' is not in view"
    return f"it is not settled which thing '{target}' means; a reply is awaited"


def grasp_of(frame: Frame, answer: Segmentation, depth_m: npt.NDArray[np.float32], intrinsics: Intrinsics) -> Grasp:
    """Where to take hold of what `answer` found; of several things of a plural, of the largest in view.

    `depth_m` float32 (h, w), metres. Raises SaymaskError where it or the intrinsics are of another size than the image,
    or where it says too little.
    """
    intrinsics.check_fits(*frame.image.shape[:2])
    if depth_m.shape != frame.image.shape[:2]:
        height, width = frame.image.shape[:2]
        raise SaymaskError(
            f"depth is {depth_m.shape[1]}x{depth_m.shape[0]} pixels where the image is {width}x{height}; "
            "use the depth that is registered to the colour image"
        )
    mask = max(answer.candidates, key=lambda thing: thing.area).mask if answer.candidates else answer.mask
    return locate(mask, depth_m, intrinsics, camera_frame=frame.camera_frame, stamp_ns=frame.stamp_ns)

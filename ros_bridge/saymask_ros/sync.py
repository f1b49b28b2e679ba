"""Which colour image to answer next, and which depth image belongs to it. No threads and no clock of its own.

The newest image wins and there is never a queue: a robot wants to know where the mug is, not where it was. Depth is
looked for when it is needed, after the answer, so that a depth image may come before or after its colour image.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from runtime.datatypes import Frame, Intrinsics

_REMEMBERED_DEPTHS = 8
"""Depth images that came before their colour image: a quarter of a second at 30 Hz, 5 MB of 640x480 in 16 bits."""
_SET_BACK_NS = 1_000_000_000
"""A stamp that is older than the last by more than this comes from a clock that was set back (a recording that starts
again, a simulation); by less, from an image that was overtaken on its way."""


@dataclass(frozen=True, eq=False)
class DepthImage:
    """A depth image, not yet converted. `load` gives float32 (h, w) in metres, or raises."""

    stamp_ns: int
    received_ns: int
    load: Callable[[], npt.NDArray[np.float32]]


@dataclass(eq=False)
class ColourImage:
    """A colour image, not yet converted, and the depth image nearest to it so far. `load` gives a Frame, or raises."""

    stamp_ns: int
    received_ns: int
    load: Callable[[], Frame]
    depth: DepthImage | None = None

    def consider(self, depth: DepthImage) -> None:
        """Keep the nearer by stamp; of equally near ones the one that came last."""
        if self.depth is None or self._apart(depth) <= self._apart(self.depth):
            self.depth = depth

    def _apart(self, depth: DepthImage) -> int:
        return abs(depth.stamp_ns - self.stamp_ns)


class FrameMatcher:
    """Holds one colour image that waits, the one in hand, and a few depth images. Not for several threads at once.

    All times are nanoseconds: stamps by the camera's clock, `received_ns` and `now_ns` by the caller's.
    """

    def __init__(self, *, tolerance_ns: int, max_depth_age_ns: int, max_image_age_ns: int) -> None:
        self.tolerance_ns = tolerance_ns
        self.max_depth_age_ns = max_depth_age_ns
        self.max_image_age_ns = max_image_age_ns
        self.intrinsics: Intrinsics | None = None
        """The last camera_info; nothing ever waits for another."""
        self._waiting: ColourImage | None = None
        self._in_hand: ColourImage | None = None
        self._depths: deque[DepthImage] = deque(maxlen=_REMEMBERED_DEPTHS)
        self._newest_image: tuple[int, int] | None = None
        """Stamp and time of arrival."""

    def add_image(self, image: ColourImage) -> Literal["kept", "replaced", "late"]:
        """Let `image` wait. "replaced": the one that waited is gone; "late": this one is older and is gone itself."""
        if self._newest_image and 0 < self._newest_image[0] - image.stamp_ns <= _SET_BACK_NS:
            return "late"
        self._newest_image = (image.stamp_ns, image.received_ns)
        for depth in self._depths:
            image.consider(depth)
        replaced = self._waiting is not None
        self._waiting = image
        return "replaced" if replaced else "kept"

    def add_depth(self, depth: DepthImage) -> None:
        """Offer `depth` to the images here and to those to come."""
        if self._depths and self._depths[-1].stamp_ns - depth.stamp_ns > _SET_BACK_NS:
            self._depths.clear()
        self._depths.append(depth)
        for image in (self._waiting, self._in_hand):
            if image:
                image.consider(depth)

    def has_image(self, now_ns: int) -> bool:
        """Whether an image waits that came lately enough to be answered."""
        return self._waiting is not None and now_ns - self._waiting.received_ns <= self.max_image_age_ns

    def take(self, now_ns: int) -> ColourImage | None:
        """The image that waits, if it came lately; it is in hand until the next `take` or `put_down`."""
        if not self.has_image(now_ns):
            return None
        self._in_hand, self._waiting = self._waiting, None
        return self._in_hand

    def put_down(self) -> None:
        """Forget the image in hand, and free its memory."""
        self._in_hand = None

    def depth_of(self, image: ColourImage) -> DepthImage | None:
        """The depth image that belongs to `image`; None where none is near enough in stamp and time of arrival."""
        depth = image.depth
        if depth is None or abs(depth.stamp_ns - image.stamp_ns) > self.tolerance_ns:
            return None
        # Some cameras stamp everything alike; then the time of arrival still tells an old image from a new one.
        return depth if abs(depth.received_ns - image.received_ns) <= self.max_depth_age_ns else None

    def awaits_depth(self, image: ColourImage, now_ns: int) -> bool:
        """Whether the depth image of `image` is still to come: the stream is alive and not past the image's stamp."""
        if self.depth_of(image) or not self._depths:
            return False
        newest = self._depths[-1]
        alive = now_ns - newest.received_ns <= self.max_depth_age_ns
        return alive and 0 < image.stamp_ns - newest.stamp_ns <= _SET_BACK_NS

    def why_no_depth(self, image: ColourImage, now_ns: int) -> str:
        """One line for an image that `depth_of` finds nothing for."""
        silent = self.depth_age_ns(now_ns)
        if silent is None:
            return "no depth image has come; is the depth topic right?"
        if silent > self.max_depth_age_ns:
            return f"no depth image for {silent / 1e9:.1f} s, at most {self.max_depth_age_ns / 1e9:g} s are allowed"
        assert image.depth  # every image is offered every depth image
        apart = abs(image.depth.stamp_ns - image.stamp_ns)
        if apart > self.tolerance_ns:
            return (
                f"the nearest depth image is {apart / 1e9:.3f} s from the image by stamp, "
                f"at most {self.tolerance_ns / 1e9:g} s are allowed"
            )
        came = abs(image.depth.received_ns - image.received_ns) / 1e9
        allowed = self.max_depth_age_ns / 1e9
        return f"the depth image came {came:.1f} s before or after the image, at most {allowed:g} s are allowed"

    def image_age_ns(self, now_ns: int) -> int | None:
        """Since the last image came, late ones apart; None where none has."""
        return max(0, now_ns - self._newest_image[1]) if self._newest_image else None

    def depth_age_ns(self, now_ns: int) -> int | None:
        """Since the last depth image came; None where none has."""
        return max(0, now_ns - self._depths[-1].received_ns) if self._depths else None

"""Draws an answer so that a person sees at a glance what was meant and how sure the robot is."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from runtime.datatypes import Mask, Segmentation, Verdict

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

_SMALLEST_WIDTH = 320
"""Smaller pictures are enlarged by a whole factor, or their caption could not be read."""
_THINGS: tuple[Colour, ...] = (
    (0, 224, 150),
    (255, 150, 30),
    (64, 156, 255),
    (236, 72, 190),
    (250, 220, 50),
    (150, 100, 255),
    (80, 230, 240),
    (255, 95, 85),
)
"""RGB, bright enough for dark and light tables, told apart by lightness as well as by hue."""
_VERDICTS: dict[Verdict, tuple[str, Colour]] = {
    Verdict.FOUND: ("FOUND", (0, 168, 112)),
    Verdict.UNSURE: ("THIS ONE?", (214, 134, 10)),
    Verdict.AMBIGUOUS: ("WHICH ONE?", (214, 134, 10)),
    Verdict.NOT_FOUND: ("NOT FOUND", (205, 60, 60)),
}
_BAR: Colour = (22, 24, 29)
_WHITE: Colour = (245, 246, 248)
_GREY: Colour = (160, 166, 176)
_DIMMED = 0.62
"""Brightness of what is not meant."""
_DARKER = (np.arange(256) * _DIMMED).astype(np.uint8)
_TINT = 0.25
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MOST_LINES = 2


def draw_overlay(image: Picture, answer: Segmentation) -> Picture:
    """Draw an answer on `image` uint8 (h, w, 3) RGB: things tinted and outlined, the rest dimmed, a caption bar below.

    Several candidates are numbered from left to right. Pictures less than 320 pixels wide are enlarged by a whole
    factor. The size depends only on the size of `image`, so that the frames of a video fit together.
    """
    factor = max(1, -(-_SMALLEST_WIDTH // image.shape[1]))
    size = (image.shape[1] * factor, image.shape[0] * factor)
    picture = (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8) if factor > 1 else image.copy()
    )
    unit = max(1.0, min(size[0] / 640, 4.0))
    masks = [_enlarged(item.mask, size) for item in answer.candidates]
    if masks:
        meant = np.logical_or.reduce(masks)
        picture = np.asarray(cv2.copyTo(picture, meant.view(np.uint8), cv2.LUT(picture, _DARKER)), np.uint8)
    for mask, colour in zip(masks, _THINGS, strict=False):
        _paint(picture, mask, colour, unit)
    if len(masks) > 1:
        for number, (mask, colour) in enumerate(zip(masks, _THINGS, strict=False), start=1):
            _number(picture, mask, number, colour, unit)
    return np.concatenate([picture, _caption(size[0], answer)])


def _enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    if mask.shape == size[::-1]:
        return mask
    return cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(np.bool_)


def _paint(picture: Picture, mask: Mask, colour: Colour, unit: float) -> None:
    picture[mask] = (picture[mask] * (1 - _TINT) + np.array(colour) * _TINT).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(2 * unit))
    # Dark below bright: seen on white plates and on black tables.
    cv2.drawContours(picture, outlines, -1, _BAR, width + 2, cv2.LINE_AA)
    cv2.drawContours(picture, outlines, -1, colour, width, cv2.LINE_AA)


def _number(picture: Picture, mask: Mask, number: int, colour: Colour, unit: float) -> None:
    """A numbered disc where the mask is widest: its centroid may lie beside a bent thing."""
    inside = cv2.distanceTransform(np.pad(mask, 1).view(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(inside)), mask.shape)
    centre, radius = (int(column), int(row)), round(12 * unit)
    cv2.circle(picture, centre, radius + 1, _BAR, -1, cv2.LINE_AA)
    cv2.circle(picture, centre, radius, colour, max(1, round(2 * unit)), cv2.LINE_AA)
    (width, height), _ = cv2.getTextSize(str(number), _FONT, 0.55 * unit, max(1, round(1.5 * unit)))
    corner = (centre[0] - width // 2, centre[1] + height // 2)
    cv2.putText(picture, str(number), corner, _FONT, 0.55 * unit, _WHITE, max(1, round(1.5 * unit)), cv2.LINE_AA)


def _caption(width: int, answer: Segmentation) -> Picture:
    """The bar below: the sentence, then verdict, confidence and what the person should know."""
    unit = max(0.75, min(width / 640, 4.0))
    scale, thick = 0.62 * unit, max(1, round(1.2 * unit))
    margin, step = round(14 * unit), round(26 * unit)
    bar = np.full((margin + (_MOST_LINES + 1) * step + round(16 * unit), width, 3), _BAR, np.uint8)
    y = margin + round(12 * unit)
    for line in _wrapped(_printable(answer.command.transcript), width - 2 * margin, scale, thick):
        cv2.putText(bar, line, (margin, y), _FONT, scale, _WHITE, thick, cv2.LINE_AA)
        y += step
    y = bar.shape[0] - round(20 * unit)
    title, colour = _VERDICTS[answer.verdict]
    (chip, height), _ = cv2.getTextSize(title, _FONT, scale * 0.85, thick)
    pad = round(7 * unit)
    cv2.rectangle(bar, (margin, y - height - pad), (margin + chip + 2 * pad, y + pad), colour, -1, cv2.LINE_AA)
    cv2.putText(bar, title, (margin + pad, y), _FONT, scale * 0.85, _WHITE, thick, cv2.LINE_AA)
    x = margin + chip + 4 * pad
    told = f"{answer.confidence:.0%} sure" + (f" - {answer.note}" if answer.note else "")
    for line in _wrapped(_printable(told), width - margin - x, scale * 0.85, thick, lines=1):
        cv2.putText(bar, line, (x, y), _FONT, scale * 0.85, _GREY, thick, cv2.LINE_AA)
    return bar


def _wrapped(text: str, width: int, scale: float, thick: int, lines: int = _MOST_LINES) -> list[str]:
    """`text` in at most `lines` lines of `width` pixels; what does not fit ends in dots."""
    wrapped = [""]
    for word in text.split():
        longer = f"{wrapped[-1]} {word}".strip()
        if cv2.getTextSize(longer, _FONT, scale, thick)[0][0] <= width:
            wrapped[-1] = longer
        elif len(wrapped) < lines:
            wrapped.append(word)
        else:
            wrapped[-1] = longer
            break
    for index, line in enumerate(wrapped):
        if cv2.getTextSize(line, _FONT, scale, thick)[0][0] > width:
            shorter = line
            while shorter and cv2.getTextSize(shorter + "...", _FONT, scale, thick)[0][0] > width:
                shorter = shorter[:-1]
            wrapped[index] = shorter + "..."
    return [line for line in wrapped if line]


def _printable(text: str) -> str:
    """OpenCV's own letters are ASCII."""
    return text[:512].encode("ascii", "replace").decode()

"""Figures in columns, for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lines of columns two spaces apart: text to the left, numbers to the right, "-" for None, floats to 3 digits."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    numeric = [all(isinstance(row[column], (int, float, type(None))) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            text.rjust(width) if right and rows else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)

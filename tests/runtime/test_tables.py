"""Columns for people: what belongs together stands below each other."""

from __future__ import annotations

from runtime.tables import aligned


def test_text_left_numbers_right() -> None:
    table = aligned(("stage", "ms", "n"), [("preprocess", 0.25, 100), ("end_to_end", 125.0, None)])
    assert table.splitlines() == [
        "stage            ms    n",
        "preprocess    0.250  100",
        "end_to_end  125.000    -",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert aligned(("stage", "ms"), []) == "stage  ms"

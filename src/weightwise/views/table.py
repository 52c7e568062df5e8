"""Tables of plain text: cells with styles, columns as wide as they must be, and text that spans the rest of a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weightwise.views.style import styled


@dataclass(frozen=True)
class Cell:
    """A text in one style."""

    text: str = ""
    style: str = ""
    right: bool = False
    spans: bool = False
    """Whether it takes the rest of the line and counts for no column's width."""


Row = Sequence[Cell]
GAP = 2


def widths(rows: Sequence[Row]) -> list[int]:
    """Return the width of each column."""
    count = max((len(row) for row in rows), default=0)
    columns = [0] * count
    for row in rows:
        for place, cell in enumerate(row):
            if not cell.spans:
                columns[place] = max(columns[place], len(cell.text))
    return columns


def total_width(rows: Sequence[Row]) -> int:
    """Return the width of the widest line."""
    columns = widths(rows)
    return max((len(line(row, columns, color=False)) for row in rows), default=0)


def line(row: Row, columns: Sequence[int], color: bool) -> str:
    """Return one line of the table without trailing spaces."""
    parts = []
    for place, cell in enumerate(row):
        last = place == len(row) - 1
        width = 0 if cell.spans or (last and not cell.right) else columns[place]
        padding = " " * max(width - len(cell.text), 0)
        text = styled(cell.text, cell.style, color)
        parts.append(padding + text if cell.right else text + padding)
    return (" " * GAP).join(parts).rstrip()


def lines(rows: Sequence[Row], color: bool) -> list[str]:
    """Return the lines of a table."""
    columns = widths(rows)
    return [line(row, columns, color) for row in rows]

"""Tables of plain text: cells with styles, columns as wide as they must be, and text that takes the rest of a line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from weightwise.records import dataclass
from weightwise.views.style import styled


@dataclass(frozen=True)
class Cell:
    """A text in one style."""

    text: str = ""
    style: str = ""
    right: bool = False
    spans: bool = False
    """Whether it takes the rest of the line, wrapped there, and counts for no column's width."""


Row = Sequence[Cell]
GAP = 2
NARROWEST_SPAN = 30


def table_width(rows: Sequence[Row]) -> int:
    """Return the width that the table needs."""
    columns = _widths(rows)
    spans = (_start(row, columns) + NARROWEST_SPAN for row in rows if row and row[-1].spans)
    return max(sum(columns) + GAP * (len(columns) - 1), *spans, 0)


def lines(rows: Sequence[Row], color: bool = False, width: int | None = None) -> list[str]:
    """Return the lines of a table; text that spans is wrapped at `width`."""
    columns = _widths(rows)
    return [_line(part, columns, color) for row in rows for part in _wrapped(row, columns, width)]


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = [0] * max((len(row) for row in rows), default=0)
    for row in rows:
        for place, cell in enumerate(row):
            if not cell.spans:
                columns[place] = max(columns[place], len(cell.text))
    return columns


def _start(row: Row, columns: Sequence[int]) -> int:
    """Return the column at which the last cell of a row starts."""
    return sum(columns[: len(row) - 1]) + GAP * (len(row) - 1)


def _wrapped(row: Row, columns: Sequence[int], width: int | None) -> Iterator[Row]:
    """Yield the row, and the lines that its spanning text needs below it."""
    if not row or not row[-1].spans or width is None:
        yield row
        return
    *before, span = row
    room = max(width - _start(row, columns), NARROWEST_SPAN)
    for place, text in enumerate(textwrap.wrap(span.text, room) or [""]):
        yield [*(before if place == 0 else [Cell()] * len(before)), Cell(text, span.style, spans=True)]


def _line(row: Row, columns: Sequence[int], color: bool) -> str:
    """Return one line without trailing spaces."""
    parts = []
    for place, cell in enumerate(row):
        padding = " " * (0 if cell.spans else columns[place] - len(cell.text))
        text = styled(cell.text, cell.style, color)
        parts.append(padding + text if cell.right else text + padding)
    return (" " * GAP).join(parts).rstrip()

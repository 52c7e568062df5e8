"""A proof as a table, a line per layer or array with the largest difference, and as one JSON document."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from weightwise.answers.proof import Comparison, Difference, Line, Proof, Verdict
from weightwise.views.prose import as_sentence
from weightwise.views.quantities import counted, sizes_text
from weightwise.views.style import styled
from weightwise.views.table import GAP, Cell, Row, lines, table_width

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

STYLES = {Verdict.EQUAL: "axes", Verdict.DIFFERENT: "warning", Verdict.OPEN: "faint"}
MOST_ROWS = 5
READABLE = 20
"""Before names are cut to fewer signs, the column of the absolute differences is left out."""
SHORTEST = 12
"""Names are cut where the width asks for it, but never to fewer signs."""


def proof_text(proof: Proof, width: int, color: bool = False, with_outputs: bool = False) -> str:
    """Return the proof for a terminal of `width` columns, with the first rows of the outputs where asked for."""
    parts = [part for found in proof.comparisons for part in _comparison(found, width, color)]
    parts += [textwrap.fill(note, width) for note in proof.notes]
    if with_outputs:
        parts += [_output(number, array, width) for number, array in enumerate(proof.outputs)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _comparison(found: Comparison, width: int, color: bool) -> Iterator[str]:
    yield _titles(found, width, color)
    if found.lines:
        yield "\n".join(lines(_fitting(found, width), color, width))
    yield "\n".join(_verdict(found, width, color))


def _titles(found: Comparison, width: int, color: bool) -> str:
    one, other = styled(found.one, "strong", color), styled(found.other, "strong", color)
    if len(found.one) + len(found.other) + len(" against ") <= width:
        return f"{one} against {other}"
    return f"{one}\nagainst {other}"


def _fitting(found: Comparison, width: int) -> list[Row]:
    """Return the rows, with names cut where they would be wider than the width."""
    longest = max(len(name) for line in found.lines for name in (line.name, line.other))
    rows = _rows(found, longest)
    for most in range(longest, SHORTEST - 1, -1):
        rows = _rows(found, most, whole=most >= min(longest, READABLE))
        if table_width(rows) <= width:
            break
    return rows


def _rows(found: Comparison, most: int, whole: bool = True) -> list[Row]:
    """Return the rows with names of at most so many signs; unless they are `whole`, without the absolute difference."""
    rows = _whole_rows(found, most)
    return rows if whole else [[*row[:-3], *row[-2:]] for row in rows]


def _whole_rows(found: Comparison, most: int) -> list[Row]:
    both = any(line.other not in (line.name, "") for line in found.lines)
    names = [Cell(found.what, "faint"), *([Cell("its counterpart", "faint")] if both else [])]
    head = [
        *names,
        Cell("difference", "faint", right=True),
        Cell("relative", "faint", right=True),
        Cell("", spans=True),
    ]
    return [head, *(_row(line, both, most) for line in found.lines)]


def _row(line: Line, both: bool, most: int) -> Row:
    names = [Cell(_cut(line.name, most)), *([Cell(_cut(line.other, most))] if both else [])]
    apart = [Cell(number, right=True) for number in _numbers(line.difference)]
    said = f"{line.verdict.value}: {line.note}" if line.note else line.verdict.value
    return [*names, *apart, Cell(said, STYLES[line.verdict], spans=True)]


def _cut(name: str, most: int) -> str:
    """Return a name of at most so many signs; its end tells more than its beginning."""
    return name if len(name) <= most else "…" + name[len(name) - most + 1 :]


def _numbers(difference: Difference | None) -> tuple[str, str]:
    return ("–", "–") if difference is None else (_number(difference.absolute), _number(difference.relative))


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _verdict(found: Comparison, width: int, color: bool) -> Iterator[str]:
    """Yield what the table comes to."""
    several = counted(len(found.lines), found.what)
    first, largest = found.first, found.largest
    if first is not None:
        sentence = f"The first {found.what} that diverges is {first.name}{_how(first)}."
        yield styled(textwrap.fill(sentence, width), STYLES[Verdict.DIFFERENT], color)
    elif found.verdict is Verdict.EQUAL and largest is not None and largest.difference is not None:
        within = f" (tolerance {found.tolerance:g})" if found.tolerance else ""
        share = (
            f"the largest difference is {_number(largest.difference.relative)} of the largest value, in {largest.name}"
        )
        exact = largest.difference.absolute == 0
        all_of = f"All {several} are equal" if len(found.lines) > 1 else f"{several} is equal"
        sentence = f"{all_of}, to the last bit." if exact else f"{all_of}: {share}{within}."
        yield textwrap.fill(sentence, width)
    if found.failure:
        yield textwrap.fill(f"Not all was compared: {as_sentence(found.failure)}", width)
    elif first is None and largest is None:
        yield f"Nothing could be compared: no {found.what} of the one has a counterpart in the other."
    yield from (textwrap.fill(as_sentence(note), width) for note in found.notes)


def _how(line: Line) -> str:
    if line.difference is None:
        return f": {line.note}"
    return f", by {_number(line.difference.absolute)} ({_number(line.difference.relative)} of the largest value)"


def _output(number: int, array: Array, width: int) -> str:
    """Return the shape of an output and its first rows, each with the place of its largest value."""
    rows = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(-1, 1)
    title = f"output {number + 1}: {sizes_text(array.shape)}, {array.dtype}"
    each = max((width - len("row 100  largest at 100,000  ")) // (9 + GAP), 1)
    table = [[Cell("row", "faint"), Cell("largest at", "faint"), Cell("values", "faint", spans=True)]]
    for place, row in enumerate(rows[:MOST_ROWS]):
        values = "  ".join(f"{value:9.4g}" for value in row[:each].tolist()) + ("  …" if len(row) > each else "")
        largest = Cell(str(int(row.argmax())) if len(row) > 1 else "–", right=True)
        table.append([Cell(str(place), right=True), largest, Cell(values)])
    more = f"\n… and {counted(len(rows) - MOST_ROWS, 'row')} more" if len(rows) > MOST_ROWS else ""
    return title + "\n" + "\n".join(lines(table)) + more


def proof_document(proof: Proof, with_outputs: bool = False) -> dict[str, Any]:
    """Return the proof as values that `json.dumps` takes."""
    first = proof.first
    document = {
        "verdict": proof.verdict.value,
        "first": None if first is None else first.name,
        "comparisons": [_comparison_document(found) for found in proof.comparisons],
        "notes": list(proof.notes),
    }
    if with_outputs:
        document["outputs"] = [array.tolist() for array in proof.outputs]
    return document


def _comparison_document(found: Comparison) -> dict[str, Any]:
    return {
        "what": found.what,
        "one": found.one,
        "other": found.other,
        "tolerance": found.tolerance,
        "verdict": found.verdict.value,
        "failure": found.failure or None,
        "notes": list(found.notes),
        "lines": [_line_document(line) for line in found.lines],
    }


def _line_document(line: Line) -> dict[str, Any]:
    apart = line.difference
    return {
        "name": line.name,
        "other": line.other or None,
        "absolute": None if apart is None else _finite(apart.absolute),
        "relative": None if apart is None else _finite(apart.relative),
        "verdict": line.verdict.value,
        "note": line.note or None,
    }


def _finite(value: float) -> float | str:
    """Return a number that JSON has: an infinity is a text."""
    return value if value - value == 0 else str(value)

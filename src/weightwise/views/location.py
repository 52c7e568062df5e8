"""Where a number is and what it is for, or what a part of an array is, as plain sentences or as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightwise.answers.locate import Location, Place, Slice, Statistics
from weightwise.formats.dtypes import read_as
from weightwise.model import Weight
from weightwise.views.document import weight_document
from weightwise.views.prose import Page
from weightwise.views.quantities import counted, sizes_text
from weightwise.views.table import Cell, Row

MOST_SHOWN = 100
"""A part of at most this many numbers is shown whole."""


def location_text(found: Location | Slice, width: int, color: bool = False) -> str:
    """Return the answer for a terminal of `width` columns."""
    page = Page(width, color)
    parts = _number(found, page) if isinstance(found, Location) else _part(found, page)
    return "\n\n".join(part for part in parts if part) + "\n"


def _number(found: Location, page: Page) -> Iterator[str]:
    weight = found.weight
    index = ", ".join(map(str, found.index))
    yield page.title(
        f"[{weight.index}][{index}]" if index else f"[{weight.index}]", f" = {_value_text(found)} ({weight.dtype})"
    )
    named = ", ".join(f"{name}={at}" for name, at in found.position.items())
    yield f"{weight.path}[{named}]" if named else weight.path
    yield page.table([_place(place) for place in found.places])
    if weight.bound is None:
        yield page.prose(_unknown(weight), "So what this number multiplies cannot be told.")
    else:
        yield page.prose(f"It {found.effect}.", "All places are counted from 0.")
    yield page.prose(*_storage(found))


def _value_text(found: Location) -> str:
    """Return the value with as many digits as its dtype has."""
    import numpy

    return str(numpy.asarray(found.value, read_as(found.weight.dtype))[()])


def _place(place: Place) -> Row:
    return [Cell(place.axis, "axes"), Cell(str(place.at), right=True), Cell(place.meaning, spans=True)]


def _unknown(weight: Weight) -> str:
    return f"What the axes of {weight.path} mean is unknown: {weight.note}."


def _storage(found: Location) -> Iterator[str]:
    """Yield where the number lies."""
    stored = found.weight.stored
    if stored.made:
        yield f"{stored.made}."
        return
    if not stored.file:
        yield f"It lies in memory, where the model calls the array {stored.path}."
        return
    yield f"It lies in {stored.file}, in the dataset {stored.path}."
    if found.offset is None:
        yield "The file holds it packed or in pieces, so there is no one byte at which the number starts."
    else:
        yield f"It starts at byte {found.offset:,} of the file and takes {counted(found.nbytes, 'byte')}."


def _part(found: Slice, page: Page) -> Iterator[str]:
    weight = found.weight
    yield page.title(
        str(found.selector), f" · {sizes_text(found.shape)} of {sizes_text(weight.shape)} · {weight.dtype}"
    )
    if found.places:
        yield "What is fixed:\n" + page.table([_place(place) for place in found.places])
    if found.bound is None:
        yield page.prose(_unknown(weight))
    else:
        left = "What is left" if found.places else f"It is all of {weight.path}"
        yield page.prose(f"{left}: {found.bound.text()}.")
    yield page.prose(*_numbers(found.statistics))
    if 0 < found.values.size <= MOST_SHOWN and found.values.ndim in (1, 2):
        yield _grid(found, page)


def _numbers(facts: Statistics | None) -> Iterator[str]:
    """Yield what can be counted of the numbers."""
    if facts is None:
        yield "It holds no number."
        return
    zeros = f", {facts.zeros:,} of them zero" if facts.zeros else ""
    yield f"{counted(facts.count, 'number')}{zeros}: from {facts.smallest:.6g} to {facts.largest:.6g},"
    yield f"mean {facts.mean:.6g}, standard deviation {facts.deviation:.6g}."


def _grid(found: Slice, page: Page) -> str:
    """Return the numbers themselves, as many in a line as the width holds."""
    rows = found.values.reshape(-1, found.values.shape[-1])
    texts = [[f"{number:.4g}" for number in row.tolist()] for row in rows]
    widest = max((len(text) for row in texts for text in row), default=0)
    each = max((page.width - 2) // (widest + 2), 1)
    lines = [
        "  ".join(text.rjust(widest) for text in row[at : at + each])
        for row in texts
        for at in range(0, len(row), each)
    ]
    return "\n".join(f"  {line}" for line in lines)


def location_document(found: Location | Slice) -> dict[str, Any]:
    """Return the answer as values that `json.dumps` takes."""
    return _number_document(found) if isinstance(found, Location) else _part_document(found)


def _number_document(found: Location) -> dict[str, Any]:
    stored = found.weight.stored
    return {
        "weight": weight_document(found.weight),
        "index": list(found.index),
        "position": dict(found.position),
        "places": _places(found.places),
        "value": _json_number(found.value),
        "effect": found.effect or None,
        "stored": None
        if stored.made
        else {"file": stored.file, "path": stored.path, "offset": found.offset, "bytes": found.nbytes},
    }


def _places(places: tuple[Place, ...]) -> list[dict[str, Any]]:
    return [{"axis": place.axis, "at": place.at, "meaning": place.meaning} for place in places]


def _part_document(found: Slice) -> dict[str, Any]:
    facts = found.statistics
    shown = found.values.size <= MOST_SHOWN
    return {
        "weight": weight_document(found.weight),
        "fixed": _places(found.places),
        "shape": list(found.shape),
        "axes": found.bound.text() if found.bound else None,
        "statistics": None if facts is None else {name: _json_number(value) for name, value in vars(facts).items()},
        "values": [_json_number(value) for value in found.values.ravel().tolist()] if shown else None,
    }


def _json_number(value: float | int | bool) -> float | int | bool | str:
    """Return a number that JSON has: infinities and NaN are texts."""
    return str(value) if isinstance(value, float) and value - value != 0 else value

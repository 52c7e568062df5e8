"""The words by which people point into an array: `[2][0,1,5,17]`, `conv2d_2/kernel[kh=0, in=5]`.

    selector = array [ "[" place { "," place } "]" ]
    array    = "[" number "]" | number | the array's name
    place    = number | ":"                 in stored order, a colon for all of a dimension; what is left out is all
             | axis "=" ( number | label )  by name, in any order; all places are of one kind
    axis     = the name of an axis, as `weightwise` shows it: `kh`, `in`, `in/groups`, `units'`
    number   = up to 18 digits

Spaces between the words do not count. What an array, an axis or a label may be called is the model's business; nothing
else is understood, so that a slip is an error and not another number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from weightwise.axes import Coordinate
from weightwise.errors import SelectionError
from weightwise.records import dataclass

_SELECTOR = re.compile(r"\s*(?P<array>\[\s*[0-9]+\s*\]|[^\[\]]+?)\s*(?:\[(?P<places>[^\[\]]*)\])?\s*")
_NUMBER = re.compile(r"[0-9]{1,18}")
_NAMED = re.compile(r"([^\s=,]+)\s*=\s*(\w+)")
EXAMPLES = "'[2][0, 1, 5, 17]' or 'conv2d_2/kernel[kh=0, kw=1, in=5, out=17]'"


@dataclass(frozen=True)
class Selector:
    """An array and the places that are fixed in it: by their order, or by the names of axes."""

    array: str
    index: tuple[int | None, ...] = ()
    """None stands for all of a dimension."""
    position: Mapping[str, Coordinate] = field(default_factory=dict)

    def __str__(self) -> str:
        named = ", ".join(f"{axis}={place}" for axis, place in self.position.items())
        places = named or ", ".join(":" if place is None else str(place) for place in self.index)
        return f"{self.array}[{places}]" if places else self.array


def parse_selector(text: str) -> Selector:
    """Return what the text points at; raises `SelectionError` that shows how it is written."""
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise SelectionError(f"{text!r} points at nothing: write it as {EXAMPLES}")
    if match["places"] is None:
        return Selector(match["array"])
    places = [place.strip() for place in match["places"].split(",")]
    named = [_NAMED.fullmatch(place) for place in places]
    if any(named):
        return Selector(match["array"], position=_position(text, places, named))
    return Selector(match["array"], tuple(_place(text, place) for place in places))


def _place(text: str, place: str) -> int | None:
    if place == ":":
        return None
    if _NUMBER.fullmatch(place):
        return int(place)
    found = f"{place!r} is no place" if place else "a place is missing"
    raise SelectionError(f"{text!r}: {found}: a number from 0, or a colon for all, is needed")


def _position(text: str, places: list[str], named: list[re.Match[str] | None]) -> dict[str, Coordinate]:
    position: dict[str, Coordinate] = {}
    for place, match in zip(places, named, strict=True):
        if match is None:
            raise SelectionError(f"{text!r}: {place!r} is no axis=place, as the others are")
        axis, coordinate = match[1], match[2]
        if axis in position:
            raise SelectionError(f"{text!r}: {axis} is given twice")
        position[axis] = int(coordinate) if _NUMBER.fullmatch(coordinate) else coordinate
    return position

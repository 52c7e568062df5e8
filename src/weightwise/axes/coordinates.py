"""From the index of an element to its coordinates by name, and back: mixed-radix numbers, slowest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import index as whole_number
from typing import TypeAlias

from weightwise.axes.factors import Dimension, Factor, volume
from weightwise.axes.terms import claims
from weightwise.errors import SelectionError

Coordinate: TypeAlias = int | str
Position: TypeAlias = Mapping[str, Coordinate]


def position(dimensions: Sequence[Dimension], place: Sequence[int]) -> dict[str, Coordinate]:
    """The coordinates of one element by name; raises SelectionError where the array has no such place."""
    if len(place) != len(dimensions):
        raise SelectionError(f"an index of {len(dimensions)} numbers is needed, not of {len(place)}")
    coordinates: dict[str, Coordinate] = {}
    for dimension, number in zip(dimensions, place, strict=True):
        coordinates.update(_digits(dimension.factors, coordinate(dimension.text(), dimension.size, number)))
    return coordinates | dict(_totals(dimensions, coordinates))


def _digits(factors: Sequence[Factor], number: int) -> Iterator[tuple[str, Coordinate]]:
    """The coordinates along the factors of a product at one place of it."""
    stride = volume(factors)
    for factor in factors:
        stride //= factor.size
        digit, number = divmod(number, stride)
        yield from _digit(factor, digit)


def _digit(factor: Factor, digit: int) -> Iterator[tuple[str, Coordinate]]:
    if factor.blocks:
        for label, block, start in zip(factor.labels, factor.blocks, starts(factor), strict=True):
            if start <= digit < start + volume(block):
                yield factor.name, label
                yield from _digits(block, digit - start)
    elif factor.labels:
        yield factor.name, factor.labels[digit]
    elif not factor.bare:
        yield factor.name, factor.size - 1 - digit if factor.reversed else digit


def starts(factor: Factor) -> list[int]:
    """Where each unequal block of the axis begins."""
    return list(accumulate((volume(block) for block in factor.blocks[:-1]), initial=0))


def _totals(dimensions: Sequence[Dimension], coordinates: Position) -> Iterator[tuple[str, Coordinate]]:
    """The coordinate along all of `in`, from those along `groups` and `in/groups`."""
    for factor in every_factor(dimensions):
        if factor.share and factor.share[1] in coordinates and factor.name in coordinates:
            name, divisor = factor.share
            yield name, int(coordinates[divisor]) * factor.size + int(coordinates[factor.name])


def every_factor(dimensions: Iterable[Dimension]) -> Iterator[Factor]:
    """All the factors that stand in the dimensions, and then in their blocks."""
    return _with_blocks(factor for dimension in dimensions for factor in dimension.factors)


def names_within(block: Iterable[Factor]) -> frozenset[str]:
    """The names of the axes in a block, and in the blocks of these."""
    return frozenset(factor.name for factor in _with_blocks(block) if not factor.bare)


def _with_blocks(factors: Iterable[Factor]) -> Iterator[Factor]:
    for factor in factors:
        yield factor
        for block in factor.blocks:
            yield from _with_blocks(block)


def index(dimensions: Sequence[Dimension], wanted: Position) -> tuple[int, ...]:
    """The place of the element with these coordinates; raises SelectionError if an axis has none."""
    rest = shares(dimensions, wanted)
    place = tuple(_number(dimension.factors, rest) for dimension in dimensions)
    for name in rest:
        raise no_such_axis(dimensions, name)
    return place


def shares(dimensions: Sequence[Dimension], wanted: Position) -> dict[str, Coordinate]:
    """The coordinates, with one along all of `in` spelled as `groups` and `in/groups` where these are axes."""
    coordinates = dict(wanted)
    sizes = {factor.name: factor.size for factor in every_factor(dimensions)}
    for factor in every_factor(dimensions):
        if factor.share and factor.share[0] in coordinates and factor.share[1] in sizes:
            name, divisor = factor.share
            total = coordinate(name, sizes[divisor] * factor.size, coordinates.pop(name))
            for part, number in zip((divisor, factor.name), divmod(total, factor.size), strict=True):
                if coordinates.setdefault(part, number) != number:
                    raise SelectionError(f"{name} {total} lies at {part} {number}, not {coordinates[part]}")
    return coordinates


def _number(factors: Sequence[Factor], rest: dict[str, Coordinate]) -> int:
    """The place along a product; takes the coordinates that it uses out of `rest`."""
    number = 0
    for factor in factors:
        number = number * factor.size + _place(factor, rest)
    return number


def _place(factor: Factor, rest: dict[str, Coordinate]) -> int:
    if factor.bare:
        return 0
    if factor.name not in rest:
        raise SelectionError(f"the coordinate along {factor.name} is missing")
    place = along(factor, rest.pop(factor.name))
    return starts(factor)[place] + _number(factor.blocks[place], rest) if factor.blocks else place


def along(factor: Factor, wanted: Coordinate) -> int:
    """The stored place along one axis, or the number of the block, that a number or a label stands for."""
    if factor.labels and isinstance(wanted, str):
        if wanted not in factor.labels:
            raise SelectionError(f"{factor.name} has the blocks {', '.join(factor.labels)}, not '{wanted}'")
        return factor.labels.index(wanted)
    number = coordinate(factor.name, len(factor.labels) or factor.size, wanted)
    return factor.size - 1 - number if factor.reversed else number


def coordinate(name: str, size: int, wanted: Coordinate) -> int:
    """The coordinate as a number that is in range."""
    if isinstance(wanted, str):
        raise SelectionError(f"{name} is counted by numbers from 0, not by '{wanted}'")
    if not 0 <= wanted < size:
        possible = f"the indices 0 to {size - 1}" if size else "no index, its size is 0"
        raise SelectionError(f"{name} has {possible}; {wanted} is not one of them")
    return whole_number(wanted)


def no_such_axis(dimensions: Sequence[Dimension], name: str) -> SelectionError:
    """The reason why an array has no coordinate of this name."""
    for factor in every_factor(dimensions):
        if not factor.resolved and name in claims(factor.terms):
            return SelectionError(f"only {factor.name} {factor.size} as a whole is known, not the axis {name} in it")
    known = dict.fromkeys(factor.name for factor in every_factor(dimensions) if not factor.bare)
    if name in known:
        return SelectionError(f"{name} does not lie in the block that is chosen")
    return SelectionError(f"there is no axis {name} here; the axes are {', '.join(known)}")

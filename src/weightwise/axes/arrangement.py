"""The same values under other axes, in NumPy.

Splitting a dimension of any array is a view, and so are transposing, flipping and slicing; therefore an array
whose axes are all counted is moved without touching a value, up to the last step that merges axes. Named blocks
that lie in another order, or have unequal sizes, are moved one by one into a new array.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from weightwise.axes.coordinates import (
    Coordinate,
    Position,
    along,
    names_within,
    no_such_axis,
    starts,
    volume,
)
from weightwise.axes.factors import Dimension, Factor
from weightwise.errors import AxesError, SelectionError

Array: TypeAlias = npt.NDArray[Any]


def arranged(array: npt.ArrayLike, source: Sequence[Dimension], target: Sequence[Dimension]) -> Array:
    """The array of the source's dimensions under those of the target; raises AxesError if the axes differ."""
    view, factors = split(array, source)
    wanted = tuple(factor for dimension in target for factor in dimension.counted)
    shape = tuple(dimension.size for dimension in target)
    unequal = any(factor.blocks for factor in factors + wanted)
    if not unequal and _label_orders(factors) == _label_orders(wanted):
        return turned(view, factors, wanted).reshape(shape)
    result = np.empty(shape, view.dtype)
    _copy_blocks(blocks(view, factors), blocks(*split(result, target)))
    return result


def split(array: npt.ArrayLike, dimensions: Sequence[Dimension]) -> tuple[Array, tuple[Factor, ...]]:
    """A view with one axis for each factor, and the factors; raises SelectionError for another array's shape."""
    view = np.asarray(array)
    shape = tuple(dimension.size for dimension in dimensions)
    if view.shape != shape:
        raise SelectionError(f"the axes are those of an array of shape {shape}, not {view.shape}")
    factors = tuple(factor for dimension in dimensions for factor in dimension.counted)
    return view.reshape([factor.size for factor in factors]), factors


def _label_orders(factors: Sequence[Factor]) -> dict[str, tuple[str, ...]]:
    return {factor.name: factor.labels for factor in factors if factor.labels}


def turned(view: Array, factors: Sequence[Factor], wanted: Sequence[Factor]) -> Array:
    """The view with its axes in the wanted order and direction; raises AxesError if they are other axes."""
    names, wanted_names = [factor.name for factor in factors], [factor.name for factor in wanted]
    if sorted(names) != sorted(wanted_names):
        raise AxesError(f"the axes {_listed(names)} cannot be arranged as {_listed(wanted_names)}")
    order = [names.index(name) for name in wanted_names]
    flips = (factors[old].reversed != new.reversed for old, new in zip(order, wanted, strict=True))
    return view.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)})"


Labels: TypeAlias = frozenset[tuple[str, str]]
Block: TypeAlias = tuple[Labels, tuple[Array, tuple[Factor, ...]]]


def blocks(view: Array, factors: tuple[Factor, ...], labels: Labels = frozenset()) -> Iterator[Block]:
    """Each block of the labelled axes: its labels, a view of it, and the counted factors that are left."""
    axis = next((number for number, factor in enumerate(factors) if factor.labels), None)
    if axis is None:
        yield labels, (view, factors)
        return
    for number, label in enumerate(factors[axis].labels):
        inner = opened(view, factors, axis, number)
        yield from blocks(*inner, labels | {(factors[axis].name, label)})


def opened(
    view: Array, factors: tuple[Factor, ...], axis: int, number: int
) -> tuple[Array, tuple[Factor, ...]]:
    """One block of a labelled axis as a view, in which the factors inside the block stand for the axis."""
    factor = factors[axis]
    start = starts(factor)[number] if factor.blocks else number
    inner = tuple(part for part in factor.blocks[number] if not part.bare) if factor.blocks else ()
    piece = view[(slice(None),) * axis + (slice(start, start + volume(inner)),)]
    sizes = (*view.shape[:axis], *(part.size for part in inner), *view.shape[axis + 1 :])
    return piece.reshape(sizes), (*factors[:axis], *inner, *factors[axis + 1 :])


def _copy_blocks(source: Iterator[Block], target: Iterator[Block]) -> None:
    origins = dict(source)
    for labels, (place, wanted) in target:
        if labels not in origins:
            raise AxesError(f"there is no block {_described(labels)} to arrange")
        place[...] = turned(*origins.pop(labels), wanted)
    for labels in origins:
        raise AxesError(f"the block {_described(labels)} would be lost")


def _described(labels: Labels) -> str:
    return ", ".join(f"{name}={label}" for name, label in sorted(labels)) or "without labels"


def selected(
    array: npt.ArrayLike, dimensions: Sequence[Dimension], wanted: Position
) -> tuple[Array, tuple[Dimension, ...]]:
    """The part of the array at the wanted coordinates, and the dimensions that are left of it."""
    view, factors = split(array, dimensions)
    owners = [number for number, dimension in enumerate(dimensions) for _ in dimension.counted]
    rest = dict(wanted)
    axis = 0
    while axis < len(factors):
        chosen = _chosen(factors[axis], rest)
        if chosen is None:
            axis += 1
            continue
        view, opened_factors = opened(view, factors, axis, chosen)
        owners[axis : axis + 1] = [owners[axis]] * (1 + len(opened_factors) - len(factors))
        factors = opened_factors
    for name in rest:
        raise no_such_axis(dimensions, name)
    kept = tuple(_left(dimensions, factors, owners))
    return view.reshape([dimension.size for dimension in kept]), kept


def _chosen(factor: Factor, rest: dict[str, Coordinate]) -> int | None:
    """The stored place along the axis, or the number of the block, that the coordinates choose and use up."""
    if factor.name in rest:
        return along(factor, rest.pop(factor.name))
    owning = [number for number, block in enumerate(factor.blocks) if rest.keys() & names_within(block)]
    if len(owning) > 1:
        labels = ", ".join(factor.labels[number] for number in owning)
        raise SelectionError(f"{', '.join(rest)} stands in the blocks {labels} of {factor.name}: choose one")
    return owning[0] if owning else None


def _left(
    dimensions: Sequence[Dimension], factors: Sequence[Factor], owners: Sequence[int]
) -> Iterator[Dimension]:
    """The dimensions with only these factors left; one of which nothing is left is gone, a bare one stays."""
    for number, dimension in enumerate(dimensions):
        left = tuple(factor for factor, owner in zip(factors, owners, strict=True) if owner == number)
        if left or not dimension.counted:
            yield Dimension(left or dimension.factors)

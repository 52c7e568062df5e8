"""The same values under other axes, in NumPy.

Splitting a dimension of any array is a view, and so are transposing, flipping and slicing; therefore an array
whose axes are all counted is moved without touching a value, up to the last step, which merges axes. Named
blocks that lie in another order, or have unequal sizes, are moved one by one into a new array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from weightwise.axes.coordinates import Coordinate, Position, along, names_within, no_such_axis, starts
from weightwise.axes.factors import Dimension, Factor, contents, counted, volume
from weightwise.errors import SelectionError

Array: TypeAlias = npt.NDArray[Any]


def arranged(
    array: npt.ArrayLike, source: Sequence[Dimension], target: Sequence[Dimension], apart: bool = False
) -> Array:
    """The array of the source's dimensions under those of the target, which must have the same contents.

    Where merged axes may stay `apart`, the result may have more dimensions, with the same values in the same order.
    """
    view, factors, wanted = split(array, source), counted(source), counted(target)
    shape = [dimension.size for dimension in target]
    if _same_blocks(factors, wanted):
        turned = _turned(view, factors, wanted)
        return turned if apart else turned.reshape(shape)
    result = np.empty(shape, view.dtype)
    places = split(result, target)
    for labels in contents(wanted):
        place, order = narrowed(places, 0, wanted, dict(labels))
        place[...] = _turned(*narrowed(view, 0, factors, dict(labels)), order)
    return result


def split(array: npt.ArrayLike, dimensions: Sequence[Dimension]) -> Array:
    """A view with one axis for each factor; raises SelectionError if the array has another shape."""
    values = np.asarray(array)
    shape = tuple(dimension.size for dimension in dimensions)
    if values.shape != shape:
        raise SelectionError(f"these are the axes of an array of shape {shape}, not {values.shape}")
    return values.reshape([factor.size for factor in counted(dimensions)])


def _same_blocks(factors: Sequence[Factor], others: Sequence[Factor]) -> bool:
    """Whether both have the same labelled axes, of equal blocks, so that each can move like a counted one."""
    labelled, other_labelled = (
        {factor.name: factor.terms for factor in some if factor.labels} for some in (factors, others)
    )
    return labelled == other_labelled and not any(factor.blocks for factor in factors)


def _turned(view: Array, factors: Sequence[Factor], wanted: Sequence[Factor]) -> Array:
    """The view with its axes in the wanted order and direction."""
    names = [factor.name for factor in factors]
    order = [names.index(factor.name) for factor in wanted]
    flips = (factors[old].reversed != new.reversed for old, new in zip(order, wanted, strict=True))
    return view.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]


def selected(
    array: npt.ArrayLike, dimensions: Sequence[Dimension], wanted: Position
) -> tuple[Array, tuple[Dimension, ...]]:
    """The part of the array at the wanted coordinates, and the dimensions that are left of it."""
    view, rest = split(array, dimensions), dict(wanted)
    kept: list[Dimension] = []
    axis = 0
    for dimension in dimensions:
        view, left = narrowed(view, axis, dimension.counted, rest)
        axis += len(left)
        if left or not dimension.counted:
            kept.append(Dimension(left or dimension.factors))
    for name in rest:
        raise no_such_axis(dimensions, name)
    return view.reshape([dimension.size for dimension in kept]), tuple(kept)


def narrowed(
    view: Array, axis: int, factors: tuple[Factor, ...], rest: dict[str, Coordinate]
) -> tuple[Array, tuple[Factor, ...]]:
    """The view, narrowed to the coordinates along the factors that begin at the axis; and the factors left.

    The coordinates that were used are taken out of `rest`.
    """
    if not factors:
        return view, ()
    first, *others = factors
    chosen = _chosen(first, rest)
    if chosen is None:
        view, left = narrowed(view, axis + 1, tuple(others), rest)
        return view, (first, *left)
    start, inner = _block(first, chosen)
    piece = view[(slice(None),) * axis + (slice(start, start + volume(inner)),)]
    shape = (*view.shape[:axis], *(factor.size for factor in inner), *view.shape[axis + 1 :])
    return narrowed(piece.reshape(shape), axis, (*inner, *others), rest)


def _chosen(factor: Factor, rest: dict[str, Coordinate]) -> int | None:
    """The stored place along the axis, or the number of the block, that the coordinates choose."""
    if factor.name in rest:
        return along(factor, rest.pop(factor.name))
    owning = [number for number, block in enumerate(factor.blocks) if rest.keys() & names_within(block)]
    if len(owning) > 1:
        labels = ", ".join(factor.labels[number] for number in owning)
        raise SelectionError(f"{', '.join(rest)} lies in the blocks {labels} of {factor.name}: choose one")
    return owning[0] if owning else None


def _block(factor: Factor, number: int) -> tuple[int, tuple[Factor, ...]]:
    """Where one block of an axis begins, and the factors in it; a place along any other axis is a block of one."""
    if not factor.blocks:
        return number, ()
    return starts(factor)[number], tuple(inner for inner in factor.blocks[number] if not inner.bare)

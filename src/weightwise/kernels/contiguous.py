"""Strided views become C-contiguous arrays: by tiles that fit in a cache, and in pieces where not all fits in memory.

NumPy copies a transposed matrix along the rows of the target, so each value comes from another line of the source.
Where the rows of the source lie a power of two apart, these lines displace each other in the cache, and each is fetched
anew for every value. Here a tile is first copied along the rows of the source, into a buffer whose rows lie a little
farther apart, and turned from there: https://en.wikipedia.org/wiki/Loop_nest_optimization. `bench/rearrange.py` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

RUN = 256
"""The values of a tile that lie in one run, in the source and in the target."""
PADDING = 16
"""The values between the rows of a buffer, so that they do not lie a power of two apart."""
LEAST_BYTES = 1 << 20
"""Smaller arrays stay in a cache while NumPy copies them."""
LEAST_TILE = 1 << 13
"""The values of a tile that are worth a loop's turn in Python."""


def contiguous(view: numpy.ndarray) -> numpy.ndarray:
    """Returns the values in C order, bit for bit: the view itself where it lies so, otherwise a copy."""
    import numpy

    if view.flags.c_contiguous:
        return view
    result = numpy.empty(view.shape, view.dtype)
    copy(view, result)
    return result


def copy(view: numpy.ndarray, result: numpy.ndarray) -> None:
    """Copies values into an array of the same shape in C order, whose dtype may have another byte order."""
    if view.nbytes >= LEAST_BYTES and not view.flags.c_contiguous:
        lean = view.squeeze()
        order = source_order(lean)
        tile = tile_of(lean.shape, order)
        if order[-1] != lean.ndim - 1 and prod(tile) >= LEAST_TILE:
            copy_tiles(lean, result.reshape(lean.shape), order, tile)
            return
    result[...] = view


def pieces(view: numpy.ndarray, nbytes: int) -> Iterator[numpy.ndarray]:
    """Yields parts of a view that follow each other in C order, each of `nbytes` at most, or of one value."""
    if view.nbytes <= nbytes or not view.ndim:
        yield view
        return
    rows = nbytes // (view.nbytes // len(view))
    for start in range(0, len(view), max(1, rows)):
        if rows:
            yield view[start : start + rows]
        else:
            yield from pieces(view[start, ...], nbytes)


def source_order(view: numpy.ndarray) -> list[int]:
    """Returns the axes as they lie in memory: the one whose values are nearest to each other is the last."""
    return sorted(range(view.ndim), key=lambda axis: -abs(view.strides[axis]))


def tile_of(shape: Sequence[int], order: Sequence[int]) -> list[int]:
    """Returns the sizes of a tile that holds a run of the target, along its last axes, and one of the source."""
    tile = [1] * len(shape)
    for axes in (range(len(shape)), order):
        reached = 1
        for axis in reversed(axes):
            tile[axis] = min(shape[axis], max(tile[axis], -(-RUN // reached)))
            reached *= tile[axis]
    return tile


def padded(sizes: Sequence[int]) -> list[int]:
    """Returns the sizes of a buffer whose runs, which lie along the last axes, have `PADDING` values between them."""
    first, inner = len(sizes) - 1, 1
    while first and inner * sizes[first] < RUN:
        inner *= sizes[first]
        first -= 1
    return [*sizes[:first], sizes[first] + -(-PADDING // inner), *sizes[first + 1 :]]


def copy_tiles(view: numpy.ndarray, result: numpy.ndarray, order: Sequence[int], tile: Sequence[int]) -> None:
    """Copies values into an array in C order, tile by tile through a buffer that lies as the source does."""
    import numpy

    buffer = numpy.empty(padded([tile[axis] for axis in order]), view.dtype)
    buffer = buffer.transpose([order.index(axis) for axis in range(view.ndim)])
    for starts in product(*(range(0, size, step) for size, step in zip(view.shape, tile, strict=True))):
        place = tuple(slice(start, start + step) for start, step in zip(starts, tile, strict=True))
        source = view[place]
        turned = buffer[tuple(map(slice, source.shape))]
        turned[...] = source
        result[place] = turned

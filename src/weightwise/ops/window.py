"""Windows that slide over spatial axes: their output sizes, their padding and their positions.

Convolutions and poolings share this arithmetic. `same` is TensorFlow's definition, `ceil(input / stride)`, with the odd
element of padding at the end (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2); `causal` pads all
of it at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

Padding = str | tuple[tuple[int, int], ...]
"""`valid`, `same`, `causal`, or the elements before and after each spatial axis."""


@dataclass(frozen=True)
class Window:
    """A window of `size` elements per spatial axis that moves by `strides`, its elements `dilation` apart."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Padding
    beyond: str = "zeros"
    """What a convolution reads in the padding: `zeros`, or more of the input: `reflect` turns back at the last element,
    `edge` repeats it, and `wrap` goes on at the other end."""

    ceil: bool = False
    """Whether a last window counts that begins in the input, or in the padding before it, and ends beyond."""

    def __post_init__(self) -> None:
        for name, values in (("size", self.size), ("strides", self.strides), ("dilation", self.dilation)):
            if min(values) < 1:
                raise ShapeError(f"a window's {name} must be 1 or more, found {times(values)}")
        if isinstance(self.padding, str) and self.padding not in ("valid", "same", "causal"):
            raise ShapeError(f"a window's padding must be valid, same or causal, found {self.padding!r}")
        if self.beyond not in ("zeros", "reflect", "edge", "wrap"):
            raise ShapeError(f"a window's padding is zeros, reflect, edge or wrap, found {self.beyond!r}")

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.size)

    def extent(self, axis: int) -> int:
        """Return how many elements the window spans: `(size - 1)·dilation + 1`."""
        return (self.size[axis] - 1) * self.dilation[axis] + 1

    def output_size(self, axis: int, size: int | None) -> int | None:
        """Return how many positions the window has along an axis of `size` elements; raises `ShapeError` if none."""
        if size is None:
            return None
        if self.padding in ("same", "causal"):
            return -(-size // self.strides[axis])
        before, after = self.around(axis, size)
        positions = self._counted(size + before + after - self.extent(axis), axis, size + before)
        if positions < 1:
            raise ShapeError(f"a window of {self.extent(axis)} elements does not fit in an axis of {size}")
        return positions

    def _counted(self, room: int, axis: int, begins: int) -> int:
        """Return the number of positions that a window has in its room, none of which begins behind a place."""
        stride = self.strides[axis]
        if not self.ceil:
            return room // stride + 1
        positions = -(-room // stride) + 1
        return positions - 1 if (positions - 1) * stride >= begins else positions

    def output_sizes(self, spatial: Shape) -> Shape:
        """Return the number of positions along each spatial axis."""
        return tuple(self.output_size(axis, size) for axis, size in enumerate(spatial))

    def around(self, axis: int, size: int) -> tuple[int, int]:
        """Return the elements of padding before and after an axis of `size` elements."""
        if not isinstance(self.padding, str):
            return self.padding[axis]
        if self.padding == "valid":
            return 0, 0
        if self.padding == "causal":
            return self.extent(axis) - 1, 0
        stride = self.strides[axis]
        total = max((-(-size // stride) - 1) * stride + self.extent(axis) - size, 0)
        return total // 2, total - total // 2

    def reached(self, axis: int, size: int) -> tuple[int, int]:
        """Return the elements before and after an axis of `size` elements that are padding, or that a window meets."""
        before, after = self.around(axis, size)
        if not self.ceil:
            return before, after
        last = ((self.output_size(axis, size) or 1) - 1) * self.strides[axis] + self.extent(axis)
        return before, max(after, last - size - before)

    def padded(self, x: Array, fill: float = 0.0) -> Array:
        """Return `x` (batch, spatial axes, then any others) with its padding filled in."""
        import numpy

        widths = [self.reached(axis, x.shape[1 + axis]) for axis in range(self.rank)]
        around = [(0, 0), *widths, *[(0, 0)] * (x.ndim - 1 - self.rank)]
        match self.beyond:
            case "reflect" | "edge" | "wrap" as mode:
                return numpy.pad(x, around, mode)
            case _:
                return numpy.pad(x, around, constant_values=fill)

    def positions(self, x: Array) -> tuple[int, ...]:
        """Return the number of positions along each spatial axis of `x`."""
        sizes = self.output_sizes(x.shape[1 : 1 + self.rank])
        return tuple(size for size in sizes if size is not None)

    def slices(self, positions: Sequence[int]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """Yield each element of the window with the slices of the padded input that it meets at all positions."""
        for element in product(*map(range, self.size)):
            starts = [place * step for place, step in zip(element, self.dilation, strict=True)]
            yield (
                element,
                tuple(
                    slice(start, start + (count - 1) * stride + 1, stride)
                    for start, count, stride in zip(starts, positions, self.strides, strict=True)
                ),
            )

    def noun(self) -> str:
        """Return what the window is called: `3 × 2 window`, and along a single axis `window of 3`."""
        return f"window of {self.size[0]}" if self.rank == 1 else f"{times(self.size)} window"

    def manner(self) -> str:
        """Return how the window moves, to follow a clause: `, in steps of 2 × 2`; empty for the plainest window."""
        steps = f", in steps of {times(self.strides)}" if max(self.strides) > 1 else ""
        return steps + (f", its elements {times(self.dilation)} apart" if max(self.dilation) > 1 else "")


def times(values: Sequence[int]) -> str:
    """Return sizes as people write them: `3 × 3`."""
    return " × ".join(map(str, values))

"""Transposed convolutions, by the definition of scattering: `out[s·i + d·k] += x[i] · w[k]`.

Each element of the input spreads over a window of the output, and what falls on one place adds up. It is the
transpose of a convolution as a matrix (https://arxiv.org/abs/1603.07285, chapter 4), which takes the padding of that
convolution off its result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightwise.ops.conv import check_groups
from weightwise.ops.operation import Shape, ShapeError, spatial_names
from weightwise.ops.spatial import Filtering, counted
from weightwise.ops.window import Window
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class TransposedConv(Filtering):
    """The transpose of a convolution over one, two or three spatial axes.

    The window is the one that an element spreads over. Its padding, in numbers, is cut off, and below zero adds zeros:
    PyTorch's `padding` p with `output_padding` o is `(p, p - o)`. What a window that wraps would cut off is added
    at the other end.
    """

    filters: int
    groups: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.window.padding, str):
            raise ShapeError(f"a transposed convolution takes its padding in numbers, found {self.window.padding!r}")

    def kernels(self) -> Mapping[str, str]:
        """Return the kernel's axes, the same as a convolution's."""
        return {"kernel": f"{spatial_names(self.rank)} groups in/groups out/groups"}

    def counts(self) -> Mapping[str, int]:
        """Return the groups and the filters."""
        return {"groups": self.groups, "out": self.filters}

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes of the spread windows, `(size - 1)·stride + extent`, without the padding."""
        return tuple(self._spread_size(axis, size) for axis, size in enumerate(sizes))

    def _spread_size(self, axis: int, size: int | None) -> int | None:
        if size is None:
            return None
        spread = (size - 1) * self.window.strides[axis] + self.window.extent(axis)
        left = spread - sum(self.window.around(axis, spread))
        if left < 1:
            raise ShapeError(
                f"nothing is left of an axis of {size} elements, spread over {spread}, without its padding"
            )
        return left

    def channels(self, size: int | None) -> int:
        """Return one channel for each filter."""
        check_groups(self.groups, size, self.filters)
        return self.filters

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the spread windows without the padding."""
        spread = scatter(x, weights["kernel"], self.window)
        return (wrapped if self.window.beyond == "wrap" else cropped)(spread, self.window)

    def sentence(self) -> str:
        """Return what the layer does."""
        window = f"a {self.window.noun()} of its output{self.window.manner()}"
        reads = "all channels" if self.groups == 1 else f"the channels of one of {self.groups} groups"
        filters = f"{counted(self.filters, 'filter')}, each reading {reads}"
        return f"spreads every position over {window}, with {filters}, and adds up what overlaps"


def scatter(x: Array, kernel: Array, window: Window) -> Array:
    """Return the grouped windows that `x` spreads over, all of them.

    `x` is `batch, spatial…, in`; `kernel` is `k…, groups, in/groups, out/groups`; the result is `batch, spatial…, out`.
    """
    import numpy

    groups, size_in, size_out = kernel.shape[window.rank :]
    positions = x.shape[1:-1]
    grouped = x.reshape(*x.shape[:-1], groups, size_in)
    spread = [
        (size - 1) * stride + window.extent(axis)
        for axis, (size, stride) in enumerate(zip(positions, window.strides, strict=True))
    ]
    result = numpy.zeros((x.shape[0], *spread, groups, size_out), numpy.result_type(x, kernel))
    for element, slices in window.slices(positions):
        result[(slice(None), *slices)] += numpy.einsum("...gi,gio->...go", grouped, kernel[element], optimize=True)
    return result.reshape(*result.shape[:-2], groups * size_out)


def cropped(y: Array, window: Window) -> Array:
    """Return `y` without the window's padding; padding below zero is zeros that are added."""
    import numpy

    around = [window.around(axis, y.shape[1 + axis]) for axis in range(window.rank)]
    added = [(max(-before, 0), max(-after, 0)) for before, after in around]
    kept = tuple(
        slice(max(before, 0), size - max(after, 0)) for (before, after), size in zip(around, y.shape[1:], strict=False)
    )
    return numpy.pad(y[(slice(None), *kept)], [(0, 0), *added, (0, 0)])


def wrapped(y: Array, window: Window) -> Array:
    """Return `y` without the window's padding, which is added at the other end of its axis."""
    import numpy

    for axis in range(window.rank):
        y = numpy.moveaxis(y, 1 + axis, 0)
        before, after = window.around(axis, len(y))
        period = len(y) - before - after
        widths = [(-before % period, -after % period), *[(0, 0)] * (y.ndim - 1)]
        y = numpy.pad(y, widths).reshape(-1, period, *y.shape[1:]).sum(0)
        y = numpy.moveaxis(y, 0, 1 + axis)
    return y

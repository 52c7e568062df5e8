"""Pooling: one value for each window of each channel, with nothing to learn.

A maximum ignores its padding. An average divides by the number of real elements
(https://keras.io/api/layers/pooling_layers/), or counts the padding as zeros
(https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html). The windows of an adaptive pooling divide an
axis of n elements in m runs that overlap where m does not divide n: run i is `floor(i·n/m)` up to `ceil((i + 1)·n/m)`
(https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError, TensorAxes, channels_last, restore_channels
from weightwise.ops.spatial import Spatial
from weightwise.ops.window import Window
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_KEPT = {"max": "keeps the largest value", "average": "averages the values"}


@dataclass(frozen=True)
class _Reducing(Spatial):
    """A pooling, by the maximum or the average."""

    reduce: str
    """`max` or `average`."""

    def __post_init__(self) -> None:
        if self.reduce not in _KEPT:
            raise ShapeError(f"a pooling keeps the max or the average, found {self.reduce!r}")


@dataclass(frozen=True)
class Pooling(_Reducing):
    """The maximum or the average of each window."""

    window: Window
    padding_counts: bool = False
    """Whether an average is over the padding too, as zeros."""
    divisor: int | None = None
    """What the sum of a window is divided by to average it, where that is not the number of its elements."""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.window.rank

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the window's positions."""
        return self.window.output_sizes(sizes)

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the reduced windows."""
        import numpy

        if self.reduce == "max":
            return _largest(x, self.window)
        counted = self.divisor or _sum(numpy.ones_like(x[:1, ..., :1]), self.window, int(self.padding_counts))
        return _sum(x, self.window, 0) / counted

    def sentence(self) -> str:
        """Return what the layer does."""
        steps = "" if self.window.strides == self.window.size else self.window.manner()
        return f"{_KEPT[self.reduce]} of each {self.window.noun()}{steps}"


@dataclass(frozen=True)
class GlobalPooling(_Reducing):
    """The maximum or the average of each whole channel."""

    dimensions: int
    keep: bool = False
    """Whether the spatial axes stay, with one element each."""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.dimensions

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return one element for each axis that stays."""
        return (1,) * len(sizes) if self.keep else ()

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the channels, and the spatial axes if they stay."""
        return super().tensor_axes(inputs) if self.keep else ("c",)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return one value for each channel."""
        y = self.computed(channels_last(inputs[0], self.channels_first), weights)
        return (restore_channels(y, self.channels_first and self.keep),)

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the reduced channels."""
        axes = tuple(range(1, 1 + self.rank))
        result: Array = (x.max if self.reduce == "max" else x.mean)(axes, keepdims=self.keep)
        return result

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"{_KEPT[self.reduce]} of each channel, over all its positions"


@dataclass(frozen=True)
class AdaptivePooling(_Reducing):
    """The maximum or the average of as many windows as the output is to have elements."""

    output: tuple[int | None, ...]
    """The sizes of the spatial axes; None is that of the input."""

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.output)

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are wanted."""
        return tuple(own if size is None else size for own, size in zip(sizes, self.output, strict=True))

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the reduced windows, one axis after another: the runs of one do not depend on those of another."""
        for axis, count in enumerate(self.output, start=1):
            x = x if count is None else _runs(x, axis, count, self.reduce)
        return x

    def sentence(self) -> str:
        """Return what the layer does."""
        laid = " × ".join("as many as the axis is long" if count is None else str(count) for count in self.output)
        return f"{_KEPT[self.reduce]} of each window, of which it lays {laid} over its input"


def _largest(x: Array, window: Window) -> Array:
    import numpy

    padded = window.padded(x, -numpy.inf)
    views = (padded[(slice(None), *slices)] for _, slices in window.slices(window.positions(x)))
    result = next(views).copy()
    for view in views:
        numpy.maximum(result, view, out=result)
    return result


def _sum(x: Array, window: Window, padding: int) -> Array:
    """Return the sum of each window, in which every element of the padding counts as one number."""
    import numpy

    positions = window.positions(x)
    around = [window.around(axis, x.shape[1 + axis]) for axis in range(window.rank)]
    filled = numpy.pad(x, [(0, 0), *around, (0, 0)], constant_values=padding)
    beyond = [(0, after) for after in _beyond(x, window)]
    filled = numpy.pad(filled, [(0, 0), *beyond, (0, 0)])
    total = numpy.zeros((len(x), *positions, x.shape[-1]), x.dtype)
    for _, slices in window.slices(positions):
        total += filled[(slice(None), *slices)]
    return total


def _beyond(x: Array, window: Window) -> Iterator[int]:
    """Yield the number of elements behind the padding of each axis that a window meets."""
    for axis in range(window.rank):
        size = x.shape[1 + axis]
        yield window.reached(axis, size)[1] - window.around(axis, size)[1]


def _runs(x: Array, axis: int, count: int, reduce: str) -> Array:
    """Return the maximum or the average of each of `count` runs along an axis."""
    import numpy

    size = x.shape[axis]
    runs = [numpy.arange(number * size // count, -(-(number + 1) * size // count)) for number in range(count)]
    reduced = numpy.max if reduce == "max" else numpy.mean
    return numpy.stack([reduced(numpy.take(x, run, axis), axis) for run in runs], axis)

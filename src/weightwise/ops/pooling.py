"""Pooling: one value for each window of each channel, with nothing to learn.

Padding never takes part: a maximum ignores it and an average divides by the number of real elements
(https://keras.io/api/layers/pooling_layers/). The windows of an adaptive pooling divide an axis of n elements in m
runs that overlap where m does not divide n: run i is `floor(i·n/m)` up to `ceil((i + 1)·n/m)`
(https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightwise.ops.operation import Shape, ShapeError, TensorAxes, channels_last, restore_channels
from weightwise.ops.spatial import Spatial
from weightwise.ops.window import Window, times

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

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.window.rank

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the window's positions."""
        return self.window.output_sizes(sizes)

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the reduced windows."""
        return _largest(x, self.window) if self.reduce == "max" else _average(x, self.window)

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

    output: tuple[int, ...]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.output)

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes that are wanted."""
        return self.output

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the reduced windows, one axis after another: the runs of one do not depend on those of another."""
        for axis, count in enumerate(self.output):
            x = _runs(x, 1 + axis, count, self.reduce)
        return x

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"{_KEPT[self.reduce]} of each window, of which it lays {times(self.output)} over its input"


def _largest(x: Array, window: Window) -> Array:
    import numpy

    padded = window.padded(x, -numpy.inf)
    views = (padded[(slice(None), *slices)] for _, slices in window.slices(window.positions(x)))
    result = next(views).copy()
    for view in views:
        numpy.maximum(result, view, out=result)
    return result


def _average(x: Array, window: Window) -> Array:
    import numpy

    positions = window.positions(x)
    padded, real = window.padded(x), window.padded(numpy.ones_like(x[:1, ..., :1]))
    total = numpy.zeros((len(x), *positions, x.shape[-1]), x.dtype)
    count = numpy.zeros((1, *positions, 1), x.dtype)
    for _, slices in window.slices(positions):
        total += padded[(slice(None), *slices)]
        count += real[(slice(None), *slices)]
    return total / count


def _runs(x: Array, axis: int, count: int, reduce: str) -> Array:
    """Return the maximum or the average of each of `count` runs along an axis."""
    import numpy

    size = x.shape[axis]
    runs = [numpy.arange(number * size // count, -(-(number + 1) * size // count)) for number in range(count)]
    reduced = numpy.max if reduce == "max" else numpy.mean
    return numpy.stack([reduced(numpy.take(x, run, axis), axis) for run in runs], axis)

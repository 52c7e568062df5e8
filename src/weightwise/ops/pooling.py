"""Pooling: one value for each window of each channel, with nothing to learn.

Padding never takes part: a maximum ignores it and an average divides by the number of real elements
(https://keras.io/api/layers/pooling_layers/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightwise.ops.operation import (
    Operation,
    Shape,
    TensorAxes,
    channels_last,
    join_shape,
    only,
    restore_channels,
    spatial_axes,
    split_shape,
)
from weightwise.ops.window import Window, times

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Pooling(Operation):
    """The maximum or the average of each window."""

    window: Window
    reduce: str
    """`max` or `average`."""
    channels_first: bool = False

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the window's positions; the channels stay."""
        shape = only(inputs, "pooling")
        spatial, channels = split_shape(shape, self.channels_first)
        return (join_shape(shape[0], self.window.output_sizes(spatial), channels, self.channels_first),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the spatial axes and the channels."""
        return spatial_axes(len(self.window.size), self.channels_first)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the reduced windows."""
        x = channels_last(inputs[0], self.channels_first)
        y = _largest(x, self.window) if self.reduce == "max" else _average(x, self.window)
        return (restore_channels(y, self.channels_first),)

    def sentence(self) -> str:
        """Return what the layer does."""
        kept = "keeps the largest value" if self.reduce == "max" else "averages the values"
        return f"{kept} of each {times(self.window.size)} window"


def _positions(x: Array, window: Window) -> list[int]:
    return [window.output_size(axis, x.shape[1 + axis]) or 0 for axis in range(len(window.size))]


def _largest(x: Array, window: Window) -> Array:
    import numpy

    padded = window.padded(x, -numpy.inf)
    views = (padded[(slice(None), *slices)] for _, slices in window.slices(_positions(x, window)))
    result = next(views).copy()
    for view in views:
        numpy.maximum(result, view, out=result)
    return result


def _average(x: Array, window: Window) -> Array:
    import numpy

    positions = _positions(x, window)
    padded, real = window.padded(x), window.padded(numpy.ones_like(x[:1, ..., :1]))
    total = sum(padded[(slice(None), *slices)] for _, slices in window.slices(positions))
    count = sum(real[(slice(None), *slices)] for _, slices in window.slices(positions))
    return total / count

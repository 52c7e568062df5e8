"""Convolutions, by the definition of correlation: `out[s·i] = Σ x[s·i + d·k] · w[k]`.

The kernel is `kh kw groups in/groups out/groups` in the reference: a grouped convolution is `groups` convolutions side
by side, group g reads the input channels `g·in/groups …` and writes the output channels `g·out/groups …`
(https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightwise.ops.activation import activate
from weightwise.ops.operation import (
    Operation,
    Shape,
    ShapeError,
    TensorAxes,
    channels_last,
    join_shape,
    known,
    only,
    restore_channels,
    spatial_axes,
    spatial_names,
    split_shape,
)
from weightwise.ops.window import Window, times

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Conv(Operation):
    """A convolution over one, two or three spatial axes."""

    window: Window
    filters: int
    groups: int = 1
    bias: bool = True
    channels_first: bool = False
    activation: str = "linear"

    def roles(self) -> Mapping[str, str]:
        """Return the kernel's axes, and the bias's where there is one."""
        kernel = {"kernel": f"{spatial_names(len(self.window.size))} groups in/groups out/groups"}
        return kernel | ({"bias": "out"} if self.bias else {})

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the kernel's window, the groups, the filters and the input's channels."""
        names = spatial_names(len(self.window.size)).split()
        window = dict(zip(names, self.window.size, strict=True))
        channels = split_shape(inputs[0], self.channels_first)[1] if inputs else None
        return {**window, "groups": self.groups, "out": self.filters, **known(**{"in": channels})}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the spatial axes and the channels."""
        return spatial_axes(len(self.window.size), self.channels_first)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return one channel per filter, and the window's positions."""
        shape = only(inputs, "a convolution")
        spatial, channels = split_shape(shape, self.channels_first)
        if channels is not None and channels % self.groups:
            raise ShapeError(f"{channels} channels cannot be split in {self.groups} groups")
        return (join_shape(shape[0], self.window.output_sizes(spatial), self.filters, self.channels_first),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums."""
        x = channels_last(inputs[0], self.channels_first)
        y = correlate(x, weights["kernel"], self.window)
        if self.bias:
            y = y + weights["bias"]
        return (restore_channels(activate(self.activation, y), self.channels_first),)

    def sentence(self) -> str:
        """Return what the layer does."""
        if self.groups == 1:
            reads = "all channels of"
        else:
            reads = f"the channels of one of {self.groups} groups in"
        return f"slides {self.filters:,} filters, each reading {reads} a {times(self.window.size)} window, over its input"


def correlate(x: Array, kernel: Array, window: Window) -> Array:
    """Return the grouped correlation.

    `x` is `batch, spatial…, in`; `kernel` is `k…, groups, in/groups, out/groups`; the result is `batch, spatial…, out`.
    """
    import numpy

    rank = len(window.size)
    groups, size_in, size_out = kernel.shape[rank:]
    positions = [window.output_size(axis, x.shape[1 + axis]) or 0 for axis in range(rank)]
    padded = window.padded(x)
    padded = padded.reshape(*padded.shape[:-1], groups, size_in)
    result = numpy.zeros((x.shape[0], *positions, groups, size_out), numpy.result_type(x, kernel))
    for element, slices in window.slices(positions):
        result += numpy.einsum("...gi,gio->...go", padded[(slice(None), *slices)], kernel[element], optimize=True)
    return result.reshape(*result.shape[:-2], groups * size_out)

"""The cell of a convolutional LSTM (https://arxiv.org/abs/1506.04214): the products of an LSTM are convolutions.

The input is convolved with the window as it is; the state h with a window of the same size that keeps its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from weightwise.ops.cells import Cell, Step, long_short_term
from weightwise.ops.conv import correlate
from weightwise.ops.operation import (
    Shape,
    ShapeError,
    TensorAxes,
    channels_last,
    join_shape,
    known,
    restore_channels,
    spatial_axes,
    spatial_names,
    split_shape,
)
from weightwise.ops.spatial import counted
from weightwise.ops.window import Window, times
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class ConvLstmCell(Cell):
    """An LSTM of images, sequences or volumes, with `filters` channels in each state."""

    window: Window
    filters: int
    bias: bool = True
    channels_first: bool = False
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    two_biases: bool = False
    """Whether both products have a bias of their own, which act as their sum."""
    remembering: float = 0.0
    """Added to the sum of the gate f whenever it is computed, and not stored in a bias."""
    keeps_size: bool = True
    """Whether the window of the state h keeps its size; it else is that of the input in everything."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels and the bias, with four gates."""
        window, gates = spatial_names(self.window.rank), "gate[i f g o] out"
        kernels = {"kernel": f"{window} in {gates}", "recurrent_kernel": f"{window} out' {gates}"}
        bias = f"side[input recurrent] {gates}" if self.two_biases else gates
        return kernels | ({"bias": bias} if self.bias else {})

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the window, the filters and the input's channels."""
        window = dict(zip(spatial_names(self.window.rank).split(), self.window.size, strict=True))
        channels = split_shape(inputs[0], self.channels_first)[1] if inputs else None
        return {**window, "out": self.filters, **known(**{"in": channels})}

    def state_shapes(self, step: Shape) -> tuple[Shape, ...]:
        """Return the shapes of h and c, the window's positions."""
        if len(step) != self.window.rank + 2:
            raise ShapeError(
                f"{self.phrase()} reads {self.window.rank + 1} axes per step, found a step of shape {step}"
            )
        spatial, _ = split_shape(step, self.channels_first)
        sizes = self.window.output_sizes(spatial)
        return (join_shape(step[0], sizes, self.filters, self.channels_first),) * 2

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the spatial axes and the channels."""
        return spatial_axes(self.window.rank, self.channels_first)

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the output, and with it the states h (the same) and c."""
        import numpy

        ones = (1,) * self.window.rank
        keeping = replace(self.window, strides=ones, dilation=ones, padding="same") if self.keeps_size else self.window
        sums = self._gates(x, weights["kernel"], self.window)
        sums = sums + self._gates(states[0], weights["recurrent_kernel"], keeping)
        if self.bias:
            sums = sums + (weights["bias"].sum(0) if self.two_biases else weights["bias"])
        i, f, g, o = (restore_channels(gate, self.channels_first) for gate in numpy.moveaxis(sums, -2, 0))
        return long_short_term(i, f + self.remembering, g, o, states[1], self.activation, self.recurrent_activation)

    def _gates(self, x: Array, kernel: Array, window: Window) -> Array:
        """Return `batch spatial… gate out`."""
        merged = kernel.reshape(*window.size, 1, kernel.shape[-3], -1)
        sums = correlate(channels_last(x, self.channels_first), merged, window)
        return sums.reshape(*sums.shape[:-1], *kernel.shape[-2:])

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        return f"a convolutional LSTM of {counted(self.filters, 'filter')} over a {times(self.window.size)} window"

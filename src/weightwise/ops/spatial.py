"""What all operations on images, sequences and volumes share: a batch axis, spatial axes, and channels.

The mathematics is written once, for channels that are last; `channels_first` says where the tensors keep them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field
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
from weightwise.ops.window import Window
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Spatial(Operation):
    """An operation whose input and output have the same spatial axes, one to three of them."""

    channels_first: bool = field(default=False, kw_only=True)

    @property
    @abstractmethod
    def rank(self) -> int:
        """The number of spatial axes."""

    @abstractmethod
    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes of the output's spatial axes, for those of the input; raises `ShapeError`."""

    @abstractmethod
    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the output for `x`, both with their channels last."""

    def channels(self, size: int | None) -> int | None:
        """Return the number of the output's channels, for that of the input; raises `ShapeError`."""
        return size

    def open_shape(self) -> Shape | None:
        """Return an open shape with the batch, the spatial axes and the channels."""
        return (None,) * (self.rank + 2)

    def split(self, inputs: Sequence[Shape]) -> tuple[Shape, int | None]:
        """Return the spatial sizes and the channels of the one input; raises `ShapeError` where it has others."""
        shape = only(inputs, "a layer over spatial axes")
        if len(shape) != self.rank + 2:
            count = f"{self.rank} spatial ax{'i' if self.rank == 1 else 'e'}s"
            raise ShapeError(f"it takes a batch axis, {count} and channels, found shape {shape}")
        return split_shape(shape, self.channels_first)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the batch axis, the new spatial sizes, and the new channels."""
        spatial, channels = self.split(inputs)
        sizes = self.spatial_sizes(spatial)
        return (join_shape(inputs[0][0], sizes, self.channels(channels), self.channels_first),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the spatial axes and the channels."""
        return spatial_axes(self.rank, self.channels_first)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the output with its channels where the input has them."""
        x = channels_last(inputs[0], self.channels_first)
        return (restore_channels(self.computed(x, weights), self.channels_first),)


@dataclass(frozen=True)
class Filtering(Spatial):
    """A spatial operation with kernels over a window, and with one bias and one activation for all its output."""

    window: Window
    bias: bool = field(default=True, kw_only=True)
    activation: str = field(default="linear", kw_only=True)

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return self.window.rank

    @abstractmethod
    def kernels(self) -> Mapping[str, str]:
        """Return the axes of each kernel by role."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """Return the sizes that the attributes fix beside the window's: `out`, `groups`, `mult`."""

    def bias_axes(self) -> str:
        """Return the axes of the bias."""
        return "out"

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels, and of the bias where there is one."""
        return {**self.kernels(), **({"bias": self.bias_axes()} if self.bias else {})}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the kernel's window, the counts, and the input's channels."""
        window = dict(zip(spatial_names(self.rank).split(), self.window.size, strict=True))
        channels = self.split(inputs)[1] if inputs else None
        return {**window, **self.counts(), **known(**{"in": channels})}

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the window's positions."""
        return self.window.output_sizes(sizes)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums; the activation works along the last axis of the output as it is kept."""
        y = self.computed(channels_last(inputs[0], self.channels_first), weights)
        if self.bias:
            y = y + weights["bias"]
        return (activate(self.activation, restore_channels(y, self.channels_first)),)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 filter`, `1,024 filters`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

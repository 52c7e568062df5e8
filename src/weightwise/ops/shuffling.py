"""Layers that move values between the channels and the places of an image, or channels among each other.

https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.ops.spatial import Spatial
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class PixelShuffle(Spatial):
    """Every `factor`² channels become a square of so many places of one channel."""

    factor: int

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return 2

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes times the factor."""
        return tuple(None if size is None else size * self.factor for size in sizes)

    def channels(self, size: int | None) -> int | None:
        """Return the number of channels that are left; raises `ShapeError` where they make no whole squares."""
        return _divided(size, self.factor**2)

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the larger image."""
        batch, height, width, channels = x.shape
        split = x.reshape(batch, height, width, -1, self.factor, self.factor).transpose(0, 1, 4, 2, 5, 3)
        return split.reshape(batch, height * self.factor, width * self.factor, self.channels(channels) or 0)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"makes every {self.factor**2} channels a square of {self.factor} × {self.factor} places of one channel"


@dataclass(frozen=True)
class PixelUnshuffle(Spatial):
    """Every square of `factor`² places becomes so many channels."""

    factor: int

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return 2

    def spatial_sizes(self, sizes: Shape) -> Shape:
        """Return the sizes divided by the factor; raises `ShapeError` where they make no whole squares."""
        return tuple(_divided(size, self.factor) for size in sizes)

    def channels(self, size: int | None) -> int | None:
        """Return `factor`² channels for each channel."""
        return None if size is None else size * self.factor**2

    def computed(self, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the smaller image."""
        height, width = (size or 0 for size in self.spatial_sizes(x.shape[1:3]))
        split = x.reshape(len(x), height, self.factor, width, self.factor, -1).transpose(0, 1, 3, 5, 2, 4)
        return split.reshape(len(x), height, width, -1)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"makes every square of {self.factor} × {self.factor} places {self.factor**2} channels"


@dataclass(frozen=True)
class ChannelShuffle(Operation):
    """The channels, which are the axis behind the batch, dealt out: one of each group, then the next of each."""

    groups: int

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape; raises `ShapeError` where the channels make no equal groups."""
        shape = only(inputs, "a shuffle of channels")
        if len(shape) < 3:
            raise ShapeError(f"a shuffle of channels needs a batch, channels and places, found shape {shape}")
        _divided(shape[1], self.groups)
        return (shape,)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values in the other order."""
        (x,) = inputs
        return (x.reshape(len(x), self.groups, -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"puts the channels of its {self.groups} groups in turn: the first of each, then the second of each"


def _divided(size: int | None, divisor: int) -> int | None:
    if size is None:
        return None
    if size % divisor:
        raise ShapeError(f"{size} cannot be divided by {divisor}")
    return size // divisor

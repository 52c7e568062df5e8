"""Layers that rearrange values, or pass them on, without weights and without arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, TensorAxes, channels_last, only

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Identity(Operation):
    """Passes its input on at inference."""

    action: str = "passes its input on unchanged"

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        return (only(inputs, "this layer"),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the input."""
        return (inputs[0],)

    def sentence(self) -> str:
        """Return what the layer does."""
        return self.action


@dataclass(frozen=True)
class Input(Operation):
    """Where the data enters; it takes no tensor."""

    shape: Shape

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the declared shape."""
        return (self.shape,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the data as it was given."""
        return (inputs[0],)

    def sentence(self) -> str:
        """Return what the layer does."""
        return "is where the data enters"


@dataclass(frozen=True)
class Flatten(Operation):
    """Lays all values of an example in one row, the channels varying fastest.

    Keras moves the channels last first, so that the rows of the next Dense are always `(h w c)`
    (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/reshaping/flatten.py).
    """

    channels_first: bool = False

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return one axis with the product of the sizes."""
        batch, *sizes = only(inputs, "Flatten")
        known = [size for size in sizes if size is not None]
        return ((batch, prod(known) if len(known) == len(sizes) else None),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return one axis that merges those of the input, its channels fastest under `channels_first`."""
        axes = inputs[0]
        if axes is None:
            return None
        return (" ".join((*axes[1:], axes[0]) if self.channels_first and len(axes) > 1 else axes),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values in one row per example."""
        x = channels_last(inputs[0], self.channels_first and inputs[0].ndim > 2)
        return (x.reshape(len(x), -1),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return "lays all values of one example in a single row"

"""Values brought to another range: multiplied by a number and moved by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

Factor = float | tuple[float, ...]
"""One number, or one for each element of the last axis."""


@dataclass(frozen=True)
class Rescaling(Operation):
    """`x · scale + offset`."""

    scale: Factor
    offset: Factor = 0.0

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        return (only(inputs, "a rescaling"),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the rescaled values."""
        import numpy

        return (inputs[0] * numpy.asarray(self.scale) + numpy.asarray(self.offset),)

    def sentence(self) -> str:
        """Return what the layer does."""
        if self.scale == 1:
            return f"adds {_spelled(self.offset)} to every value"
        added = "" if self.offset == 0 else f" and adds {_spelled(self.offset)}"
        return f"multiplies every value by {_spelled(self.scale)}{added}"


def _spelled(factor: Factor) -> str:
    if isinstance(factor, tuple):
        return " | ".join(f"{number:.6g}" for number in factor) + " (one for each channel)"
    return f"{factor:.6g}"

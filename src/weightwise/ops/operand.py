"""A tensor and an array of the layer, value by value: embeddings of positions that are added, scales that were learned.

The array's axes are the last ones of the tensor, and where it has length one it is repeated
(https://numpy.org/doc/stable/user/basics.broadcasting.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightwise.ops.features import along, feature_names, last, varying
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_SENTENCES = {
    "add": "adds numbers that it learned to its input",
    "subtract": "subtracts numbers that it learned from its input",
    "multiply": "multiplies its input by numbers that it learned",
    "divide": "divides its input by numbers that it learned",
}


@dataclass(frozen=True)
class Operand(Operation):
    """`x + other`, `x - other`, `x · other` or `x / other`."""

    how: str
    """`add`, `subtract`, `multiply` or `divide`."""
    shape: tuple[int, ...]
    """The sizes of the array, which meet the last axes of the tensor; those of length one are repeated."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for another way."""
        if self.how not in _SENTENCES:
            raise ShapeError(f"expected one of {', '.join(_SENTENCES)}, found {self.how!r}")

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the tensor along which the array varies, from the end."""
        return varying(self.shape)

    @property
    def input_axis(self) -> str:
        """Return `features` where the array varies along the last axis alone."""
        return "features" if last(self.axes) else ""

    def roles(self) -> Mapping[str, str]:
        """Return the axes along which the array varies."""
        return {"other": " ".join(feature_names(self.axes))}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of these axes."""
        return dict(zip(feature_names(self.axes), (self.shape[axis] for axis in self.axes), strict=True))

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape, its axes of length one as long as the array's; raises `ShapeError`."""
        shape = only(inputs, "a layer with an array")
        first = len(shape) - len(self.shape)
        if first < 0 or (first == 0 and self.shape[0] != 1):
            raise ShapeError(f"an array of shape {self.shape} has something for each of a batch of shape {shape}")
        for axis in self.axes:
            if shape[axis] not in (None, 1, self.shape[axis]):
                raise ShapeError(f"a tensor of shape {shape} and an array of shape {self.shape} do not meet")
        longer = {axis % len(shape): self.shape[axis] for axis in self.axes}
        return (tuple(longer.get(axis, size) for axis, size in enumerate(shape)),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the tensor with the array, which has the axes along which it varies."""
        import numpy

        (x,) = inputs
        self.output_shapes([x.shape])
        functions = {"subtract": numpy.subtract, "multiply": numpy.multiply, "divide": numpy.divide}
        return (functions.get(self.how, numpy.add)(x, along(weights["other"], self.axes, x.ndim)),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return _SENTENCES[self.how]

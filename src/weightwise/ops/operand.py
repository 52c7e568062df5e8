"""A tensor and an array of the layer, value by value or side by side: positions, scales, a place for the whole input.

The array's axes are the last ones of the tensor, and where it has length one it is repeated
(https://numpy.org/doc/stable/user/basics.broadcasting.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.features import along, feature_names, last, spoken, varying
from weightwise.ops.merge import Concatenate
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

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


@dataclass(frozen=True)
class Beside(Operation):
    """A tensor and an array side by side along an axis, the same array for every example."""

    axis: int
    """The axis, the batch being 0, or from the end."""
    shape: tuple[int, ...]
    """The sizes of the array, the first of them 1."""
    first: bool
    """Whether the array comes first."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` where the array has something for each of several examples."""
        if self.shape[:1] != (1,) or self.axis % len(self.shape) == 0:
            raise ShapeError(f"an array of shape {self.shape} is not the same for all examples along axis {self.axis}")

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the array that are longer than one."""
        return {"other": " ".join(feature_names(varying(self.shape)))}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of these axes."""
        return Operand("add", self.shape).sizes(inputs)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape, longer along the axis; raises `ShapeError` where the array does not fit."""
        shape = only(inputs, "a layer with an array")
        return Concatenate(self.axis).output_shapes([shape, (shape[0], *self.shape[1:])])

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes, unless a merged one is joined."""
        return Concatenate(self.axis).tensor_axes([inputs[0], inputs[0]])

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the tensor and the array, which has the axes that are longer than one."""
        import numpy

        (x,) = inputs
        array = numpy.broadcast_to(weights["other"].reshape(self.shape), (len(x), *self.shape[1:]))
        return (numpy.concatenate([array, x] if self.first else [x, array], self.axis),)

    def sentence(self) -> str:
        """Return what the layer does."""
        place = "before" if self.first else "behind"
        return f"lays numbers that it learned {place} its input along {spoken((self.axis,))}"

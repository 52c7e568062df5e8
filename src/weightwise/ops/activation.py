"""Activations: functions of the values alone, without weights, and PReLU, which learns its slopes.

An activation is spelled by its name, with settings where it has some: `relu`, `relu(max_value=6.0)`. Each function is
defined as the frameworks define it (https://keras.io/api/layers/activations/); where two generations of a framework
differ under one name, both have a name of their own, such as `hard_sigmoid` and `hard_sigmoid_5`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.features import along, check_axes, feature_names, feature_sizes, last, spoken
from weightwise.ops.functions import ALONG, activate, function_name, log_softmax, softmax
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Activation(Operation):
    """An activation as a layer of its own."""

    function: str

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape; a gated linear unit halves its last axis."""
        shape = only(inputs, "an activation")
        if function_name(self.function) != "glu":
            return (shape,)
        size = shape[-1]
        if size is not None and size % 2:
            raise ShapeError(f"glu needs an even number of values in its last axis, found {size}")
        return ((*shape[:-1], None if size is None else size // 2),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return None if function_name(self.function) == "glu" else inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated values."""
        return (activate(self.function, inputs[0]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"applies {self.function} {'along its last axis' if self.function in ALONG else 'to every value'}"


@dataclass(frozen=True)
class Softmax(Operation):
    """Shares that sum to 1 along one or several axes."""

    axes: tuple[int, ...] = (-1,)
    logarithm: bool = False
    """Whether it returns their logarithms."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        shape = only(inputs, "a softmax")
        check_axes(self.axes, shape)
        return (shape,)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the shares, or their logarithms."""
        return ((log_softmax if self.logarithm else softmax)(inputs[0], self.axes),)

    def sentence(self) -> str:
        """Return what the layer does."""
        taken = ", and takes their logarithms" if self.logarithm else ""
        return f"turns the values along {spoken(self.axes)} into shares that are positive and sum to 1{taken}"


@dataclass(frozen=True)
class GatedLinear(Operation):
    """The first half of an axis, scaled by the sigmoid of its second half."""

    axis: int

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with half the axis; raises `ShapeError` where it has no halves."""
        shape = list(only(inputs, "a gated linear unit"))
        check_axes((self.axis,), tuple(shape))
        size = shape[self.axis]
        if size is not None and size % 2:
            raise ShapeError(f"a gated linear unit needs an even number of values in its axis, found {size}")
        shape[self.axis] = None if size is None else size // 2
        return (tuple(shape),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the scaled halves."""
        import numpy

        values, gates = numpy.split(inputs[0], 2, self.axis)
        return (values * activate("sigmoid", gates),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"scales the first half of {spoken((self.axis,))} by the sigmoid of its second half"


@dataclass(frozen=True)
class PReLU(Operation):
    """`x` where it is positive, and `slope · x` where it is negative, the slopes learned."""

    axes: tuple[int, ...]
    """The axes that have slopes of their own, ascending; all others share them."""

    @property
    def input_axis(self) -> str:
        """Return `features` where the slopes run along the last axis."""
        return "features" if last(self.axes) else ""

    def roles(self) -> Mapping[str, str]:
        """Return the slopes' axes."""
        return {"slope": " ".join(feature_names(self.axes))}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of the axes that have slopes."""
        return feature_sizes(self.axes, inputs[0]) if inputs else {}

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        shape = only(inputs, "a PReLU")
        check_axes(self.axes, shape)
        return (shape,)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes."""
        return inputs[0]

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated values."""
        import numpy

        (x,) = inputs
        return (numpy.maximum(x, 0) + along(weights["slope"], self.axes, x.ndim) * numpy.minimum(x, 0),)

    def sentence(self) -> str:
        """Return what the layer does."""
        each = f", one for each place along {spoken(self.axes)}" if self.axes else ""
        return f"passes positive values on and multiplies negative ones by slopes that it learned{each}"


__all__ = ["Activation", "PReLU", "Softmax", "activate"]

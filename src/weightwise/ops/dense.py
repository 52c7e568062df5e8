"""Dense (fully connected) layers: every output is a weighted sum of all inputs of the last axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.activation import activate
from weightwise.ops.adaptation import adaptation_roles, adapted
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, known, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class OverLastAxis(Operation):
    """What reads all values of the last axis and puts `units` values in their place."""

    units: int

    @property
    def input_axis(self) -> str:
        """Return the axis that is summed over."""
        return "in"

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the number of outputs, and of inputs."""
        return {"out": self.units, **known(**{"in": inputs[0][-1] if inputs else None})}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes with the outputs as channels in place of the last."""
        axes = inputs[0]
        return None if axes is None or "c" in axes[:-1] else (*axes[:-1], "c")


@dataclass(frozen=True)
class Dense(OverLastAxis):
    """`activation(x · kernel + bias)` over the last axis."""

    bias: bool = True
    activation: str = "linear"
    adaptation: float | None = None
    """What the product of a low-rank pair is multiplied by before it is added to the kernel, where there is a pair."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernel, of the bias where there is one, and of a low-rank pair."""
        bias = {"bias": "out"} if self.bias else {}
        return {"kernel": "in out", **bias, **adaptation_roles("in out", self.adaptation)}

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with `units` values in the last axis."""
        shape = only(inputs, "a dense layer")
        if len(shape) < 2:
            raise ShapeError(f"a dense layer needs a batch axis and an input axis, found shape {shape}")
        return ((*shape[:-1], self.units),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums."""
        kernel = adapted(weights["kernel"], weights, self.adaptation)
        return (self.activated(inputs[0] @ kernel, weights),)

    def activated(self, sums: Array, weights: Mapping[str, Array]) -> Array:
        """Return the sums with the bias added, and activated."""
        return activate(self.activation, sums + weights["bias"] if self.bias else sums)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"computes {self.units:,} weighted sums of all its inputs"


@dataclass(frozen=True)
class QuantizedDense(Dense):
    """A dense layer that multiplies bytes: the kernel is stored as such, and its input is rounded as it arrives.

    Both were multiplied by a scale that makes the largest value 127, per output and per example:
    `activation(round(x · s) · kernel / (s · scale) + bias)`
    (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/quantizers/quantizers.py).
    """

    epsilon: float = 1e-7
    """Added to the largest value, so that it is never divided by zero."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of a dense layer's weights and of the kernel's scale."""
        return {**super().roles(), "scale": "out"}

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums."""
        import numpy

        (x,) = inputs
        scale = 127 / (numpy.abs(x).max(axis=-1, keepdims=True) + self.epsilon)
        rounded = numpy.clip(numpy.round(x * scale), -127, 127)
        return (self.activated(rounded @ weights["kernel"] / (scale * weights["scale"]), weights),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"computes {self.units:,} weighted sums of all its inputs, in whole numbers of one byte"

"""Dense (fully connected) layers: every output is a weighted sum of all inputs of the last axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from weightwise.ops.activation import activate
from weightwise.ops.operation import Operation, Shape, ShapeError, known, only

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Dense(Operation):
    """`activation(x · kernel + bias)` over the last axis."""

    input_axis: ClassVar[str] = "in"

    units: int
    bias: bool = True
    activation: str = "linear"

    def roles(self) -> Mapping[str, str]:
        """Return the kernel's axes, and the bias's where there is one."""
        return {"kernel": "in out"} | ({"bias": "out"} if self.bias else {})

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the number of outputs, and of inputs."""
        return {"out": self.units, **known(**{"in": inputs[0][-1] if inputs else None})}

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with `units` values in the last axis."""
        shape = only(inputs, "a dense layer")
        if len(shape) < 2:
            raise ShapeError(f"a dense layer needs a batch axis and an input axis, found shape {shape}")
        return ((*shape[:-1], self.units),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the activated sums."""
        y = inputs[0] @ weights["kernel"]
        if self.bias:
            y = y + weights["bias"]
        return (activate(self.activation, y),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"computes {self.units:,} weighted sums of all its inputs"

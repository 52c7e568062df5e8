"""Bilinear layers: every output is a weighted sum of all products of a value of one input and a value of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Bilinear(Operation):
    """`Σ first · kernel · second + bias` over the last axes of two inputs."""

    units: int
    first: int
    second: int
    bias: bool = True

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernel, and of the bias where there is one."""
        return {"kernel": "first_in second_in out", **({"bias": "out"} if self.bias else {})}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of all three axes."""
        return {"out": self.units, "first_in": self.first, "second_in": self.second}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of the first input with the outputs as channels in place of the last."""
        axes = inputs[0]
        return None if axes is None or "c" in axes[:-1] else (*axes[:-1], "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape of the first input with `units` values in the last axis."""
        if len(inputs) != 2 or len(inputs[0]) != len(inputs[1]) or len(inputs[0]) < 2:
            raise ShapeError(f"a bilinear layer takes two inputs of one rank, at least 2, found {list(inputs)}")
        return ((*inputs[0][:-1], self.units),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the sums."""
        import numpy

        first, second = inputs
        sums = numpy.einsum("...i,ijo,...j->...o", first, weights["kernel"], second)
        return (sums + weights["bias"] if self.bias else sums,)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"computes {self.units:,} weighted sums of all products of a value of each of its two inputs"

"""Layers around layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.cells import prefixed, within
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class TimeDistributed(Operation):
    """Treats every position of a sequence, `batch position …`, as an example of its own."""

    inner: Operation

    @property
    def input_axis(self) -> str:
        """Return the axis of the layer inside that is the last axis of the input."""
        return self.inner.input_axis

    def roles(self) -> Mapping[str, str]:
        """Return the roles of the layer inside."""
        return self.inner.roles()

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes that are fixed of the layer inside."""
        return self.inner.sizes([(shape[0], *shape[2:]) for shape in inputs])

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the position and the axes of the layer's output; None where that has positions too."""
        axes = self.inner.tensor_axes([None if axes is None else axes[1:] for axes in inputs])
        if axes is None or any("position" in name.split() for name in axes):
            return None
        return ("position", *axes)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape of the layer's one output, with the positions after the batch."""
        shape = only(inputs, "a layer that is applied to every position")
        if len(shape) < 3:
            raise ShapeError(f"a layer for every position needs a batch and a position axis, found shape {shape}")
        outputs = self.inner.output_shapes([(shape[0], *shape[2:])])
        if len(outputs) != 1:
            raise ShapeError(f"a layer for every position returns one output, found {len(outputs)}")
        batch, *rest = outputs[0]
        return ((batch, shape[1], *rest),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the layer's output at every position."""
        (x,) = inputs
        self.output_shapes([x.shape])
        (y,) = self.inner.forward([x.reshape(len(x) * x.shape[1], *x.shape[2:])], weights)
        return (y.reshape(*x.shape[:2], *y.shape[1:]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"does the same at every position of its sequence: it {self.inner.sentence()}"


@dataclass(frozen=True)
class Chain(Operation):
    """Operations of which each reads what the one before it returns."""

    operations: tuple[Operation, ...]

    def roles(self) -> Mapping[str, str]:
        """Return the roles of all operations, each after its number."""
        return {
            role: axes
            for number, operation in enumerate(self.operations)
            for role, axes in prefixed(str(number), operation.roles()).items()
        }

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes after the last operation."""
        axes = inputs[0]
        for operation in self.operations:
            axes = operation.tensor_axes([axes])
        return axes

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes after the last operation."""
        for operation in self.operations:
            inputs = operation.output_shapes(inputs)
        return tuple(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return what the last operation returns."""
        for number, operation in enumerate(self.operations):
            inputs = operation.forward(inputs, within(weights, str(number)))
        return tuple(inputs)

    def sentence(self) -> str:
        """Return what the layer does."""
        return ", then ".join(operation.sentence() for operation in self.operations)

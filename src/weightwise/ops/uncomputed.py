"""Operations whose arrays and shapes are known, and whose arithmetic is that of no other operation here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Uncomputed(Operation):
    """Another operation in everything but its outputs."""

    operation: Operation
    why: str
    """What it computes otherwise, as a clause after "because"."""
    shaped: bool = True
    """Whether the shapes of its outputs are those of the operation all the same."""

    @property
    def input_axis(self) -> str:
        """Return the weights' axis that is the last axis of the input."""
        return self.operation.input_axis

    def roles(self) -> Mapping[str, str]:
        """Return the roles of the weights."""
        return self.operation.roles()

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes that are fixed."""
        return self.operation.sizes(inputs)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of the output, where its shape is known."""
        return self.operation.tensor_axes(inputs) if self.shaped else None

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the outputs; raises `ShapeError` where they are others."""
        if not self.shaped:
            raise ShapeError(f"the shape of its output cannot be told, because {self.why}")
        return self.operation.output_shapes(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Raise `ShapeError`."""
        raise ShapeError(f"it cannot be computed here, because {self.why}")

    def sentence(self) -> str:
        """Return what the layer does."""
        return self.operation.sentence()

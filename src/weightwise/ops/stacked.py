"""Recurrent layers on top of each other, of which each reads all outputs of the one before, as PyTorch has them.

The states of all layers lie in one tensor, `layer·direction batch units`, the forward direction of a layer before its
backward one (https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.cells import Cell, prefixed, within
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.ops.recurrent import Bidirectional, Recurrent
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class StackedRecurrent(Operation):
    """One or several recurrent layers that return their output at every position, and the states of all."""

    levels: tuple[Recurrent | Bidirectional, ...]
    positions_first: bool = False
    """Whether the positions are the first axis of its sequences, and the batch the second."""

    @property
    def input_axis(self) -> str:
        """Return the axis of the cells that is the last axis of the input, where there is one layer."""
        return self.levels[0].input_axis if len(self.levels) == 1 else ""

    @property
    def cell(self) -> Cell:
        """The cell of the first layer."""
        first = self.levels[0]
        return first.cell if isinstance(first, Recurrent) else first.onward.cell

    def roles(self) -> Mapping[str, str]:
        """Return the roles of all layers, each after the number of its layer where there are several."""
        if len(self.levels) == 1:
            return self.levels[0].roles()
        numbered = (prefixed(str(number), level.roles()) for number, level in enumerate(self.levels))
        return {role: axes for roles in numbered for role, axes in roles.items()}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the position and the units, where the batch is the first axis."""
        return None if self.positions_first else ("position", "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape of the output, and those of the states of all layers."""
        if not inputs or len(inputs[0]) != 3:
            raise ShapeError(f"a recurrent layer needs a batch, a position and an input axis, found {list(inputs)}")
        kinds = len(self.cell.state_shapes((None, None)))
        if len(inputs) not in (1, 1 + kinds):
            raise ShapeError(f"it begins with {kinds} tensors of states, found {len(inputs) - 1}")
        shape = self._turned(inputs[0])
        states: list[Shape] = []
        for level in self.levels:
            shape, *more = level.output_shapes([shape])
            states += more
        return (self._turned(shape), *((len(states) // kinds, *states[kind]) for kind in range(kinds)))

    def _turned(self, shape: Shape) -> Shape:
        return (shape[1], shape[0], shape[2]) if self.positions_first else shape

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the output at every position, and the states of all layers after the last."""
        import numpy

        shapes = self.output_shapes([x.shape for x in inputs])
        kinds = len(shapes) - 1
        x = inputs[0].swapaxes(0, 1) if self.positions_first else inputs[0]
        # The states of one layer and direction after those of another, each with all its kinds.
        given = [state for place in zip(*inputs[1:], strict=True) for state in place]
        states: list[Array] = []
        for number, level in enumerate(self.levels):
            own = weights if len(self.levels) == 1 else within(weights, str(number))
            begun = given[len(states) : len(states) + kinds * (2 if isinstance(level, Bidirectional) else 1)]
            x, *after = level.forward([x, *begun], own)
            states += after
        output = x.swapaxes(0, 1) if self.positions_first else x
        return (output, *(numpy.stack(states[kind::kinds]) for kind in range(kinds)))

    def sentence(self) -> str:
        """Return what the layer does."""
        if len(self.levels) == 1:
            return self.levels[0].sentence()
        both = " in both directions" if isinstance(self.levels[0], Bidirectional) else ""
        layers = f"{len(self.levels)} layers on top of each other, each {self.cell.phrase()}"
        returned = "the output of the last at every position and the final states of all"
        return f"leads its sequence{both} through {layers}, and returns {returned}"


@dataclass(frozen=True)
class Stepping(Operation):
    """One step of a cell that returns its states alone, the first of which is its output."""

    cell: Cell

    @property
    def input_axis(self) -> str:
        """Return the axis of the cell that is the last axis of the input."""
        return self.cell.input_axis

    def roles(self) -> Mapping[str, str]:
        """Return the roles of the cell."""
        return self.cell.roles()

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes that are fixed of the cell."""
        return self.cell.sizes(inputs)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the units."""
        return self.cell.tensor_axes(inputs)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the states."""
        states = self.cell.state_shapes(inputs[0] if inputs else ())
        if len(inputs) not in (1, 1 + len(states)):
            raise ShapeError(f"{self.cell.phrase()} begins with {len(states)} states, found {len(inputs) - 1}")
        return states

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the states after the step, which begins with zeros where none are given."""
        import numpy

        shapes = self.output_shapes([x.shape for x in inputs])
        zeros = (numpy.zeros([size or 0 for size in shape], inputs[0].dtype) for shape in shapes)
        return self.cell.step(inputs[0], tuple(inputs[1:]) or tuple(zeros), weights)[1]

    def sentence(self) -> str:
        """Return what the layer does."""
        return self.cell.sentence()

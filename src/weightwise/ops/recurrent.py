"""Recurrent layers: a cell that walks through a sequence, forwards, backwards or both ways.

A sequence is `batch position …`; the states begin at zero unless they are given as further inputs. Every position
counts: masks are not modelled. A stateful layer is computed as after a reset of its states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from weightwise.ops.cells import Cell, prefixed, within
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

T = TypeVar("T")


@dataclass(frozen=True)
class Recurrent(Operation):
    """A cell that reads one position after the other."""

    cell: Cell
    sequences: bool = False
    """Whether it returns the output at every position and not only the last."""
    states: bool = False
    """Whether it returns the states after the last position too."""
    backwards: bool = False
    """Whether it reads the last position first; its outputs then have that order."""
    keeps_order: bool = False
    """Whether its outputs have the order of the sequence all the same."""

    @property
    def input_axis(self) -> str:
        """Return the axis of the cell that is the last axis of the input."""
        return self.cell.input_axis

    def stateless(self) -> Recurrent:
        """Return the same without the states behind its output."""
        return replace(self, states=False)

    def roles(self) -> Mapping[str, str]:
        """Return the roles of the cell."""
        return self.cell.roles()

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the position, where every output is returned, and the axes of one step."""
        axes = self.cell.tensor_axes(())
        return axes if axes is None or not self.sequences else ("position", *axes)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the output and, where they are returned, of the states."""
        shape = inputs[0] if inputs else ()
        if len(shape) < 3:
            raise ShapeError(f"a recurrent layer needs a batch, a position and an input axis, found shape {shape}")
        step = (shape[0], *shape[2:])
        states = self.cell.state_shapes(step)
        if len(inputs) not in (1, 1 + len(states)):
            raise ShapeError(f"{self.cell.phrase()} begins with {len(states)} states, found {len(inputs) - 1}")
        batch, *output = self.cell.output_shape(step)
        first = (batch, shape[1], *output) if self.sequences else (batch, *output)
        return (first, *states) if self.states else (first,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the output and, where they are returned, the states."""
        import numpy

        self.output_shapes([x.shape for x in inputs])
        x = inputs[0]
        states = tuple(inputs[1:]) or self._zeros(x)
        outputs = []
        for position in self._positions(x.shape[1]):
            output, states = self.cell.step(x[:, position], states, weights)
            outputs.append(output)
        if self.backwards and self.keeps_order and self.sequences:
            outputs.reverse()
        result = numpy.stack(outputs, 1) if self.sequences else outputs[-1]
        return (result, *states) if self.states else (result,)

    def _zeros(self, x: Array) -> tuple[Array, ...]:
        """Return the states before the first position."""
        import numpy

        shapes = self.cell.state_shapes((x.shape[0], *x.shape[2:]))
        return tuple(numpy.zeros([size or 0 for size in shape], x.dtype) for shape in shapes)

    def _positions(self, count: int) -> range:
        """Return the positions in the order in which they are read; raises `ShapeError` when there is none."""
        if not count:
            raise ShapeError("a recurrent layer needs a sequence of one position at least")
        return range(count - 1, -1, -1) if self.backwards else range(count)

    def sentence(self) -> str:
        """Return what the layer does."""
        order = ", the last position first," if self.backwards else ""
        returned = "its output at every position" if self.sequences else "its last output"
        states = " and its final states" if self.states else ""
        return f"leads its sequence{order} through {self.cell.phrase()} and returns {returned}{states}"


@dataclass(frozen=True)
class Bidirectional(Operation):
    """Two recurrent layers that read one sequence in opposite directions, their outputs merged position by position."""

    onward: Recurrent
    backward: Recurrent
    merge: str = "concat"
    """`concat`, `sum`, `mul`, `average`, or `none` for two outputs."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for layers that do not belong together or an unknown way to merge."""
        if self.merge not in _SENTENCES:
            raise ShapeError(f"two directions cannot be merged by {self.merge!r}; known are {', '.join(_SENTENCES)}")
        if (self.onward.sequences, self.onward.states) != (self.backward.sequences, self.backward.states):
            raise ShapeError("the two directions of a bidirectional layer do not return the same things")

    @property
    def input_axis(self) -> str:
        """Return the axis of both cells that is the last axis of the input."""
        return self.onward.input_axis if self.onward.input_axis == self.backward.input_axis else ""

    def stateless(self) -> Bidirectional:
        """Return the same without the states behind its outputs."""
        return replace(self, onward=self.onward.stateless(), backward=self.backward.stateless())

    def roles(self) -> Mapping[str, str]:
        """Return the roles of both directions."""
        return prefixed("forward", self.onward.roles()) | prefixed("backward", self.backward.roles())

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of one direction; where both lie side by side, `c` counts both."""
        return self.onward.tensor_axes(inputs)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the outputs, then of the states of the forward and the backward direction."""
        if not inputs:
            raise ShapeError("a recurrent layer in both directions takes a sequence, found none")
        halves = _halves(inputs)
        one, *states = self.onward.output_shapes(halves[0])
        other, *more = self.backward.output_shapes(halves[1])
        if self.merge == "none":
            return (one, other, *states, *more)
        if self.merge == "concat":
            return ((*one[:-1], _sum(one[-1], other[-1])), *states, *more)
        if one != other:
            raise ShapeError(f"outputs of shapes {one} and {other} cannot be merged by {self.merge!r}")
        return (one, *states, *more)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the outputs, then the states of the forward and the backward direction."""
        halves = _halves(inputs)
        one, *states = self.onward.forward(halves[0], within(weights, "forward"))
        other, *more = self.backward.forward(halves[1], within(weights, "backward"))
        if self.backward.sequences:
            other = other[:, ::-1]
        return (*self._merged(one, other), *states, *more)

    def _merged(self, one: Array, other: Array) -> tuple[Array, ...]:
        import numpy

        if self.merge == "none":
            return one, other
        if self.merge == "concat":
            return (numpy.concatenate([one, other], -1),)
        if self.merge == "mul":
            return (one * other,)
        return ((one + other) / (2 if self.merge == "average" else 1),)

    def sentence(self) -> str:
        """Return what the layer does."""
        cells = self.onward.cell.phrase()
        if self.backward.cell != self.onward.cell:
            cells += f" and {self.backward.cell.phrase()}"
        where = "at every position" if self.onward.sequences else "at their ends"
        return f"leads its sequence through {cells} in both directions and {_SENTENCES[self.merge]} {where}"


_SENTENCES = {
    "concat": "puts their outputs side by side",
    "sum": "adds their outputs",
    "mul": "multiplies their outputs",
    "average": "averages their outputs",
    "none": "returns both outputs",
}


def _halves(inputs: Sequence[T]) -> tuple[list[T], list[T]]:
    """Return the inputs of both directions: the sequence for both, and half of the states for each."""
    sequence, *states = inputs
    half = len(states) // 2
    return [sequence, *states[:half]], [sequence, *states[half:]]


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other

"""Recurrent cells: one step of a sequence, which reads an input and the states, and returns an output and new states.

The gates are `i` (input), `f` (forget), `g` (candidate) and `o` (output) of an LSTM, and `z` (update), `r` (reset) and
`h` (candidate) of a GRU (https://keras.io/api/layers/recurrent_layers/). Every weight keeps its gates on an axis of
their own here, whatever the framework merges them with.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from weightwise.ops.activation import activate
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, known
from weightwise.ops.spatial import counted
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

Step = tuple["Array", tuple["Array", ...]]
"""The output of one step, and the states after it."""


class Cell(Operation):
    """One step of a recurrent layer; as a layer of its own, its inputs are `x` and the states."""

    @abstractmethod
    def state_shapes(self, step: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the states for an input of this shape; raises `ShapeError`."""

    @abstractmethod
    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the output and the new states."""

    @abstractmethod
    def phrase(self) -> str:
        """Return what kind of cell it is: `an LSTM of 5 units`."""

    def output_shape(self, step: Shape) -> Shape:
        """Return the shape of the output, which is that of the first state."""
        return self.state_shapes(step)[0]

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the output and of the new states."""
        if not inputs:
            raise ShapeError("a recurrent cell takes its input and its states, found none")
        states = self.state_shapes(inputs[0])
        if len(inputs) != 1 + len(states):
            raise ShapeError(f"{self.phrase()} takes its input and {len(states)} states, found {len(inputs)} inputs")
        return (self.output_shape(inputs[0]), *states)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the units."""
        return ("c",)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the output and the new states."""
        output, states = self.step(inputs[0], inputs[1:], weights)
        return (output, *states)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"takes one step of a sequence through {self.phrase()}"


@dataclass(frozen=True)
class UnitCell(Cell):
    """A cell whose states are rows of `units` numbers."""

    input_axis: ClassVar[str] = "in"

    units: int
    bias: bool = True
    activation: str = "tanh"

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the number of units, and of values that enter in one step."""
        return {"units": self.units, **known(**{"in": inputs[0][-1] if inputs else None})}

    def state_shapes(self, step: Shape) -> tuple[Shape, ...]:
        """Return one row of `units` numbers."""
        if len(step) != 2:
            raise ShapeError(f"{self.phrase()} reads one row of numbers per step, found a step of shape {step}")
        return ((step[0], self.units),)


@dataclass(frozen=True)
class SimpleCell(UnitCell):
    """`h' = activation(x · kernel + h · recurrent_kernel + bias)`."""

    residual: bool = False
    """Whether the state h itself is added to the sum before it is activated."""
    two_biases: bool = False
    """Whether both products have a bias of their own, which act as their sum."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels and the bias."""
        bias = "side[input recurrent] units" if self.two_biases else "units"
        return _roles("units", {"bias": bias} if self.bias else {})

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the new state twice: it is the output."""
        sums = x @ weights["kernel"] + states[0] @ weights["recurrent_kernel"]
        sums = sums + states[0] if self.residual else sums
        if self.bias:
            sums = sums + (weights["bias"].sum(0) if self.two_biases else weights["bias"])
        output = activate(self.activation, sums)
        return output, (output,)

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        return f"a simple recurrent cell of {counted(self.units, 'unit')}"


@dataclass(frozen=True)
class LstmCell(UnitCell):
    """`c' = f·c + i·g`, `h' = o·activation(c')`, each gate a sum of its own; the states are h and c."""

    recurrent_activation: str = "sigmoid"
    two_biases: bool = False
    """Whether both products have a bias of their own, which act as their sum."""
    projection: int | None = None
    """The number of values to which h is projected before it is returned and read again; None where it is not."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels and the bias, with four gates, and of the projection."""
        gates = "gate[i f g o] units"
        bias = f"side[input recurrent] {gates}" if self.two_biases else gates
        roles = _roles(gates, {"bias": bias} if self.bias else {})
        if self.projection is None:
            return roles
        return {**roles, "recurrent_kernel": f"out' {gates}", "projection": "units out"}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the number of units, of values that enter in one step, and of those that leave if it projects them."""
        return {**super().sizes(inputs), **known(out=self.projection)}

    def state_shapes(self, step: Shape) -> tuple[Shape, ...]:
        """Return two rows of numbers, of the output and of `units`."""
        (memory,) = super().state_shapes(step)
        return (memory[0], self.projection or self.units), memory

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the output, and with it the states h (the same) and c."""
        sums = _product(x, weights["kernel"]) + _product(states[0], weights["recurrent_kernel"])
        if self.bias:
            sums = sums + (weights["bias"].sum(0) if self.two_biases else weights["bias"])
        i, f, g, o = (sums[:, gate] for gate in range(4))
        h, (_, c) = long_short_term(i, f, g, o, states[1], self.activation, self.recurrent_activation)
        h = h if self.projection is None else h @ weights["projection"]
        return h, (h, c)

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        projected = "" if self.projection is None else f", projected to {counted(self.projection, 'number')},"
        return f"an LSTM of {counted(self.units, 'unit')}{projected}"


@dataclass(frozen=True)
class GruCell(UnitCell):
    """`h' = z·h + (1 - z)·candidate`; the gate r resets h before or after the recurrent product of the candidate.

    After it, `reset_after`, the two products have biases of their own
    (https://docs.nvidia.com/deeplearning/cudnn/latest/api/cudnn-adv-library.html), because r scales one of them.
    """

    recurrent_activation: str = "sigmoid"
    reset_after: bool = True
    recurrent_bias: str = "all"
    """Which gates of the recurrent product have a bias too, where it is reset after: `all`, `candidate`, or `none`."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels and the bias, with three gates."""
        gates = "gate[z r h] units"
        both = self.reset_after and self.recurrent_bias == "all"
        candidate = {"candidate_bias": "units"} if self.reset_after and self.recurrent_bias == "candidate" else {}
        bias = {"bias": f"side[input recurrent] {gates}" if both else gates, **candidate}
        return _roles(gates, bias if self.bias else {})

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the new state twice: it is the output."""
        (h,) = states
        entering = _product(x, weights["kernel"])
        recurrent_kernel = weights["recurrent_kernel"]
        recurrent = _product(h, recurrent_kernel)
        if self.bias:
            bias = weights["bias"]
            side, other = bias if bias.ndim == 3 else (bias, 0)
            entering, recurrent = entering + side, recurrent + other
        if "candidate_bias" in weights:
            recurrent[:, 2] += weights["candidate_bias"]
        z, r = (activate(self.recurrent_activation, entering[:, gate] + recurrent[:, gate]) for gate in (0, 1))
        remembered = r * recurrent[:, 2] if self.reset_after else (r * h) @ recurrent_kernel[:, 2]
        output = z * h + (1 - z) * activate(self.activation, entering[:, 2] + remembered)
        return output, (output,)

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        return f"a GRU of {counted(self.units, 'unit')}"


@dataclass(frozen=True)
class MinimalCell(UnitCell):
    """`h' = f·h + (1 - f)·candidate`: one gate, f, forgets, and resets h for the candidate
    (https://arxiv.org/abs/1603.09420).
    """

    recurrent_activation: str = "sigmoid"
    reset: bool = True
    """Whether the gate resets the recurrent product of the candidate, which then has a bias of its own."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the kernels and the biases, with a gate and the candidate."""
        gates = "gate[f h] units"
        bias = {"bias": gates, **({"candidate_bias": "units"} if self.reset else {})}
        return _roles(gates, bias if self.bias else {})

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the new state twice: it is the output."""
        (h,) = states
        entering, recurrent = _product(x, weights["kernel"]), _product(h, weights["recurrent_kernel"])
        entering = entering + weights["bias"] if self.bias else entering
        f = activate(self.recurrent_activation, entering[:, 0] + recurrent[:, 0])
        remembered = recurrent[:, 1] + weights.get("candidate_bias", 0)
        candidate = activate(self.activation, entering[:, 1] + (f * remembered if self.reset else remembered))
        output = f * h + (1 - f) * candidate
        return output, (output,)

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        return f"a minimal gated unit of {counted(self.units, 'unit')}"


@dataclass(frozen=True)
class StackedCells(Cell):
    """Cells of which each reads the output of the one before; the states are those of all cells in order."""

    cells: tuple[Cell, ...]

    def roles(self) -> Mapping[str, str]:
        """Return the roles of all cells, each after the number of its cell."""
        return {
            role: axes
            for number, cell in enumerate(self.cells)
            for role, axes in prefixed(str(number), cell.roles()).items()
        }

    def state_shapes(self, step: Shape) -> tuple[Shape, ...]:
        """Return the states of all cells."""
        return tuple(shape for cell, shape in self._steps(step) for shape in cell.state_shapes(shape))

    def output_shape(self, step: Shape) -> Shape:
        """Return the output of the last cell."""
        return [cell.output_shape(shape) for cell, shape in self._steps(step)][-1]

    def _steps(self, step: Shape) -> Iterator[tuple[Cell, Shape]]:
        """Yield each cell with the shape of its input."""
        for cell in self.cells:
            yield cell, step
            step = cell.output_shape(step)

    def step(self, x: Array, states: Sequence[Array], weights: Mapping[str, Array]) -> Step:
        """Return the output of the last cell and the new states of all."""
        rest = list(states)
        after: list[Array] = []
        for number, cell in enumerate(self.cells):
            count = len(cell.state_shapes(x.shape))
            own, rest = rest[:count], rest[count:]
            x, changed = cell.step(x, own, within(weights, str(number)))
            after += changed
        return x, tuple(after)

    def phrase(self) -> str:
        """Return what kind of cell it is."""
        return ", then ".join(cell.phrase() for cell in self.cells)


def long_short_term(
    i: Array, f: Array, g: Array, o: Array, c: Array, activation: str, recurrent_activation: str
) -> Step:
    """Return the output and both states of an LSTM from the sums that enter its gates and from its state c."""
    i, f, o = (activate(recurrent_activation, gate) for gate in (i, f, o))
    c = f * c + i * activate(activation, g)
    h = o * activate(activation, c)
    return h, (h, c)


def prefixed(part: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the roles of one part among those of the whole: `kernel` of `forward` is `forward/kernel`."""
    return {f"{part}/{role}": value for role, value in values.items()}


def within(weights: Mapping[str, Array], part: str) -> dict[str, Array]:
    """Return the weights of one part by their roles in it."""
    prefix = f"{part}/"
    return {role.removeprefix(prefix): array for role, array in weights.items() if role.startswith(prefix)}


def _roles(gates: str, bias: Mapping[str, str]) -> dict[str, str]:
    return {"kernel": f"in {gates}", "recurrent_kernel": f"units' {gates}", **bias}


def _product(x: Array, kernel: Array) -> Array:
    """Return `batch gate units` for `x`, which is `batch in`, and a kernel `in gate units`."""
    import numpy

    return numpy.tensordot(x, kernel, 1)

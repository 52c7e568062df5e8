"""Operations whose weights are computed from other arrays, which training changes in their place.

Weight normalization takes a weight apart in lengths and directions, `w = g · v / |v|` with the norm over every axis but
those of g (https://arxiv.org/abs/1602.07868). Spectral normalization divides it by its largest singular value as two
vectors tell it, `w = W / σ` with `σ = uᵀ W v` (https://arxiv.org/abs/1802.05957).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.axes import Labels, Term, parse
from weightwise.ops.operation import Operation, Shape, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

LENGTHS = ("magnitude", "direction")
"""The roles of the arrays of weight normalization: g and v."""
SINGULAR = ("unscaled", "left_vector", "right_vector")
"""The roles of the arrays of spectral normalization: W, u and v."""


def axis_name(term: Term) -> str:
    """Return what an axis is called, without the order of its blocks, which a framework may have otherwise."""
    return term.name if isinstance(term, Labels) else str(term)


def part_role(role: str, part: str) -> str:
    """Return the role of an array from which that of another role is computed; a kernel is what goes without saying.

    >>> part_role("0/kernel", "direction"), part_role("recurrent_kernel", "direction")
    ('0/direction', 'recurrent_kernel/direction')
    """
    *outer, last = role.split("/")
    return "/".join((*outer, *([] if last == "kernel" else [last]), part))


@dataclass(frozen=True)
class Normed:
    """One weight that is computed from others."""

    role: str
    """Its role in the operation: `kernel`."""
    parts: tuple[str, ...]
    """The roles of the arrays that it is computed from: `LENGTHS` or `SINGULAR`."""
    kept: tuple[str, ...]
    """The names of the axes that have a length each, or that u has: `groups`, `out/groups`."""
    told: str
    """What stands for what, as a clause: `weight_g and weight_v stand for weight = g · v / |v|`."""

    def roles(self, axes: str) -> dict[str, str]:
        """Return the axes of the parts where the weight has these; lengths and vectors have a 1 for each other one."""
        pairs = [(str(term), axis_name(term) in self.kept) for term in parse(axes).terms]
        across = " ".join(text if kept else "1" for text, kept in pairs)
        along = " ".join("1" if kept else text for text, kept in pairs)
        forms = {"magnitude": across, "left_vector": across, "right_vector": along}
        return {part_role(self.role, part): forms.get(part, axes) for part in self.parts}

    def computed(self, weights: Mapping[str, Array]) -> Array:
        """Return the weight from its parts."""
        import numpy

        parts = [weights[part_role(self.role, part)] for part in self.parts]
        if self.parts == SINGULAR:
            whole, left, right = parts
            scaled: Array = whole / (whole * left * right).sum()
            return scaled
        lengths, directions = parts
        # Where an axis that is kept has one place, the norm is the same with it or without.
        others = tuple(axis for axis, size in enumerate(lengths.shape) if size == 1)
        made: Array = lengths * directions / numpy.sqrt((directions**2).sum(axis=others, keepdims=True))
        return made


@dataclass(frozen=True)
class Reparametrised(Operation):
    """Another operation, some of whose weights are computed before it."""

    inner: Operation
    normed: tuple[Normed, ...]

    @property
    def input_axis(self) -> str:
        """Return the weights' axis that is the last axis of the input."""
        return self.inner.input_axis

    def roles(self) -> Mapping[str, str]:
        """Return the roles of the operation, with those of the parts in place of each weight that has parts."""
        parts = {normed.role: normed for normed in self.normed}
        return {
            part: form
            for role, axes in self.inner.roles().items()
            for part, form in (parts[role].roles(axes) if role in parts else {role: axes}).items()
        }

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes that are fixed."""
        return self.inner.sizes(inputs)

    def open_shape(self) -> Shape | None:
        """Return the shape of the one input with every size open."""
        return self.inner.open_shape()

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of the output."""
        return self.inner.tensor_axes(inputs)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the outputs; raises `ShapeError`."""
        return self.inner.output_shapes(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the outputs with the weights that the parts make."""
        made = {normed.role: normed.computed(weights) for normed in self.normed}
        return self.inner.forward(inputs, {**weights, **made})

    def sentence(self) -> str:
        """Return what the layer does, and what its arrays stand for."""
        return f"{self.inner.sentence()}; {' and '.join(normed.told for normed in self.normed)}"

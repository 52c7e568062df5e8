"""How Flax spells arrays that meet a tensor value by value: slopes, scales, positions, a place for the whole input.

linen has no module for them but Einsum, which sums over nothing here: `abc,c->abc` multiplies by an array along the
last axis, and its bias is added along the same axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.flax.spelling.program import Program
from weightwise.conventions.flax.spelling.values import ENTERING, Shapes, Spelling, only_shape
from weightwise.conventions.spelling import Feed, Filled, Output, Same, Spelled
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import PReLU
from weightwise.ops.features import feature_names
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import Operation, Shape

LETTERS = "abcdefgh"


def _einsum(
    program: Program, x: Output, role: str, axes: Sequence[int], shape: Shape, adds: float | None = None
) -> Output:
    """Add the product of a tensor of this shape with an array; or that with a number, and to it the array."""
    sizes = tuple(shape[axis] for axis in axes)
    if None in sizes:
        raise UnsupportedError(f"the sizes of its input are open: {shape}")
    letters = LETTERS[: len(shape)]
    along = "".join(letters[axis] for axis in axes)
    names = {f"each_{letter}": term for letter, term in zip(along, feature_names(axes), strict=True)}
    feeds: dict[str, Feed] = {"kernel": Same(role, names)}
    if adds is not None:
        feeds = {"kernel": Filled(adds, "the module does nothing but to add its bias"), "bias": Same(role, names)}
    return program.add(
        "linen.Einsum",
        x,
        feeds=feeds,
        shape=sizes,
        einsum_str=f"{letters},{along}->{letters}",
        use_bias=adds is not None,
        kernel_init="ones",  # linen's own needs two axes
    )


def _slopes(operation: PReLU, inputs: Shapes) -> Spelled:
    """Return linen's PReLU, which has one slope; of several each multiplies what is negative at its place."""
    program = Program()
    if not operation.axes:
        feeds: dict[str, Feed] = {"negative_slope": Same("slope")}
        return program.spelled(program.add("linen.PReLU", ENTERING, feeds=feeds))
    positive = program.add("relu", ENTERING, name="positive")
    negative = program.add("subtract", ENTERING, positive, name="negative")
    scaled = _einsum(program, negative, "slope", operation.axes, only_shape(inputs))
    return program.spelled(program.add("add", positive, scaled, name="sum"))


def _operand(operation: Operand, inputs: Shapes) -> Spelled:
    """Return the product with an array, or the sum."""
    shape = only_shape(inputs)
    if not operation.axes or any(shape[axis] != operation.shape[axis] for axis in operation.axes):
        raise UnsupportedError("its array is a single number, or longer than its input, which would be repeated")
    if operation.how not in ("add", "multiply"):
        raise UnsupportedError("linen's modules multiply by what they learned, or add it, alone")
    program = Program()
    adds = 1.0 if operation.how == "add" else None
    return program.spelled(_einsum(program, ENTERING, "other", operation.axes, shape, adds))


def _beside(operation: Beside, inputs: Shapes) -> Spelled:
    """Return an array side by side with a tensor: it is added to as many places of the tensor, times zero."""
    shape, count = only_shape(inputs), operation.shape[operation.axis]
    size = shape[operation.axis]
    if size is None or size < count:
        raise UnsupportedError("its input has fewer places than the array that it is laid beside")
    part = list(shape)
    part[operation.axis] = count
    array = Operand("add", operation.shape)
    if not array.axes or any(part[axis] != operation.shape[axis] for axis in array.axes):
        raise UnsupportedError("its array is repeated along its input")
    program = Program()
    places = program.add("slice", ENTERING, name="places", axis=operation.axis, start=0, end=count)
    learned = _einsum(program, places, "other", array.axes, tuple(part), 0.0)
    pair = (learned, ENTERING) if operation.first else (ENTERING, learned)
    return program.spelled(program.add("concatenate", *pair, name="joined", axis=operation.axis))


SPELLINGS: Mapping[type[Operation], Spelling] = {Beside: _beside, Operand: _operand, PReLU: _slopes}

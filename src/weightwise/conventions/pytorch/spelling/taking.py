"""Parts of tensors, axes that come and go, and reductions as operators of PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.program import Program
from weightwise.conventions.pytorch.spelling.steps import chain, function, module, operand, refuse
from weightwise.conventions.spelling import INPUT, Output, Same, Spelled
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack, Transpose
from weightwise.ops.operand import Beside, Operand
from weightwise.ops.operation import Shape
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.taking import Slice, Split, Take


def spelled_take(operation: Take, inputs: Sequence[Shape]) -> Spelled:
    """Return the one place."""
    return chain(function("select", "", dim=operation.axis, index=operation.index))


def spelled_slice(operation: Slice, inputs: Sequence[Shape]) -> Spelled:
    """Return the run of places, or the axis turned round."""
    start, end, step = operation.start, operation.end, operation.step
    if (start, end, step) == (None, None, -1):
        return chain(function("flip", "", dim=(operation.axis,)))
    refuse("it takes some places backwards, which no slice of PyTorch does", step < 1)
    return chain(function("slice", "", dim=operation.axis, start=start or 0, end=end, step=step))


def spelled_split(operation: Split, inputs: Sequence[Shape]) -> Spelled:
    """Return the parts."""
    axis, count = operation.axis, len(operation.lengths)
    parts = function("split", "", split_size_or_sections=operation.lengths, dim=axis)
    program = Program()
    first = program.add(parts if operation.keep else function("unbind", "", dim=axis), Output(INPUT))
    return program.spelled(*(Output(first.step, number) for number in range(count)))


def spelled_insertion(operation: InsertAxis, inputs: Sequence[Shape]) -> Spelled:
    """Return the new axis."""
    return chain(function("unsqueeze", "", dim=operation.axis))


def spelled_dropping(operation: DropAxes, inputs: Sequence[Shape]) -> Spelled:
    """Return what drops axes of size 1."""
    return chain(function("squeeze", "", dim=operation.axes))


def spelled_exchange(operation: Exchange, inputs: Sequence[Shape]) -> Spelled:
    """Return the exchange of two axes."""
    one, other = operation.axes
    return chain(function("transpose", "", dim0=one, dim1=other))


def spelled_transpose(operation: Transpose, inputs: Sequence[Shape]) -> Spelled:
    """Return the permutation, in which the batch may go elsewhere."""
    return chain(function("permute", "", dims=operation.order))


def spelled_operand(operation: Operand, inputs: Sequence[Shape]) -> Spelled:
    """Return the operator between a tensor and an array."""
    return chain(replace(operand(_ARITHMETIC[operation.how], operation.shape, Same("other")), name=""))


_ARITHMETIC = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}


def spelled_beside(operation: Beside, inputs: Sequence[Shape]) -> Spelled:
    """Return the concatenation of a tensor and an array."""
    settings: dict[str, Any] = {"dim": operation.axis, "other_shape": operation.shape, "other_first": operation.first}
    return chain(module("cat", "", parameters=["other"], **settings))


def spelled_stack(operation: Stack, inputs: Sequence[Shape]) -> Spelled:
    """Return the stack."""
    return chain(function("stack", "", dim=operation.axis))


def spelled_product(operation: Product, inputs: Sequence[Shape]) -> Spelled:
    """Return the product of matrices."""
    return chain(function("matmul", ""))


_REDUCTIONS = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin"}


def spelled_reduction(operation: Reduction, inputs: Sequence[Shape]) -> Spelled:
    """Return the reduction."""
    return chain(function(_REDUCTIONS[operation.how], "", dim=operation.axes, keepdim=operation.keep))

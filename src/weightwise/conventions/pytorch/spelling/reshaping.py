"""Layers that rearrange values, or join several tensors, in PyTorch (https://docs.pytorch.org/docs/stable/torch.html)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.pytorch.spelling.steps import axis_size, chain, constants, function, module, refuse
from weightwise.conventions.spelling import INPUT, Output, Spelled
from weightwise.ops.merge import Concatenate, Dot, Merge, ScaledSum
from weightwise.ops.operation import Shape
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Permute, Repeat, Reshape, Unflatten
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle


def spelled_identity(operation: Identity, inputs: Sequence[Shape]) -> Spelled:
    """Return a Dropout, or what passes its input on."""
    if operation.rate:
        notes = ["while training it drops single values, and not whole channels"] if operation.channels else []
        return chain(module("Dropout", p=operation.rate), notes=notes)
    notes = [] if operation == Identity() else [f"what it does while training is left out: it {operation.action}"]
    return chain(module("Identity"), notes=notes)


def spelled_flatten(operation: Flatten, inputs: Sequence[Shape]) -> Spelled:
    """Return the Flatten, which lays values in the order in which they lie."""
    refuse("it moves the channels last first, and merges other axes than all", operation.channels_first)
    if inputs and len(inputs[0]) == 1:
        return chain(function("unsqueeze", "", dim=1))
    return chain(module("Flatten", start_dim=operation.start, end_dim=operation.end))


def spelled_unflatten(operation: Unflatten, inputs: Sequence[Shape]) -> Spelled:
    """Return the Unflatten."""
    return chain(module("Unflatten", dim=operation.axis, unflattened_size=operation.target))


def spelled_reshape(operation: Reshape, inputs: Sequence[Shape]) -> Spelled:
    """Return the reshape, with one size at most that is left open beside the batch's."""
    sizes: list[int | None] = list(operation.target)
    if inputs:
        sizes = [-1 if size is None else size for size in operation.output_shapes(inputs)[0][1:]]
    opened = sum(size in (-1, None) for size in sizes)
    refuse("more than one of its sizes is open", opened > 1)
    shape = (None if opened else -1, *(-1 if size is None else size for size in sizes))
    return chain(function("reshape", "", shape=shape))


def spelled_permute(operation: Permute, inputs: Sequence[Shape]) -> Spelled:
    """Return the permutation."""
    return chain(function("permute", "", dims=(0, *operation.order)))


def spelled_repeat(operation: Repeat, inputs: Sequence[Shape]) -> Spelled:
    """Return the vector as a sequence: an Upsample of a sequence of one."""
    return chain(
        function("unsqueeze", dim=2),
        module("Upsample", "", size=None, scale_factor=float(operation.count), mode="nearest", align_corners=None),
        function("transpose", dim0=1, dim1=2),
    )


_MERGES = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "maximum": "maximum",
    "minimum": "minimum",
    "divide": "div",
}


def spelled_merge(operation: Merge, inputs: Sequence[Shape]) -> Spelled:
    """Return the operator between two tensors, as often as there are more; an average divides their sum."""
    count = len(inputs)
    rank = max((len(shape) for shape in inputs), default=0)
    operator = _MERGES.get(operation.how, "add")
    program = Program()
    tensors = [_with_axes(program, number, shape, rank) for number, shape in enumerate(inputs)]
    merged = tensors[0]
    for number, other in enumerate(tensors[1:], start=1):
        merged = program.add(function(operator, "" if count == 2 else f"{operator}_{number}"), merged, other)
    if operation.how == "average":
        merged = program.add(function("div", other=float(count)), merged)
    elif count == 1:
        merged = program.add(module("Identity"), merged)
    return program.spelled(merged)


def _with_axes(program: Program, number: int, shape: Shape, rank: int) -> Output:
    """Return an input with axes of size 1 behind the batch, where it has fewer than the others."""
    tensor = Output(INPUT, number)
    for place in range(rank - len(shape)):
        tensor = program.add(function("unsqueeze", f"unsqueeze_{number}_{place}", dim=1), tensor)
    return tensor


def spelled_scaled_sum(operation: ScaledSum, inputs: Sequence[Shape]) -> Spelled:
    """Return the addition, which multiplies what it adds."""
    return chain(function("add", "", alpha=operation.scale))


def spelled_concatenate(operation: Concatenate, inputs: Sequence[Shape]) -> Spelled:
    """Return the concatenation."""
    return chain(function("cat", "", dim=operation.axis))


def spelled_dot(operation: Dot, inputs: Sequence[Shape]) -> Spelled:
    """Return the product of matrices, whose vectors are rows of the first and columns of the second."""
    refuse("its vectors are brought to length 1 first", operation.normalize)
    refuse("only products of tensors of three axes are spelled", [len(shape) for shape in inputs] != [3, 3])
    one, other = (axis % 3 for axis in operation.axes)
    program = Program()
    turned = function("transpose", "rows", dim0=1, dim1=2), function("transpose", "columns", dim0=1, dim1=2)
    rows = program.add(turned[0], SOURCE) if one == 1 else SOURCE
    columns = program.add(turned[1], Output(INPUT, 1)) if other == 2 else Output(INPUT, 1)
    return program.spelled(program.add(function("matmul", ""), rows, columns))


def spelled_rescaling(operation: Rescaling, inputs: Sequence[Shape]) -> Spelled:
    """Return the multiplication and the addition, of which one that changes nothing is left away."""
    scale, offset = operation.scale, operation.offset
    size = axis_size(inputs, -1)
    several = isinstance(scale, tuple) or isinstance(offset, tuple)
    refuse("its factors differ along an axis whose size is open", several and size is None)
    shape = (size or 0,)
    steps = [constants("mul", scale, shape)] * (scale != 1) + [constants("add", offset, shape)] * (offset != 0)
    return chain(*(steps or [module("Identity")]))


def spelled_shuffle(operation: ChannelShuffle | PixelShuffle | PixelUnshuffle, inputs: Sequence[Shape]) -> Spelled:
    """Return the shuffle; of pixels it is PyTorch's own order of channels, the factor's places varying fastest."""
    if isinstance(operation, ChannelShuffle):
        return chain(module("ChannelShuffle", groups=operation.groups))
    if isinstance(operation, PixelShuffle):
        return chain(module("PixelShuffle", upscale_factor=operation.factor))
    return chain(module("PixelUnshuffle", downscale_factor=operation.factor))

"""Layers that rearrange, cut, join or reduce tensors, as layers of Keras, and as functions where there is none.

https://keras.io/api/layers/reshaping_layers/, https://keras.io/api/layers/merging_layers/, https://keras.io/api/ops/numpy/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from weightwise.conventions.keras.spelling.steps import chain, function, layer, refuse, run, taken
from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.spelling import INPUT, Output, Spelled, Step
from weightwise.ops.arranging import DropAxes, Exchange, InsertAxis, Stack, Transpose
from weightwise.ops.merge import Concatenate, Dot, Merge, ScaledSum
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.product import Product
from weightwise.ops.reduction import Reduction
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import (
    Flatten,
    Identity,
    Input,
    Masking,
    Permute,
    Regroup,
    Repeat,
    Reshape,
    Unflatten,
    dropping,
)
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle
from weightwise.ops.taking import Slice, Split, Take


def entry(shape: Shape) -> Step:
    """Return the layer that stands for an input of a model."""
    return layer("InputLayer", batch_shape=list(shape))


def permutation(order: Sequence[int]) -> Step:
    """Return the layer that puts axes in another order, the batch included."""
    if order[0] == 0:
        return layer("Permute", dims=list(order[1:]))
    return function("numpy.Transpose", "", axes=list(order))


def spelled_input(operation: Input, inputs: Sequence[Shape]) -> Spelled:
    """Return where data enters."""
    return chain(entry(operation.shape))


def spelled_identity(operation: Identity, inputs: Sequence[Shape]) -> Spelled:
    """Return a Dropout, or a layer that passes its input on."""
    if operation.rate:
        notes = ["while training it drops single values, and not whole channels"] if operation.channels else []
        return chain(layer("Dropout", rate=operation.rate), notes=notes)
    plain = operation in (Identity(), dropping(0.0, operation.channels))
    notes = [] if plain else [f"what it does while training is left out: it {operation.action}"]
    return chain(layer("Identity"), notes=notes)


def spelled_flatten(operation: Flatten, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that lays all values in one row, or the reshape that merges some axes."""
    rank = len(inputs[0]) if inputs else 0
    whole = operation.start == 1 and (operation.end == -1 or (rank and operation.end == rank - 1))
    if whole:
        return chain(layer("Flatten", data_format="channels_first" if operation.channels_first else "channels_last"))
    return _reshaped(operation, inputs)


def _reshaped(operation: Operation, inputs: Sequence[Shape]) -> Spelled:
    """Return a reshape to what an operation returns that keeps the order of all values."""
    refuse(not inputs, "the sizes of its output follow from those of its input, which are not known")
    (shape,) = operation.output_shapes(inputs)
    return chain(reshape(shape[1:]))


def reshape(sizes: Shape, name: str = "") -> Step:
    """Return the layer that gives values other sizes, of which one may be open."""
    refuse(sum(size is None for size in sizes) > 1, "more than one size of its output is open")
    return layer("Reshape", name, target_shape=[-1 if size is None else size for size in sizes])


def spelled_reshape(operation: Reshape, inputs: Sequence[Shape]) -> Spelled:
    """Return the reshape."""
    return chain(reshape(tuple(None if size == -1 else size for size in operation.target)))


def spelled_regrouping(operation: Regroup, inputs: Sequence[Shape]) -> Spelled:
    """Return the reshape to sizes of which some are those of the input."""
    return _reshaped(operation, inputs)


def spelled_chain(operations: Sequence[Spelled]) -> Spelled:
    """Return the steps of operations of which each reads the first output of the one before."""
    steps: list[Step] = []
    for spelled in operations:
        before = len(steps)
        for step in spelled.steps:
            read = tuple(_moved(output, before) for output in step.inputs)
            steps.append(replace(step, inputs=read, name=step.name or f"part_{len(steps)}"))
        refuse(spelled.outputs not in ((), (Output(len(spelled.steps) - 1),)), "one of its parts returns several")
    return Spelled(tuple(steps), notes=tuple(note for spelled in operations for note in spelled.notes))


def _moved(output: Output, before: int) -> Output:
    """Return what a step reads, counted among the steps of all operations."""
    if output.step >= 0 or before == 0:
        return replace(output, step=output.step + before if output.step >= 0 else output.step)
    return Output(before - 1)


def spelled_permute(operation: Permute, inputs: Sequence[Shape]) -> Spelled:
    """Return the permutation."""
    return chain(layer("Permute", dims=list(operation.order)))


def spelled_exchange(operation: Exchange, inputs: Sequence[Shape]) -> Spelled:
    """Return a permutation that exchanges two axes."""
    refuse(not inputs, "the number of its input's axes is not known")
    order = list(range(len(inputs[0])))
    one, other = (axis % len(order) for axis in operation.axes)
    order[one], order[other] = other, one
    return chain(permutation(order))


def spelled_transpose(operation: Transpose, inputs: Sequence[Shape]) -> Spelled:
    """Return a permutation that moves the batch."""
    return chain(permutation(operation.order))


def spelled_repeat(operation: Repeat, inputs: Sequence[Shape]) -> Spelled:
    """Return the repetition of a vector."""
    return chain(layer("RepeatVector", n=operation.count))


def spelled_masking(operation: Masking, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that marks padding."""
    return chain(layer("Masking", mask_value=operation.padding))


def spelled_insertion(operation: InsertAxis, inputs: Sequence[Shape]) -> Spelled:
    """Return a new axis of length one."""
    return chain(function("numpy.ExpandDims", "", axis=operation.axis))


def spelled_dropping(operation: DropAxes, inputs: Sequence[Shape]) -> Spelled:
    """Return the values without axes of length one."""
    axes = list(operation.axes)
    return chain(function("numpy.Squeeze", "", axis=axes[0] if len(axes) == 1 else axes))


def spelled_merge(operation: Merge, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that merges its inputs value by value."""
    if len(inputs) == 1:
        return chain()
    if operation.how == "divide":
        refuse(len({len(shape) for shape in inputs}) > 1, "it divides tensors of different numbers of axes")
        return chain(function("numpy.TrueDivide", ""))
    return chain(layer(operation.how.capitalize()))


def spelled_scaled_sum(operation: ScaledSum, inputs: Sequence[Shape]) -> Spelled:
    """Return the sum of the first input and the rescaled second."""
    program = Program()
    scaled = program.add(layer("Rescaling", "scaled", scale=operation.scale, offset=0.0), Output(INPUT, 1))
    return program.spelled(program.add(layer("Add"), SOURCE, scaled))


def spelled_concatenation(operation: Concatenate, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that lays its inputs side by side."""
    return chain(layer("Concatenate", axis=operation.axis)) if len(inputs) != 1 else chain()


def spelled_dot(operation: Dot, inputs: Sequence[Shape]) -> Spelled:
    """Return the products of vectors."""
    return chain(layer("Dot", axes=list(operation.axes), normalize=operation.normalize))


def spelled_stack(operation: Stack, inputs: Sequence[Shape]) -> Spelled:
    """Return the inputs along a new axis."""
    return chain(function("numpy.Stack", "", axis=operation.axis))


def spelled_product(operation: Product, inputs: Sequence[Shape]) -> Spelled:
    """Return the product of matrices."""
    return chain(function("numpy.Matmul", ""))


def spelled_reduction(operation: Reduction, inputs: Sequence[Shape]) -> Spelled:
    """Return one value for all along some axes."""
    return chain(
        function(f"numpy.{operation.how.capitalize()}", "", axis=list(operation.axes), keepdims=operation.keep)
    )


def _rank(inputs: Sequence[Shape]) -> int:
    refuse(not inputs, "the number of its input's axes is not known")
    return len(inputs[0])


def spelled_take(operation: Take, inputs: Sequence[Shape]) -> Spelled:
    """Return what is at one place of an axis."""
    return chain(taken(operation.axis % _rank(inputs), operation.index))


def spelled_slice(operation: Slice, inputs: Sequence[Shape]) -> Spelled:
    """Return a run of places of an axis."""
    if operation.step < 0:
        refuse(operation.run != slice(None, None, -1), "it walks backwards through a part of an axis")
        return chain(function("numpy.Flip", "", axis=operation.axis))
    return chain(taken(operation.axis % _rank(inputs), run(operation.start, operation.end, operation.step)))


def spelled_split(operation: Split, inputs: Sequence[Shape]) -> Spelled:
    """Return the parts of an axis, each taken by itself."""
    program, axis = Program(), operation.axis % _rank(inputs)
    starts = [0, *accumulate(operation.lengths)]
    parts = [
        program.add(taken(axis, run(start, start + size) if operation.keep else start, f"part_{number}"), SOURCE)
        for number, (start, size) in enumerate(zip(starts, operation.lengths, strict=False))
    ]
    return program.spelled(*parts)


def spelled_rescaling(operation: Rescaling, inputs: Sequence[Shape]) -> Spelled:
    """Return the rescaling."""
    scale, offset = (
        list(value) if isinstance(value, tuple) else value for value in (operation.scale, operation.offset)
    )
    return chain(layer("Rescaling", scale=scale, offset=offset))


def spelled_unflatten(operation: Unflatten, inputs: Sequence[Shape]) -> Spelled:
    """Return a reshape that splits an axis."""
    return _reshaped(operation, inputs)


def _sizes(inputs: Sequence[Shape]) -> tuple[int, ...]:
    refuse(not inputs or None in inputs[0][1:], "the sizes of its input are open")
    return tuple(size or 0 for size in inputs[0][1:]) if inputs else ()


def spelled_pixels(operation: PixelShuffle, inputs: Sequence[Shape]) -> Spelled:
    """Return channels as squares of places, by two reshapes and a permutation."""
    height, width, count = _sizes(inputs)
    factor = operation.factor
    rest = count // factor**2
    return chain(
        reshape((height, width, rest, factor, factor), "split"),
        layer("Permute", "shuffled", dims=[1, 4, 2, 5, 3]),
        reshape((height * factor, width * factor, rest)),
    )


def spelled_pixels_back(operation: PixelUnshuffle, inputs: Sequence[Shape]) -> Spelled:
    """Return squares of places as channels, by two reshapes and a permutation."""
    height, width, count = _sizes(inputs)
    factor = operation.factor
    return chain(
        reshape((height // factor, factor, width // factor, factor, count), "split"),
        layer("Permute", "shuffled", dims=[1, 3, 5, 2, 4]),
        reshape((height // factor, width // factor, count * factor**2)),
    )


def spelled_channels(operation: ChannelShuffle, inputs: Sequence[Shape]) -> Spelled:
    """Return the channels, which are behind the batch, dealt out."""
    sizes = _sizes(inputs)
    groups, rest = operation.groups, sizes[1:]
    order = [2, 1, *range(3, 3 + len(rest))]
    return chain(
        reshape((groups, sizes[0] // groups, *rest), "split"), layer("Permute", "shuffled", dims=order), reshape(sizes)
    )

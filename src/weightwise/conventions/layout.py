"""The same operation for tensors whose axes lie otherwise: channels first for a framework that wants them so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weightwise.conventions.spelling import Layout
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation, GatedLinear, PReLU, Softmax
from weightwise.ops.functions import ALONG, spelled
from weightwise.ops.merge import Concatenate, Merge, ScaledSum
from weightwise.ops.norm import Norm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.packed_attention import PackedAttention
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity, Input
from weightwise.ops.spatial import Filtering, Spatial
from weightwise.ops.stacked import StackedRecurrent


def as_it_is(rank: int) -> Layout:
    """Return the layout in which no axis has moved."""
    return tuple(range(rank))


def channels_first(rank: int) -> Layout:
    """Return how a tensor lies channels first, whose channels are last in the source."""
    return (0, rank - 1, *range(1, rank - 1))


def channels_last(rank: int) -> Layout:
    """Return how a tensor lies channels last, whose channels are first behind the batch in the source."""
    return (0, *range(2, rank), 1)


def spatial_layout(operation: Spatial, rank: int, first: bool) -> Layout:
    """Return how the inputs of a spatial operation must lie for a framework that has channels first, or last."""
    if operation.channels_first == first:
        return as_it_is(rank)
    return channels_first(rank) if first else channels_last(rank)


def moved_to(axis: int, place: int, rank: int) -> Layout:
    """Return the layout in which one axis of the source lies at a place, and the others follow in their order."""
    others = [other for other in range(rank) if other != axis % rank]
    return (*others[:place], axis % rank, *others[place:])


def arranged_shape(shape: Shape, layout: Layout) -> Shape:
    """Return a shape of the source as it lies in the target."""
    return tuple(shape[axis] for axis in layout)


def between(layout: Layout, wanted: Layout) -> Layout:
    """Return the permutation that brings a tensor from one layout to another."""
    return tuple(layout.index(axis) for axis in wanted)


def relaid(operation: Operation, layout: Layout) -> Operation:
    """Return the operation that computes the same on inputs that lie otherwise; raises `UnsupportedError`."""
    if layout == as_it_is(len(layout)) and not isinstance(operation, Flatten):
        return operation
    for kind, change in _CHANGES.items():
        if isinstance(operation, kind):
            return change(operation, layout)
    raise UnsupportedError(f"{type(operation).__name__} is not known for inputs whose axes lie otherwise")


def _place(layout: Layout, axis: int) -> int:
    """Return where an axis of the source lies; the last is still called -1 where it lies last."""
    place = layout.index(axis % len(layout))
    return -1 if axis < 0 and place == len(layout) - 1 else place


def _places(layout: Layout, axes: Sequence[int]) -> tuple[int, ...]:
    """Return where axes lie, ascending; raises `UnsupportedError` where weights along them would lie otherwise."""
    places = tuple(_place(layout, axis) for axis in axes)
    counted = [place % len(layout) for place in places]
    if counted != sorted(counted):
        raise UnsupportedError("its weights run along axes that would lie in another order")
    return places


def _spatial(operation: Spatial, layout: Layout) -> Operation:
    first = not operation.channels_first
    if getattr(operation, "activation", "") in ALONG and not first:
        raise UnsupportedError("its activation runs along the last axis, which would hold something else")
    if layout != spatial_layout(operation, len(layout), first):
        raise UnsupportedError(f"{type(operation).__name__} needs its channels first or last")
    changed = replace(operation, channels_first=first)
    return _activated(changed, layout) if isinstance(changed, Filtering) else changed


def _activated(operation: Filtering, layout: Layout) -> Filtering:
    """Return the operation with an activation along the last axis of the source as one along where that lies now."""
    if operation.activation not in ALONG:
        return operation
    return replace(operation, activation=spelled(operation.activation, axis=layout.index(len(layout) - 1)))


def _norm(operation: Norm, layout: Layout) -> Operation:
    if len(operation.axes) > 1 or getattr(operation, "over", None) is not None:
        raise UnsupportedError("its weights run along several axes")
    return replace(operation, axes=_places(layout, operation.axes))


def _softmax(operation: Softmax, layout: Layout) -> Operation:
    return replace(operation, axes=tuple(sorted(_place(layout, axis) for axis in operation.axes)))


def _slopes(operation: PReLU, layout: Layout) -> Operation:
    return replace(operation, axes=_places(layout, operation.axes))


def _one_axis(operation: Concatenate | GatedLinear, layout: Layout) -> Operation:
    return replace(operation, axis=_place(layout, operation.axis))


def _activation(operation: Activation, layout: Layout) -> Operation:
    if operation.function in ALONG and layout[-1] != len(layout) - 1:
        raise UnsupportedError(f"{operation.function} runs along the last axis")
    return operation


def _anyhow(operation: Operation, layout: Layout) -> Operation:
    return operation


def _rescaling(operation: Rescaling, layout: Layout) -> Operation:
    if not all(isinstance(number, (int, float)) for number in (operation.scale, operation.offset)):
        raise UnsupportedError("its factors differ along an axis")
    return operation


def _sequence(operation: StackedRecurrent, layout: Layout) -> Operation:
    """Return an operation on sequences whose first two axes, the batch and the positions, change places."""
    if layout != (1, 0, 2):
        raise UnsupportedError("its sequences have a batch, positions and numbers")
    return replace(operation, positions_first=not operation.positions_first)


def _packed(operation: PackedAttention, layout: Layout) -> Operation:
    """Return attention on such sequences, without its scores, whose axes would not change places."""
    if layout != (1, 0, 2):
        raise UnsupportedError("its sequences have a batch, positions and numbers")
    return replace(operation, positions_first=not operation.positions_first, scores=False)


def _flatten(operation: Flatten, layout: Layout) -> Operation:
    """Return a Flatten that lays the values in the order in which they lie now: rows are then told by their names."""
    if (operation.start, operation.end) != (1, -1):
        return operation
    return replace(operation, channels_first=False)


_CHANGES: dict[type, Callable[..., Operation]] = {
    Spatial: _spatial,
    Norm: _norm,
    Softmax: _softmax,
    PReLU: _slopes,
    Concatenate: _one_axis,
    GatedLinear: _one_axis,
    Activation: _activation,
    Rescaling: _rescaling,
    Merge: _anyhow,
    ScaledSum: _anyhow,
    Identity: _anyhow,
    Input: _anyhow,
    Flatten: _flatten,
    PackedAttention: _packed,
    StackedRecurrent: _sequence,
}
"""What changes of each kind of operations where axes lie otherwise."""

VALUE_BY_VALUE = (Activation, Identity, Rescaling)
"""Operations that do the same to every value, wherever it lies."""

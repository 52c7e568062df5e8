"""Axes of length one that come and go, axes that change places, and tensors laid behind each other along a new axis.

An axis is counted with the batch as 0, or from the end. The batch may be one of them: what a recurrent layer has left
as its state has the batch as its second axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.features import check_axes, spoken
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class InsertAxis(Operation):
    """A new axis of length one."""

    axis: int
    """Its place in the output, the batch being 0, or from the end."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with the axis in it; raises `ShapeError` where it has no such place."""
        shape = only(inputs, "a layer that adds an axis")
        check_axes((self.axis,), (*shape, 1))
        place = self.axis % (len(shape) + 1)
        return ((*shape[:place], 1, *shape[place:]),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the input with the axis in it."""
        (shape,) = self.output_shapes([inputs[0].shape])
        return (inputs[0].reshape([size or 0 for size in shape]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"gives its input an axis of length one, which is {spoken((self.axis,)).replace('its axis', 'axis')}"


@dataclass(frozen=True)
class DropAxes(Operation):
    """The same values without some axes, of which each has length one."""

    axes: tuple[int, ...]

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape without the axes; raises `ShapeError` where one of them is longer."""
        shape = only(inputs, "a layer that drops axes")
        dropped = self._dropped(len(shape))
        if any(shape[axis] not in (None, 1) for axis in dropped):
            raise ShapeError(f"only axes of length one can be dropped, found {spoken(self.axes)} of shape {shape}")
        return (tuple(size for axis, size in enumerate(shape) if axis not in dropped),)

    def _dropped(self, rank: int) -> set[int]:
        check_axes(self.axes, (None,) * rank)
        return {axis % rank for axis in self.axes}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that stay."""
        axes = inputs[0]
        if axes is None:
            return None
        dropped = self._dropped(len(axes) + 1)
        if 0 in dropped:
            return None
        return tuple(name for axis, name in enumerate(axes, start=1) if axis not in dropped)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values under fewer axes."""
        (shape,) = self.output_shapes([inputs[0].shape])
        return (inputs[0].reshape([size or 0 for size in shape]),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"drops {spoken(self.axes)}, of length one"


@dataclass(frozen=True)
class Exchange(Operation):
    """The same values with two axes in each other's place."""

    axes: tuple[int, int]

    def _order(self, rank: int) -> list[int]:
        """Return which axis of the input each axis of the output is; raises `ShapeError`."""
        check_axes(self.axes, (None,) * rank)
        one, other = (axis % rank for axis in self.axes)
        order = list(range(rank))
        order[one], order[other] = other, one
        return order

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the sizes in their new places."""
        shape = only(inputs, "an exchange of axes")
        return (tuple(shape[axis] for axis in self._order(len(shape))),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes in their new places."""
        axes = inputs[0]
        if axes is None or 0 in (axis % (len(axes) + 1) for axis in self.axes):
            return None
        return tuple(axes[axis - 1] for axis in self._order(len(axes) + 1)[1:])

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values with the axes exchanged."""
        return (inputs[0].transpose(self._order(inputs[0].ndim)),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"exchanges axis {self.axes[0]} and axis {self.axes[1]} of its input"


@dataclass(frozen=True)
class Transpose(Operation):
    """The same values with their axes in another order, in which the batch is not the first."""

    order: tuple[int, ...]
    """For each axis of the output, which axis of the input it is, the batch being 0."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` unless every axis is there once."""
        if sorted(self.order) != list(range(len(self.order))):
            raise ShapeError(f"expected each axis from 0 to {len(self.order) - 1} once, found {self.order}")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the sizes in their new places; raises `ShapeError` where there are more or fewer."""
        shape = only(inputs, "a permutation")
        if len(shape) != len(self.order):
            raise ShapeError(f"a permutation of {len(self.order)} axes cannot take a tensor of shape {shape}")
        return (tuple(shape[axis] for axis in self.order),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values in the other order."""
        return (inputs[0].transpose(self.order),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"puts the axes of its input, the batch being 0, in the order {', '.join(map(str, self.order))}"


@dataclass(frozen=True)
class Stack(Operation):
    """The inputs behind each other along a new axis."""

    axis: int
    """Its place in the output, the batch being 0, or from the end."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the first input's shape with the number of inputs in it; raises `ShapeError` unless all are alike."""
        if not inputs or len({len(shape) for shape in inputs}) > 1:
            raise ShapeError(f"expected inputs of one shape, found {list(inputs)}")
        sizes = [{*sizes} - {None} for sizes in zip(*inputs, strict=True)]
        if any(len(found) > 1 for found in sizes):
            raise ShapeError(f"expected inputs of one shape, found {list(inputs)}")
        (shape,) = InsertAxis(self.axis).output_shapes([tuple(next(iter(found), None) for found in sizes)])
        stacked = list(shape)
        stacked[self.axis] = len(inputs)
        return (tuple(stacked),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the stacked inputs."""
        import numpy

        self.output_shapes([x.shape for x in inputs])
        return (numpy.stack(inputs, self.axis),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"lays its inputs behind each other along a new axis, {spoken((self.axis,)).replace('its ', '')}"

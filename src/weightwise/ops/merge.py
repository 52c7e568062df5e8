"""Layers with several inputs: element by element, side by side, or as products of vectors.

Inputs of fewer axes get axes of length one behind the batch, and an axis of length one is repeated as often as needed
(https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/merging/base_merge.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING

from weightwise.ops.features import check_axes, spoken
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_SENTENCES = {
    "add": "adds its inputs, value by value",
    "subtract": "subtracts its second input from its first, value by value",
    "multiply": "multiplies its inputs, value by value",
    "divide": "divides its first input by its second, value by value",
    "average": "averages its inputs, value by value",
    "maximum": "keeps the largest of its inputs' values at each place",
    "minimum": "keeps the smallest of its inputs' values at each place",
}


@dataclass(frozen=True)
class Merge(Operation):
    """One value from those that the inputs have at the same place."""

    how: str
    """`add`, `subtract`, `multiply`, `divide`, `average`, `maximum` or `minimum`."""
    equal: bool = False
    """Whether all inputs must have as many axes: not every framework gives missing ones the same place."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for a merge that is not known."""
        if self.how not in _SENTENCES:
            raise ShapeError(f"expected one of {', '.join(_SENTENCES)}, found {self.how!r}")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape that all inputs are brought to; raises `ShapeError` if there is none."""
        _check_count(inputs, 2 if self.how in ("subtract", "divide") else None)
        if self.equal and len({len(shape) for shape in inputs}) > 1:
            raise ShapeError(f"expected inputs of as many axes, found shapes {_listed(inputs)}")
        batches = {shape[0] for shape in inputs} - {None}
        if len(batches) > 1:
            raise ShapeError(f"expected inputs with one batch size, found shapes {_listed(inputs)}")
        return ((next(iter(batches), None), *reduce(_together, (shape[1:] for shape in inputs))),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that all inputs have."""
        return inputs[0] if len(set(inputs)) == 1 else None

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the merged values."""
        import numpy

        if self.equal:
            self.output_shapes([x.shape for x in inputs])
        rank = max(x.ndim for x in inputs)
        spread = [x.reshape(len(x), *[1] * (rank - x.ndim), *x.shape[1:]) for x in inputs]
        functions = {
            "subtract": numpy.subtract,
            "multiply": numpy.multiply,
            "divide": numpy.divide,
            "maximum": numpy.maximum,
            "minimum": numpy.minimum,
        }
        y = reduce(functions.get(self.how, numpy.add), spread)
        return (y / len(inputs) if self.how == "average" else y,)

    def sentence(self) -> str:
        """Return what the layer does."""
        return _SENTENCES[self.how]


def _together(one: Shape, other: Shape) -> Shape:
    """Return the shape that two shapes without their batch are brought to."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    start = len(longer) - len(shorter)
    return (*longer[:start], *(_size(*pair) for pair in zip(longer[start:], shorter, strict=True)))


def _size(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return None
    if one != other and 1 not in (one, other):
        raise ShapeError(f"expected inputs of one size at each axis, or of size 1, found {one} and {other}")
    return other if one == 1 else one


def _check_count(inputs: Sequence[Shape], count: int | None) -> None:
    if not inputs or (count is not None and len(inputs) != count):
        raise ShapeError(f"expected {count or 'at least one'} inputs, found {len(inputs)}")


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(map(str, shapes))


@dataclass(frozen=True)
class ScaledSum(Operation):
    """`x + scale · y`, for two inputs of as many axes."""

    scale: float

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape that both inputs are brought to; raises `ShapeError` if there is none."""
        _check_count(inputs, 2)
        return _SUM.output_shapes(inputs)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that both inputs have."""
        return _SUM.tensor_axes(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the sum."""
        one, other = inputs
        return _SUM.forward([one, other * self.scale], weights)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"adds its second input, multiplied by {self.scale:.6g}, to its first, value by value"


_SUM = Merge("add", equal=True)


@dataclass(frozen=True)
class Concatenate(Operation):
    """The inputs side by side along one axis."""

    axis: int = -1

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the first input's shape with the sum of the sizes along the axis."""
        _check_count(inputs, None)
        for shape in inputs:
            check_axes((self.axis,), shape)
        for one, other in pairwise(map(self._others, inputs)):
            if len(one) != len(other) or any(
                None not in pair and len({*pair}) > 1 for pair in zip(one, other, strict=True)
            ):
                raise ShapeError(f"expected inputs that differ only along axis {self.axis}, found {_listed(inputs)}")
        sizes = [size for shape in inputs if (size := shape[self.axis]) is not None]
        result = list(inputs[0])
        result[self.axis] = sum(sizes) if len(sizes) == len(inputs) else None
        return (tuple(result),)

    def _others(self, shape: Shape) -> Shape:
        axis = self.axis % len(shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that all inputs have, unless a merged one of them is joined."""
        axes = inputs[0]
        if axes is None or len(set(inputs)) > 1 or self.axis == 0:
            return None
        joined = axes[self.axis - 1 if self.axis > 0 else self.axis]
        return None if " " in joined and len(inputs) > 1 else axes

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the joined inputs."""
        import numpy

        return (numpy.concatenate(inputs, axis=self.axis),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"lays its inputs side by side along {spoken((self.axis,)).replace('its', 'their')}"


@dataclass(frozen=True)
class Dot(Operation):
    """Products of the first input's vectors along one axis with the second's along another."""

    axes: tuple[int, int]
    """The axis of each input that is summed over, counted with the batch as 0 or from the end."""
    normalize: bool = False
    """Whether the vectors are first brought to length 1, so that the products are cosines."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the axes of both inputs that are not summed over; one axis of size 1 where none is left."""
        _check_count(inputs, 2)
        rests = []
        for shape, axis in zip(inputs, self.axes, strict=True):
            check_axes((axis,), shape)
            if axis % len(shape) == 0:
                raise ShapeError("a product cannot be taken along the batch axis")
            rests.append([size for place, size in enumerate(shape) if place not in (0, axis % len(shape))])
        sizes = {shape[axis] for shape, axis in zip(inputs, self.axes, strict=True)} - {None}
        if len(sizes) > 1:
            raise ShapeError(f"expected vectors of one size, found shapes {_listed(inputs)} along axes {self.axes}")
        return ((inputs[0][0], *(rests[0] + rests[1] or [1])),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the products."""
        import numpy

        rows = [numpy.moveaxis(x, axis, -1) for x, axis in zip(inputs, self.axes, strict=True)]
        if self.normalize:
            rows = [row / numpy.sqrt(numpy.maximum((row * row).sum(axis=-1, keepdims=True), 1e-14)) for row in rows]
        one, other = (row.reshape(len(row), -1, row.shape[-1]) for row in rows)
        y = one @ numpy.swapaxes(other, 1, 2)
        return (y.reshape(len(y), *(rows[0].shape[1:-1] + rows[1].shape[1:-1] or (1,))),)

    def sentence(self) -> str:
        """Return what the layer does."""
        kind = "cosines between" if self.normalize else "products of"
        one, other = self.axes
        return f"computes the {kind} the vectors along axis {one} of its first input and axis {other} of its second"

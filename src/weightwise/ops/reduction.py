"""One value for all those along some axes: their mean, their sum, the largest or the smallest of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.features import spoken
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.ops.taking import place_of
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_SENTENCES = {
    "mean": "averages the values",
    "sum": "adds the values",
    "max": "keeps the largest value",
    "min": "keeps the smallest value",
}


@dataclass(frozen=True)
class Reduction(Operation):
    """One value for all along the axes."""

    how: str
    """`mean`, `sum`, `max` or `min`."""
    axes: tuple[int, ...]
    """The axes that are gone, the batch being 0, or counted from the end."""
    keep: bool = False
    """Whether they stay with one element each."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for a reduction that is not known."""
        if self.how not in _SENTENCES or not self.axes:
            raise ShapeError(f"expected one of {', '.join(_SENTENCES)} along axes, found {self.how!r} of {self.axes}")

    def _places(self, rank: int) -> set[int]:
        return {place_of(axis, rank) for axis in self.axes}

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the other sizes, and ones for the axes if they stay; raises `ShapeError` for none."""
        shape = only(inputs, "a reduction")
        places = self._places(len(shape))
        sizes = [(axis, 1 if axis in places else size) for axis, size in enumerate(shape)]
        return (tuple(size for axis, size in sizes if self.keep or axis not in places),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that stay, unless a merged one is reduced and stays."""
        axes = inputs[0]
        if axes is None:
            return None
        places = self._places(len(axes) + 1)
        if 0 in places:
            return None
        if not self.keep:
            return tuple(name for axis, name in enumerate(axes, start=1) if axis not in places)
        return None if any(" " in axes[axis - 1] for axis in places) else axes

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the reduced values."""
        import numpy

        functions: Mapping[str, Callable[..., Array]] = {
            "mean": numpy.mean,
            "sum": numpy.sum,
            "max": numpy.max,
            "min": numpy.min,
        }
        axes = tuple(self._places(inputs[0].ndim))
        return (functions[self.how](inputs[0], axis=axes, keepdims=self.keep),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"{_SENTENCES[self.how]} along {spoken(self.axes)}"

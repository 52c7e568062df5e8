"""Parts of a tensor along one axis: one place, a run of places, all of them backwards, or several parts at once.

Places are counted as Python does: -1 is the last, and a run ends before its end
(https://docs.python.org/3/library/stdtypes.html#common-sequence-operations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from weightwise.ops.features import check_axes, spoken
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


def place_of(axis: int, rank: int) -> int:
    """Return an axis of a tensor of `rank` axes counted from the front; raises `ShapeError` for none."""
    check_axes((axis,), (None,) * rank)
    return axis % rank


@dataclass(frozen=True)
class Take(Operation):
    """What is at one place of an axis, which is gone."""

    axis: int
    index: int

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape without the axis; raises `ShapeError` where it has no such place."""
        shape = only(inputs, "a layer that takes one place")
        axis = place_of(self.axis, len(shape))
        size = shape[axis]
        if size is not None and not -size <= self.index < size:
            raise ShapeError(f"there is no place {self.index} in an axis of {size} elements")
        return ((*shape[:axis], *shape[axis + 1 :]),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the other axes."""
        axes = inputs[0]
        if axes is None:
            return None
        axis = place_of(self.axis, len(axes) + 1)
        return (*axes[: axis - 1], *axes[axis:]) if axis else None

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values at the place."""
        import numpy

        self.output_shapes([inputs[0].shape])
        return (numpy.take(inputs[0], self.index, self.axis),)

    def sentence(self) -> str:
        """Return what the layer does."""
        place = {0: "the first place", -1: "the last place"}.get(self.index, f"place {self.index}")
        return f"keeps only {place} of {spoken((self.axis,))}"


@dataclass(frozen=True)
class Slice(Operation):
    """A run of places of an axis; a step of -1 over all of them turns it round."""

    axis: int
    start: int | None = None
    end: int | None = None
    step: int = 1

    def __post_init__(self) -> None:
        """Raise `ShapeError` for a run without direction."""
        if self.step == 0:
            raise ShapeError("a run of places cannot have steps of 0")

    @property
    def run(self) -> slice:
        """The places as Python spells them."""
        return slice(self.start, self.end, self.step)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with the length of the run in place of the axis's."""
        shape = only(inputs, "a layer that takes a run of places")
        axis = place_of(self.axis, len(shape))
        size = shape[axis]
        count = None if size is None else len(range(*self.run.indices(size)))
        return ((*shape[:axis], count, *shape[axis + 1 :]),)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes, unless a merged one is cut."""
        return _cut(inputs[0], self.axis)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the values of the run."""
        axis = place_of(self.axis, inputs[0].ndim)
        return (inputs[0][(slice(None),) * axis + (self.run,)],)

    def sentence(self) -> str:
        """Return what the layer does."""
        if self.step == -1 and self.start is self.end is None:
            return f"turns {spoken((self.axis,))} round"
        ends = " to ".join("the end" if end is None else str(end) for end in (self.start or 0, self.end))
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"keeps the places {ends} of {spoken((self.axis,))}{steps}"


@dataclass(frozen=True)
class Split(Operation):
    """The parts of an axis as outputs of their own."""

    axis: int
    lengths: tuple[int, ...]
    keep: bool = True
    """Whether the axis stays; without it, each part is one place."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` where a part cannot lose its axis."""
        if not self.keep and set(self.lengths) != {1}:
            raise ShapeError(f"parts of the sizes {self.lengths} cannot lose their axis")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape of each part; raises `ShapeError` unless they make up the whole axis."""
        shape = only(inputs, "a layer that splits its input")
        axis = place_of(self.axis, len(shape))
        if shape[axis] not in (None, sum(self.lengths)):
            raise ShapeError(f"an axis of {shape[axis]} elements is not split in parts of {self.lengths}")
        return tuple((*shape[:axis], *([size] if self.keep else []), *shape[axis + 1 :]) for size in self.lengths)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes of a part, unless a merged one is cut."""
        return _cut(inputs[0], self.axis) if self.keep else Take(self.axis, 0).tensor_axes(inputs)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the parts."""
        import numpy

        self.output_shapes([inputs[0].shape])
        parts = numpy.split(inputs[0], list(accumulate(self.lengths))[:-1], self.axis)
        return tuple(parts if self.keep else (part.squeeze(self.axis) for part in parts))

    def sentence(self) -> str:
        """Return what the layer does."""
        if not self.keep:
            return f"returns each of the {len(self.lengths)} places of {spoken((self.axis,))} apart"
        sizes = " + ".join(map(str, self.lengths))
        return f"splits {spoken((self.axis,))} in {len(self.lengths)} parts: {sizes}"


def _cut(axes: TensorAxes, axis: int) -> TensorAxes:
    """Return the axes of a tensor of which one is cut; None where that one is made of several."""
    place = 0 if axes is None else place_of(axis, len(axes) + 1)
    return None if axes is None or (place and " " in axes[place - 1]) else axes

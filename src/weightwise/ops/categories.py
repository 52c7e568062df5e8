"""Categories as numbers: values sorted into bins, and whole numbers as vectors with a place for each category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

MODES = {
    "int": "as its number",
    "one_hot": "as a vector with a one in its place",
    "multi_hot": "together with all others of an example as one vector, with a one for each that is there",
    "count": "together with all others of an example as one vector, which says how often each is there",
}


@dataclass(frozen=True)
class Encoding(Operation):
    """Whole numbers below `depth` as vectors of that many."""

    depth: int
    mode: str = "multi_hot"
    """`int`, `one_hot`, `multi_hot` or `count`."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for a mode that is not known."""
        if self.mode not in MODES:
            raise ShapeError(f"expected one of {', '.join(MODES)}, found {self.mode!r}")

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes where the numbers stay as they are."""
        return inputs[0] if self.mode == "int" else None

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shape with `depth` in place of the last axis; behind it for `one_hot`, unless it has size one.

        Keras does not agree with itself on `multi_hot` and `count` of more than two axes, so they are refused.
        """
        shape = only(inputs, "an encoding of categories")
        if self.mode == "int":
            return (shape,)
        if self.mode == "one_hot":
            return ((*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), self.depth),)
        if len(shape) != 2:
            raise ShapeError(f"the categories of an example are encoded together in one axis, found shape {shape}")
        return ((shape[0], self.depth),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the encoded numbers."""
        return (self.encoded(inputs[0].astype(int)),)

    def encoded(self, categories: Array) -> Array:
        """Return whole numbers in the way of `mode`; raises `ShapeError` for one that is no category."""
        import numpy

        if categories.size and not 0 <= categories.min() <= categories.max() < self.depth:
            raise ShapeError(f"expected categories below {self.depth}, found {categories.min()} to {categories.max()}")
        if self.mode == "int":
            return categories
        if self.mode == "one_hot" and categories.ndim > 1 and categories.shape[-1] == 1:
            categories = categories[..., 0]
        ones: Array = (categories[..., None] == numpy.arange(self.depth)).astype(float)
        if self.mode == "one_hot":
            return ones
        together: Array = ones.max(axis=-2) if self.mode == "multi_hot" else ones.sum(axis=-2)
        return together

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"writes each of {self.depth:,} categories {MODES[self.mode]}"


@dataclass(frozen=True)
class Binning(Encoding):
    """The bin that each value falls in, encoded as a category."""

    boundaries: tuple[float, ...] = ()
    """Ascending; a value that equals one belongs to the bin above it."""

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the encoded bins."""
        import numpy

        (x,) = inputs
        boundaries = numpy.asarray(self.boundaries, x.dtype if x.dtype.kind == "f" else float)
        return (self.encoded(numpy.digitize(x, boundaries)),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"sorts each value into one of {self.depth:,} bins, and writes the bin {MODES[self.mode]}"

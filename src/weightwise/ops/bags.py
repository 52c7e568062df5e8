"""Bags of embeddings: the vectors of several indices, reduced to one vector.

An input of two axes has a bag in each row. One of a single axis has the bags one after another, and a second input
says where each begins (https://docs.pytorch.org/docs/stable/generated/torch.nn.EmbeddingBag.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_REDUCED = {"sum": "adds", "mean": "averages", "max": "keeps the largest of"}


@dataclass(frozen=True)
class EmbeddingBag(Operation):
    """The sum, the mean or the maximum of the rows of a table that each bag names; zeros for an empty bag."""

    vocabulary: int
    features: int
    reduce: str = "mean"
    padding: int | None = None
    """The index that does not count."""
    closed: bool = False
    """Whether the last of the places says where the last bag ends."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for an unknown reduction."""
        if self.reduce not in _REDUCED:
            raise ShapeError(f"a bag is reduced by its {', '.join(_REDUCED)}, found {self.reduce!r}")

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the table."""
        return {"table": "vocab features"}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the size of the vocabulary and of its vectors."""
        return {"vocab": self.vocabulary, "features": self.features}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the features as channels."""
        return ("c",)

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return one vector for each bag."""
        if [len(shape) for shape in inputs] not in ([2], [1, 1]):
            raise ShapeError(f"bags are the rows of one input, or one row and where each begins, found {list(inputs)}")
        bags = inputs[-1][0]
        one_less = self.closed and len(inputs) == 2 and bags is not None
        return ((bags - 1 if one_less and bags is not None else bags, self.features),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the reduced vectors."""
        import numpy

        self.output_shapes([x.shape for x in inputs])
        return (numpy.stack([self._reduced(weights["table"][bag]) for bag in self._bags(inputs)]),)

    def _bags(self, inputs: Sequence[Array]) -> Iterator[Array]:
        """Yield the indices of each bag that count; raises `ShapeError` for one outside the vocabulary."""
        import numpy

        indices, *places = (x.astype(int) for x in inputs)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.vocabulary:
            raise ShapeError(f"expected indices from 0 to {self.vocabulary - 1}, found others")
        rows = list(indices)
        if places:
            starts = places[0][:-1] if self.closed else places[0]
            rows = numpy.split(indices[: places[0][-1] if self.closed else None], starts[1:])
        for row in rows:
            yield row[row != self.padding] if self.padding is not None else row

    def _reduced(self, vectors: Array) -> Array:
        reduced: Array = getattr(vectors, self.reduce if len(vectors) else "sum")(0)
        return reduced

    def sentence(self) -> str:
        """Return what the layer does."""
        return (
            f"{_REDUCED[self.reduce]} the vectors of all indices of a bag: each of its {self.vocabulary:,} possible"
            f" indices has one of {self.features:,} numbers, one row of its table"
        )

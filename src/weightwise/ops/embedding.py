"""Embeddings: a table with one vector for each word of a vocabulary, and the way back from a vector to the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.adaptation import adaptation_roles, adapted
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, only
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Embedding(Operation):
    """Each whole number of the input replaced by its row of the table."""

    vocabulary: int
    features: int
    mask_zero: bool = False
    """Whether index 0 is padding, which later layers skip."""
    sequence: bool = False
    """Whether an example is known to be one sequence of indices."""
    quantized: bool = False
    """Whether the table holds bytes, and another array what each row was multiplied by to fill them."""
    reverse: bool = False
    """Whether there is a second table, for the way back alone."""
    adaptation: float | None = None
    """What the product of a low-rank pair is multiplied by before it is added to the table, where there is a pair."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the table, of its scale, of the table for the way back, and of a low-rank pair."""
        given = {"scale": ("vocab", self.quantized), "reverse": ("features vocab", self.reverse)}
        others = {role: axes for role, (axes, there) in given.items() if there}
        return {"table": "vocab features", **others, **adaptation_roles("vocab features", self.adaptation)}

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the size of the vocabulary and of its vectors."""
        return {"vocab": self.vocabulary, "features": self.features}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the input's axes, and the features as channels."""
        axes = ("position",) if inputs[0] is None and self.sequence else inputs[0]
        return None if axes is None or "c" in axes else (*axes, "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with an axis of features behind it."""
        return ((*only(inputs, "an embedding"), self.features),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the rows; raises `ShapeError` for an index outside the vocabulary."""
        indices = inputs[0].astype(int)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.vocabulary:
            raise ShapeError(
                f"expected indices from 0 to {self.vocabulary - 1}, found {indices.min()} to {indices.max()}"
            )
        rows = adapted(weights["table"], weights, self.adaptation)[indices]
        return (rows / weights["scale"][indices][..., None] if self.quantized else rows,)

    def mask(self, inputs: Sequence[Array]) -> Array | None:
        """Return where the index is not the padding's 0."""
        return inputs[0].astype(int) != 0 if self.mask_zero else None

    def sentence(self) -> str:
        """Return what the layer does."""
        padding = "; index 0 is padding, which the layers after it skip" if self.mask_zero else ""
        return (
            f"replaces each of its {self.vocabulary:,} possible indices by a vector of {self.features:,} numbers,"
            f" one row of its table{padding}"
        )


@dataclass(frozen=True)
class Unembedding(Operation):
    """Each vector compared with every row of an embedding's table: one number for each word."""

    vocabulary: int
    features: int
    tied: bool = True
    """Whether the table is the embedding's own, or another one, stored the other way round."""
    cap: float | None = None
    """Bounds the numbers smoothly: `cap · tanh(x / cap)`."""

    @property
    def input_axis(self) -> str:
        """Return the axis of the vectors."""
        return "features"

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the embedding's table, and of one for this way where there is such."""
        return {"table": "vocab features"} | ({} if self.tied else {"reverse": "features vocab"})

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the size of the vocabulary and of its vectors."""
        return {"vocab": self.vocabulary, "features": self.features}

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape with one number for each word in its last axis."""
        shape = only(inputs, "an embedding in reverse")
        if shape[-1] not in (None, self.features):
            raise ShapeError(f"an embedding in reverse takes vectors of {self.features}, found shape {shape}")
        return ((*shape[:-1], self.vocabulary),)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return one number for each word."""
        import numpy

        kernel = weights["table"].T if self.tied else weights["reverse"]
        y = inputs[0] @ kernel
        return (y if self.cap is None else self.cap * numpy.tanh(y / self.cap),)

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"compares each vector with those of all {self.vocabulary:,} indices"

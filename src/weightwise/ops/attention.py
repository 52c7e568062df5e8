"""Attention without projections: each query averages the values, weighted by how well their keys answer it.

The inputs are a query `… position features`, values, and keys, which are the values where none are given
(https://keras.io/api/layers/attention_layers/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.activation import activate
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, known
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class Attention(Operation):
    """`softmax(score(query, keys)) · values`."""

    score: str = "dot"
    """`dot`: `scale·Σ q·k`, `concat`: `score_scale·Σ tanh(scale·(q + k))`, or `additive`: `Σ scale·tanh(q + k)`."""
    scale: bool = False
    """Whether it has a scale of its own: one number, or for `additive` one for each feature."""
    causal: bool = False
    """Whether it attends to no later position."""
    scores: bool = False
    """Whether it returns the weights of its averages too."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for a score that is not known."""
        if self.score not in _SENTENCES:
            raise ShapeError(f"no attention score is called {self.score!r} here; known are {', '.join(_SENTENCES)}")

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the scales."""
        scale = {"scale": "features" if self.score == "additive" else ""} if self.scale else {}
        return scale | ({"score_scale": ""} if self.score == "concat" else {})

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the number of features of the query."""
        if self.score != "additive":
            return {}
        return known(features=inputs[0][-1] if inputs else None)

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the query's positions and the features of the values."""
        query = inputs[0]
        return None if query is None else (*query[:-1], "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the query's shape with the features of the values, and that of the scores."""
        if len(inputs) not in (2, 3):
            raise ShapeError(f"attention takes a query, values and perhaps keys, found {len(inputs)} inputs")
        if len({len(shape) for shape in inputs}) > 1 or len(inputs[0]) < 3:
            raise ShapeError(f"attention needs tensors of one rank, at least 3, found {list(inputs)}")
        query, value, key = inputs[0], inputs[1], inputs[-1]
        output = (*query[:-1], value[-1])
        return (output, (*query[:-1], key[-2])) if self.scores else (output,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the averages of the values, and the scores where they are returned."""
        import numpy

        self.output_shapes([x.shape for x in inputs])
        scores = self._scores(inputs[0], inputs[-1], weights)
        if self.causal:
            scores = numpy.where(numpy.tri(*scores.shape[-2:]), scores, -numpy.inf)
        scores = activate("softmax", scores)
        output = scores @ inputs[1]
        return (output, scores) if self.scores else (output,)

    def _scores(self, query: Array, key: Array, weights: Mapping[str, Array]) -> Array:
        """Return the scores of every query (rows) and key (columns)."""
        import numpy

        scale = weights["scale"] if self.scale else 1
        if self.score == "dot":
            return query @ key.swapaxes(-1, -2) * scale
        sums = query[..., :, None, :] + key[..., None, :, :]
        if self.score == "additive":
            scores: Array = (numpy.tanh(sums) * scale).sum(-1)
        else:
            scores = numpy.tanh(sums * scale).sum(-1) * weights["score_scale"]
        return scores

    def sentence(self) -> str:
        """Return what the layer does."""
        return f"averages the values for each query, weighted by {_SENTENCES[self.score]}"


_SENTENCES = {
    "dot": "the dot product of the query with their keys",
    "concat": "one number that it computes from the sum of the query and their keys",
    "additive": "the sum of the hyperbolic tangents of the query plus their keys",
}

"""Attention of queries, keys and values that have been projected before.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.activation import activate
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes
from weightwise.ops.product import Product
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array


@dataclass(frozen=True)
class ScaledAttention(Operation):
    """`softmax(scale · query · keyᵀ) · value`, each of them `batch … position features`."""

    scale: float | None = None
    """What the scores are multiplied by; None is one over the root of the number of features of a query."""
    causal: bool = False
    """Whether a query attends to no later position than its own."""

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the query's shape with the features of the values; raises `ShapeError` where they do not fit."""
        if len(inputs) != 3 or any(len(shape) < 3 for shape in inputs):
            raise ShapeError(f"attention takes a query, a key and a value of 3 axes or more, found {list(inputs)}")
        query, key, value = inputs
        (scores,) = Product().output_shapes([query, (*key[:-2], key[-1], key[-2])])
        return Product().output_shapes([scores, value])

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the axes that query and value share."""
        return inputs[0] if len({inputs[0], inputs[2]}) == 1 else None

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the averages of the values."""
        import numpy

        self.output_shapes([x.shape for x in inputs])
        query, key, value = inputs
        scale = 1 / math.sqrt(query.shape[-1]) if self.scale is None else self.scale
        scores = query @ key.swapaxes(-1, -2) * scale
        if self.causal:
            scores = numpy.where(numpy.tri(*scores.shape[-2:]), scores, -numpy.inf)
        return (activate("softmax", scores) @ value,)

    def sentence(self) -> str:
        """Return what the layer does."""
        seen = ", of which it sees none that comes later" if self.causal else ""
        return f"averages the values for each query, weighted by the scaled dot product with their keys{seen}"

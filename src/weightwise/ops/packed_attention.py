"""Attention with several heads whose projections may lie in one array, and whose last projection is a layer of its own.

This is PyTorch's: queries, keys and values have heads of one size, the biases of their projections are one array, and
one more key and value can be learned, or be zeros
(https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightwise.ops.multi_head import MultiHeadAttention
from weightwise.ops.operation import Shape, ShapeError, TensorAxes
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

_PARTS = ("query", "key", "value")


@dataclass(frozen=True)
class PackedAttention(MultiHeadAttention):
    """Attention that returns the results of all heads next to each other."""

    packed: bool = True
    """Whether one array projects queries, keys and values."""
    extra: bool = False
    """Whether one more key and value are learned, for all queries to attend to."""
    zero: bool = False
    """Whether there is a key and a value of zeros too."""
    averaged: bool = True
    """Whether the weights of the averages are returned as their mean over the heads."""
    positions_first: bool = False
    """Whether the positions are the first axis of its tensors, and the batch the second."""

    def roles(self) -> Mapping[str, str]:
        """Return the axes of the projections, of their bias, and of the key and the value that are learned."""
        if self.packed:
            kernels = {"projection/kernel": "in part[q k v] heads head_dim"}
        else:
            sources = zip(_PARTS, ("in", "key_in", "value_in"), strict=True)
            kernels = {f"{name}/kernel": f"{source} heads head_dim" for name, source in sources}
        bias = {"projection/bias": "part[q k v] heads head_dim"} if self.bias else {}
        extra = {f"{name}/extra": "heads head_dim" for name in ("key", "value")} if self.extra else {}
        return kernels | bias | extra

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the positions, or the batch where they are first, and the numbers of all heads."""
        return ("batch" if self.positions_first else "position", "heads head_dim")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the results, and of the weights of the averages where they are returned."""
        if len(inputs) != 3 or any(len(shape) != 3 for shape in inputs):
            raise ShapeError(f"attention takes a query, a key and a value of three axes each, found {list(inputs)}")
        (batch, queries, _), (_, keys, _), _ = map(self._turned, inputs)
        result = self._turned((batch, queries, self.heads * self.head_dim))
        columns = None if keys is None else keys + self.extra + self.zero
        heads = () if self.averaged else (self.heads,)
        return (result, (batch, *heads, queries, columns)) if self.scores else (result,)

    def _turned(self, shape: Shape) -> Shape:
        return (shape[1], shape[0], shape[2]) if self.positions_first else shape

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the results of all heads, and the weights of the averages where they are returned."""
        self.output_shapes([x.shape for x in inputs])
        tensors = [x.swapaxes(0, 1) for x in inputs] if self.positions_first else list(inputs)
        query, key, value = (self._entering(place, x, weights) for place, x in enumerate(tensors))
        key, value = self._longer("key", key, weights), self._longer("value", value, weights)
        result, scores = self._attention(query, key, value, None)
        joined = result.reshape(*result.shape[:2], -1)
        output = joined.swapaxes(0, 1) if self.positions_first else joined
        returned = scores.mean(1) if self.averaged else scores
        return (output, returned) if self.scores else (output,)

    def _entering(self, place: int, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return the queries (0), the keys (1) or the values (2), `batch position heads head_dim`."""
        import numpy

        kernel = weights["projection/kernel"][:, place] if self.packed else weights[f"{_PARTS[place]}/kernel"]
        y = numpy.tensordot(x, kernel, 1)
        return y + weights["projection/bias"][place] if self.bias else y

    def _longer(self, name: str, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return keys or values with those that are learned and those of zeros behind them."""
        import numpy

        one = numpy.zeros_like(x[:, :1])
        more = ([one + weights[f"{name}/extra"]] if self.extra else []) + ([one] if self.zero else [])
        return numpy.concatenate([x, *more], 1)

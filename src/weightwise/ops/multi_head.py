"""Attention with several heads (https://arxiv.org/abs/1706.03762): projections, attention in each head, a projection.

Each head has its own `head_dim` columns of every projection. With fewer heads of keys and values than of queries,
`kv_heads` (https://arxiv.org/abs/2305.13245), consecutive query heads share one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod, sqrt
from typing import TYPE_CHECKING, TypeVar

from weightwise.ops.activation import activate
from weightwise.ops.norm import LayerNorm
from weightwise.ops.operation import Operation, Shape, ShapeError, TensorAxes, known
from weightwise.ops.spatial import counted
from weightwise.records import dataclass

if TYPE_CHECKING:
    from weightwise.ops.operation import Array

T = TypeVar("T")


@dataclass(frozen=True)
class MultiHeadAttention(Operation):
    """Attention of several heads over one or more axes."""

    heads: int
    head_dim: int
    """The numbers of each head of queries and keys; 0 where its weights alone tell it."""
    value_dim: int
    """The numbers of each head of values; 0 where its weights alone tell it."""
    kv_heads: int | None = None
    """The heads of keys and values where they have an axis of their own; None where they are those of the queries."""
    bias: bool = True
    gate: bool = False
    """Whether a projection of the query, through a sigmoid, scales the result of every head."""
    outputs: tuple[int, ...] | None = None
    """The sizes of the output's last axes; None for the size of the query's last axis."""
    axes: tuple[int, ...] | None = None
    """The axes over which it attends, the batch being 0; None for all between the batch and the last."""
    window: int | None = None
    """How far it attends: to positions less than `window` away, in both directions."""
    causal: bool = False
    """Whether it attends to no later position."""
    scores: bool = False
    """Whether it returns the weights of its averages too, `batch heads query key`."""
    normalized: float | None = None
    """The epsilon by which queries and keys are normalized within each head, and then scaled; None where they are not.
    """
    arguments: tuple[str, ...] = ("query", "key", "value")
    """What its inputs are, in order; a key or a value that is not there is the other one, and `all` is query, key and
    value at once. A `mask`, whose last axes are
    those of queries and keys, is not zero where a query may attend to a key."""

    def __post_init__(self) -> None:
        """Raise `ShapeError` for heads that cannot share keys and values."""
        if self.kv_heads is not None and (self.kv_heads < 1 or self.heads % self.kv_heads):
            raise ShapeError(f"{self.heads} heads cannot share {self.kv_heads} heads of keys and values")

    def roles(self) -> Mapping[str, str]:
        """Return the axes of all projections."""
        shared = "heads" if self.kv_heads is None else "kv_heads"
        projections = {
            "query": ("in", "heads head_dim"),
            "key": ("key_in", f"{shared} head_dim"),
            "value": ("value_in", f"{shared} value_dim"),
            **({"gate": ("in", "heads value_dim")} if self.gate else {}),
            "output": ("heads value_dim", self.output_axes()),
        }
        kernels = {f"{name}/kernel": f"{source} {target}" for name, (source, target) in projections.items()}
        biases = {f"{name}/bias": target for name, (_, target) in projections.items()}
        scales = {} if self.normalized is None else {f"{name}_norm/scale": "head_dim" for name in ("query", "key")}
        return kernels | (biases if self.bias else {}) | scales

    def output_axes(self) -> str:
        """Return the axes of the output's projection: `out`, or `out_1 out_2` where it has several."""
        count = len(self.outputs or (None,))
        return "out" if count == 1 else " ".join(f"out_{number}" for number in range(1, count + 1))

    def sizes(self, inputs: Sequence[Shape]) -> Mapping[str, int]:
        """Return the sizes of the heads, and of the inputs' and the output's last axes."""
        last = dict.fromkeys(("query", "key", "value"))
        if inputs:
            last |= {name: shape[-1] for name, shape in self._named(inputs).items()}
        outputs = self.outputs or (last["query"],)
        return known(
            heads=self.heads,
            head_dim=self.head_dim or None,
            value_dim=self.value_dim or None,
            key_in=last["key"],
            value_in=last["value"],
            **({} if self.kv_heads is None else {"kv_heads": self.kv_heads}),
            **{"in": last["query"]},
            **dict(zip(self.output_axes().split(), outputs, strict=True)),
        )

    def _named(self, inputs: Sequence[T]) -> dict[str, T]:
        """Return query, key and value, and a mask that is given; raises `ShapeError` for too few or too many."""
        given = dict(zip(self.arguments, inputs, strict=False))
        if "all" in given:
            given = {**given, **dict.fromkeys(("query", "key", "value"), given["all"])}
        found = given.get("key", given.get("value"))
        if "query" not in given or found is None or len(inputs) > len(self.arguments):
            raise ShapeError(f"attention takes {', '.join(self.arguments)}, found {len(inputs)} inputs")
        return {"key": found, "value": found, **given}

    def tensor_axes(self, inputs: Sequence[TensorAxes]) -> TensorAxes:
        """Return the query's axes with the output's; None where it has several of these."""
        query = inputs[0]
        return None if query is None or len(self.outputs or (None,)) > 1 else (*query[:-1], "c")

    def output_shapes(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the query's shape, its last axis replaced by the outputs, and that of the scores."""
        shapes = self._named(inputs)
        query, key = shapes["query"], shapes["key"]
        ranks = {len(shapes[name]) for name in ("query", "key", "value")}
        if len(ranks) > 1 or len(query) < 3:
            raise ShapeError(f"attention needs tensors of one rank, at least 3, found {list(map(list, inputs))}")
        others, attended = self._order(len(query))
        if (self.window is not None or self.causal or "mask" in shapes) and attended != [1]:
            raise ShapeError("some positions can be left out of attention over the first axis only")
        output = (*query[:-1], *(self.outputs or (query[-1],)))
        shared = [query[axis] for axis in others]
        scores = (*shared, self.heads, *(shape[axis] for shape in (query, key) for axis in attended))
        return (output, scores) if self.scores else (output,)

    def forward(self, inputs: Sequence[Array], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Return the projected results of all heads, and the scores where they are returned."""
        shapes = self.output_shapes([x.shape for x in inputs])
        tensors = self._named(inputs)
        query, key, value = (self._projected(name, tensors[name], weights) for name in ("query", "key", "value"))
        query, key = self._normalized("query", query, weights), self._normalized("key", key, weights)
        result, scores = self._attention(query, self._shared(key), self._shared(value), tensors.get("mask"))
        if self.gate:
            result = result * activate("sigmoid", self._projected("gate", tensors["query"], weights))
        output = self._projected("output", result, weights, 2)
        return (output, scores.reshape([size or 0 for size in shapes[1]])) if self.scores else (output,)

    def _projected(self, name: str, x: Array, weights: Mapping[str, Array], over: int = 1) -> Array:
        """Return the product of the last `over` axes with a projection's kernel, plus its bias."""
        import numpy

        y = numpy.tensordot(x, weights[f"{name}/kernel"], over)
        return y + weights[f"{name}/bias"] if self.bias else y

    def _normalized(self, name: str, x: Array, weights: Mapping[str, Array]) -> Array:
        """Return queries or keys with mean 0 and variance 1 in each head, times their scale, if they are normalized."""
        if self.normalized is None:
            return x
        norm = LayerNorm(epsilon=self.normalized, center=False)
        return norm.forward([x], {"gamma": weights[f"{name}_norm/scale"]})[0]

    def _shared(self, x: Array) -> Array:
        """Return keys or values with one head for each head of the queries."""
        return x if self.kv_heads is None else x.repeat(self.heads // self.kv_heads, -2)

    def _order(self, rank: int) -> tuple[list[int], list[int]]:
        """Return the axes that it keeps apart, and those that it attends over, in tensors of this rank."""
        attended = [axis % rank for axis in self.axes] if self.axes is not None else list(range(1, rank - 1))
        return [axis for axis in range(rank - 1) if axis not in attended], attended

    def _attention(self, query: Array, key: Array, value: Array, mask: Array | None) -> tuple[Array, Array]:
        """Return the attention of every head for tensors `batch … heads head_dim`, in the query's axes, and the scores.

        The axes over which it does not attend are moved to the batch, those over which it does are merged.
        """
        import numpy

        rank = query.ndim - 1
        others, attended = self._order(rank)
        order = [*others, rank - 1, *attended, rank]
        rows = [_merged(x.transpose(order), len(attended)) for x in (query, key, value)]
        sums = rows[0] @ rows[1].swapaxes(-1, -2) / sqrt(rows[0].shape[-1])
        scores = activate("softmax", numpy.where(self._allowed(sums.shape, mask), sums, -numpy.inf))
        sizes = [(*query.shape, value.shape[-1])[axis] for axis in (*order[:-1], rank + 1)]
        return (scores @ rows[2]).reshape(sizes).transpose(numpy.argsort(order)), scores

    def _allowed(self, shape: Sequence[int], mask: Array | None) -> Array:
        """Return whether a query (row) may attend to a key (column); raises `ShapeError` for a query without any."""
        import numpy

        queries, keys = shape[-2:]
        distance = numpy.arange(queries)[:, None] - numpy.arange(keys)
        allowed = abs(distance) < (max(shape) if self.window is None else self.window)
        if self.causal:
            allowed = allowed & (distance >= 0)
        if mask is not None:
            missing = len(shape) - mask.ndim
            allowed = allowed & (mask != 0).reshape(*mask.shape[:-2], *(1,) * missing, *mask.shape[-2:])
        if not allowed.any(-1).all():
            raise ShapeError("a query is left without any key that it may attend to")
        return allowed

    def sentence(self) -> str:
        """Return what the layer does."""
        shared = "" if self.kv_heads is None else f", which share {counted(self.kv_heads, 'head')} of keys and values"
        size = f" of {counted(self.head_dim, 'number')}" if self.head_dim else ""
        heads = f"{counted(self.heads, 'head')}{size}{shared}"
        return f"lets every position gather what it looks for from others, with {heads}"


def _merged(x: Array, count: int) -> Array:
    """Return `x` with `count` axes before its last one merged."""
    sizes = x.shape[-1 - count : -1]
    return x.reshape(*x.shape[: -1 - count], prod(sizes), x.shape[-1])

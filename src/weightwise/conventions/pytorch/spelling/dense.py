"""Dense layers and embeddings as modules of PyTorch (https://docs.pytorch.org/docs/stable/nn.html#linear-layers).

A Linear reads the last axis. What reads several is one behind a Flatten, and what returns several one before an
Unflatten.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from weightwise.conventions.pytorch.spelling.activations import activation
from weightwise.conventions.pytorch.spelling.steps import (
    axis_size,
    chain,
    function,
    module,
    refuse,
    size_or_open,
    with_bias,
)
from weightwise.conventions.spelling import Same, Spelled, Step
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.bilinear import Bilinear
from weightwise.ops.contraction import Contraction, numbered
from weightwise.ops.dense import Dense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding, Unembedding
from weightwise.ops.operation import Shape

_ADAPTED = "its weights are adapted by a low-rank pair, for which PyTorch has no module"


def linear(entering: int | None, leaving: int, bias: bool, name: str = "", **options: Any) -> Step:
    """Return a Linear of so many inputs, which may not be known, and outputs."""
    sizes = {"in_features": size_or_open(entering), "out_features": leaving}
    return module("Linear", name, **sizes, parameters=with_bias(bias), **options)


def spelled_dense(operation: Dense, inputs: Sequence[Shape]) -> Spelled:
    """Return the Linear, and its activation."""
    refuse(_ADAPTED, operation.adaptation is not None)
    step = linear(axis_size(inputs, -1), operation.units, operation.bias)
    return chain(step, *activation(operation.activation))


def spelled_einsum(operation: Einsum, inputs: Sequence[Shape]) -> Spelled:
    """Return the Linear that an equation is, where it sums over the input's last axes and its outputs come last."""
    refuse(_ADAPTED, operation.adaptation is not None)
    entering, kernel, leaving = (part.strip(".") for part in operation.equation.replace("->", ",").split(","))
    summed = [letter for letter in entering if letter not in leaving]
    made = [letter for letter in leaving if letter not in entering]
    kept = entering[: len(entering) - len(summed)]
    plain = (
        entering == kept + "".join(summed)
        and leaving == kept + "".join(made)
        and sorted(kernel) == sorted(summed + made)
    )
    refuse(f"{operation.equation} is no product of the last axes", not plain or operation.equation.endswith("..."))
    refuse("its bias does not run along all of its outputs", operation.bias not in ("", "".join(made)))
    refuse("PyTorch has no product over no axis", not summed or not made)
    names = {letter: operation.name(letter) for letter in (*summed, *made)}
    sizes = list(operation.output[len(operation.output) - len(made) :])
    return _product([names[letter] for letter in summed], [names[letter] for letter in made], sizes, operation, inputs)


def spelled_contraction(operation: Contraction, inputs: Sequence[Shape]) -> Spelled:
    """Return the Linear over the last axes."""
    refuse("it has weights of its own at each place, for which PyTorch has no module", operation.each)
    count = len(operation.axes)
    rank = len(inputs[0]) if inputs else 0
    places = [axis % rank for axis in operation.axes] if inputs else sorted(operation.axes)
    refuse("it does not sum over the last axes in their order", places != list(range(rank - count, rank)))
    names = numbered("in", count).split(), numbered("out", len(operation.outputs)).split()
    return _product(*names, list(operation.outputs), operation, inputs)


def _product(
    summed: Sequence[str],
    made: Sequence[str],
    sizes: Sequence[int | None],
    operation: Einsum | Contraction,
    inputs: Sequence[Shape],
) -> Spelled:
    """Return a Linear from the named axes that it sums over to the others, of these sizes."""
    outputs = [size for size in sizes if size is not None]
    refuse("PyTorch needs the sizes of its outputs, and one is open", len(outputs) < len(sizes))
    names = {"in": _merged(summed), "out": _merged(made)}
    bias = bool(operation.bias)
    feeds = {"kernel": Same("kernel", names), **({"bias": Same("bias", {"out": names["out"]})} if bias else {})}
    entering = _volume(inputs[0][-len(summed) :]) if inputs else None
    before = [module("Flatten", "flatten", start_dim=-len(summed), end_dim=-1)] * (len(summed) > 1)
    after = [module("Unflatten", "unflatten", dim=-1, unflattened_size=tuple(outputs))] * (len(made) > 1)
    function_of = getattr(operation, "activation", "linear")
    return chain(*before, linear(entering, prod(outputs), bias, feeds=feeds), *after, *activation(function_of))


def _merged(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"({' '.join(names)})"


def _volume(sizes: Shape) -> int | None:
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def spelled_embedding(operation: Embedding, inputs: Sequence[Shape]) -> Spelled:
    """Return the embedding."""
    refuse(_ADAPTED, operation.adaptation is not None)
    refuse("its table holds bytes, which PyTorch's Embedding does not", operation.quantized)
    refuse("it has a second table for the way back, which PyTorch's Embedding has not", operation.reverse)
    sizes: dict[str, Any] = {"num_embeddings": operation.vocabulary, "embedding_dim": operation.features}
    return chain(module("Embedding", **sizes, parameters=["weight"]), notes=[_PADDING] * operation.mask_zero)


_PADDING = (
    "index 0 marks padding, which layers of the source skip and those of PyTorch read: outputs are equal without it"
)


def spelled_bags(operation: EmbeddingBag, inputs: Sequence[Shape]) -> Spelled:
    """Return the bags of embeddings, which are PyTorch's own."""
    settings: dict[str, Any] = {
        "num_embeddings": operation.vocabulary,
        "embedding_dim": operation.features,
        "mode": operation.reduce,
        "include_last_offset": operation.closed,
        "padding_idx": operation.padding,
    }
    return chain(module("EmbeddingBag", **settings, parameters=["weight"]))


def spelled_bilinear(operation: Bilinear, inputs: Sequence[Shape]) -> Spelled:
    """Return the product of two inputs, which is PyTorch's own."""
    sizes: dict[str, Any] = {
        "in1_features": operation.first,
        "in2_features": operation.second,
        "out_features": operation.units,
    }
    return chain(module("Bilinear", **sizes, parameters=with_bias(operation.bias)))


def spelled_unembedding(operation: Unembedding, inputs: Sequence[Shape]) -> Spelled:
    """Return the Linear that compares a vector with each row of the table."""
    role, names = ("table" if operation.tied else "reverse"), {"out": "vocab", "in": "features"}
    step = linear(operation.features, operation.vocabulary, False, feeds={"kernel": Same(role, names)})
    if operation.cap is None:
        return chain(step)
    return chain(
        step, function("div", other=operation.cap), module("Tanh", "tanh"), function("mul", other=operation.cap)
    )

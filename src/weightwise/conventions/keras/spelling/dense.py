"""Dense layers and embeddings as layers of Keras (https://keras.io/api/layers/core_layers/)."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from weightwise.conventions.keras.spelling.activations import activated
from weightwise.conventions.keras.spelling.steps import chain, layer, refuse
from weightwise.conventions.spelling import Feed, Same, Spelled, Step
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.contraction import Contraction, numbered
from weightwise.ops.dense import Dense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding
from weightwise.ops.operation import Shape

_ADAPTED = "it is adapted by a low-rank pair, which would have to be merged"


def spelled_dense(operation: Dense, inputs: Sequence[Shape]) -> Spelled:
    """Return the dense layer."""
    refuse(operation.adaptation is not None, _ADAPTED)
    name, after = activated(operation.activation)
    return chain(layer("Dense", units=operation.units, activation=name, use_bias=operation.bias), *after)


def spelled_einsum(operation: Einsum, inputs: Sequence[Shape]) -> Spelled:
    """Return the dense layer over any axes."""
    refuse(operation.adaptation is not None, _ADAPTED)
    name, after = activated(operation.activation)
    settings = {"output_shape": list(operation.output), "bias_axes": operation.bias or None, "activation": name}
    return chain(layer("EinsumDense", equation=operation.equation, **settings), *after)


def spelled_contraction(operation: Contraction, inputs: Sequence[Shape]) -> Spelled:
    """Return the dense layer over several axes, or into several."""
    refuse(not inputs, "which axes it sums over follows from the shape of its input, which is not known")
    rank = len(inputs[0])
    summed = sorted(axis % rank for axis in operation.axes)
    letters, made = ascii_lowercase[:rank], ascii_lowercase[rank : rank + len(operation.outputs)]
    staying = "".join(letter for axis, letter in enumerate(letters) if axis not in summed)
    entering = "".join(letters[axis] for axis in summed)
    refuse(operation.each, "it has weights of its own for each example of a batch")
    sizes = [size for axis, size in enumerate(inputs[0]) if axis not in summed and axis]
    feeds = _contracted(operation, entering, made)
    equation = f"{letters},{entering}{made}->{staying}{made}"
    settings = {"output_shape": [*sizes, *operation.outputs], "bias_axes": made if operation.bias else None}
    return chain(layer("EinsumDense", "", feeds, equation=equation, activation="linear", **settings))


def _contracted(operation: Contraction, entering: str, made: str) -> dict[str, Feed]:
    """Return the arrays with the axes of the source by the letters of the equation."""
    sources = zip((f"in_{letter}" for letter in entering), numbered("in", len(entering)).split(), strict=True)
    targets = zip((f"out_{letter}" for letter in made), numbered("out", len(made)).split(), strict=True)
    names = {**dict(sources), **dict(targets)}
    return {role: Same(role, names) for role in operation.roles()}


def spelled_embedding(operation: Embedding, inputs: Sequence[Shape]) -> Spelled:
    """Return the embedding."""
    refuse(operation.adaptation is not None, _ADAPTED)
    refuse(operation.quantized, "its table holds bytes with a scale for each row")
    refuse(operation.reverse, "it has a second table for the way back")
    return chain(_table(operation.vocabulary, operation.features, operation.mask_zero))


def _table(vocabulary: int, features: int, mask_zero: bool = False, name: str = "") -> Step:
    return layer("Embedding", name, input_dim=vocabulary, output_dim=features, mask_zero=mask_zero)


def spelled_bag(operation: EmbeddingBag, inputs: Sequence[Shape]) -> Spelled:
    """Return an embedding and a pooling over the indices of each row."""
    refuse(len(inputs) != 1 or len(inputs[0]) != 2, "its bags are told by where each begins, which Keras has not")
    refuse(operation.padding is not None, "an index of its bags does not count")
    table = _table(operation.vocabulary, operation.features, name="vectors")
    pool = layer("GlobalMaxPooling1D" if operation.reduce == "max" else "GlobalAveragePooling1D", keepdims=False)
    if operation.reduce != "sum":
        return chain(table, pool)
    count = inputs[0][1]
    refuse(count is None, "it adds vectors whose number is open, and Keras averages them")
    return chain(table, pool, layer("Rescaling", "summed", scale=float(count or 0), offset=0.0))

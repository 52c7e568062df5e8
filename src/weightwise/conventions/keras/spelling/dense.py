"""Dense layers and embeddings as layers of Keras (https://keras.io/api/layers/core_layers/)."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from weightwise.conventions.keras.spelling.activations import activated
from weightwise.conventions.keras.spelling.steps import chain, layer, refuse, run, taken
from weightwise.conventions.program import SOURCE, Program
from weightwise.conventions.spelling import Feed, Filled, Same, Spelled, Step
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.contraction import Contraction, numbered
from weightwise.ops.dense import Dense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding
from weightwise.ops.features import feature_names, varying
from weightwise.ops.operand import Beside, Operand
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
    settings: dict[str, Any] = {"output_shape": list(operation.output), "bias_axes": operation.bias or None}
    return chain(layer("EinsumDense", equation=operation.equation, activation=name, **settings), *after)


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
    settings: dict[str, Any] = {
        "output_shape": [*sizes, *operation.outputs],
        "bias_axes": made if operation.bias else None,
    }
    return chain(layer("EinsumDense", "", feeds, equation=equation, activation="linear", **settings))


def _contracted(operation: Contraction, entering: str, made: str) -> dict[str, Feed]:
    """Return the arrays with the axes of the source by the letters of the equation."""
    sources = zip((f"in_{letter}" for letter in entering), numbered("in", len(entering)).split(), strict=True)
    targets = zip((f"out_{letter}" for letter in made), numbered("out", len(made)).split(), strict=True)
    names = {**dict(sources), **dict(targets)}
    return {role: Same(role, names) for role in operation.roles()}


def spelled_operand(operation: Operand, inputs: Sequence[Shape]) -> Spelled:
    """Return an array beside a tensor, value by value, as a dense layer whose equation sums over nothing."""
    refuse(not inputs, "the number of its input's axes is not known")
    fits = all(inputs[0][axis] == operation.shape[axis] for axis in operation.axes)
    refuse(not fits, "its array is longer than its input, which would be repeated")
    refuse(operation.how not in ("add", "multiply"), "Keras's layers multiply by what they learned, or add it, alone")
    return chain(*_beside(operation.how, operation.axes, inputs[0]))


def spelled_scale(operation: Operand, inputs: Sequence[Shape]) -> Spelled:
    """Return ConvNeXt's LayerScale, where the array is one of scales along the last axis."""
    if operation.how != "multiply" or len(operation.shape) != 1:
        return spelled_operand(operation, inputs)
    return chain(
        layer("keras.src.applications.convnext.LayerScale", projection_dim=operation.shape[0], init_values=1.0)
    )


def _beside(how: str, axes: Sequence[int], shape: Shape, fill: float = 1.0, name: str = "") -> tuple[Step, ...]:
    """Return a layer that multiplies by the source's array, or by a number that fills the kernel to add the array."""
    letters = ascii_lowercase[: len(shape)]
    own = "".join(letters[axis] for axis in axes)
    refuse(not own or letters[0] in own, "its array has one value, or some for each example of a batch")
    array = Same("other", {f"each_{letter}": term for letter, term in zip(own, feature_names(axes), strict=True)})
    filled = Filled(fill, "the layer does nothing but to add its bias")
    adds = how == "add"
    feeds: dict[str, Feed] = {"kernel": filled, "bias": array} if adds else {"kernel": array}
    settings: dict[str, Any] = {"output_shape": list(shape[1:]), "bias_axes": own if adds else None}
    equation = f"{letters},{own[-1] if adds else own}->{letters}"
    return (layer("EinsumDense", name, feeds, equation=equation, activation="linear", **settings),)


def spelled_beside(operation: Beside, inputs: Sequence[Shape]) -> Spelled:
    """Return an array side by side with a tensor: the bias of a layer whose input is a slice of it times zero."""
    refuse(not inputs, "the shape of its input is not known")
    axis, count = operation.axis % len(inputs[0]), operation.shape[operation.axis]
    size = inputs[0][axis]
    refuse(size is None or size < count, "its input may be shorter along the axis than the array")
    shape = (*inputs[0][:axis], count, *inputs[0][axis + 1 :])
    fits = all(one in (None, other) for one, other in zip(shape[1:], operation.shape[1:], strict=True))
    refuse(not fits, "its array does not have the sizes of its input")
    program = Program()
    first = program.add(taken(axis, run(0, count), "slice"), SOURCE)
    nothing = program.add(layer("Rescaling", "nothing", scale=0.0, offset=0.0), first)
    (step,) = _beside("add", varying(operation.shape), shape, 0.0, "array")
    array = program.add(step, nothing)
    pair = (array, SOURCE) if operation.first else (SOURCE, array)
    return program.spelled(program.add(layer("Concatenate", axis=axis), *pair))


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

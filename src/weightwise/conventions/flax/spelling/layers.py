"""How Flax spells layers that are weighted sums, tables and normalizations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.flax.normalization import LEAST
from weightwise.conventions.flax.spelling.program import Program
from weightwise.conventions.flax.spelling.values import Shapes, Spelling, activated, one, only_shape
from weightwise.conventions.spelling import INPUT, Output, Same, Spelled, Step
from weightwise.errors import UnsupportedError
from weightwise.ops.bags import EmbeddingBag
from weightwise.ops.contraction import Contraction
from weightwise.ops.dense import Dense
from weightwise.ops.einsum import Einsum
from weightwise.ops.embedding import Embedding, Unembedding
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm
from weightwise.ops.operation import Operation

MOMENTUM = "its momentum, which matters in training alone, is linen's 0.99"


def _unbiased(bias: bool) -> dict[str, Any]:
    return {} if bias else {"use_bias": False}


def _refuse_pair(adaptation: float | None) -> None:
    if adaptation is not None:
        raise UnsupportedError("linen has no low-rank pair beside a kernel; merge it into the kernel first")


def _dense(operation: Dense, inputs: Shapes) -> Spelled:
    _refuse_pair(operation.adaptation)
    config = {"features": operation.units, **_unbiased(operation.bias)}
    return activated((Step("linen.Dense", config),), operation.activation)


def _contraction(operation: Contraction, inputs: Shapes) -> Spelled:
    each = {"batch_dims": tuple(range(operation.each))} if operation.each else {}
    axes = {} if operation.axes == (-1,) else {"axis": operation.axes}
    return one("linen.DenseGeneral", features=operation.outputs, **axes, **each, **_unbiased(operation.bias))


def _einsum(operation: Einsum, inputs: Shapes) -> Spelled:
    _refuse_pair(operation.adaptation)
    _, kernel, leaving = operation.equation.replace("->", ",").replace("...", "").split(",")
    sizes = operation.sizes([only_shape(inputs)])
    names = [operation.name(letter) for letter in kernel]
    if any(name not in sizes for name in names):
        raise UnsupportedError("the sizes of its kernel are not all known")
    if operation.bias and set(operation.bias) != set(leaving) & set(kernel):
        raise UnsupportedError("the bias of linen's Einsum runs along all axes that the kernel has in the output")
    config = {
        "shape": tuple(sizes[name] for name in names),
        "einsum_str": operation.equation,
        **_unbiased(bool(operation.bias)),
    }
    return activated((Step("linen.Einsum", config),), operation.activation)


def _embedding(operation: Embedding, inputs: Shapes) -> Spelled:
    _refuse_pair(operation.adaptation)
    if operation.quantized:
        raise UnsupportedError("linen has no table of bytes")
    if operation.reverse:
        raise UnsupportedError("linen has no second table for the way back")
    notes = ("linen does not mark index 0 as padding",) if operation.mask_zero else ()
    step = Step("linen.Embed", {"num_embeddings": operation.vocabulary, "features": operation.features})
    return Spelled((step,), notes=notes)


def _unembedding(operation: Unembedding, inputs: Shapes) -> Spelled:
    """Return a dense layer whose kernel is the table, or the one for the way back."""
    role = "table" if operation.tied else "reverse"
    feeds = {"kernel": Same(role, {"in": "features", "out": "vocab"})}
    program = Program()
    notes = (
        ("its table is the embedding's own in the source, and an array beside it in linen",) if operation.tied else ()
    )
    y = program.add("linen.Dense", Output(INPUT), feeds=feeds, features=operation.vocabulary, use_bias=False)
    if operation.cap is not None:
        y = program.add("rescale", y, name="small", scale=1 / operation.cap)
        y = program.add("tanh", y, name="bounded")
        y = program.add("rescale", y, name="cap", scale=operation.cap)
    return program.spelled(y, notes=notes)


def _bag(operation: EmbeddingBag, inputs: Shapes) -> Spelled:
    """Return an embedding whose vectors are reduced, for bags of one size."""
    if len(inputs) != 1 or operation.padding is not None:
        raise UnsupportedError("its bags are not all of one size")
    program = Program()
    config: dict[str, Any] = {"num_embeddings": operation.vocabulary, "features": operation.features}
    vectors = program.add("linen.Embed", Output(INPUT), **config)
    return program.spelled(program.add(operation.reduce, vectors, name="reduced", axis=1))


def _learned(operation: Norm) -> dict[str, Any]:
    """Return epsilon, and whether there is a scale and a bias where it has not both."""
    return {
        "epsilon": operation.epsilon,
        **({} if operation.scale else {"use_scale": False}),
        **_unbiased(operation.center),
    }


def _batch(operation: BatchNorm, inputs: Shapes) -> Spelled:
    if len(operation.axes) != 1:
        raise UnsupportedError("its statistics run along several axes")
    last = (-1, len(inputs[0]) - 1 if inputs else 1)  # without a graph the channels are last, as linen wants them
    axis = {} if operation.axes[0] in last else {"axis": operation.axes[0]}
    if operation.tracked:
        told = {} if operation.momentum is None else {"momentum": operation.momentum}
        step = Step("linen.BatchNorm", {"use_running_average": True, **axis, **told, **_learned(operation)})
        return Spelled((step,), notes=() if told else (MOMENTUM,))
    rank = len(only_shape(inputs))
    others = tuple(place for place in range(rank) if place != operation.axes[0] % rank)
    return _normalized(operation, "linen.LayerNorm", operation.axes, others)


def _axis(axes: Sequence[int]) -> int | tuple[int, ...]:
    return axes[0] if len(axes) == 1 else tuple(axes)


def _normalized(operation: Norm, class_name: str, axes: tuple[int, ...], over: tuple[int, ...]) -> Spelled:
    """Return a normalization with weights along some axes, whose statistics are over others.

    The variance is the mean square of the distances, as other frameworks compute it, and not a difference of squares.
    """
    settings: dict[str, Any] = _learned(operation)
    if isinstance(operation, RMSNorm):
        settings.pop("use_bias")
    if over != (-1,):
        settings["reduction_axes"] = _axis(over)
    if axes != (-1,):
        settings["feature_axes"] = _axis(axes)
    if not isinstance(operation, RMSNorm):
        settings["use_fast_variance"] = False
    return one(class_name, **settings)


def _layer(operation: LayerNorm, inputs: Shapes) -> Spelled:
    if not operation.centered:
        raise UnsupportedError("linen's LayerNorm takes the mean off before it divides by the deviation")
    return _normalized(operation, "linen.LayerNorm", operation.axes, operation.over or operation.axes)


def _rms(operation: RMSNorm, inputs: Shapes) -> Spelled:
    if operation.center:
        raise UnsupportedError("linen's RMSNorm has no bias")
    spelled = _normalized(operation, "linen.RMSNorm", operation.axes, operation.over or operation.axes)
    if not operation.least:
        return spelled
    (step,) = spelled.steps
    return replace(spelled, steps=(replace(step, config={**step.config, "epsilon": LEAST}),))


def _group(operation: GroupNorm, inputs: Shapes) -> Spelled:
    rank = len(inputs[0]) if inputs else 2
    if operation.axes not in ((-1,), (rank - 1,)):
        raise UnsupportedError("linen's GroupNorm has its channels last")
    fast = {"use_fast_variance": False}
    if operation.groups is None:
        return one("linen.InstanceNorm", **_learned(operation), **fast)
    return one("linen.GroupNorm", num_groups=operation.groups, **_learned(operation), **fast)


SPELLINGS: Mapping[type[Operation], Spelling] = {
    BatchNorm: _batch,
    Contraction: _contraction,
    Dense: _dense,
    Einsum: _einsum,
    Embedding: _embedding,
    EmbeddingBag: _bag,
    GroupNorm: _group,
    LayerNorm: _layer,
    RMSNorm: _rms,
    Unembedding: _unembedding,
}

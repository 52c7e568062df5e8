"""Layers that do the same at every position of a sequence, as PyTorch has them.

What reads the last axis alone does so anyway. A window over images, at every position of a
sequence of them, is one over an axis more, of size 1 along the sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weightwise.conventions.layout import channels_first, channels_last
from weightwise.conventions.pytorch.spelling.convolution import spelled_conv
from weightwise.conventions.pytorch.spelling.pooling import spelled_pooling
from weightwise.conventions.pytorch.spelling.steps import chain, function, module, refuse
from weightwise.conventions.spelling import Same, Spelled
from weightwise.errors import UnsupportedError
from weightwise.ops.activation import Activation
from weightwise.ops.conv import Conv
from weightwise.ops.dense import Dense
from weightwise.ops.embedding import Embedding
from weightwise.ops.norm import BatchNorm, LayerNorm
from weightwise.ops.operation import Operation, Shape
from weightwise.ops.pooling import Pooling
from weightwise.ops.rescaling import Rescaling
from weightwise.ops.reshaping import Flatten, Identity
from weightwise.ops.window import Window
from weightwise.ops.wrappers import TimeDistributed

Spell = Callable[[Operation, Sequence[Shape]], Spelled]
_ANYWAY = (Activation, Dense, Embedding, Identity, Rescaling)
"""Operations that do the same at every place of all axes but the last."""


def spelled_distributed(operation: TimeDistributed, inputs: Sequence[Shape], spell: Spell) -> Spelled:
    """Return the layer inside, for tensors with one axis more."""
    inner = operation.inner
    if isinstance(inner, _ANYWAY) or (isinstance(inner, LayerNorm) and all(axis < 0 for axis in inner.axes)):
        return spell(inner, inputs)
    if isinstance(inner, Flatten) and not inner.channels_first and (inner.start, inner.end) == (1, -1):
        return chain(module("Flatten", start_dim=2, end_dim=-1))
    refuse("the shape of its input is not known", not inputs)
    rank = len(inputs[0])
    if isinstance(inner, BatchNorm) and inner.axes == (-1,):
        return _turned(spell(replace(inner, axes=(1,)), [_moved(inputs[0])]), rank)
    if isinstance(inner, (Conv, Pooling)) and not inner.channels_first and inner.rank < 3:
        return _turned(_wider(inner, [_moved(inputs[0])]), rank)
    raise UnsupportedError(f"PyTorch has no module that does a {type(inner).__name__} at every position")


def _moved(shape: Shape) -> Shape:
    return (shape[0], shape[-1], *shape[1:-1])


def _turned(spelled: Spelled, rank: int) -> Spelled:
    """Return steps that read channels first, between two permutations."""
    first = function("permute", "channels_first", dims=channels_first(rank))
    last = function("permute", "channels_last", dims=channels_last(rank))
    return chain(first, *spelled.steps, last, notes=spelled.notes)


def _wider(inner: Conv | Pooling, inputs: Sequence[Shape]) -> Spelled:
    """Return a convolution or a pooling with one more axis before its own, along which its window has one element."""
    own = inner.window
    padding = own.padding if isinstance(own.padding, str) else ((0, 0), *own.padding)
    refuse("its padding is causal", padding == "causal")
    one = (1, *own.size), (1, *own.strides), (1, *own.dilation)
    window = replace(inner, window=Window(*one, padding, own.beyond, own.ceil), channels_first=True)
    if isinstance(window, Pooling):
        return spelled_pooling(window, inputs)
    spelled = spelled_conv(window, inputs)
    before = "kd" if window.rank == 3 else "kh"
    steps = [
        replace(step, feeds={**step.feeds, "kernel": Same("kernel", {before: "1"})})
        if step.config["parameters"]
        else step
        for step in spelled.steps
    ]
    return chain(*steps, notes=spelled.notes)

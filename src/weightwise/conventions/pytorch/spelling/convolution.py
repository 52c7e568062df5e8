"""Convolutions as modules of PyTorch (https://docs.pytorch.org/docs/stable/nn.html#convolution-layers).

A module pads both ends of an axis alike. TensorFlow's `same` with strides, and `causal`, do not: what they add is a
module of its own before the convolution, and numbers, which need the size of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.pytorch.spelling.activations import activation
from weightwise.conventions.pytorch.spelling.steps import (
    alike,
    axis_size,
    chain,
    function,
    module,
    refuse,
    size_or_open,
    with_bias,
)
from weightwise.conventions.spelling import Same, Spelled, Step
from weightwise.ops.conv import Conv
from weightwise.ops.depthwise import DepthwiseConv, SeparableConv
from weightwise.ops.operation import Shape, spatial_names
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

_MODES = {"zeros": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
_PADS = {"zeros": "ZeroPad", "reflect": "ReflectionPad", "edge": "ReplicationPad", "wrap": "CircularPad"}
_DEPTHWISE = {"groups": "in", "in/groups": "1", "out/groups": "mult"}
"""A depthwise kernel is a grouped one with as many groups as channels."""

Edges = tuple[tuple[int, int], ...]


def spelled_conv(operation: Conv, inputs: Sequence[Shape]) -> Spelled:
    """Return the convolution, after what pads it and before its activation."""
    refuse(
        "its kernel is adapted by a low-rank pair, for which PyTorch has no module", operation.adaptation is not None
    )
    return chain(
        *_convolved(
            operation.window,
            inputs,
            in_channels=size_or_open(axis_size(inputs, 1)),
            out_channels=operation.filters,
            groups=operation.groups,
            parameters=with_bias(operation.bias),
        ),
        *activation(operation.activation),
    )


def spelled_depthwise(operation: DepthwiseConv, inputs: Sequence[Shape]) -> Spelled:
    """Return a convolution with a group for each channel."""
    feeds = {"kernel": Same("kernel", _DEPTHWISE), "bias": Same("bias", {"out": "(in mult)"})}
    steps = _depthwise(operation, inputs, feeds=feeds, parameters=with_bias(operation.bias))
    return chain(*steps, *activation(operation.activation))


def spelled_separable(operation: SeparableConv, inputs: Sequence[Shape]) -> Spelled:
    """Return a convolution with a group for each channel, and one that mixes the channels of each place."""
    feeds = {"kernel": Same("depthwise", _DEPTHWISE)}
    steps = _depthwise(operation, inputs, name="depthwise", feeds=feeds, parameters=["weight"])
    ones = dict.fromkeys(("groups", *spatial_names(operation.rank).split()), "1")
    mixing = module(
        f"Conv{operation.rank}d",
        **_extent(Window(*((1,) * operation.rank,) * 3, "valid")),
        in_channels=_channels(operation, inputs) * operation.mult,
        out_channels=operation.filters,
        groups=1,
        padding=0,
        padding_mode="zeros",
        parameters=with_bias(operation.bias),
        feeds={"kernel": Same("pointwise", {**ones, "in/groups": "(in mult)", "out/groups": "out"})},
    )
    return chain(*steps, replace(mixing, name="pointwise"), *activation(operation.activation))


def _depthwise(operation: DepthwiseConv | SeparableConv, inputs: Sequence[Shape], **settings: Any) -> tuple[Step, ...]:
    channels = _channels(operation, inputs)
    made = channels * operation.mult
    return _convolved(operation.window, inputs, in_channels=channels, out_channels=made, groups=channels, **settings)


def _channels(operation: DepthwiseConv | SeparableConv, inputs: Sequence[Shape]) -> int:
    size = axis_size(inputs, 1)
    refuse("its groups are the channels of its input, whose number is not known", size is None)
    return size or 0


def _convolved(window: Window, inputs: Sequence[Shape], name: str = "", **settings: Any) -> tuple[Step, ...]:
    """Return a convolution over the window, after a module that pads where it cannot do so itself."""
    before, padding = _padded(window, inputs)
    mode = _MODES[window.beyond] if not before and padding else "zeros"
    settings = {**_extent(window), "padding": padding, "padding_mode": mode, **settings}
    return (*before, module(f"Conv{window.rank}d", name, **settings))


def _extent(window: Window) -> dict[str, Any]:
    return {"kernel_size": window.size, "stride": window.strides, "dilation": window.dilation}


def _padded(window: Window, inputs: Sequence[Shape]) -> tuple[tuple[Step, ...], Any]:
    """Return the modules that pad before a convolution, and what it pads itself: numbers, or `same`."""
    if window.padding == "valid":
        return (), 0
    edges = around(window, inputs)
    if all(before == after for before, after in edges):
        return (), alike([before for before, _ in edges])
    if window.padding == "same" and max(window.strides) == 1:
        return (), "same"
    return (pad(edges, window.beyond),), 0


def around(window: Window, inputs: Sequence[Shape]) -> Edges:
    """Return what a window needs before and after each axis of an input, channels first; refuses open sizes."""
    moving = window.padding == "same" and max(window.strides) > 1
    sizes = inputs[0][2:] if inputs else (None,) * window.rank
    refuse("what its padding `same` adds depends on the size of its input, which is open", moving and None in sizes)
    return tuple(window.around(axis, size or 1) for axis, size in enumerate(sizes))


def pad(edges: Edges, beyond: str = "zeros", name: str = "padding", **settings: Any) -> Step:
    """Return the module that adds elements around each spatial axis, which it lists from the last to the first."""
    listed = tuple(size for pair in reversed(edges) for size in pair)
    class_name = "ConstantPad" if settings else _PADS[beyond]
    return module(f"{class_name}{len(edges)}d", name, padding=listed, **settings)


def crop(edges: Edges) -> tuple[Step, ...]:
    """Return the operators that cut elements off before and after each spatial axis, channels first."""
    cuts = [(axis, *pair) for axis, pair in enumerate(edges, 2) if any(pair)]
    return tuple(
        function(
            "slice", f"crop_{axis}" if len(cuts) > 1 else "crop", dim=axis, start=before, end=-after or None, step=1
        )
        for axis, before, after in cuts
    )


def spelled_transposed(operation: TransposedConv, inputs: Sequence[Shape]) -> Spelled:
    """Return the transposed convolution; of what it cuts off PyTorch takes as much after an axis as before, or less."""
    window = operation.window
    refuse("what it spreads over the edges wraps around, which PyTorch has not", window.beyond != "zeros")
    edges = [window.around(axis, 1) for axis in range(window.rank)]
    own = [_own_cut(window, axis, *pair) for axis, pair in enumerate(edges)]
    left = tuple((before - cut[0], after - cut[1]) for (before, after), cut in zip(edges, own, strict=True))
    refuse("it adds more at the edges of its output than PyTorch can", any(after < 0 for _, after in left))
    transposed = module(
        f"ConvTranspose{window.rank}d",
        in_channels=size_or_open(axis_size(inputs, 1)),
        out_channels=operation.filters,
        kernel_size=window.size,
        stride=window.strides,
        padding=tuple(before for before, _ in own),
        output_padding=tuple(before - after for before, after in own),
        groups=operation.groups,
        dilation=window.dilation,
        padding_mode="zeros",
        parameters=with_bias(operation.bias),
    )
    return chain(transposed, *crop(left), *activation(operation.activation))


def _own_cut(window: Window, axis: int, before: int, after: int) -> tuple[int, int]:
    """Return what PyTorch cuts off an axis itself: p before, and p less its output padding after."""
    refuse("it adds at the beginning of its output, which PyTorch cannot", before < 0)
    return before, max(min(before, after), before + 1 - _room(window, axis))


def _room(window: Window, axis: int) -> int:
    """Return what the output padding must be below."""
    return max(window.strides[axis], window.dilation[axis])


__all__ = ["around", "crop", "pad", "spelled_conv", "spelled_depthwise", "spelled_separable", "spelled_transposed"]

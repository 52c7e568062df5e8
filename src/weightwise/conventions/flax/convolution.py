"""Convolutions of Flax (https://github.com/google/flax/blob/v0.12.8/flax/linen/linear.py, flax/nnx/nn/linear.py).

A transposed convolution is a correlation with a spread input, so that its kernel is turned round by the definition of
scattering; with `transpose_kernel` it is not, and has its outputs before its inputs
(https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions.flax.settings import either, features, numbers, use_bias, without
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.conv import Conv
from weightwise.ops.local import LocallyConnected
from weightwise.ops.operation import Operation, ShapeError, spatial_axes, spatial_names
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.uncomputed import Uncomputed
from weightwise.ops.window import Padding, Window
from weightwise.ops.wrappers import TimeDistributed

Parts = Sequence[Description]


def rank_of(config: Config) -> int:
    """Return the number of spatial axes."""
    return len(numbers(config["kernel_size"]))


def spatial(config: Config, inputs: Shapes) -> Mapping[str, str]:
    """Return the axes of the window."""
    return {"window": spatial_names(rank_of(config))}


def _backwards(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"window": " ".join(f"-{name}" for name in spatial_names(rank_of(config)).split())}


def _places(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"places": " ".join(spatial_axes(rank_of(config), False)[:-1])}


def _places_and_window(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {**_places(config, inputs), **spatial(config, inputs)}


def _spreads(config: Config) -> bool:
    """Return whether a convolution spreads its input, and is by that a transposed one."""
    plain = config.get("mask") is None and max(numbers(config.get("strides") or 1)) == 1
    padded = not isinstance(config.get("padding", "SAME"), str)
    return plain and padded and max(numbers(config.get("input_dilation") or 1)) > 1


def _turned(config: Config) -> bool:
    return bool(config.get("transpose_kernel", False))


_GROUPED = "in/groups (groups out/groups)"
_CONV, _TRANSPOSED, _LOCAL = either("Conv"), either("ConvTranspose"), "linen.ConvLocal"

ROWS = (
    Row(_CONV, "kernel", "kernel", f"...window {_GROUPED}", when=without(_spreads), expand=spatial),
    Row(_CONV, "kernel", "kernel", f"...window {_GROUPED}", when=_spreads, expand=_backwards),
    Row(_TRANSPOSED, "kernel", "kernel", "...window in out", when=without(_turned), expand=_backwards),
    Row(_TRANSPOSED, "kernel", "kernel", "...window out in", when=_turned, expand=spatial),
    Row(f"{_CONV} {_TRANSPOSED}", "bias", role="bias", axes="out", when=use_bias),
    Row(_LOCAL, "kernel", role="kernel", axes="...places (in ...window) out", expand=_places_and_window),
    Row(_LOCAL, "bias", role="bias", axes="...places out", when=use_bias, expand=_places),
)


def window_of(config: Config, padding: Padding = "valid") -> Window:
    """Return the window without its padding."""
    rank = rank_of(config)
    size, strides, dilation = (
        sizes_of(config.get(key) or 1, rank) for key in ("kernel_size", "strides", "kernel_dilation")
    )
    return Window(size, strides, dilation, padding)


def padded(config: Config) -> Window:
    """Return the window of a convolution with its padding; raises `ShapeError` for one that is not known."""
    window, padding = window_of(config), config.get("padding", "SAME")
    if not isinstance(padding, str):
        return replace(window, padding=_pairs(padding, window.rank))
    if padding in _BEYOND:
        around = ((window.extent(axis) - 1, window.extent(axis)) for axis in range(window.rank))
        return replace(window, padding=tuple((one // 2, two // 2) for one, two in around), beyond=_BEYOND[padding])
    if padding.lower() not in ("same", "same_lower", "valid", "causal"):
        raise ShapeError(f"weightwise does not know the padding {padding!r} of a convolution")
    return replace(window, padding=padding.lower().removesuffix("_lower"))


_BEYOND = {"CIRCULAR": "wrap", "REFLECT": "reflect"}


def _pairs(padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Return the elements before and after each axis, of which Flax takes one number for all or for both."""
    given = (padding,) * rank if isinstance(padding, int) else padding
    pairs = tuple((each, each) if isinstance(each, int) else tuple(each) for each in given)
    if len(pairs) != rank or any(len(numbers(pair)) != 2 for pair in pairs):
        raise ShapeError(f"expected a padding of {rank} pairs of numbers, found {padding!r}")
    return pairs


def _cut(window: Window, config: Config) -> tuple[tuple[int, int], ...]:
    """Return what is cut off before and after each axis of a transposed convolution; below zero, zeros are added.

    JAX pads the spread input, by which it says the same: a window of k elements has k - 1 places beyond each edge.
    """
    padding = config.get("padding", "SAME")
    if not isinstance(padding, str):
        pairs = enumerate(_pairs(padding, window.rank))
        return tuple((window.extent(axis) - 1 - one, window.extent(axis) - 1 - two) for axis, (one, two) in pairs)
    if padding != "CIRCULAR" and padding not in ("SAME", "VALID"):
        raise ShapeError(f"weightwise does not know the padding {padding!r} of a transposed convolution")
    sizes = ((window.extent(axis), window.strides[axis]) for axis in range(window.rank))
    return tuple(_cut_by_name(padding, extent, stride, _turned(config)) for extent, stride in sizes)


def _cut_by_name(padding: str, extent: int, stride: int, turned: bool) -> tuple[int, int]:
    more = extent - stride
    if padding == "VALID":
        return 0, min(more, 0)
    if padding == "SAME":
        before = 0 if stride > extent - 1 else more // 2
    else:
        before = (max(more, 0) + turned) // 2
    return before, more - before


def _conv(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    groups = config.get("feature_group_count", 1)
    if _spreads(config):
        return _spreading(config, groups)
    operation = _checked(Conv(padded(config), features(config), groups, bias=use_bias(config)), config)
    return at_every_place(operation, rank_of(config), inputs)


def at_every_place(operation: Operation, spatial_rank: int, inputs: Shapes) -> Operation:
    """Return an operation that treats axes between the batch and those that it knows as more of the batch.

    >>> at_every_place(Conv(Window((3,), (1,), (1,), "same"), 5), 1, [(None, 7, 8, 2)]).sentence()[:48]
    'does the same at every position of its sequence:'
    """
    more = len(inputs[0]) - spatial_rank - 2 if inputs else 0
    for _ in range(more):
        operation = TimeDistributed(operation)
    return operation


def _spreading(config: Config, groups: int) -> TransposedConv:
    """Return the transposed convolution that a convolution of a spread input is, its kernel turned round."""
    window = window_of(config)
    strides = sizes_of(config["input_dilation"], window.rank)
    window = replace(window, strides=strides, padding=_cut(window, config))
    return TransposedConv(window, features(config), groups, bias=use_bias(config))


def _local(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    return _checked(LocallyConnected(padded(config), features(config), bias=use_bias(config)), config)


def _transposed(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    window = window_of(config)
    beyond = "wrap" if config.get("padding") == "CIRCULAR" else "zeros"
    window = replace(window, padding=_cut(window, config), beyond=beyond)
    return _checked(TransposedConv(window, features(config), bias=use_bias(config)), config)


def _checked(operation: Operation, config: Config) -> Operation:
    """Return the operation, uncomputed where a setting has it compute otherwise."""
    if set(numbers(config.get("input_dilation") or 1)) != {1}:
        return Uncomputed(operation, "its input_dilation spreads the input", shaped=False)
    if config.get("mask") is not None:
        return Uncomputed(operation, "a mask takes some of its kernel away")
    if config.get("padding") in ("SAME_LOWER", "same_lower"):
        return Uncomputed(operation, "its padding SAME_LOWER adds the odd element before and not after")
    return operation


RULES = {
    **{f"{api}.Conv": Rule(_conv) for api in ("linen", "nnx")},
    **{f"{api}.ConvTranspose": Rule(_transposed) for api in ("linen", "nnx")},
    "linen.ConvLocal": Rule(_local),
}

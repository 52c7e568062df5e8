"""Convolutions of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/conv.py).

A kernel has its outputs first, and each of them has the channels of its own group; a transposed convolution has its
inputs first. Either way the groups are the slowest part of the first axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weightwise.conventions.pytorch.rows import RANKS
from weightwise.conventions.pytorch.settings import bias, count
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.conv import Conv
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.transposed import TransposedConv
from weightwise.ops.window import Window

_BEYOND = {"zeros": "zeros", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _conv(config: Config, rank: int) -> Operation:
    padding = config["padding"]
    around = padding if isinstance(padding, str) else tuple((size, size) for size in sizes_of(padding, rank))
    window = Window(*_extent(config, rank), around, _beyond(config))
    return Conv(window, count(config, "out_channels"), count(config, "groups"), **_common(config))


def _beyond(config: Config) -> str:
    """Return what is read in the padding; files from before 1.1 do not name it."""
    mode = config.get("padding_mode", "zeros")
    if mode not in _BEYOND:
        raise ShapeError(f"expected its padding_mode to be {', '.join(_BEYOND)}, found {mode!r}")
    return _BEYOND[mode]


def _transposed(config: Config, rank: int) -> Operation:
    sizes, added = (sizes_of(config[key], rank) for key in ("padding", "output_padding"))
    cut = tuple((size, size - more) for size, more in zip(sizes, added, strict=True))
    window = Window(*_extent(config, rank), cut)
    return TransposedConv(window, count(config, "out_channels"), count(config, "groups"), **_common(config))


def _extent(config: Config, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return the size, the strides and the dilation of the window."""
    size, strides, dilation = (sizes_of(config[key], rank) for key in ("kernel_size", "stride", "dilation"))
    return size, strides, dilation


def _common(config: Config) -> Mapping[str, Any]:
    return {"bias": bias(config), "channels_first": True}


def ranked(build: Callable[[Config, int], Operation], rank: int) -> Rule:
    """Return the rule of a class over `rank` spatial axes."""

    def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
        return build(config, rank)

    return Rule(operation)


RULES = {
    **{f"Conv{rank}d": ranked(_conv, rank) for rank in RANKS},
    **{f"ConvTranspose{rank}d": ranked(_transposed, rank) for rank in RANKS},
}

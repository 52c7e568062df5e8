"""Poolings of PyTorch (https://github.com/pytorch/pytorch/blob/v2.13.0/torch/nn/modules/pooling.py)."""

from __future__ import annotations

from functools import partial
from typing import Any

from weightwise.conventions.pytorch.convolution import ranked
from weightwise.conventions.pytorch.rows import RANKS
from weightwise.conventions.row import Config
from weightwise.conventions.rule import Rule, refuse, sizes_of
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.pooling import AdaptivePooling, Pooling
from weightwise.ops.window import Window


def _maximum(config: Config, rank: int) -> Operation:
    refuse(config, "return_indices")
    return Pooling("max", _window(config, rank, sizes_of(config["dilation"], rank)), channels_first=True)


def _average(config: Config, rank: int) -> Operation:
    window = _window(config, rank, (1,) * rank)
    counts, divisor = bool(config["count_include_pad"]), config.get("divisor_override")
    return Pooling("average", window, counts, divisor, channels_first=True)


def _window(config: Config, rank: int, dilation: tuple[int, ...]) -> Window:
    """Return the window, whose strides are its size where they are not set."""
    size = sizes_of(config["kernel_size"], rank)
    strides = size if config["stride"] is None else sizes_of(config["stride"], rank)
    around = tuple((edge, edge) for edge in sizes_of(config["padding"], rank))
    return Window(size, strides, dilation, around, ceil=bool(config["ceil_mode"]))


def _adaptive(reduce: str, config: Config, rank: int) -> Operation:
    refuse(config, "return_indices")
    sizes = config["output_size"]
    wanted = list(sizes) if isinstance(sizes, (list, tuple)) else [sizes] * rank
    return AdaptivePooling(reduce, tuple(map(_size, wanted)), channels_first=True)


def _size(value: Any) -> int | None:
    if value is not None and not isinstance(value, int):
        raise ShapeError(f"expected a whole number or None as its output_size, found {value!r}")
    return value


def _rules(rank: int) -> dict[str, Rule]:
    return {
        f"MaxPool{rank}d": ranked(_maximum, rank),
        f"AvgPool{rank}d": ranked(_average, rank),
        f"AdaptiveMaxPool{rank}d": ranked(partial(_adaptive, "max"), rank),
        f"AdaptiveAvgPool{rank}d": ranked(partial(_adaptive, "average"), rank),
    }


RULES = {name: rule for rank in RANKS for name, rule in _rules(rank).items()}

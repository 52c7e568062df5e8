"""Modules of PyTorch that change the sizes of images: padding and upsampling.

https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules: padding.py, upsampling.py
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from weightwise.conventions.pytorch.convolution import ranked
from weightwise.conventions.pytorch.rows import RANKS
from weightwise.conventions.pytorch.settings import number
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.padding import Padding, ZeroPadding
from weightwise.ops.resampling import Resampling
from weightwise.ops.uncomputed import Uncomputed

_EDGES = {"ReflectionPad": "reflect", "ReplicationPad": "edge", "CircularPad": "wrap"}
_LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}


def _zeros(config: Config, rank: int) -> Operation:
    return ZeroPadding(_around(config, rank), channels_first=True)


def _constant(config: Config, rank: int) -> Operation:
    return Padding(_around(config, rank), value=number(config, "value"), channels_first=True)


def _edges(beyond: str, config: Config, rank: int) -> Operation:
    return Padding(_around(config, rank), beyond, channels_first=True)


def _around(config: Config, rank: int) -> tuple[tuple[int, int], ...]:
    """Return what is added before and after each axis, which PyTorch lists from the last axis to the first."""
    edges = sizes_of(config["padding"], 2 * rank)
    return tuple((edges[2 * axis], edges[2 * axis + 1]) for axis in reversed(range(rank)))


def _upsample(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    mode = config["mode"]
    rank = len(inputs[0]) - 2 if inputs else _rank(config)
    size, factor = config["size"], config["scale_factor"]
    sizes = None if size is None else sizes_of(size, rank)
    factors = None if factor is None else _factors(factor, rank)
    options: dict[str, Any] = {
        "interpolation": "linear" if mode in (*_LINEAR, "bicubic") else mode,
        "corners": bool(config["align_corners"]),
        "whole": bool(config.get("recompute_scale_factor")),
        "channels_first": True,
    }
    operation = Resampling(rank, sizes, factors, **options)
    return Uncomputed(operation, "its interpolation is bicubic") if mode == "bicubic" else operation


def _rank(config: Config) -> int:
    """Return the number of spatial axes that the settings tell; raises `ShapeError` where they do not."""
    for key in ("size", "scale_factor"):
        if isinstance(config[key], (list, tuple)):
            return len(config[key])
    if config["mode"] not in {**_LINEAR, "bicubic": 2}:
        raise ShapeError("how many axes it makes larger follows from the shape of its input, which is not known")
    return _LINEAR.get(config["mode"], 2)


def _factors(value: Any, rank: int) -> tuple[float, ...]:
    factors = value if isinstance(value, (list, tuple)) else (value,) * rank
    if len(factors) != rank or not all(isinstance(factor, (int, float)) for factor in factors):
        raise ShapeError(f"expected {rank} numbers as its scale_factor, found {value!r}")
    return tuple(map(float, factors))


RULES = {
    **{f"ZeroPad{rank}d": ranked(_zeros, rank) for rank in RANKS},
    **{f"ConstantPad{rank}d": ranked(_constant, rank) for rank in RANKS},
    **{f"{name}{rank}d": ranked(partial(_edges, beyond), rank) for name, beyond in _EDGES.items() for rank in RANKS},
    **dict.fromkeys(("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"), Rule(_upsample)),
}

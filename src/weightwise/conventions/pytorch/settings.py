"""What PyTorch's tables read of a configuration: the numbers in it, and the names of the arrays that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weightwise.conventions.row import Config
from weightwise.ops.operation import ShapeError


def has(name: str) -> Callable[[Config], bool]:
    """Return the predicate of configurations with a parameter or a buffer of this name."""
    return lambda config: name in config.get("parameters", ()) or name in config.get("buffers", ())


bias = has("bias")


def count(config: Config, key: str) -> int:
    """Return a whole number of the configuration, 1 or more; raises `ShapeError` for anything else."""
    value = config[key]
    if not isinstance(value, int) or value < 1:
        raise ShapeError(f"expected its {key} to be a whole number above 0, found {value!r}")
    return value


def whole(value: Any) -> int:
    """Return a whole number; raises `ShapeError` for anything else."""
    if type(value) is not int:
        raise ShapeError(f"expected a whole number, found {value!r}")
    return value


def wholes(value: Any) -> tuple[int, ...]:
    """Return a whole number, or several; raises `ShapeError` for anything else."""
    return tuple(map(whole, value)) if isinstance(value, (list, tuple)) else (whole(value),)


def number(config: Config, key: str) -> float:
    """Return a number of the configuration; raises `ShapeError` for anything else."""
    value = config[key]
    if not isinstance(value, (int, float)):
        raise ShapeError(f"expected its {key} to be a number, found {value!r}")
    return float(value)


def channel_axis(rank: int | None) -> int:
    """Return the axis of the channels: 1, or -1 where that is known to be the last axis."""
    return -1 if rank == 2 else 1

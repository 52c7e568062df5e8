"""How a Keras class becomes a neutral operation, and its rows the arrays that must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from weightwise.axes import parse
from weightwise.conventions.row import Config, Description, Part, Row, Shapes, Slot
from weightwise.ops.operation import Operation, ShapeError


def no_parts(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    """Return no parts: the layer contains no other."""
    return ()


@dataclass(frozen=True)
class Rule:
    """What a class computes: its operation, from its configuration, its input shapes and its parts' descriptions."""

    operation: Callable[[Config, Shapes, Sequence[Description]], Operation]
    parts: Callable[[Config, Shapes], tuple[Part, ...]] = no_parts


def rows_of(class_name: str, rows: Iterable[Row], config: Config) -> list[Row]:
    """Return the rows of a class that its configuration calls for, in order."""
    return [row for row in rows if class_name in row.layer.split() and row.when(config)]


def slots_of(rows: Sequence[Row], operation: Operation, config: Config, inputs: Shapes) -> Iterator[Slot]:
    """Yield the arrays that the rows call for, numbered as the file numbers them."""
    sizes = operation.sizes(inputs)
    for place, row in enumerate(rows):
        axes = row.axes
        if row.expand is not None:
            axes = str(parse(axes).expand(**row.expand(config, inputs)))
        slot = place if row.slot is None else row.slot
        yield Slot(str(slot), row.name, row.role, axes, row.trainable, sizes)


def use_bias(config: Config) -> bool:
    """Return whether the layer has a bias; every Keras class has one by default."""
    return bool(config.get("use_bias", True))


def activation(config: Config, key: str = "activation") -> str:
    """Return the neutral name of the activation that `config[key]` names; raises `ShapeError` for an unknown one."""
    value: Any = config.get(key)
    if isinstance(value, dict):
        value = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
    if value is None:
        return "linear"
    if not isinstance(value, str):
        raise ShapeError(f"its {key} is {value!r}, which is no name of a function")
    return value


def channels_first(config: Config) -> bool:
    """Return whether the layer keeps its channels before the spatial axes."""
    return config.get("data_format") == "channels_first"


def sizes_of(value: Any, rank: int) -> tuple[int, ...]:
    """Return `rank` sizes from Keras's number or list of numbers; raises `ShapeError`."""
    sizes = (value,) * rank if isinstance(value, int) else value
    if not isinstance(sizes, (list, tuple)) or len(sizes) != rank or not all(isinstance(s, int) for s in sizes):
        raise ShapeError(f"expected {rank} whole numbers, found {value!r}")
    return tuple(sizes)

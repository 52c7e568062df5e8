"""How a Keras class becomes a neutral operation, and its rows the arrays that must be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from weightwise.axes import parse
from weightwise.conventions.keras.functions import neutral
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
    arrange: Callable[[Sequence[Slot]], Sequence[Slot]] = tuple
    """Brings the slots, the layer's own before those of its parts, to the order of `get_weights()` if it is another."""


def rows_of(class_name: str, rows: Iterable[Row], config: Config) -> list[Row]:
    """Return the rows of a class that its configuration calls for, in order."""
    return [row for row in rows if class_name in row.layer.split() and row.when(config)]


def slots_of(rows: Sequence[Row], operation: Operation, config: Config, inputs: Shapes) -> Iterator[Slot]:
    """Yield the arrays that the rows call for, numbered as the file numbers them."""
    sizes = operation.sizes(inputs)
    return (replace(slot, sizes=sizes) for slot in unsized_slots(rows, config, inputs))


def unsized_slots(rows: Sequence[Row], config: Config, inputs: Shapes = ()) -> Iterator[Slot]:
    """Yield the arrays that the rows call for, without the sizes that a whole configuration would fix."""
    places: Counter[str] = Counter()
    for row in rows:
        axes = row.axes
        if row.expand is not None:
            axes = str(parse(axes).expand(**row.expand(config, inputs)))
        number = str(places[row.inside] if row.slot is None else row.slot)
        places[row.inside] += 1
        key = joined(row.inside, number) if row.stored else ""
        former = joined(row.formerly, number) if row.formerly else ""
        yield Slot(key, row.name, row.role, axes, row.trainable, former=former, at=row.at)


def joined(prefix: str, name: str) -> str:
    """Return a name within a prefix, either of which may be empty."""
    return f"{prefix}/{name}" if prefix and name else prefix or name


def class_of(layer: Config) -> str:
    """Return the class of a layer that is written inside another, with its package where it is somebody else's."""
    registered = layer.get("registered_name")
    return registered if isinstance(registered, str) and ">" in registered else str(layer["class_name"])


def use_bias(config: Config) -> bool:
    """Return whether the layer has a bias; every Keras class has one by default."""
    return bool(config.get("use_bias", True))


def activation(config: Config, key: str = "activation") -> str:
    """Return the neutral spelling of the activation that `config[key]` is; raises `ShapeError` for what is none."""
    return neutral(config.get(key))


def lora(config: Config) -> bool:
    """Return whether the layer has a low-rank adaptation, which freezes its kernel."""
    return bool(config.get("lora_rank"))


def adaptation(config: Config) -> float | None:
    """Return what Keras multiplies the product of the low-rank pair by; None where the layer has no pair."""
    rank = config.get("lora_rank")
    return (config.get("lora_alpha") or rank) / rank if rank else None


def refuse(config: Config, *names: str) -> None:
    """Raise `ShapeError` when one of these settings, or arguments of the call, is given: it changes the output."""
    for name in names:
        if config.get(name):
            raise ShapeError(f"its {name} is set, and weightwise cannot compute that yet")


def channels_first(config: Config) -> bool:
    """Return whether the layer keeps its channels before the spatial axes."""
    return config.get("data_format") == "channels_first"


def sizes_of(value: Any, rank: int) -> tuple[int, ...]:
    """Return `rank` sizes from Keras's number or list of numbers; raises `ShapeError`."""
    sizes = (value,) * rank if isinstance(value, int) else value
    if not isinstance(sizes, (list, tuple)) or len(sizes) != rank or not all(isinstance(s, int) for s in sizes):
        raise ShapeError(f"expected {rank} whole numbers, found {value!r}")
    return tuple(sizes)

"""How a class of layers becomes a neutral operation, and its rows the arrays that must be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from weightwise.axes import parse
from weightwise.conventions.row import Config, Description, Part, Row, Shapes, Slot
from weightwise.ops.operation import Operation, ShapeError
from weightwise.records import dataclass


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


def slots_of(
    rows: Sequence[Row], operation: Operation, config: Config, inputs: Shapes, by_name: bool = False
) -> Iterator[Slot]:
    """Yield the arrays that the rows call for, with the keys that the file gives them: names or numbers."""
    sizes = operation.sizes(inputs)
    return (replace(slot, sizes={**slot.sizes, **sizes}) for slot in unsized_slots(rows, config, inputs, by_name))


def unsized_slots(rows: Sequence[Row], config: Config, inputs: Shapes = (), by_name: bool = False) -> Iterator[Slot]:
    """Yield the arrays that the rows call for, without the sizes that a whole configuration would fix."""
    places: Counter[str] = Counter()
    for row in rows:
        axes = row.axes
        if row.expand is not None:
            axes = str(parse(axes).expand(**row.expand(config, inputs)))
        place = row.name if by_name else str(places[row.inside] if row.slot is None else row.slot)
        places[row.inside] += 1
        key = "" if row.made else joined(row.inside, place)
        former = joined(row.formerly, place) if row.formerly else ""
        sizes = row.sizes(config) if row.sizes else {}
        yield Slot(key, row.name, row.role, axes, row.trainable, sizes, former=former, at=row.at, made=row.made)


def joined(prefix: str, name: str) -> str:
    """Return a name within a prefix, either of which may be empty."""
    return f"{prefix}/{name}" if prefix and name else prefix or name


def refuse(config: Config, *names: str) -> None:
    """Raise `ShapeError` when one of these settings, or arguments of the call, is given: it changes the output."""
    for name in names:
        if config.get(name):
            raise ShapeError(f"its {name} is set, and weightwise cannot compute that yet")


def sizes_of(value: Any, rank: int) -> tuple[int, ...]:
    """Return `rank` sizes from Keras's number or list of numbers; raises `ShapeError`."""
    sizes = (value,) * rank if isinstance(value, int) else value
    if not isinstance(sizes, (list, tuple)) or len(sizes) != rank or not all(isinstance(s, int) for s in sizes):
        raise ShapeError(f"expected {rank} whole numbers, found {value!r}")
    return tuple(sizes)

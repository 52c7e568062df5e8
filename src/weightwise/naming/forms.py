"""The forms of the classes of a table: which arrays a class has with a bias or without one, with a scale or without …

A file without configurations says nothing of the settings that decide it, so each combination is one form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import product

from weightwise.conventions.row import Config, Row, Shapes, Slot
from weightwise.conventions.rule import joined, rows_of, unsized_slots
from weightwise.conventions.table import Table
from weightwise.naming.slots import last_name
from weightwise.records import dataclass

SETTINGS: Mapping[str, tuple[object, ...]] = {
    "use_bias": (True, False),
    "use_scale": (True, False),
    "center": (True, False),
    "scale": (True, False),
    "reset_after": (True, False),
    "bias_axes": ("", "any"),
    "bias": (True, False),
    "dim_ordering": ("tf", "th"),
    "consume_less": ("cpu", "gpu"),
}
"""The settings that decide which arrays a class has, and their values, the first of them by default."""
DEFAULTS = {name: values[0] for name, values in SETTINGS.items()}
CELLS = {"SimpleRNN": "SimpleRNNCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}
"""Layers whose arrays are those of the cell inside them."""


@dataclass(frozen=True)
class Form:
    """One form of a class."""

    class_name: str
    config: Config
    rows: tuple[Row, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its variables, sorted."""
        return tuple(sorted(last_name(row.name) for row in self.rows))

    @property
    def axes(self) -> tuple[tuple[str, str], ...]:
        """The names and the axes of its variables, as far as its settings tell them."""
        return tuple((slot.name, slot.axes) for slot in self.slots({}, ()))

    def slots(self, config: Config, inputs: Shapes) -> list[Slot]:
        """Return its arrays with what is known beside its settings; axes that more would tell stay as `...name`."""
        known = {**config, **self.config}
        slots = unsized_slots([_closed(row, known, inputs) for row in self.rows], known, inputs)
        inside = "cell" if self.class_name in CELLS else ""
        return [replace(slot, key=joined(inside, slot.key)) for slot in slots]


class Forms:
    """All forms of all classes of a table, made when they are asked for."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table
        self._made: dict[str, list[Form]] = {}

    @cached_property
    def classes(self) -> list[str]:
        """The classes that a layer can have."""
        hidden = self.table.newer.union(CELLS.values())
        return [name for name in self.table.rules if name not in hidden]

    def of(self, class_name: str) -> list[Form]:
        """Return the forms of a class."""
        if class_name not in self._made:
            self._made[class_name] = list(_forms(class_name, self.table))
        return self._made[class_name]

    def having(self, names: Iterable[str]) -> list[Form]:
        """Return the forms of any class whose variables have these names."""
        return self._by_names.get(tuple(sorted(names)), [])

    @cached_property
    def _by_names(self) -> Mapping[tuple[str, ...], list[Form]]:
        found: dict[tuple[str, ...], list[Form]] = {}
        for class_name in self.classes:
            for form in self.of(class_name):
                found.setdefault(form.names, []).append(form)
        return found


def _forms(class_name: str, table: Table) -> Iterator[Form]:
    """Yield each form of a class that has arrays."""
    inner = CELLS.get(class_name, class_name)
    rows = [row for row in table.rows(inner) if inner in row.layer.split()]

    def form(config: Config) -> Form:
        return Form(class_name, config, tuple(rows_of(inner, rows, config)))

    deciding = [
        name for name, values in SETTINGS.items() if len({form({**DEFAULTS, name: value}).axes for value in values}) > 1
    ]
    for values in product(*(SETTINGS[name] for name in deciding)):
        if (made := form({**DEFAULTS, **dict(zip(deciding, values, strict=True))})).rows:
            yield made


def _closed(row: Row, config: Config, inputs: Shapes) -> Row:
    """Return a row without the axes that only a configuration supplies, where that is not known."""
    if row.expand is None:
        return row
    try:
        row.expand(config, inputs)
    except (KeyError, ValueError):
        return replace(row, expand=None)
    return row

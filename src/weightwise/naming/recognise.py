"""Names the arrays of a layer whose configuration is not in the file, from what its class always stores.

A weights-only file tells a class by a name: Keras 3 calls a layer's group after its class (`layers/conv2d_1`,
https://github.com/keras-team/keras/blob/v3.15.1/keras/src/saving/saving_lib.py), and Keras calls a layer after its
class unless somebody names it. Such a name is a rule that can be broken, so what rests on it is `recognised`; and
it is only used where exactly one form of the class (with or without a bias, with or without a scale …) calls for
these arrays by number, name and shape. What a configuration alone can tell, such as the groups of a convolution,
stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from weightwise.axes import Bound, parse
from weightwise.conventions.row import Config, Slot
from weightwise.conventions.rule import joined, rows_of, unsized_slots
from weightwise.conventions.table import Table
from weightwise.errors import AxesError
from weightwise.model import Evidence
from weightwise.naming.slots import Expected, Named, matched, unknown_array, variable_name
from weightwise.stored import Addressing, StoredArray, StoredLayer

SWITCHES = ("use_bias", "center", "scale", "reset_after")
"""The settings that decide which arrays a class has."""
CELLS = {"SimpleRNN": "SimpleRNNCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}
"""Layers whose arrays are those of the cell inside them."""


@dataclass(frozen=True)
class Reading:
    """One form of a class, with its arrays in the order of its slots."""

    slots: tuple[Slot, ...]
    arrays: tuple[StoredArray, ...]
    bounds: tuple[Bound, ...]

    @property
    def notation(self) -> str:
        """All its axes in one line."""
        return ", ".join(f"{slot.name}: {bound.notation}" for slot, bound in zip(self.slots, self.bounds, strict=True))


def recognised(layer: StoredLayer, table: Table, addressing: Addressing) -> list[Named]:
    """Return the layer's arrays: named where one form of one known class fits, else unknown with the readings."""
    classes = [name for name in table.rules if snake_case(name) == _told_class(layer)]
    readings = {reading.notation: reading for name in classes for reading in _readings(name, layer, table, addressing)}
    if len(readings) == 1:
        return list(_named(next(iter(readings.values())), layer, classes[0]))
    note = _open(layer, classes, readings)
    return [
        unknown_array(array, variable_name(array, layer.name), True, note, readings if len(layer.arrays) == 1 else ())
        for array in layer.arrays
    ]


def snake_case(class_name: str) -> str:
    """Return what Keras makes of a class name: `Conv2DTranspose` is `conv2d_transpose`.

    >>> snake_case("LSTMCell"), snake_case("BatchNormalization")
    ('lstm_cell', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _told_class(layer: StoredLayer) -> str:
    return layer.class_name or re.sub(r"_\d+$", "", layer.name)


def _readings(name: str, layer: StoredLayer, table: Table, addressing: Addressing) -> Iterator[Reading]:
    """Yield each form of a class that calls for the layer's arrays."""
    for values in product((True, False), repeat=len(SWITCHES)):
        config = dict(zip(SWITCHES, values, strict=True))
        try:
            slots = list(_slots(name, table, config))
        except (KeyError, ValueError):  # the axes of this class cannot be told without its configuration
            return
        found, rest, _ = matched(
            [Expected(layer.name, slot) for slot in slots], layer.arrays, addressing, table.prefixed
        )
        if rest or not slots or len(found) < len(slots):
            continue
        arrays = [found[place] for place in range(len(slots))]
        bounds = _bound(slots, arrays)
        if bounds:
            yield Reading(tuple(slots), tuple(arrays), tuple(bounds))


def _slots(name: str, table: Table, config: Config) -> Iterator[Slot]:
    inner = CELLS.get(name, name)
    for slot in unsized_slots(rows_of(inner, table.rows(inner), config), config):
        yield slot if inner == name else replace(slot, key=joined("cell", slot.key))


def _bound(slots: Iterable[Slot], arrays: Iterable[StoredArray]) -> list[Bound]:
    """Return the axes bound to the arrays with shared sizes; nothing where they contradict each other."""
    sizes: dict[str, int] = {}
    bounds = []
    for slot, array in zip(slots, arrays, strict=True):
        try:
            bounds.append(parse(slot.axes).bind(array.shape, sizes))
        except AxesError:
            return []
        sizes.update(bounds[-1].sizes)
    return bounds


def _named(reading: Reading, layer: StoredLayer, class_name: str) -> Iterator[Named]:
    rule = f"the file names the {'group' if layer.class_name else 'layer'} after the class {class_name}, as Keras does"
    for slot, array, bound in zip(reading.slots, reading.arrays, reading.bounds, strict=True):
        yield Named(array, slot.name, slot.role, "", bound, Evidence.RECOGNISED, slot.trainable, rule)


def _open(layer: StoredLayer, classes: Sequence[str], readings: Iterable[str]) -> str:
    """Return why the arrays are unknown."""
    if not classes:
        return f"the file has no configuration, and the name {_told_class(layer)} is that of no class which is known"
    listed = "; or ".join(readings)
    if listed:
        return f"the file has no configuration, and several readings are left: {listed}"
    return f"the file has no configuration, and no form of the class {classes[0]} calls for these arrays"

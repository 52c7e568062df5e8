"""Names the arrays of a module of which a file says no class: what every class agrees on that could own them.

A state dict has names and shapes alone. Each class of the framework's table that calls for arrays of just these names
and shapes is a reading. Where all readings give an array the same axes, these are `inferred`, although the class may
stay open: BatchNorm and InstanceNorm have the same arrays. Where they differ, the axes are unknown and the readings
listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from weightwise.conventions.choice import Hypotheses
from weightwise.model import Evidence
from weightwise.naming.readings import Reading, listed, named_by, told_by
from weightwise.naming.slots import Named, declared_array, unknown_array, variable_name
from weightwise.stored import StoredArray, StoredLayer

Shape = tuple[int, ...]


class Inferrer:
    """Names the arrays of the modules of one file; modules that are alike are thought of once."""

    def __init__(self, hypotheses: Hypotheses, told: Callable[[str], str] | None = None) -> None:
        """Keep the framework's hypotheses, and what tells a class of a module's name where the framework has a rule."""
        self._hypotheses = hypotheses
        self._told = told or (lambda name: "")
        self._known: dict[frozenset[tuple[str, Shape]], list[Reading]] = {}

    def named(self, layer: StoredLayer) -> list[Named]:
        """Return the module's arrays in the file's order: named as far as all readings agree, else unknown."""
        arrays = {array.key: array for array in layer.arrays}
        readings = self._readings(arrays)
        if not readings:
            return [declared_array(array) or _nothing(array, layer) for array in layer.arrays]
        class_name = self._told(layer.name)
        told = [reading for reading in readings if reading.class_name == class_name]
        if told:
            rule = f"the module is called after the class {class_name}, as its framework calls it"
            items = named_by(layer, told, Evidence.RECOGNISED, rule)
        else:
            items = named_by(layer, readings, Evidence.INFERRED, _rule(readings))
        found = {item.array.key: item for item in items}
        return [declared_array(array) or found[key] for key, array in arrays.items()]

    def _readings(self, arrays: Mapping[str, StoredArray]) -> list[Reading]:
        form = frozenset((key, array.shape) for key, array in arrays.items())
        if form not in self._known:
            self._known[form] = list(self._thought_of(arrays))
        return self._known[form]

    def _thought_of(self, arrays: Mapping[str, StoredArray]) -> Iterable[Reading]:
        """Yield the classes whose slots fit the shapes."""
        for class_name, slots in self._hypotheses({key: array.shape for key, array in arrays.items()}):
            if told := told_by(slots, [arrays[slot.key] for slot in slots]):
                yield Reading(class_name, told)


def _rule(readings: Sequence[Reading]) -> str:
    """Return what the names rest on."""
    classes = list(dict.fromkeys(reading.class_name for reading in readings))
    verb = "calls" if len(classes) == 1 else "call"
    return f"the file says no class; of those that are known, {listed(classes)} {verb} for these names and shapes"


def _nothing(array: StoredArray, layer: StoredLayer) -> Named:
    note = "the file says no class, and none that is known calls for arrays of these names and shapes"
    return unknown_array(array, variable_name(array, layer.name), True, note)

"""Names the arrays of a module of which a file says no class: what every class agrees on that could own them.

A state dict has names and shapes alone. Each class of the framework's table that calls for arrays of just these names
and shapes is a reading. Where all readings give an array the same axes, these are `inferred`, although the class may
stay open: BatchNorm and InstanceNorm have the same arrays. Where they differ, the axes are unknown and the readings
listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.choice import Hypotheses
from weightwise.model import Evidence
from weightwise.naming.readings import Reading, listed, named_by, told_by
from weightwise.naming.slots import Named, declared_array, replaced, unknown_array, variable_name
from weightwise.stored import StoredArray, StoredLayer


class Inferrer:
    """Names the arrays of the modules of one file; modules that are alike are thought of once."""

    def __init__(self, hypotheses: Hypotheses, told: Callable[[str], str] | None = None) -> None:
        """Keep the framework's hypotheses, and what tells a class of a module's name where the framework has a rule."""
        self._hypotheses = hypotheses
        self._told = told or (lambda name: "")
        self._known: dict[object, dict[str, Named]] = {}

    def named(self, layer: StoredLayer) -> list[Named]:
        """Return the module's arrays in the file's order: named as far as all readings agree, else unknown."""
        class_name = self._told(layer.name)
        form = (class_name, *((array.key, array.shape, array.axes) for array in layer.arrays))
        if form not in self._known:
            self._known[form] = {item.array.key: item for item in self._thought_of(layer, class_name)}
        found = self._known[form]
        return [_declared(array, found[array.key]) for array in layer.arrays]

    def _thought_of(self, layer: StoredLayer, class_name: str) -> Iterable[Named]:
        """Return the module's arrays as all readings have them."""
        arrays = {array.key: array for array in layer.arrays}
        readings = list(self._readings(arrays))
        readings = [reading for reading in readings if _agrees(reading, arrays)] or readings
        told = [reading for reading in readings if reading.class_name == class_name]
        if told:
            rule = f"the module is called after the class {class_name}, as its framework calls it"
            return named_by(layer, told, Evidence.RECOGNISED, rule)
        if readings:
            return named_by(layer, readings, Evidence.INFERRED, _rule(readings))
        return [_nothing(array, layer) for array in layer.arrays]

    def _readings(self, arrays: Mapping[str, StoredArray]) -> Iterable[Reading]:
        """Yield the classes whose slots fit the shapes."""
        for class_name, slots in self._hypotheses({key: array.shape for key, array in arrays.items()}):
            if told := told_by(slots, [arrays[slot.key] for slot in slots]):
                yield Reading(class_name, told)


def _agrees(reading: Reading, arrays: Mapping[str, StoredArray]) -> bool:
    """Return whether a reading gives arrays the axes that are declared, where some are."""
    return all(not arrays[key].axes or told.notation == arrays[key].axes for key, told in reading.told.items())


def _declared(array: StoredArray, found: Named) -> Named:
    """Return an array with the axes that are declared and the role of a reading with these, or as it was found."""
    declared = declared_array(array)
    if declared is None:
        return replaced(found, array)
    if found.bound is None or declared.bound is None or found.bound.notation != declared.bound.notation:
        return declared
    return replace(replaced(found, array), evidence=declared.evidence, note=declared.note)


def _rule(readings: Sequence[Reading]) -> str:
    """Return what the names rest on."""
    classes = list(dict.fromkeys(reading.class_name for reading in readings))
    verb = "calls" if len(classes) == 1 else "call"
    notes = dict.fromkeys(told.slot.note for reading in readings for told in reading.told.values() if told.slot.note)
    rule = f"the file says no class; of those that are known, {listed(classes)} {verb} for these names and shapes"
    return "; ".join((rule, *notes))


def _nothing(array: StoredArray, layer: StoredLayer) -> Named:
    note = "the file says no class, and none that is known calls for arrays of these names and shapes"
    return unknown_array(array, variable_name(array, layer.name), True, note)

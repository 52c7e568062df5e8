"""Names the arrays of a known architecture by its rule, and leaves the others to what names the rest of the file."""

from __future__ import annotations

from collections.abc import Callable

from weightwise.axes import Bound
from weightwise.conventions.architectures import Recognition
from weightwise.conventions.architectures.family import Pattern
from weightwise.model import Evidence
from weightwise.naming.slots import Named, declared_array, replaced
from weightwise.stored import StoredArray, StoredLayer


class Known:
    """Names the arrays of the modules of one file whose architecture is recognised."""

    def __init__(self, recognition: Recognition, others: Callable[[StoredLayer], list[Named]]) -> None:
        """Keep what the architecture's family says, and what names the arrays that it does not know."""
        self._recognition = recognition
        self._others = others
        self._alike: dict[int, Named] = {}

    def named(self, layer: StoredLayer) -> list[Named]:
        """Return the module's arrays in the file's order."""
        told = [declared_array(array) or self._told(array) for array in layer.arrays]
        if all(told):
            return [item for item in told if item]
        return [item or other for item, other in zip(told, self._others(layer), strict=True)]

    def _told(self, array: StoredArray) -> Named | None:
        """Return the array as the family has it; None where the family does not have it."""
        found = self._recognition.arrays.get(array.path)
        if not found:
            return None
        pattern, bound = found
        alike = self._alike.get(id(bound))
        if alike is None:
            alike = self._alike[id(bound)] = self._named(array, pattern, bound)
        return replaced(alike, array)

    def _named(self, array: StoredArray, pattern: Pattern, bound: Bound) -> Named:
        note = "; ".join(filter(None, (pattern.note, self._recognition.rule)))
        name = array.key
        return Named(array, name, pattern.role, "", bound, Evidence.RECOGNISED, pattern.trainable, note)

"""One array under the axes that another framework has for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weightwise.axes import parse
from weightwise.conventions.choice import newest_convention
from weightwise.conventions.row import Slot
from weightwise.conventions.spelling import Feed, Filled, Joined, Laid
from weightwise.errors import UnsupportedError
from weightwise.model import Layer, Weight
from weightwise.porting.bare import operation_of
from weightwise.porting.feeding import Fed, fed
from weightwise.porting.lowering import spelled_alone
from weightwise.porting.porting import speller
from weightwise.porting.rows import rows_told, with_rows
from weightwise.records import dataclass
from weightwise.stored import StoredLayer

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True)
class Arranged:
    """A weight as another framework has it; `print` shows how it is arranged."""

    name: str
    """The framework's own name of the array: `weight`."""
    fed: Fed

    @property
    def pattern(self) -> str:
        """The rearrangement in one line: `kh kw in out -> out in kh kw`."""
        return self.fed.pattern

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its dimensions."""
        return self.fed.shape

    def values(self) -> numpy.ndarray[Any, Any]:
        """Return the values in this framework's axes, a view where NumPy has one."""
        return self.fed.read()

    def __str__(self) -> str:
        return self.pattern


def arranged(weight: Weight, framework: str) -> Arranged:
    """Return a weight as a framework has it.

    Raises `UnsupportedError` where its axes are unknown, where the framework has no such layer, or where the weight is
    no single array there.
    """
    if weight.operation is None or weight.bound is None:
        raise UnsupportedError(f"{weight.path}: what it is is not known well enough to arrange it: {weight.note}")
    layer = Layer(weight.layer, StoredLayer(weight.layer, ""), weight.operation, (weight,))
    found = list(_filled(weight, layer, framework))
    if len(found) != 1:
        names = ", ".join(name for name, _ in found) or "no array"
        raise UnsupportedError(f"{weight.path}: in {framework} it is {names}; port the model to have all of it")
    return Arranged(*found[0])


def _filled(weight: Weight, layer: Layer, framework: str) -> Iterator[tuple[str, Fed]]:
    """Yield the arrays of the framework that take values of a weight, by their names."""
    target = speller(framework)
    rows = rows_told(weight.bound)
    describe = newest_convention(target.framework).describe
    for step in spelled_alone(target, layer, operation_of(layer, "")).steps:
        description = describe(step.class_name, step.config, ())
        for slot in description.slots if description else ():
            feed = step.feeds.get(slot.role)
            if _takes(feed, slot, weight.role):
                own = replace(slot, axes=with_rows(parse(slot.axes), rows.axes(target.framework))) if rows else slot
                yield slot.name, fed(layer, feed, own, slot.name)


def _takes(feed: Feed | None, slot: Slot, role: str) -> bool:
    """Return whether what fills an array of the target is this role of the source."""
    if isinstance(feed, Filled | Joined | Laid):
        return False
    return role == (slot.role if feed is None else feed.role)

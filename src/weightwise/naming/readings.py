"""What the arrays of a layer can be, as far as names and shapes tell: one reading for each class that calls for them.

An array has axes only where all readings give it the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from weightwise.axes import Bound, parse
from weightwise.axes.terms import Expand, atoms
from weightwise.conventions.row import Slot
from weightwise.errors import AxesError
from weightwise.model import Evidence
from weightwise.naming.slots import Named, unknown_array, variable_name
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer


@dataclass(frozen=True)
class Told:
    """What one reading says of one array."""

    slot: Slot
    bound: Bound | None
    """None where only a configuration could tell the axes."""

    @property
    def identity(self) -> tuple[str, str]:
        """What two readings that agree have in common; they may give the array another role."""
        return self.slot.name, self.notation

    @property
    def notation(self) -> str:
        """The axes, as far as they are told."""
        return self.bound.notation if self.bound else self.slot.axes


@dataclass(frozen=True)
class Reading:
    """One form of a class that calls for the layer's arrays."""

    class_name: str
    told: Mapping[str, Told]
    """By the key of the array, in the order of the slots."""

    def __str__(self) -> str:
        return (
            f"{self.class_name} with {', '.join(f'{told.slot.name}: {told.notation}' for told in self.told.values())}"
        )


def told_by(slots: Sequence[Slot], arrays: Sequence[StoredArray]) -> dict[str, Told]:
    """Return what the slots say of the arrays, with shared sizes; nothing where they contradict each other."""
    pairs = list(zip(slots, arrays, strict=True))
    sizes: dict[str, int] = {}
    bounds: list[Bound] = []
    for _ in range(2):  # what a bias tells of the outputs can contradict what its kernel left open
        try:
            bounds = [_bound(slot, array, sizes) for slot, array in pairs]
        except AxesError:
            return {}
    opens = ["..." in slot.axes for slot in slots]
    found = zip(pairs, bounds, opens, strict=True)
    return {array.key: Told(slot, None if is_open else bound) for (slot, array), bound, is_open in found}


def _bound(slot: Slot, array: StoredArray, sizes: dict[str, int]) -> Bound:
    """Return the axes of an array bound to its shape, and add the sizes that follow."""
    bound = parse(opened(slot.axes, len(array.shape))).bind(array.shape, {**slot.sizes, **sizes})
    sizes.update(bound.sizes)
    return bound


def named_by(layer: StoredLayer, readings: Sequence[Reading], evidence: Evidence, rule: str) -> Iterator[Named]:
    """Yield each array as all readings have it, or unknown with all of them."""
    arrays = {array.key: array for array in layer.arrays}
    for key in readings[0].told:
        options = {reading.told[key].identity: reading.told[key] for reading in readings}
        told = next(iter(options.values()))
        if len(options) == 1 and told.bound is not None:
            slot, roles = told.slot, {reading.told[key].slot.role for reading in readings}
            role = roles.pop() if len(roles) == 1 else ""
            yield Named(arrays[key], slot.name, role, "", told.bound, evidence, slot.trainable, rule, at=slot.at)
        else:
            name = told.slot.name if len({name for name, _ in options}) == 1 else variable_name(arrays[key], layer.name)
            notations = dict.fromkeys(option.notation for option in options.values())
            yield unknown_array(arrays[key], name, told.slot.trainable, left_open(readings), notations)


def left_open(readings: Sequence[Reading]) -> str:
    """Return what is left open."""
    if len(readings) == 1:
        return f"the file has no configuration, which alone tells the axes of {readings[0].class_name}"
    return f"the file has no configuration, and several readings are left: {'; or '.join(map(str, readings))}"


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def opened(axes: str, rank: int) -> str:
    """Return axes for an array of this rank where those that only a configuration supplies have places, and no names.

    >>> opened("...kernel", 2), opened("position (...window) out", 3)
    ('kernel_0 kernel_1', 'position (window_0) out')
    """
    terms = parse(axes).terms
    count = rank - len(terms) + 1 if any(isinstance(term, Expand) for term in terms) else 1
    names = {term.name for term in atoms(terms) if isinstance(term, Expand)}
    return str(parse(axes).expand(**{name: " ".join(f"{name}_{n}" for n in range(count)) for name in names}))

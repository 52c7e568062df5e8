"""Names the arrays of a layer whose configuration is not in the file, from what its class always stores.

A weights-only file tells a class by a name: Keras 3 calls a layer's group after its class (`layers/conv2d_1`,
https://github.com/keras-team/keras/blob/v3.15.1/keras/src/saving/saving_lib.py), and Keras calls a layer after its
class unless somebody names it. Such a name is a rule that can be broken, so what rests on it is `recognised`.

Where no name tells the class, those of the variables rule out most classes (`kernel`, `recurrent_kernel`, `bias`), and
their shapes most of the others. What all that are left agree on is `inferred`. Either way an array has axes only where
every form of a class that fits gives it the same ones; what a configuration alone can tell, such as the groups of a
convolution, stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from weightwise.axes import Bound, parse
from weightwise.conventions.row import Config, Shapes, Slot
from weightwise.conventions.table import Table
from weightwise.errors import AxesError
from weightwise.model import Evidence
from weightwise.naming.forms import Form, Forms, opened
from weightwise.naming.slots import Expected, Named, last_name, matched, unknown_array, variable_name
from weightwise.stored import Addressing, StoredArray, StoredLayer


@dataclass(frozen=True)
class Told:
    """What one reading says of one array."""

    slot: Slot
    bound: Bound | None
    """None where only a configuration could tell the axes."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What two readings that agree have in common."""
        return self.slot.name, self.slot.role, self.notation

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


class Recogniser:
    """Names the arrays of the layers of one file."""

    def __init__(self, table: Table, addressing: Addressing) -> None:
        """Keep the table of the framework that wrote the file, and how the file tells its arrays."""
        self.table = table
        self.addressing = addressing
        self.forms = Forms(table)

    @cached_property
    def _classes(self) -> Mapping[str, list[str]]:
        """The classes by what layers of them are called: by Keras 1 in small letters, and by others in snake case."""
        found: dict[str, list[str]] = {}
        for name in self.forms.classes:
            for called in {snake_case(name), name.lower()}:
                found.setdefault(called, []).append(name)
        return found

    def named(self, layer: StoredLayer) -> list[Named]:
        """Return the layer's arrays in the order of its slots: named as far as all readings agree, else unknown."""
        classes = self._classes.get(told_class(layer), [])
        forms = [form for name in classes for form in self.forms.of(name)]
        readings = self._readings(forms, layer)
        if readings:
            owner = "group" if layer.class_name else "layer"
            rule = f"the file names the {owner} after the class {classes[0]}, as Keras does"
            return list(_named(layer, readings, Evidence.RECOGNISED, rule))
        candidates = self.forms.having(variables(layer)) if self.addressing is Addressing.ORDER else []
        readings = [self._cautious(found) for found in self._readings(candidates, layer) if _one_scope(found, layer)]
        if readings:
            rule = _ruled_out(forms[0].class_name if forms else "", readings, candidates)
            return list(_named(layer, readings, Evidence.INFERRED, rule))
        return [
            unknown_array(array, variable_name(array, layer.name), True, _open(layer, classes))
            for array in layer.arrays
        ]

    def _cautious(self, reading: Reading) -> Reading:
        """Return a reading without axes where its class is not the only one with such arrays."""
        if reading.class_name not in self.table.ambiguous:
            return reading
        return replace(reading, told={key: replace(told, bound=None) for key, told in reading.told.items()})

    def _readings(self, forms: Iterable[Form], layer: StoredLayer) -> list[Reading]:
        """Return the forms that call for the layer's arrays by number, name and shape, each arrangement once."""
        config, inputs = _sizes(layer)
        readings = {}
        for form in forms:
            slots = form.slots(config, inputs)
            expected = [Expected(layer.name, slot) for slot in slots]
            found, rest, _ = matched(expected, layer.arrays, self.addressing, self.table.prefixed)
            if rest or len(found) < len(slots):
                continue
            if told := _told(slots, [found[place] for place in range(len(slots))]):
                reading = Reading(form.class_name, told)
                readings[str(reading)] = reading
        return list(readings.values())


def recognised(layer: StoredLayer, table: Table, addressing: Addressing) -> list[Named]:
    """Return the arrays of one layer as a recogniser names them."""
    return Recogniser(table, addressing).named(layer)


def snake_case(class_name: str) -> str:
    """Return what Keras makes of a class name: `Conv2DTranspose` is `conv2d_transpose`.

    >>> snake_case("LSTMCell"), snake_case("BatchNormalization")
    ('lstm_cell', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def told_class(layer: StoredLayer) -> str:
    """Return the class that the file tells of, as it spells it: Keras 1 writes `convolution2d_1`."""
    return layer.class_name or re.sub(r"_\d+$", "", layer.name)


def variables(layer: StoredLayer) -> list[str]:
    """Return the names of the layer's variables, without that of the layer: `W` of `dense_1_W`."""
    return [last_name(array.name).removeprefix(f"{layer.name}_") for array in layer.arrays]


def _sizes(layer: StoredLayer) -> tuple[Config, Shapes]:
    """Return the setting and the input shape of a recurrent layer, which its two kernels tell."""
    shapes = dict(zip(variables(layer), (array.shape for array in layer.arrays), strict=True))
    kernel, recurrent = shapes.get("kernel", ()), shapes.get("recurrent_kernel", ())
    if len(kernel) != 2 or len(recurrent) != 2:
        return {}, ()
    return {"units": recurrent[0]}, ((None, None, kernel[0]),)


def _told(slots: Sequence[Slot], arrays: Sequence[StoredArray]) -> dict[str, Told]:
    """Return what the slots say of the arrays, with shared sizes; nothing where they contradict each other."""
    sizes: dict[str, int] = {}
    told = {}
    for slot, array in zip(slots, arrays, strict=True):
        try:
            bound = parse(opened(slot.axes, len(array.shape))).bind(array.shape, sizes)
        except AxesError:
            return {}
        sizes.update(bound.sizes)
        told[array.key] = Told(slot, None if "..." in slot.axes else bound)
    return told


def _one_scope(reading: Reading, layer: StoredLayer) -> bool:
    """Return whether the names of the variables lead through the same layers, as those of one layer do."""
    names = {array.key: array.name.split(":")[0] for array in layer.arrays}
    if not any("/" in name for name in names.values()):
        return True
    ends = {key: f"/{told.slot.name}" for key, told in reading.told.items()}
    scopes = {names[key].removesuffix(end) for key, end in ends.items()}
    return len(scopes) == 1 and all(names[key].endswith(end) for key, end in ends.items())


def _named(layer: StoredLayer, readings: Sequence[Reading], evidence: Evidence, rule: str) -> Iterator[Named]:
    """Yield each array as all readings have it, or unknown with all of them."""
    arrays = {array.key: array for array in layer.arrays}
    for key in readings[0].told:
        options = {reading.told[key].identity: reading.told[key] for reading in readings}
        told = next(iter(options.values()))
        if len(options) == 1 and told.bound is not None:
            slot = told.slot
            yield Named(arrays[key], slot.name, slot.role, "", told.bound, evidence, slot.trainable, rule, at=slot.at)
        else:
            name = (
                told.slot.name if len({name for name, _, _ in options}) == 1 else variable_name(arrays[key], layer.name)
            )
            notations = dict.fromkeys(option.notation for option in options.values())
            yield unknown_array(arrays[key], name, told.slot.trainable, _left(readings), notations)


def _left(readings: Sequence[Reading]) -> str:
    """Return what is left open."""
    if len(readings) == 1:
        return f"the file has no configuration, which alone tells the axes of {readings[0].class_name}"
    return f"the file has no configuration, and several readings are left: {'; or '.join(map(str, readings))}"


def _ruled_out(called: str, readings: Sequence[Reading], candidates: Sequence[Form]) -> str:
    """Return why these classes are left, and no others."""
    left = list(dict.fromkeys(reading.class_name for reading in readings))
    others = [name for name in dict.fromkeys(form.class_name for form in candidates) if name not in left]
    told = f"the layer is called after {called}, which has other arrays" if called else "no name tells the class"
    fits = f"only {left[0]} calls" if len(left) == 1 else f"{_listed(left)} call"
    rest = f", and {_listed(others)} {'does' if len(others) == 1 else 'do'} not" if others else ""
    return f"{told}, but of the framework's own with variables of these names {fits} for these shapes{rest}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _open(layer: StoredLayer, classes: Sequence[str]) -> str:
    """Return why no class fits."""
    if classes:
        return f"the file has no configuration, and no form of the class {classes[0]} calls for these arrays"
    return f"the file has no configuration, and the name {told_class(layer)} is that of no class which is known"

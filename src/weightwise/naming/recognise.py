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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from weightwise.conventions.row import Config, Shapes
from weightwise.conventions.table import Table
from weightwise.model import Evidence
from weightwise.naming.forms import Form, Forms
from weightwise.naming.readings import Reading, listed, named_by, told_by
from weightwise.naming.slots import Expected, Named, last_name, matched, unknown_array, variable_name
from weightwise.stored import Addressing, StoredLayer


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
            return list(named_by(layer, readings, Evidence.RECOGNISED, rule))
        candidates = self.forms.having(variables(layer)) if self.addressing is Addressing.ORDER else []
        readings = [self._cautious(found) for found in self._readings(candidates, layer) if _one_scope(found, layer)]
        if readings:
            rule = _ruled_out(forms[0].class_name if forms else "", readings, candidates)
            return list(named_by(layer, readings, Evidence.INFERRED, rule))
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
            if told := told_by(slots, [found[place] for place in range(len(slots))]):
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


def _one_scope(reading: Reading, layer: StoredLayer) -> bool:
    """Return whether the names of the variables lead through the same layers, as those of one layer do."""
    names = {array.key: array.name.split(":")[0] for array in layer.arrays}
    if not any("/" in name for name in names.values()):
        return True
    ends = {key: f"/{told.slot.name}" for key, told in reading.told.items()}
    scopes = {names[key].removesuffix(end) for key, end in ends.items()}
    return len(scopes) == 1 and all(names[key].endswith(end) for key, end in ends.items())


def _ruled_out(called: str, readings: Sequence[Reading], candidates: Sequence[Form]) -> str:
    """Return why these classes are left, and no others."""
    left = list(dict.fromkeys(reading.class_name for reading in readings))
    others = [name for name in dict.fromkeys(form.class_name for form in candidates) if name not in left]
    told = f"the layer is called after {called}, which has other arrays" if called else "no name tells the class"
    fits = f"only {left[0]} calls" if len(left) == 1 else f"{listed(left)} call"
    rest = f", and {listed(others)} {'does' if len(others) == 1 else 'do'} not" if others else ""
    return f"{told}, but of the framework's own with variables of these names {fits} for these shapes{rest}"


def _open(layer: StoredLayer, classes: Sequence[str]) -> str:
    """Return why no class fits."""
    if classes:
        return f"the file has no configuration, and no form of the class {classes[0]} calls for these arrays"
    return f"the file has no configuration, and the name {told_class(layer)} is that of no class which is known"

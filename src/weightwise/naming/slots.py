"""Matches a layer's stored arrays with the arrays that its convention calls for, and binds their axes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from weightwise.axes import Bound, Name, parse
from weightwise.conventions.row import Slot
from weightwise.errors import AxesError
from weightwise.model import Evidence
from weightwise.naming.signals import Signal
from weightwise.records import dataclass
from weightwise.stored import Addressing, StoredArray

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True)
class Named:
    """An array with what is known of it, before it has an index."""

    array: StoredArray
    name: str
    role: str = ""
    neutral: str = ""
    bound: Bound | None = None
    evidence: Evidence = Evidence.UNKNOWN
    trainable: bool = True
    note: str = ""
    readings: tuple[str, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Expected:
    """A slot of one layer, with the layer's path and whether the layer is trained."""

    layer: str
    slot: Slot


def matched(
    expected: Sequence[Expected], arrays: Sequence[StoredArray], addressing: Addressing, prefixed: bool = False
) -> tuple[dict[int, StoredArray], list[StoredArray], str]:
    """Return the array of each expected slot (by its place), the arrays left over, and why nothing was matched.

    `prefixed` says that the names of variables begin with that of their layer.
    """
    if addressing is Addressing.PATH:
        by_key = {array.key: array for array in arrays}
        keys = ((place, key) for place, item in enumerate(expected) for key in (item.slot.key, item.slot.former))
        found = {place: by_key.pop(key) for place, key in keys if key in by_key}
        for item in expected:
            for copy in item.slot.copies:
                by_key.pop(copy, None)
        return found, list(by_key.values()), ""
    if not expected:
        return {}, list(arrays), ""
    if len(expected) != len(arrays):
        note = f"the layer's class calls for {len(expected)} arrays and the file lists {len(arrays)}"
        return {}, list(arrays), note
    order = legacy_order(expected) if addressing is Addressing.ORDER else range(len(expected))
    for place, array in zip(order, arrays, strict=True):
        name = last_name(array.name)
        if name and not is_called(name, last_name(expected[place].slot.name), prefixed):
            note = f"the file calls it {name!r} where the layer's class calls for {expected[place].slot.name!r}"
            return {}, list(arrays), note
    return dict(zip(order, arrays, strict=True)), [], ""


def legacy_order(expected: Sequence[Expected]) -> list[int]:
    """Return the places of the slots as Keras's HDF5 format lists them: what is trained first."""
    return sorted(range(len(expected)), key=lambda place: not expected[place].slot.trainable)


def is_called(name: str, variable: str, prefixed: bool) -> bool:
    """Return whether a file means a variable by a name; after a layer's name TensorFlow may number it.

    >>> is_called("lstm_1_W_i", "W_i", True), is_called("lstm_1_W_i_1", "W_i", True), is_called("lstm_1_W", "W", False)
    (True, True, False)
    """
    if not prefixed:
        return name == variable
    return re.fullmatch(rf"(.*_)?{re.escape(variable)}(_\d+)?", name) is not None


def told_owner(name: str, paths: Sequence[str]) -> int | None:
    """Return which of these layers a variable's name leads through; None where it is none of them, or several.

    Of layers that are called alike it is the one whose model the name leads through as well. A name that is no path
    begins with that of its layer, as in `dense_1_W`.

    >>> told_owner("two/same/kernel:0", ["one/same", "two/same"]), told_owner("dense_1_W", ["inner/gate", "dense_1"])
    (1, 1)
    """
    *groups, last = name.split("/")
    parts = [path.split("/") for path in paths]
    owners = [
        place
        for place, (*_, layer) in enumerate(parts)
        if layer in groups or (not groups and last.startswith(f"{layer}_"))
    ]
    if len(owners) > 1:
        owners = [place for place in owners if set(parts[place][-2:-1]) & set(groups)]
    return owners[0] if len(owners) == 1 else None


def last_name(name: str) -> str:
    """Return the last component of a variable's name, without TensorFlow's output number: `kernel` of `a/kernel:0`."""
    return name.rsplit("/", 1)[-1].split(":", 1)[0]


def variable_name(array: StoredArray, layer: str) -> str:
    """Return what the file calls an array within its layer: `layer/w` of `gate/layer/w:0`, or its key."""
    if not array.name:
        return array.key
    name = array.name.split(":", 1)[0]
    return name.split(f"{layer}/", 1)[-1]


def substituted(slot: Slot, axis: str, signal: Signal) -> Slot:
    """Return the slot with `axis` spelled out as the axes that were flattened into it, where the signal tells them."""
    merged = signal.axes[-1] if signal.axes else ""
    if not axis or " " not in merged:
        return slot
    sizes = {name: size for name, size in slot.sizes.items() if name != axis}
    return replace(
        slot,
        axes=_spelled_out(slot.axes, axis, merged),
        neutral=_spelled_out(slot.neutral, axis, merged),
        sizes={**sizes, **signal.sizes},
    )


def _spelled_out(axes: str, axis: str, merged: str) -> str:
    return " ".join(f"({merged})" if term == Name(axis) else str(term) for term in parse(axes).terms)


def named_array(slot: Slot, array: StoredArray, path: str, shared: Mapping[str, int]) -> Named:
    """Return the array named by its slot; where the shape contradicts the slot, unknown with the contradiction."""
    try:
        bound = parse(slot.axes).bind(array.shape, {**shared, **slot.sizes}, what=path)
    except AxesError as error:
        return unknown_array(array, slot.name, slot.trainable, str(error), (slot.axes,))
    return Named(
        array, slot.name, slot.role, slot.neutral, bound, Evidence.DECLARED, slot.trainable, array.made, at=slot.at
    )


def made_array(slot: Slot, sizes: Mapping[str, int], beside: Sequence[StoredArray]) -> StoredArray | None:
    """Return the zeros that the framework makes for a slot; None for one that it stores, or of an unknown shape.

    Models that share a layer share what is made for it, so its path is that of the stored arrays beside it.
    """
    made = slot.made
    shape = parse(slot.axes).shape({**sizes, **slot.sizes})
    if made is None or shape is None or not beside:
        return None

    def zeros() -> numpy.ndarray[Any, Any]:
        import numpy

        return numpy.zeros(shape, made.dtype)

    path = f"{beside[0].path.rpartition('/')[0]}/{slot.name}"
    return StoredArray(path, "", shape, made.dtype, prod(shape) * made.itemsize, zeros, made=made.reason)


def replaced(item: Named, array: StoredArray) -> Named:
    """Return the same of another array: `dataclasses.replace` takes a while where there are hundreds."""
    rest = (item.evidence, item.trainable, item.note, item.readings, item.at)
    return Named(array, item.name, item.role, item.neutral, item.bound, *rest)


def declared_array(array: StoredArray) -> Named | None:
    """Return the array with the axes that the file itself declares; None where it declares none."""
    if not array.axes:
        return None
    try:
        bound = parse(array.axes).bind(array.shape, what=array.path)
    except AxesError as error:
        return unknown_array(array, array.key, True, f"the file declares axes for it that do not fit: {error}")
    note = "the file declares its axes itself"
    return Named(array, array.key, bound=bound, evidence=Evidence.DECLARED, note=note)


def unknown_array(array: StoredArray, name: str, trainable: bool, note: str, readings: Iterable[str] = ()) -> Named:
    """Return the array with unknown axes and the reason."""
    return Named(array, name, trainable=trainable, note=note, readings=tuple(readings))

"""What a bare state dict leaves open: the classes that may own arrays of these names, and what each reads in them.

A state dict says no classes. A class is possible where its table calls for exactly these names; whether the shapes fit
too, the naming finds out. What only settings could tell, such as the groups of a convolution, stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from weightwise.conventions.pytorch import TABLE
from weightwise.conventions.pytorch.rows import ROWS
from weightwise.conventions.pytorch.wings import WINGS
from weightwise.conventions.row import Config, Slot
from weightwise.conventions.rule import rows_of, unsized_slots

Arrays = Mapping[str, Sequence[int]]
"""The shapes of a module's arrays by their names."""

OWNERS: Mapping[str, str] = {
    "dense": r"weight|bias",
    "convolution": r"weight|bias",
    "normalization": r"weight|bias|running_mean|running_var|num_batches_tracked",
    "activations": r"weight",
    "recurrent": r"(weight|bias)_[ih]h\w*",
    "attention": r"\w*proj\w*|out_proj\.\w+|bias_[kv]",
}
"""The wings whose classes own arrays, with the names of these: the others need not be loaded."""
ALIASES = ("NonDynamicallyQuantizableLinear", "SyncBatchNorm")
"""Classes that are another one in all but their name."""
STACKED = ("RNN", "LSTM", "GRU")
"""Modules of several layers and directions, whose names tell their number."""


def told_class(name: str) -> str:
    """Return an empty string: PyTorch calls no module after its class."""
    return ""


def readings(arrays: Arrays) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Yield each class that calls for arrays of these names, with its slots; their sizes are not compared yet.

    Where the names are those of arrays from which others are computed, these others are what a class calls for.
    """
    if any(name.endswith(("_v", ".original", ".original1")) for name in arrays):
        yield from _reparametrised(arrays)
    else:
        yield from _readings(arrays)


def _reparametrised(arrays: Arrays) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Yield the classes that call for the arrays that these stand for, with the slots of these."""
    # Imported when it is needed: few modules are like this, and a start loads what most files need.
    from weightwise.conventions.pytorch.reparametrised import fits, plain, possible, standing, stored_slots

    found = standing(arrays)
    stood_for = {one.name: one.shape(arrays) for one in found}
    shapes = {name: stood_for.get(name, arrays.get(name, ())) for name in plain(arrays, found)}
    for class_name, slots in _readings(shapes):
        if all(fits(slot, len(stood_for[slot.key])) for slot in slots if slot.key in stood_for):
            yield from ((class_name, stored_slots(slots, found, dims)) for dims in possible(arrays, found))


def _readings(arrays: Arrays) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Yield each class that calls for arrays of these names, with its slots."""
    names = set(arrays)
    if any(name.startswith("weight_ih_l") for name in names):
        candidates = ((name, _stacked(name, arrays)) for name in STACKED)
    else:
        candidates = ((name, _plain(name, arrays)) for name in _classes(names))
    for class_name, slots in candidates:
        if slots and {slot.key for slot in slots} == names:
            yield class_name, slots


def _classes(names: Iterable[str]) -> Iterator[str]:
    """Yield the classes that may own such arrays, without the parts of modules that are no classes of PyTorch."""
    for wing, pattern in OWNERS.items():
        if all(re.fullmatch(pattern, name) for name in names):
            yield from (name for name in WINGS.classes[wing].split() if name not in ALIASES and not name.endswith("_l"))


def _plain(class_name: str, arrays: Arrays) -> Sequence[Slot]:
    """Return the slots of a class that has parameters and buffers of these names, as far as it can have them."""
    weight = list(arrays.get("weight", ()))
    config: Config = {
        "parameters": list(arrays),
        "buffers": list(arrays),
        "bias": "bias_ih" in arrays,
        "normalized_shape": weight,
        "num_parameters": weight[0] if weight else 1,
    }
    try:
        rows = rows_of(class_name, ROWS, config)
        return list(unsized_slots([replace(row, sizes=None) for row in rows], config, by_name=True))
    except (KeyError, ValueError):  # a setting decides what this class stores
        return ()


def _stacked(class_name: str, arrays: Arrays) -> Sequence[Slot]:
    """Return the slots of a recurrent module, whose settings follow from names and shapes."""
    first, again = arrays.get("weight_ih_l0", ()), arrays.get("weight_hh_l0", ())
    projection = arrays.get("weight_hr_l0", ())
    if len(first) != 2 or len(again) != 2 or len(projection) not in (0, 2):
        return ()
    forward = [name for name in arrays if name.startswith("weight_ih_l") and not name.endswith("_reverse")]
    config: Config = {
        "mode": class_name,
        "input_size": first[1],
        "hidden_size": projection[1] if projection else again[1],
        "proj_size": projection[0] if projection else 0,
        "num_layers": len(forward),
        "bidirectional": "weight_ih_l0_reverse" in arrays,
        "bias": "bias_ih_l0" in arrays,
        "batch_first": False,
        "nonlinearity": "tanh",
    }
    try:
        found = TABLE.describe(class_name, config, ())
    except ValueError:  # shapes that no such module has
        return ()
    return found.slots if found else ()

"""What a file of Flax leaves open, which says paths and no classes: who may own arrays of these names and shapes.

linen calls a module after its class and a number unless somebody names it, `Conv_0`; nnx has the names of attributes. A
class is possible where one of its forms (with or without a bias, over one axis or over several …) calls for exactly
these names, and its axes can be bound to the shapes. What an Einsum sums over stands in its equation alone: its outputs
may stand anywhere among the axes of its kernel. A kernel of several dimensions without a bias is left out, because
other classes leave it open already; so are modules of other people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import permutations, product

from weightwise.axes import parse
from weightwise.conventions.flax import RULES, TABLE
from weightwise.conventions.row import Config, Slot
from weightwise.conventions.rule import rows_of, unsized_slots
from weightwise.errors import AxesError
from weightwise.ops.contraction import numbered

Arrays = Mapping[str, Sequence[int]]
"""The shapes of a module's arrays by their names in it, without the collection: `kernel`, `hi/bias`."""
Settings = Mapping[str, tuple[object, ...]]

EINSUMS = ("linen.Einsum", "nnx.Einsum")
"""Classes whose axes only an equation tells."""

_BIAS: Settings = {"use_bias": (True, False)}
_RANKS: Settings = {"kernel_size": ((1,), (1, 1), (1, 1, 1))}
_COUNTS: Settings = {"axis": ((-1,), (-2, -1), (-3, -2, -1)), "batch_dims": ((), (0,), (0, 1))}
_FEATURES = ((1,), (1, 1), (1, 1, 1))
_NORM: Settings = {**_BIAS, "use_scale": (True, False)}
_HEADS: Settings = {**_BIAS, "normalize_qk": (False, True)}

SETTINGS: Mapping[str, Settings] = {
    "linen.Dense": _BIAS,
    "nnx.Linear": _BIAS,
    "nnx.LoRALinear": _BIAS,
    "linen.DenseGeneral": {**_BIAS, **_COUNTS, "features": _FEATURES},
    "nnx.LinearGeneral": {**_BIAS, **_COUNTS, "out_features": _FEATURES},
    "linen.ConvLocal": {**_BIAS, **_RANKS},
    "linen.ConvLSTMCell": {**_BIAS, **_RANKS},
    "linen.MGUCell": {"reset_gate": (True, False)},
    "linen.MultiHeadDotProductAttention": _HEADS,
    "linen.MultiHeadAttention": _HEADS,
    "linen.SelfAttention": _HEADS,
    "nnx.MultiHeadAttention": {**_HEADS, "num_kv_heads": (None, 1)},
    **{f"{api}.Conv": {**_BIAS, **_RANKS} for api in ("linen", "nnx")},
    **{f"{api}.ConvTranspose": {**_BIAS, **_RANKS, "transpose_kernel": (False, True)} for api in ("linen", "nnx")},
    **{
        f"{api}.{name}": _NORM
        for api in ("linen", "nnx")
        for name in ("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm")
    },
    **{f"{api}.RMSNorm": {"use_scale": (True, False)} for api in ("linen", "nnx")},
}
"""The settings that decide which arrays a class has and how many dimensions these have, each with its values."""


def told_class(path: str) -> str:
    """Return the class of linen that a module is named after; empty where it is named otherwise.

    >>> told_class("encoder/Conv_0"), told_class("encoder/conv"), told_class("encoder/Block_0")
    ('linen.Conv', '', '')
    """
    found = re.fullmatch(r"(?:.*/)?([A-Za-z]\w*)_\d+", path)
    name = f"linen.{found[1]}" if found else ""
    return name if name in RULES else ""


def readings(arrays: Arrays) -> Iterator[tuple[str, Sequence[Slot]]]:
    """Yield each class that calls for arrays of these names and shapes, with its slots, once for each of its forms.

    The keys of the slots are the names of the arrays.
    """
    for class_name, slots in (*_by_names().get(frozenset(arrays), ()), *product(EINSUMS, _einsums(arrays))):
        if _fits(slots, arrays):
            yield class_name, slots


def owned(arrays: Arrays) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the arrays of each module by their names in it, for the arrays of a model by their whole paths.

    The dense layers of a recurrent cell or of an attention are parts of it, and own nothing; any other array is its
    parent's. The modules come in the order of their first arrays.
    """
    below: dict[str, dict[str, tuple[int, ...]]] = {}
    for path, shape in arrays.items():
        parts = path.split("/")
        for depth in range(max(len(parts) - _DEEPEST, 0), len(parts)):
            below.setdefault("/".join(parts[:depth]), {})["/".join(parts[depth:])] = tuple(shape)
    whole = {path for path, inside in below.items() if _is_whole(path, inside)}
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for path, shape in arrays.items():
        owner = next((prefix for prefix in _prefixes(path) if prefix in whole), path.rpartition("/")[0])
        found.setdefault(owner, {})[path[len(owner) :].lstrip("/")] = tuple(shape)
    return found


def _is_whole(path: str, inside: Arrays) -> bool:
    """Return whether a module owns the arrays of the layers in it; two of any names are no cell unless it says so."""
    parts = {name.partition("/")[0] for name in inside if "/" in name}
    unmistakable = len(parts) > 2 or parts <= {"dense_i", "dense_h", "lora"} or bool(told_class(path))
    return bool(parts) and unmistakable and any(readings(inside))


_DEEPEST = 2
"""The parts of the longest name of an array in a module that owns it: `hi/bias`."""


def _prefixes(path: str) -> Iterator[str]:
    """Yield the paths of the modules around an array that may own it, the outermost first."""
    parts = path.split("/")
    for depth in range(max(len(parts) - _DEEPEST, 0), len(parts)):
        yield "/".join(parts[:depth])


def _einsums(arrays: Arrays) -> Iterator[tuple[Slot, ...]]:
    """Yield the arrays of an Einsum, whose bias has the axes of the outputs, wherever the kernel has these."""
    kernel, bias = arrays.get("kernel", ()), arrays.get("bias", ())
    if not set(arrays) <= {"kernel", "bias"} or not 2 <= len(kernel) <= _MOST_LETTERS:
        return
    if "bias" not in arrays and len(kernel) > 2:
        return
    outputs = numbered("out", len(bias) or 1).split()
    for places in permutations(range(len(kernel)), len(outputs)):
        if bias and any(kernel[place] != size for place, size in zip(places, bias, strict=True)):
            continue
        sums = iter(numbered("in", len(kernel) - len(places)).split())
        axes = " ".join(outputs[places.index(axis)] if axis in places else next(sums) for axis in range(len(kernel)))
        slots = (Slot("kernel", "kernel", "kernel", axes, True), Slot("bias", "bias", "bias", " ".join(outputs), True))
        yield slots if bias else slots[:1]


_MOST_LETTERS = 5
"""The dimensions of a kernel up to which every order of its axes is tried."""


@cache
def _by_names() -> Mapping[frozenset[str], list[tuple[str, tuple[Slot, ...]]]]:
    """Return the forms of all classes by the names of their arrays."""
    found: dict[frozenset[str], list[tuple[str, tuple[Slot, ...]]]] = {}
    for class_name in RULES:
        if class_name not in EINSUMS:
            for slots in _forms(class_name):
                found.setdefault(frozenset(slot.key for slot in slots), []).append((class_name, slots))
    return found


def _forms(class_name: str) -> Iterator[tuple[Slot, ...]]:
    """Yield the arrays of each form of a class that has arrays of its own, each form once."""
    settings = SETTINGS.get(class_name, {})
    forms = {}
    for values in product(*settings.values()):
        config: Config = dict(zip(settings, values, strict=True))
        rows = rows_of(class_name, TABLE.rows(class_name), config)
        slots = tuple(unsized_slots(rows, config, by_name=True))
        forms[tuple((slot.key, slot.axes) for slot in slots)] = slots
    yield from (slots for slots in forms.values() if slots)


def _fits(slots: Sequence[Slot], arrays: Arrays) -> bool:
    """Return whether the axes can be bound to the shapes, each name with one size."""
    sizes: dict[str, int] = {}
    for slot in slots:
        try:
            sizes.update(parse(slot.axes).bind(tuple(arrays[slot.key]), sizes).sizes)
        except AxesError:
            return False
    # Heads that are as many as those of the queries are not shared.
    return "kv_heads" not in sizes or sizes["heads"] % sizes["kv_heads"] == 0 < sizes["heads"] - sizes["kv_heads"]

"""Weights of PyTorch that are computed from other arrays: `weight_norm` and `spectral_norm`, old and new.

The old ones put arrays beside the module's own, `weight_g` and `weight_v` or `weight_orig`, `weight_u` and `weight_v`;
the new ones put them below `parametrizations.weight`
(https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/utils: weight_norm.py, spectral_norm.py, parametrizations.py).
Each stands for one array of the plain module and takes its axes from there. `dim` is the dimension of the weight that
keeps a length of its own, or that u runs along; -1 is none, so that there is one length for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from weightwise.axes import Expand, Merge, Term, parse
from weightwise.axes.terms import atoms, leaves
from weightwise.conventions.row import Config, Description, Shapes, Slot
from weightwise.conventions.table import Table
from weightwise.formats.pytorch.configuration import DIMS
from weightwise.ops.operation import ShapeError
from weightwise.ops.reparametrised import LENGTHS, SINGULAR, Normed, Reparametrised, axis_name, part_role
from weightwise.records import dataclass

WHOLE = -1
"""The `dim` of a weight normalization with one length for the whole weight."""
FORMS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("{}_g", "{}_v"): LENGTHS,
    ("parametrizations.{}.original0", "parametrizations.{}.original1"): LENGTHS,
    ("{}_orig", "{}_u", "{}_v"): SINGULAR,
    ("parametrizations.{}.original", "parametrizations.{}.0._u", "parametrizations.{}.0._v"): SINGULAR,
}
"""The names of the arrays that stand for one, and the roles of these."""
STANDS = {LENGTHS: "{0} and {1} stand for {2} = g · v / |v|", SINGULAR: "{0} stands for {2} = W / σ, σ = uᵀ · W · v"}


@dataclass(frozen=True)
class Standing:
    """The arrays that stand for one array of the plain module."""

    name: str
    """The array that they stand for: `weight`."""
    keys: tuple[str, ...]
    parts: tuple[str, ...]
    """Their roles, in the order of the keys."""

    @property
    def told(self) -> str:
        """What stands for what, as a clause."""
        return STANDS[self.parts].format(self.keys[0], self.keys[1], self.name)

    def shape(self, shapes: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
        """Return the shape of the array that they stand for, which one of them has."""
        return tuple(shapes[self.keys[1 if self.parts == LENGTHS else 0]])


def standing(names: Iterable[str]) -> tuple[Standing, ...]:
    """Return which of a module's arrays stand for others, by their names alone; none where that is not clear.

    >>> [found.name for found in standing(["bias", "weight_g", "weight_v"])]
    ['weight']
    """
    known = set(names)
    found = [
        Standing(match[1], keys, parts)
        for (first, *rest), parts in FORMS.items()
        for name in known
        if (match := re.fullmatch(re.escape(first).replace(r"\{\}", r"(\w+)"), name))
        and known.issuperset(keys := tuple(form.format(match[1]) for form in (first, *rest)))
    ]
    used = [key for one in found for key in (*one.keys, one.name)]
    clear = len(used) == len(set(used)) and not known & {one.name for one in found}
    return tuple(sorted(found, key=lambda one: one.name)) if clear else ()


def plain(names: Iterable[str], found: Sequence[Standing]) -> list[str]:
    """Return the names of the plain module's arrays: those that are stood for come first, as they do in most."""
    instead = {key for one in found for key in one.keys}
    return [*(one.name for one in found), *(name for name in names if name not in instead)]


def dims(one: Standing, shapes: Mapping[str, Sequence[int]]) -> list[int]:
    """Return each `dim` with which the arrays have these shapes; none where they stand for nothing."""
    shape = one.shape(shapes)
    if len(shape) < 2:
        return []
    if one.parts == LENGTHS:
        lengths = tuple(shapes[one.keys[0]])
        single = [WHOLE] if lengths == () else []
        return single + [at for at in range(len(shape)) if lengths == _only(shape, at)]
    vectors = [tuple(shapes[key]) for key in one.keys[1:]]
    return [at for at in range(len(shape)) if vectors == [(shape[at],), (prod(shape[:at] + shape[at + 1 :]),)]]


def _only(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    """Return a shape with a 1 for every size but one."""
    return tuple(size if at == dim else 1 for at, size in enumerate(shape))


def possible(shapes: Mapping[str, Sequence[int]], found: Sequence[Standing]) -> Iterator[dict[str, int]]:
    """Yield the `dim` of each array that is stood for, until each had all with which it has its shape; none for none.

    These are not all combinations, of which there can be too many: what one array is does not rest on another's `dim`.
    """
    options = {one.name: dims(one, shapes) for one in found}
    if all(options.values()):
        for at in range(max(map(len, options.values()), default=0)):
            yield {name: choices[at % len(choices)] for name, choices in options.items()}


def stored_slots(slots: Iterable[Slot], found: Sequence[Standing], at: Mapping[str, int]) -> list[Slot]:
    """Return the slots of the arrays as they are stored; raises `ShapeError` for one that cannot be taken apart."""
    by_name = {one.name: one for one in found}
    return [
        stored
        for slot in slots
        for stored in (_parts(slot, by_name[slot.key], at[slot.key]) if slot.key in by_name else (slot,))
    ]


def _parts(slot: Slot, one: Standing, dim: int) -> Iterator[Slot]:
    """Yield the slots of the arrays that stand for one."""
    kept, others = _split(slot, dim)
    terms = parse(slot.axes).terms
    lengths = "" if dim == WHOLE else " ".join(str(term) if at == dim else "1" for at, term in enumerate(terms))
    axes = {"magnitude": lengths, "left_vector": _merged(kept), "right_vector": _merged(others)}
    for key, part in zip(one.keys, one.parts, strict=True):
        trained = slot.trainable and not part.endswith("_vector")
        role, form = part_role(slot.role, part), axes.get(part, slot.axes)
        yield replace(slot, key=key, name=key, role=role, axes=form, trainable=trained, note=one.told)


def fits(slot: Slot, rank: int) -> bool:
    """Return whether a slot is of a whole array with so many dimensions, whose axes are all known."""
    terms = parse(slot.axes).terms
    return not slot.at and rank == len(terms) and not any(isinstance(term, Expand) for term in atoms(terms))


def _split(slot: Slot, dim: int) -> tuple[list[Term], list[Term]]:
    """Return the axes of one dimension, and those of the others; raises `ShapeError`."""
    terms = parse(slot.axes).terms
    if not WHOLE <= dim < len(terms) or not fits(slot, len(terms)):
        raise ShapeError(f"its {slot.name} is computed from others in a way that weightwise does not know")
    return (
        [] if dim == WHOLE else list(leaves(terms[dim : dim + 1])),
        [leaf for at, term in enumerate(terms) if at != dim for leaf in leaves([term])],
    )


def _merged(terms: Sequence[Term]) -> str:
    """Return the axes of one dimension of these terms, which has one place where there are none."""
    return str(terms[0] if len(terms) == 1 else Merge(tuple(terms))) if terms else "1"


def described(table: Table, class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what the table says of a module some of whose arrays are computed from others; raises as a table does.

    Of those that are computed in another way, or along a dimension that the file does not tell, nothing is said, and
    so the operation is not known either.
    """
    names = _listed([*config["parameters"], *config["buffers"]])
    dims = config.get(DIMS, {})
    found = [one for one in standing(names) if one.name in dims]
    understood = {one.name for one in found}
    missing = [name for name in _computed(names) if name not in understood]
    settings = {**config, "parameters": [*plain(names, found), *missing], "buffers": config["buffers"]}
    description = table.describe(class_name, settings, inputs)
    if description is None or description.operation is None:
        return description
    known = [slot for slot in description.slots if slot.key not in missing]
    places = {name: place for place, name in enumerate(names)}
    slots = sorted(stored_slots(known, found, dims), key=lambda slot: places.get(slot.key, len(places)))
    if missing:
        note = f"its {', '.join(missing)} is computed from other arrays in a way that is not known"
        return Description(None, tuple(slots), note)
    normed = (_normed(slot, one, dims[slot.key]) for slot in known for one in found if slot.key == one.name)
    return Description(Reparametrised(description.operation, tuple(normed)), tuple(slots))


def _listed(names: Sequence[str]) -> list[str]:
    """Return names as a state dict lists them: the module's own, then those below each parametrization."""
    places = {chain: place for place, chain in enumerate(dict.fromkeys(["", *map(_chain, names)]))}
    return sorted(names, key=lambda name: places[_chain(name)])


def _chain(name: str) -> str:
    """Return the parametrization that an array belongs to: `parametrizations.weight`; empty for the module's own."""
    return ".".join(name.split(".")[:2]) if "." in name else ""


def _computed(names: Iterable[str]) -> list[str]:
    """Return the arrays that are computed, each once, by the names of those that they are computed from."""
    found = (re.fullmatch(r"parametrizations\.(\w+)\..+|(\w+)_(?:g|orig)", name) for name in names)
    return list(dict.fromkeys(match[1] or match[2] for match in found if match))


def _normed(slot: Slot, one: Standing, dim: int) -> Normed:
    """Return how the weight of a slot is computed."""
    return Normed(slot.role, one.parts, tuple(map(axis_name, _split(slot, dim)[0])), one.told)

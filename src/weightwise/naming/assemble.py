"""Gives each stored array to the slot that calls for it, numbers them as `get_weights()` does, and builds the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import count

from weightwise.conventions.choice import Convention, Describe, convention
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.errors import FormatError
from weightwise.model import Layer, Model, Weight
from weightwise.naming.drafts import Draft, drafted
from weightwise.naming.grouping import grouped
from weightwise.naming.slots import (
    Expected,
    Named,
    declared_array,
    made_array,
    matched,
    named_array,
    told_owner,
    unknown_array,
    variable_name,
)
from weightwise.records import dataclass
from weightwise.stored import Addressing, StoredArray, StoredLayer, StoredModel

MOST_LISTED = 4
MOST_CALLS = 100_000


@dataclass(frozen=True)
class _Owned:
    """One named array and the layer that it belongs to."""

    draft: Draft
    named: Named


@dataclass(frozen=True)
class _File:
    """How the file tells its arrays."""

    addressing: Addressing
    bare: Callable[[StoredLayer], list[Named]]
    """What names the arrays of a layer without a configuration, in the order of its slots or of the file."""
    prefixed: bool = False
    """Whether the names of variables begin with that of their layer."""
    purposes: Mapping[str, str] = field(default_factory=dict)
    """What layers of a known architecture are for, by their paths."""


@dataclass(frozen=True)
class _Findings:
    """What is wrong, as it is found."""

    problems: list[str]
    missing: list[str]
    """The paths of the arrays that the layers call for and the file does not have."""

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence for each problem, and one for all arrays that are missing."""
        if not self.missing:
            return tuple(self.problems)
        others = len(self.missing) - MOST_LISTED
        listed = ", ".join(self.missing[:MOST_LISTED]) + (f" and {others} more" if others > 0 else "")
        return (*self.problems, f"arrays that its layers call for are not in the file: {listed}")


def named(stored: StoredModel) -> Model:
    """Return the model with every array named, or unknown with the reason."""
    chosen = convention(stored)
    if chosen.owners is not None:
        stored = replace(stored, root=grouped(stored.root, chosen.owners))
    root = drafted(stored.root, "", _bounded(chosen.describe, stored.path), True, ())
    found = _Findings(list(stored.problems), [])
    file = _told_by(stored, chosen)
    ordered: list[_Owned] = []
    for draft in (*root.layers, *_top_level(root)):
        owned = _owned(draft, file, found)
        listed = draft.layers and chosen.trained_first and stored.addressing is Addressing.ORDER
        ordered += _legacy_order(owned) if listed else owned
    if stored.listing:
        places = {path: place for place, path in enumerate(stored.listing)}
        ordered.sort(key=lambda item: places.get(item.named.array.path, len(places)))
    indices: dict[tuple[str, str], int] = {}
    weights: dict[str, list[Weight]] = {}
    for item in ordered:
        # Layers that two models share have the same arrays, which `get_weights()` lists once.
        index = indices.setdefault((item.named.array.file, item.named.array.path), len(indices))
        weights.setdefault(item.draft.path, []).append(_weight(index, item))
    return Model(stored, replace(_layer(root, weights, file.purposes), name=stored.root.name), found.sentences())


def _told_by(stored: StoredModel, chosen: Convention) -> _File:
    """Return what names layers without a configuration; its module is imported here, and those of others are not."""
    if chosen.bare is not None:
        from weightwise.naming.recognise import Recogniser

        return _File(stored.addressing, Recogniser(chosen.bare, stored.addressing).named, chosen.bare.prefixed)
    from weightwise.naming.inferred import Inferrer

    inferrer = Inferrer(chosen.hypotheses or (lambda arrays: ()), chosen.told)
    recognition = chosen.architecture(stored) if chosen.architecture else None
    if recognition is None:
        return _File(stored.addressing, inferrer.named)
    from weightwise.conventions.architectures import purposes
    from weightwise.naming.known import Known

    named_by_rule = Known(recognition, inferrer.named).named
    return _File(stored.addressing, named_by_rule, purposes=purposes(recognition, stored))


def _bounded(describe: Describe, path: str) -> Describe:
    """Return the table with an end: models that call each other twice, level below level, would have none."""
    calls = count()

    def bounded(class_name: str, config: Config, inputs: Shapes) -> Description | None:
        if next(calls) >= MOST_CALLS:
            raise FormatError(
                f"{path}: the models in it call each other so that its layers run more than {MOST_CALLS:,} times; "
                "no network needs that, so the file is damaged or made to exhaust its reader."
            )
        return describe(class_name, config, inputs)

    return bounded


def _top_level(root: Draft) -> list[Draft]:
    """Return the model as a layer of its own arrays, when it has any."""
    return [replace(root, layers=())] if root.stored.arrays else []


def _legacy_order(owned: Sequence[_Owned]) -> list[_Owned]:
    """Return the arrays of a model inside the model as the file lists them, with what is trained first."""
    return sorted(owned, key=lambda item: int(item.named.array.key))


def _owned(draft: Draft, file: _File, findings: _Findings) -> list[_Owned]:
    """Return the arrays of a layer and of those inside it, in the order of their slots; adds what is wrong."""
    drafts = list(draft.walk())
    if file.addressing is not Addressing.ORDER:
        return [item for inner in drafts for item in _given([inner], inner.stored.arrays, file, findings)]
    arrays = draft.stored.arrays
    if len(drafts) == 1 or sum(len(inner.slots) for inner in drafts) == len(arrays):
        return list(_given(drafts, arrays, file, findings))
    return list(_told_by_names(drafts, arrays, file, findings))


def _told_by_names(
    drafts: Sequence[Draft], arrays: Sequence[StoredArray], file: _File, findings: _Findings
) -> Iterator[_Owned]:
    """Yield the arrays of a model some of whose layers nobody knows, with the layers that their names tell of."""
    leaves = [draft for draft in drafts if not draft.layers]
    owners = [told_owner(array.name, [draft.path for draft in leaves]) for array in arrays]
    for place, draft in enumerate(leaves):
        own = [array for array, owner in zip(arrays, owners, strict=True) if owner == place]
        yield from _given([draft], own, file, findings)
    rest = [array for array, owner in zip(arrays, owners, strict=True) if owner is None]
    for array in rest:
        note = f"its name in the file, {array.name}, does not tell which of the layers in {drafts[0].path} has it"
        yield _left_over(drafts[0], array, note)
    if rest:
        findings.problems.append(
            f"{drafts[0].path}: the names of {len(rest)} of its arrays do not tell which layer has them, so that their "
            "places in get_weights() are not known"
        )


def _given(
    drafts: Sequence[Draft], arrays: Sequence[StoredArray], file: _File, findings: _Findings
) -> Iterable[_Owned]:
    """Yield the arrays with the layers that they belong to: first those that slots call for, then the rest."""
    bare = drafts[0].stored
    if len(drafts) == 1 and not bare.configured:
        yield from (_Owned(drafts[0], named) for named in file.bare(bare))
        return
    expected = [Expected(draft.path, slot) for draft in drafts for slot in draft.slots]
    owners = [draft for draft in drafts for _ in draft.slots]
    found, rest, reason = matched(expected, arrays, file.addressing, file.prefixed)
    shared: dict[tuple[str, str], dict[str, int]] = {}
    for place, item in enumerate(expected):
        sizes = shared.setdefault((item.layer, item.slot.scope), {})
        array = found.get(place) or (None if reason else made_array(item.slot, sizes, arrays))
        if array is None:
            if not reason:
                findings.missing.append(f"{item.layer}/{item.slot.name}")
            continue
        result = named_array(item.slot, array, f"{item.layer}/{item.slot.name}", sizes)
        if result.bound is None:
            findings.problems.append(result.note)
        else:
            sizes.update(result.bound.sizes)
        yield _Owned(owners[place], result)
    if rest and reason:
        findings.problems.append(f"{drafts[0].path}: {reason}")
    for array in rest:
        yield _left_over(drafts[0], array, reason)


def _left_over(draft: Draft, array: StoredArray, reason: str) -> _Owned:
    name = variable_name(array, draft.stored.name)
    if declared := declared_array(array):
        return _Owned(draft, replace(declared, name=name))
    note = reason or draft.note or f"no row of the table calls for it in a {draft.stored.class_name}"
    return _Owned(draft, unknown_array(array, name, draft.trainable, note))


def _weight(index: int, item: _Owned) -> Weight:
    named = item.named
    return Weight(
        index,
        named.name,
        item.draft.path,
        named.role,
        named.neutral,
        named.array,
        named.bound,
        named.evidence,
        named.trainable if named.array.trainable is None else named.array.trainable,
        named.note,
        named.readings,
        named.at,
        item.draft.operation,
    )


def _layer(draft: Draft, weights: Mapping[str, Sequence[Weight]], purposes: Mapping[str, str]) -> Layer:
    inner = tuple(_layer(layer, weights, purposes) for layer in draft.layers)
    everything = {weight.index: weight for layer in reversed(inner) for weight in reversed(layer.weights)}
    everything |= {weight.index: weight for weight in weights.get(draft.path, ())}
    return Layer(
        draft.path,
        draft.stored,
        draft.operation,
        tuple(everything[index] for index in sorted(everything)),
        inner,
        tuple(signal.shape for signal in draft.inputs),
        tuple(signal.shape for signal in draft.outputs),
        tuple(tuple(signal.shape for signal in outputs) for outputs in draft.call_outputs),
        draft.trainable,
        draft.note,
        purposes.get(draft.path, ""),
    )

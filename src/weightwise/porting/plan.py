"""What a port does, array by array, before anything is written: the report, and the values that a writer asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from weightwise.axes import Bound, parse
from weightwise.conventions.layout import arranged_shape, as_it_is
from weightwise.conventions.spelling import Speller
from weightwise.errors import AxesError, UnsupportedError
from weightwise.model import Model, Weight
from weightwise.ops.operation import Operation, Shape
from weightwise.porting.between_siblings import fillings, tied
from weightwise.porting.feeding import Fed
from weightwise.porting.filling import Filling, filling_of
from weightwise.porting.flow import ENTRY, Value, flow
from weightwise.porting.lowering import layer_name
from weightwise.porting.matching import Pair, matched
from weightwise.porting.porting import Ported, lowered, speller
from weightwise.porting.rows import Rows, check_told, rearranged, rows_known, rows_said, rows_told
from weightwise.porting.saying import with_axes
from weightwise.porting.siblings import Known, Siblings, known, siblings
from weightwise.porting.told import knows_more, told
from weightwise.porting.unsaid import unsaid
from weightwise.records import dataclass

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


Told = Mapping[str, Rows | None]
"""What the rows of layers of the source are, where that is not in its own axes; None for no image."""


@dataclass(frozen=True)
class Expected:
    """A layer of a target that does not say its settings: what it must be, to compute what the source does."""

    name: str
    class_name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A port: what fills each array of the target, and what must agree beside the arrays."""

    source: Model
    ported: Ported
    """The source in the target's framework."""
    target: Model | None
    """The model that is filled; None where the port makes its own."""
    fillings: tuple[Filling, ...]
    settings: tuple[str, ...]
    """One sentence for each setting that no array carries, with the value that it must have."""
    left: tuple[str, ...]
    """The paths of the source's weights that nothing takes."""
    expected: tuple[Expected, ...] = ()
    """The layers of the target that do not say their settings, as they must be made."""

    @property
    def lossy(self) -> tuple[Filling, ...]:
        """The arrays whose values the target's dtype cannot hold exactly."""
        return tuple(filling for filling in self.fillings if filling.lossy)


def plan(
    source: Model,
    to: str = "",
    target: Model | None = None,
    chosen: Mapping[str, str] | None = None,
    rows: Mapping[str, str] | None = None,
    axes: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan of a port to a framework, or into a model of it; raises `UnsupportedError` with what stops it.

    `chosen` maps names of the source's layers, or their beginnings, to those of the target. `rows` says of dense layers
    of a source without a graph what was flattened into their rows: `c 64 h 12 w 12`, or `in` for no image. `axes` says
    of arrays of the source which of the readings that are left they have.
    """
    source = with_axes(source, axes or {})
    found = siblings(source, target) if target is not None and not chosen and not rows else None
    if found is not None:
        return _rewritten(found, to)
    framework = _framework(to, target)
    said = {**rows_known(source), **{name: rows_said(text) for name, text in (rows or {}).items()}}
    unknown = said.keys() - {layer.name for layer in source.walk()}
    if unknown:
        raise UnsupportedError(f"{source.stored.path}: it has no layer {min(unknown)!r}")
    if target is not None:
        return _into(source, framework, target, dict(chosen or {}), said)
    if chosen:
        raise UnsupportedError("there is nothing to choose from without a target: --map goes with --into")
    ported = _lowered(source, framework, target)
    if not source.has_graph:
        check_told(source, ported.model.stored.framework, said)
    fillings = tuple(_made(weight, said, ported) for weight in ported.model.weights)
    return Plan(source, ported, None, fillings, tuple(_settings(source, ported)), ported.left)


def _rewritten(found: Siblings, to: str) -> Plan:
    """Return the plan of a port into a file of the same architecture, whose framework may not be told."""
    if to and found.target.model.stored.framework:
        _framework(to, found.target.model)
    filled = tuple(fillings(found))
    left = tuple(weight.path for weight in found.left)
    ported = Ported(found.source.model, found.target.model, (), (), (), {}, (), left)
    return Plan(found.source.model, ported, found.target.model, filled, (*unsaid(found), *tied(found)), left)


def _lowered(source: Model, framework: Speller, target: Model | None) -> Ported:
    """Return the source in the target's framework; raises `UnsupportedError`, with what can be done instead."""
    try:
        return lowered(source, framework)
    except UnsupportedError:
        found = known(source)
        if found is None:
            raise
        raise UnsupportedError(_instead(found, target)) from None


def _instead(source: Known, target: Model | None) -> str:
    """Return what can be done with a network of a known architecture whose graph is not in its file."""
    name = source.family.name
    if target is None:
        return (
            f"{source.path}: it has the arrays of {name} and no graph, so no layers can be made of it; "
            f"port it into a file of {name} that has the spelling you want, with --into"
        )
    if any(layer.configured for layer in target.stored.root.layers):
        return (
            f"{target.stored.path}: its classes do not tell which of its arrays are those of {name}, which the source "
            "has; port into a file of its arrays, or into what its state_dict() returns"
        )
    other = known(target)
    if other is not None and other.family.name == name:
        return (
            f"{target.stored.path}: both files have the arrays of {name}, which need no --map or --rows; leave it out"
        )
    if other is not None:
        return f"{target.stored.path}: it has the arrays of {other.family.name}, and the source those of {name}"
    return f"{target.stored.path}: its names and shapes are not those of {name}, whose arrays the source has"


def _into(source: Model, framework: Speller, target: Model, chosen: Mapping[str, str], said: Told) -> Plan:
    """Return the plan of a port into a model."""
    reasons: Mapping[str, str] = {}
    if knows_more(target, source):
        by_graph = told(source, target, chosen)
        source, chosen, reasons = by_graph.model, by_graph.places, by_graph.reasons
    found = _lowered(source, framework.like([layer.operation for layer in target.walk() if layer.operation]), target)
    pairs = matched(found.model, target, {layer_name(name): place for name, place in chosen.items()})
    if reasons:
        pairs = [replace(pair, why=_reason(pair, found, reasons)) for pair in pairs]
    rows = {name: rows for pair in pairs for name, rows in _told_by_target(pair, found)} | dict(said)
    if not source.has_graph:
        check_told(source, found.model.stored.framework, rows)
    fillings = tuple(filling for pair in pairs for filling in _filled(pair, found, rows))
    settings = [*_settings(source, found), *(sentence for pair in pairs for sentence in _assumed(pair))]
    if not reasons:  # else the graph is the target's own, with which it agrees
        settings += (difference for pair in pairs for difference in _differences(pair, found))
    unsaid = () if reasons or not source.has_graph else tuple(_expected(pairs))
    return Plan(source, found, target, fillings, tuple(settings), found.left, unsaid)


def _settings(source: Model, ported: Ported) -> Iterator[str]:
    """Yield what no array carries, of a port to any target."""
    yield from _layouts(source, ported)
    yield from _tied(source)
    yield from ported.notes


def _framework(to: str, target: Model | None) -> Speller:
    own = target.stored.framework if target else ""
    if own and to and own.lower() != to.lower():
        raise UnsupportedError(f"{target.stored.path if target else ''}: it is of {own}, not of {to}")
    if not own and not to:
        path = target.stored.path if target else "the port"
        raise UnsupportedError(f"{path}: nothing tells its framework; say it with --to pytorch, keras or flax")
    return speller(own or to)


def _made(weight: Weight, rows: Told, ported: Ported) -> Filling:
    transfer = ported.by_path[weight.stored.path]
    fed, values = _laid(weight, transfer.fed, rows, ported)
    apart = weight.stored.apart if fed is transfer.fed else None
    return Filling(weight.stored, fed, transfer.why, values, apart=apart)


def _told_by_target(pair: Pair, ported: Ported) -> Iterator[tuple[str, Rows | None]]:
    """Yield the layers of the source of which the target's graph tells the rows that the source does not tell."""
    for weight, found in pair.weights:
        told = rows_told(weight.bound)
        if found is not None and told is not None and rows_told(found.bound) is None:
            for source in ported.by_path[found.stored.path].fed.sources:
                yield source.layer, told


def _laid(weight: Weight, fed: Fed, rows: Told, ported: Ported) -> tuple[Fed, Callable[[], Array]]:
    """Return an array of the port with its rows as the target's framework lays them, where they were told."""
    told = next((rows[source.layer] for source in fed.sources if source.layer in rows), None)
    bound, names = weight.bound, (ported.source.stored.framework, ported.model.stored.framework)
    if told is None or bound is None or "in" not in bound.axes.names or told.own(names[0]) == told.axes(names[1]):
        return fed, weight.values
    own, wanted = rearranged(bound, told, *names)
    left, _, right = fed.pattern.partition(" -> ")
    merged = f"({told.own(names[0])})"
    pattern = f"{_in_place_of(left, merged)} -> {parse(wanted).bind(weight.shape, own.sizes).notation}"
    return replace(fed, pattern=pattern if right else fed.pattern), lambda: own.arrange(weight.values(), wanted)


def _in_place_of(axes: str, merged: str) -> str:
    return " ".join(merged if term == "in" else term for term in axes.split(" "))


def _filled(pair: Pair, ported: Ported, rows: Told) -> Iterator[Filling]:
    for weight, found in pair.weights:
        if found is None:
            yield Filling(weight.stored, None, "it counts training steps, and keeps what it has", weight.values)
            continue
        fed, values = _laid(found, ported.by_path[found.stored.path].fed, rows, ported)
        yield _converted(weight, found, fed, values, pair.why)


def _converted(weight: Weight, found: Weight, fed: Fed, laid: Callable[[], Array], why: str) -> Filling:
    """Return an array of the target with the values of one of the port, in the target's axes and dtype."""
    wanted = _other_axes(found.bound, weight.bound)
    if wanted is not None:
        fed = replace(fed, pattern=f"{fed.pattern.split(' -> ')[0]} -> {wanted.notation}")

    def values() -> Array:
        array = laid()
        return found.bound.arrange(array, wanted.axes) if wanted is not None and found.bound is not None else array

    own = found.stored.apart if wanted is None and laid == found.values else None
    return filling_of(weight.stored, replace(fed, read=values, apart=own), why)


def _other_axes(own: Bound | None, wanted: Bound | None) -> Bound | None:
    """Return the target's axes where it knows that they lie otherwise than its class alone tells: `(h w c)` rows."""
    if own is None or wanted is None or own.notation == wanted.notation:
        return None
    try:
        own.rearranged(wanted.axes)
    except AxesError:
        return None
    return wanted


def _assumed(pair: Pair) -> Iterator[str]:
    """Yield what the target does not tell of its rows behind a Flatten, and how they are laid therefore."""
    for weight, found in pair.weights:
        if found is None or found.bound is None or _other_axes(found.bound, weight.bound) is not None:
            continue
        if rows_told(found.bound) is not None and rows_told(weight.bound) is None:
            yield (
                f"{weight.stored.path}: its rows are laid as {found.bound.notation}, as the framework itself flattens; "
                "the target does not tell its own order"
            )


def _differences(pair: Pair, ported: Ported) -> Iterator[str]:
    """Yield what the target's layer computes otherwise than the source's, where both say it."""
    one, other = pair.source.operation, pair.target.operation
    if one is None or other is None or one == other:
        return
    if any(ported.source[name].operation is None for name in _sources(pair, ported)):
        return
    for name, wanted, found in differing(one, other):
        if name == "activation":
            continue  # one may have it in the layer, and the other as a layer behind it
        yield f"{pair.target.name}: {name} is {found}, and must be {wanted} as in {pair.source.name}"


def _layouts(source: Model, ported: Ported) -> Iterator[str]:
    """Yield how inputs and outputs lie where their axes have another order in the target."""
    if not ported.inputs:
        return
    graph = flow(source)
    entering = [graph.shapes.get(Value(ENTRY, index)) for index in range(len(ported.inputs))]
    leaving = [graph.shapes.get(value) for value in graph.outputs]
    for what, placed_all, found in (("input", ported.inputs, entering), ("output", ported.outputs, leaving)):
        for number, (placed, shape) in enumerate(zip(placed_all, found, strict=True), 1):
            if shape is not None and placed.layout not in (None, as_it_is(len(shape))):
                name = what if len(found) == 1 else f"{what} {number}"
                lies = _shown(arranged_shape(shape, placed.layout or ()))
                yield f"its {name} lies as {lies} here, and as {_shown(shape)} in the source"


def _tied(source: Model) -> Iterator[str]:
    """Yield the arrays that the source has under two names, of which training would make two that differ."""
    for weight in source.weights:
        if weight.stored.tied and weight.role != "-":
            yield f"{weight.stored.path} is the same array as {weight.stored.tied} in the source; tie them here too"


def _shown(shape: Shape) -> str:
    batch, *sizes = shape
    texts = ["batch" if batch is None else str(batch), *("?" if size is None else str(size) for size in sizes)]
    return f"({', '.join(texts)})"


def _expected(pairs: Sequence[Pair]) -> Iterator[Expected]:
    for pair in pairs:
        if pair.target.operation is None:
            made = pair.source.stored
            yield Expected(pair.target.name, pair.source.class_name, made.config)


def _reason(pair: Pair, ported: Ported, reasons: Mapping[str, str]) -> str:
    """Return why the layer of the source was matched with one that the target's graph told."""
    return next((reasons[name] for name in _sources(pair, ported) if name in reasons), pair.why)


def _sources(pair: Pair, ported: Ported) -> set[str]:
    """Return the layers of the source from which a layer of the port was made."""
    fed = [ported.by_path[found.stored.path].fed for _, found in pair.weights if found is not None]
    return {source.layer for each in fed for source in each.sources if source.layer}


def differing(one: Operation, other: Operation) -> Iterator[tuple[str, object, object]]:
    """Yield the settings of two operations that differ, with the values of both; those of operations inside as well."""
    if type(one) is not type(other):
        yield "its operation", type(one).__name__, type(other).__name__
        return
    for setting in fields(one):
        values = getattr(one, setting.name), getattr(other, setting.name)
        if values[0] == values[1]:
            continue
        if all(isinstance(value, Operation) for value in values):
            yield from differing(*values)
        else:
            yield setting.name, *values

"""Which tensor of one model is which of another, and the values of the one in the layout of the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Hashable, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from weightwise.answers.tracing import Computed, Value
from weightwise.axes import parse
from weightwise.errors import AxesError
from weightwise.model import Layer, Weight
from weightwise.naming.signals import Signal, operands
from weightwise.ops.activation import Activation, Softmax
from weightwise.ops.reshaping import Input
from weightwise.records import dataclass
from weightwise.stored import Tensor

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Layout = tuple[int, ...]
SEPARATORS = re.compile(r"[./]")
"""What frameworks put between the parts of a path."""


@dataclass(frozen=True)
class Pair:
    """A tensor of one model and the tensor of another that it should equal."""

    one: Tensor
    other: Tensor
    layout: Layout | None = None
    """How the other lies, where it is known: its axis k is axis `layout[k]` of the one."""


def layer_pairs(ours: Sequence[Computed], theirs: Sequence[Computed]) -> list[Pair]:
    """Return what can be matched: layers of equal names, or else those with weights, in the order in which they run."""
    named = {computed.tensor: computed for computed in theirs}
    same = [Pair(computed.tensor, computed.tensor) for computed in ours if _alike(computed, named.get(computed.tensor))]
    held = [computed for computed in ours if computed.layer.weights]
    if len([pair for pair in same if any(pair.one == computed.tensor for computed in held)]) == len(held):
        return same
    return _by_order(ours, theirs)


def _alike(one: Computed, other: Computed | None) -> bool:
    """Return whether both compute the same kind of thing."""
    return (
        other is not None
        and not isinstance(one.layer.operation, Input)
        and type(one.layer.operation) is type(other.layer.operation)
        and _function(one.layer) == _function(other.layer)
    )


def _by_order(ours: Sequence[Computed], theirs: Sequence[Computed]) -> list[Pair]:
    held = [[computed for computed in side if computed.layer.weights] for side in (ours, theirs)]
    matched = layers_matched(*([computed.layer for computed in side] for side in held))
    found = (_settled(held[0][one], held[1][other], ours, theirs) for one, other in matched)
    return [Pair(one.tensor, other.tensor) for one, other in found if one is not None and other is not None]


def layers_matched(ours: Sequence[Layer], theirs: Sequence[Layer]) -> list[tuple[int, int]]:
    """Return the places of layers that are each other's counterparts, in the order of the first.

    Those with the same values come first, in whatever order these lie; then those of one name and the same sizes; and
    last those of the same sizes, in the order of both.
    """
    matched: list[tuple[int, int]] = []
    for marks in (_holding, _named):
        taken = [{pair[side] for pair in matched} for side in (0, 1)]
        places = [_places(side, marks, met) for side, met in zip((ours, theirs), taken, strict=True)]
        both = (mark for mark in places[0] if len(places[0][mark]) == len(places[1].get(mark, ())))
        matched += [pair for mark in both for pair in zip(places[0][mark], places[1][mark], strict=True)]
    rest = [
        [place for place in range(len(side)) if all(pair[number] != place for pair in matched)]
        for number, side in enumerate((ours, theirs))
    ]
    sizes = [[layer_sizes(side[place]) for place in left] for side, left in zip((ours, theirs), rest, strict=True)]
    blocks = SequenceMatcher(None, a=sizes[0], b=sizes[1], autojunk=False).get_matching_blocks()
    matched += [(rest[0][block.a + k], rest[1][block.b + k]) for block in blocks for k in range(block.size)]
    return sorted(matched)


def _places(
    layers: Sequence[Layer], mark: Callable[[Layer], Hashable], taken: Container[int]
) -> dict[Hashable, list[int]]:
    """Return the places of the layers that are not taken, by what marks them."""
    places: dict[Hashable, list[int]] = {}
    for place, layer in enumerate(layers):
        if place not in taken:
            places.setdefault(mark(layer), []).append(place)
    return places


def layer_sizes(layer: Layer) -> tuple[object, ...]:
    """Return what a layer has in common with its like in another framework: its arrays' sizes, in no order."""
    shapes = [weight.shape for weight in _counted(layer)]
    matrices = sorted(tuple(sorted(size for size in shape if size > 1)) for shape in shapes if len(shape) > 1)
    vectors = {shape[0] for shape in shapes if len(shape) == 1}
    return (tuple(matrices), tuple(sorted(vectors)))


def _counted(layer: Layer) -> list[Weight]:
    return [weight for weight in layer.weights if weight.role != "-" and weight.size > 1]


def _named(layer: Layer) -> Hashable:
    return SEPARATORS.sub("_", layer.name), layer_sizes(layer)


def _holding(layer: Layer) -> Hashable:
    """Return the sums of magnitudes and of squares of a layer's matrices, or else vectors: no arrangement changes them.

    Vectors beside matrices do not count: a framework may have two biases for one.
    """
    import numpy

    arrays = _counted(layer)
    matrices = [weight for weight in arrays if len(weight.shape) > 1] or arrays
    values = (weight.values().astype("float64") for weight in matrices)
    sums = sorted((f"{numpy.abs(array).sum():.8e}", f"{(array * array).sum():.8e}") for array in values)
    return layer_sizes(layer)[0], tuple(sums)


def _settled(
    one: Computed, other: Computed, ours: Sequence[Computed], theirs: Sequence[Computed]
) -> tuple[Computed | None, Computed | None]:
    """Return two matched layers, or in place of one the activation behind it that the other has in itself."""
    mine, yours = _function(one.layer), _function(other.layer)
    if mine == yours:
        return one, other
    if yours == "linear":
        return one, _activated(other, mine, theirs)
    return (_activated(one, yours, ours), other) if mine == "linear" else (None, None)


def _function(layer: Layer) -> str:
    return str(getattr(layer.operation, "activation", "linear"))


def _activated(computed: Computed, function: str, trace: Sequence[Computed]) -> Computed | None:
    """Return the activation of this name that reads what a layer returns; None where there is none."""
    prefix = computed.layer.name.removesuffix(computed.layer.stored.name)
    for found in trace:
        own = found.layer.name.removesuffix(found.layer.stored.name) == prefix
        reads = any(
            tensor.layer == computed.layer.stored.name for call in found.layer.calls for tensor in operands(call)
        )
        if own and reads and _names(found.layer, function) and found.tensor.call == computed.tensor.call:
            return found
    return None


def _names(layer: Layer, function: str) -> bool:
    operation = layer.operation
    if isinstance(operation, Softmax):
        return function == ("log_softmax" if operation.logarithm else "softmax")
    return isinstance(operation, Activation) and operation.function == function


def in_layout_of(wanted: Value, value: Value, layout: Layout | None = None) -> Array | None:
    """Return a value with its axes as another has them, by their names or else by a layout; None where none tells."""
    mine, yours = wanted.signal.axes, value.signal.axes
    if mine is not None and yours is not None and mine != yours:
        arranged = _arranged(wanted.signal, value)
        if arranged is not None:
            return arranged
    if (mine is None or mine != yours) and layout is not None and len(layout) == value.array.ndim:
        return value.array.transpose([layout.index(axis) for axis in range(len(layout))])
    return value.array if value.array.shape == wanted.array.shape else None


def _arranged(wanted: Signal, value: Value) -> Array | None:
    try:
        bound = parse(_line(value.signal)).bind(value.array.shape, _sizes(value.signal))
        return bound.arrange(value.array, _line(wanted))
    except AxesError:
        return None


def _line(signal: Signal) -> str:
    """Return the axes of a tensor as one line, the batch first."""
    return " ".join(("example", *(f"({axis})" if " " in axis else axis for axis in signal.axes or ())))


def _sizes(signal: Signal) -> dict[str, int]:
    names = {name for axis in signal.axes or () for name in axis.split()}
    return {name: size for name, size in signal.sizes.items() if name in names}

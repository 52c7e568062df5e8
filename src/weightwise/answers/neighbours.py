"""Which layer feeds which: the graph around one layer, in words that explain can use."""

from __future__ import annotations

from collections.abc import Iterator

from weightwise.model import Layer, Model
from weightwise.ops.operation import Shape
from weightwise.ops.reshaping import Flatten, Identity, Input
from weightwise.records import dataclass
from weightwise.stored import Tensor


@dataclass(frozen=True)
class Arrival:
    """One tensor that a layer reads: the output of a layer, or an input of the model."""

    layer: Layer | None
    """None for an input of the model."""
    shape: Shape | None


def owner(model: Model, layer: Layer) -> Layer:
    """Return the model, or the model inside it, that lists the layer."""
    models = (model.root, *(inner for inner in model.walk() if inner.is_model))
    return next(outer for outer in models if any(inner is layer for inner in outer.layers))


def connected(layer: Layer) -> bool:
    """Return whether the file says what the layer reads."""
    return bool(layer.calls)


def arrivals(model: Model, layer: Layer) -> tuple[Arrival, ...]:
    """Return what the layer reads in its first call; nothing for an input layer, or where the file does not say it."""
    if not connected(layer) or isinstance(layer.operation, Input):
        return ()
    inputs = layer.calls[0].inputs
    if not inputs:
        return tuple(Arrival(None, shape) for shape in layer.inputs[:1])
    siblings = {sibling.stored.name: sibling for sibling in owner(model, layer).layers}
    shapes = (*layer.inputs, *(None for _ in inputs))
    return tuple(Arrival(siblings.get(tensor.layer), shape) for tensor, shape in zip(inputs, shapes, strict=False))


def readers(model: Model, layer: Layer) -> tuple[Layer, ...]:
    """Return the layers that read an output of the layer, each once."""
    name = layer.stored.name
    return tuple(
        other
        for other in owner(model, layer).layers
        if any(tensor.layer == name for call in other.calls for tensor in call.inputs)
    )


def ends(model: Model, layer: Layer) -> bool:
    """Return whether an output of the layer is an output of the model that lists it."""
    return any(tensor.layer == layer.stored.name for tensor in owner(model, layer).stored.outputs)


def origin(model: Model, layer: Layer) -> Layer | None:
    """Return the layer that made the values which arrive: the nearest one that does more than pass on or flatten."""
    for layer in _upstream(model, layer):  # noqa: B020 - the walk starts at the layer and goes up
        if not isinstance(layer.operation, Identity | Flatten):
            return layer
    return None


def _upstream(model: Model, layer: Layer) -> Iterator[Layer]:
    """Yield the layers above, as long as each reads one tensor."""
    seen: set[Tensor] = set()
    while len(layer.calls) == 1 and len(layer.calls[0].inputs) == 1 and layer.calls[0].inputs[0] not in seen:
        seen.add(layer.calls[0].inputs[0])
        (arrival,) = arrivals(model, layer)
        if arrival.layer is None:
            return
        layer = arrival.layer
        yield layer

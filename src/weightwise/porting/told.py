"""A source without a graph, told by the target's: the Keras model that a state dict goes to knows what its arrays are.

The target is spelled in the source's framework; there its layers have the arrays that a source of the same network must
have, and each of the source's is told by the one that it matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming import named
from weightwise.porting.lowering import layer_name
from weightwise.porting.matching import Pair, matched
from weightwise.porting.porting import Ported, lowered, speller
from weightwise.records import dataclass
from weightwise.stored import StoredArray, StoredLayer, StoredModel, Tensor


def knows_more(target: Model, source: Model) -> bool:
    """Return whether a target tells what a source does not: its graph, what its layers compute, or its axes."""
    if not source.has_graph and (target.has_graph or (_names_all(target) and not _names_all(source))):
        return True
    return _computes(target) and not _computes(source)


def _computes(model: Model) -> bool:
    """Return whether it is known of every layer with weights what it computes."""
    return all(layer.operation is not None for layer in model.walk() if layer.weights and not layer.is_model)


def _names_all(model: Model) -> bool:
    """Return whether the axes of every array are known."""
    return all(weight.bound is not None for weight in model.weights)


@dataclass(frozen=True)
class Told:
    """A source with the graph of its target."""

    model: Model
    places: Mapping[str, str]
    """The layer of the target by that of the source."""
    reasons: Mapping[str, str]
    """Why they were matched, by the layer of the source."""


def told(source: Model, target: Model, chosen: Mapping[str, str]) -> Told:
    """Return the source with the graph of the target, and which of its layers is which of the target's.

    `chosen` maps names of the source's layers, or their beginnings, to those of the target. Raises `UnsupportedError`.
    """
    spelled = lowered(target, speller(source.stored.framework))
    places = {layer_name(place): name for name, place in chosen.items()}
    pairs = matched(spelled.model, source, places)
    names = {pair.source.name: pair.target.name for pair in pairs}
    layers = tuple(_layer(layer, names, pairs) for layer in spelled.model.stored.root.layers)
    root = spelled.model.stored.root
    renamed = replace(
        root,
        layers=layers,
        inputs=tuple(_tensor(tensor, names) for tensor in root.inputs),
        outputs=tuple(_tensor(tensor, names) for tensor in root.outputs),
    )
    stored: StoredModel = replace(source.stored, root=renamed, listing=(), addressing=spelled.model.stored.addressing)
    reasons = {pair.target.name: pair.why for pair in pairs}
    return Told(named(stored), _destinations(spelled, names), reasons)


def _layer(layer: StoredLayer, names: Mapping[str, str], pairs: list[Pair]) -> StoredLayer:
    """Return a layer under its name in the source, with the source's arrays."""
    pair = next((pair for pair in pairs if pair.source.name == layer.name), None)
    values = {found.stored.path: own.stored for own, found in pair.weights if found is not None} if pair else {}
    calls = tuple(replace(call, inputs=tuple(_tensor(tensor, names) for tensor in call.inputs)) for call in layer.calls)
    arrays = tuple(_array(array, values) for array in layer.arrays)
    return replace(layer, name=names.get(layer.name, layer.name), calls=calls, arrays=arrays)


def _array(array: StoredArray, values: Mapping[str, StoredArray]) -> StoredArray:
    own = values.get(array.path)
    return array if own is None else replace(own, key=array.key, name=array.name)


def _tensor(tensor: Tensor, names: Mapping[str, str]) -> Tensor:
    return replace(tensor, layer=names.get(tensor.layer, tensor.layer))


def _destinations(spelled: Ported, names: Mapping[str, str]) -> dict[str, str]:
    """Return the layer of the target for each of the source; raises `UnsupportedError` for one made of several."""
    found: dict[str, str] = {}
    for transfer in spelled.transfers:
        for weight in transfer.fed.sources:
            name = names[transfer.layer]
            if name.endswith(".out_proj"):
                continue  # it is made of the layer that the module around it was made of
            others = [other for other, place in found.items() if place == weight.layer and other != name]
            if others:
                raise UnsupportedError(
                    f"{weight.layer} of the target is {others[0]} and {name} of the source; split it in two layers"
                )
            found[name] = weight.layer
    return found

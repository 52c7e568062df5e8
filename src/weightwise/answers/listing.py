"""Which layers and arrays a person wants to see, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from weightwise.errors import SelectionError
from weightwise.model import Layer, Model, Weight

ORDERS: dict[str, Callable[[Any], Any]] = {
    "size": lambda item: -(item.size if isinstance(item, Weight) else item.parameters),
    "name": lambda item: item.path if isinstance(item, Weight) else item.name,
}
"""How layers and arrays can be ordered; those that are equal keep the framework's order."""


def layers_listed(
    model: Model, names: Sequence[str] = (), pattern: str = "", order: str = ""
) -> Sequence[Layer] | None:
    """Return the layers with these names, or those that match a pattern; None where all are wanted as they are.

    A pattern is a part of the name of a layer or of an array, or all of it with `*` and `?`. Raises `SelectionError`
    where nothing has such a name.
    """
    if not (names or pattern or order):
        return None
    layers: Sequence[Layer] = [model[name] for name in names] if names else model.layers
    if pattern:
        layers = [layer for layer in layers if layer_matches(layer, pattern)]
    if not layers:
        raise SelectionError(f"{model.stored.path}: no layer and no array has a name like {pattern!r}")
    return sorted(layers, key=ORDERS[order]) if order else layers


def weights_listed(
    model: Model, layers: Sequence[Layer] | None, pattern: str = "", order: str = ""
) -> Sequence[Weight]:
    """Return the arrays of these layers, or of all; of those only what matches the pattern itself."""
    weights = model.weights if layers is None else [weight for layer in layers for weight in layer.weights]
    if pattern:
        weights = [weight for weight in weights if matches(weight.path, pattern)]
    return sorted(weights, key=ORDERS[order]) if order else weights


def layer_matches(layer: Layer, pattern: str) -> bool:
    """Return whether the name of a layer, of one in it or of an array of it matches."""
    names = (layer.name, *(weight.path for weight in layer.weights))
    return any(matches(name, pattern) for name in names) or any(layer_matches(inner, pattern) for inner in layer.layers)


def matches(name: str, pattern: str) -> bool:
    """Return whether a name has a pattern as a part, or is one with `*` and `?`."""
    return fnmatchcase(name, pattern) if set(pattern) & set("*?[") else pattern in name

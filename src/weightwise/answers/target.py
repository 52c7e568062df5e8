"""What people point at: a layer `conv2d_2`, an array by its index `[2]` or `2`, or by its name `conv2d_2/kernel`.

An array can be called as the file calls it too: `features.0.weight`.
"""

from __future__ import annotations

import re

from weightwise.errors import SelectionError
from weightwise.model import Layer, Model, Weight

INDEX = re.compile(r"\[\s*([0-9]{1,18})\s*\]|([0-9]{1,18})")


def found(model: Model, target: str | int) -> Layer | Weight:
    """Return the layer or the array that `target` points at; raises `SelectionError` that says what there is."""
    text = str(target).strip()
    for layer in model.walk():
        if layer.name == text:
            return layer
    number = INDEX.fullmatch(text)
    return _numbered(model, int(number[1] or number[2])) if number else _called(model, text)


def found_weight(model: Model, target: str | int) -> Weight:
    """Return the array that `target` points at; raises `SelectionError`, also where it points at a layer."""
    thing = found(model, target)
    if isinstance(thing, Weight):
        return thing
    if not thing.weights:
        raise SelectionError(f"{thing.name} is a layer without weights, so no number of it can be located")
    raise SelectionError(f"{thing.name} is a layer; choose one of its arrays: {_paths(thing.weights)}")


def _numbered(model: Model, index: int) -> Weight:
    if index < len(model.weights):
        return model.weights[index]
    if not model.weights:
        raise SelectionError(f"{model.stored.path} has no weight arrays, so there is no [{index}]")
    last = len(model.weights) - 1
    raise SelectionError(f"{model.stored.path} has the arrays [0] to [{last}], so there is no [{index}]")


def _called(model: Model, path: str) -> Weight:
    weights = _under(model, path)
    if len(weights) == 1:
        return weights.popitem()[1]
    if weights:
        places = ", ".join(f"[{index}]" for index in sorted(weights))
        raise SelectionError(f"{model.stored.path} has several arrays called {path}: choose one of {places}")
    raise _nothing(model, path)


def _under(model: Model, path: str) -> dict[int, Weight]:
    """Return the arrays of this path by index; one that two layers share is found under both."""
    owners = [layer for layer in model.walk() if not layer.is_model]
    own = {weight.index: weight for weight in model.weights if path in (weight.path, weight.stored.path)}
    return own | {
        weight.index: weight
        for layer in owners
        if path.startswith(f"{layer.name}/")
        for weight in layer.weights
        if path == f"{layer.name}/{weight.name}"
    }


def _nothing(model: Model, path: str) -> SelectionError:
    """Return an error that lists the arrays of the layer that the path begins with, or else the layers."""
    owners = [layer for layer in model.walk() if path.startswith(f"{layer.name}/")]
    if not owners:
        known = ", ".join(layer.name for layer in model.layers)
        return SelectionError(f"{model.stored.path} has no layer or array {path!r}; its layers are {known}")
    layer = max(owners, key=lambda layer: len(layer.name))
    if not layer.weights:
        return SelectionError(f"layer {layer.name} has no weights, so there is no {path}")
    return SelectionError(f"layer {layer.name} has no array {path!r}; its arrays are {_paths(layer.weights)}")


def _paths(weights: tuple[Weight, ...]) -> str:
    return ", ".join(f"{weight.path} [{weight.index}]" for weight in weights)

"""The axes of arrays that names and shapes leave open, as the caller says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from weightwise.errors import UnsupportedError
from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import StoredLayer


def with_axes(model: Model, said: Mapping[str, str]) -> Model:
    """Return a model in which some arrays, by their paths, have one of the readings that were left of them.

    Raises `UnsupportedError` for an array that is not there, or that has no such reading.
    """
    if not said:
        return model
    weights = {weight.path: weight for weight in model.weights}
    for path, axes in said.items():
        if path not in weights:
            raise UnsupportedError(f"{model.stored.path}: it has no array {path!r}")
        weight = weights[path]
        if weight.bound is not None:
            raise UnsupportedError(f"--axes: those of {path} are known: {weight.bound.notation}")
        if axes not in weight.readings:
            readings = " or ".join(weight.readings) or "nothing that is known"
            raise UnsupportedError(f"--axes: {path} may be {readings}, not {axes}")
    paths = {weights[path].stored.path: axes for path, axes in said.items()}
    return named(replace(model.stored, root=_with_axes(model.stored.root, paths)))


def _with_axes(layer: StoredLayer, said: Mapping[str, str]) -> StoredLayer:
    arrays = tuple(replace(array, axes=said.get(array.path, array.axes)) for array in layer.arrays)
    return replace(layer, arrays=arrays, layers=tuple(_with_axes(inner, said) for inner in layer.layers))

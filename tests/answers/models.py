"""Small models for the tests of answers, made by hand: the layers of a chain with arrays of known values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from weightwise.model import Model
from weightwise.naming import named
from weightwise.stored import Addressing, Call, StoredArray, StoredLayer, StoredModel, Tensor

Given = tuple[str, str, Mapping[str, Any], Mapping[str, numpy.ndarray]]
"""A layer's name, class, configuration, and arrays by key."""


def stored_array(layer: str, key: str, values: numpy.ndarray) -> StoredArray:
    """Return an array that is read as a whole."""
    path, dtype = f"{layer}/{key}", str(values.dtype)
    return StoredArray(path, key, values.shape, dtype, values.nbytes, lambda: values, file="chain.keras")


def chain(shape: Sequence[int | None], *given: Given) -> Model:
    """Return a Sequential model whose layers read each other in order, for an input of this shape without its batch."""
    layers = [StoredLayer("entry", "InputLayer", {"batch_shape": [None, *shape]}, calls=(Call(()),))]
    for name, class_name, config, arrays in given:
        stored = tuple(stored_array(name, key, values) for key, values in arrays.items())
        call = Call((Tensor(layers[-1].name),))
        layers.append(StoredLayer(name, class_name, config, arrays=stored, calls=(call,)))
    ends = (Tensor("entry"),), (Tensor(layers[-1].name),)
    root = StoredLayer("chain", "Sequential", {}, layers=tuple(layers), inputs=ends[0], outputs=ends[1])
    return named(StoredModel("chain.keras", "Keras 3 archive (.keras)", "Keras", "3.15.1", root, Addressing.PATH))


def counting(*shape: int) -> numpy.ndarray:
    """Return an array in which every number is another."""
    return numpy.arange(1, 1 + int(numpy.prod(shape)), dtype="float32").reshape(shape)

"""Whole models as weights alone would show them."""

from __future__ import annotations

from dataclasses import replace

from weightwise.stored import StoredModel


def without_configuration(stored: StoredModel) -> StoredModel:
    """Return a model of the older HDF5 format as its names and arrays alone tell of it."""
    nothing = {"class_name": "", "config": {}, "package": "", "configured": False}
    layers = tuple(replace(layer, calls=(), layers=(), build_shape=None, **nothing) for layer in stored.root.layers)
    return replace(stored, root=replace(stored.root, layers=layers, inputs=(), outputs=(), **nothing))

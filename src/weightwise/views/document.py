"""A model as one JSON document: everything that the screen says, and where each array lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightwise.answers.arithmetic import arithmetic
from weightwise.answers.overview import overview
from weightwise.model import Layer, Model, Weight


def model_document(model: Model, only: Sequence[Layer] | None = None) -> dict[str, Any]:
    """Return the model, or only some of its layers, as values that `json.dumps` takes."""
    facts = overview(model)
    return {
        "name": model.name,
        "path": model.stored.path,
        "format": model.stored.format,
        "framework": model.stored.framework,
        "version": model.stored.version,
        "class": model.stored.root.class_name,
        "parameters": {
            "total": facts.parameters,
            "trainable": facts.trainable,
            "non_trainable": facts.parameters - facts.trainable,
            "optimizer": facts.optimizer,
        },
        "arrays": facts.arrays,
        "bytes": facts.nbytes,
        "weights": [weight_document(weight) for weight in (model.own.weights if model.own and only is None else ())],
        "layers": [layer_document(layer) for layer in (model.layers if only is None else only)],
        "remarks": list(model.stored.remarks),
        "problems": list(model.problems),
    }


def layer_document(layer: Layer) -> dict[str, Any]:
    """Return a layer with its arrays, or with its own layers."""
    sums = arithmetic(layer.weights)
    document: dict[str, Any] = {
        "name": layer.name,
        "class": layer.class_name,
        "does": (layer.operation.sentence() if layer.operation else layer.purpose) or None,
        "note": layer.note or None,
        "inputs": [None if shape is None else list(shape) for shape in layer.inputs],
        "outputs": [None if shape is None else list(shape) for shape in layer.outputs],
        "trainable": layer.trainable,
        "parameters": layer.parameters,
    }
    if layer.is_model:
        return document | {"layers": [layer_document(inner) for inner in layer.layers]}
    return document | {
        "arithmetic": sums.formula or None,
        "weights": [weight_document(weight) for weight in layer.weights],
    }


def weight_document(weight: Weight) -> dict[str, Any]:
    """Return one array: its index, names, axes, evidence and place."""
    return {
        "index": weight.index,
        "name": weight.name,
        "path": weight.path,
        "shape": list(weight.shape),
        "dtype": weight.dtype,
        "parameters": weight.size,
        "trainable": weight.trainable,
        "notation": weight.bound.notation if weight.bound else None,
        "axes": [
            {
                "name": axis.name,
                "size": axis.size,
                "evidence": axis.evidence.value,
                **({"labels": list(axis.labels)} if axis.labels else {}),
            }
            for axis in weight.axes
        ],
        "evidence": weight.evidence.value,
        "note": weight.note or None,
        "readings": list(weight.readings),
        "tied_to": weight.stored.tied or None,
        "stored": None
        if weight.stored.made
        else {"file": weight.stored.file, "path": weight.stored.path, "offset": weight.stored.offset},
    }

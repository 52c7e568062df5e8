"""An explanation as one JSON document: everything that the sentences say, as values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from weightwise.answers.explain import (
    Explanation,
    LayerExplanation,
    Merged,
    ModelExplanation,
    WeightExplanation,
)
from weightwise.views.document import layer_document, model_document, weight_document


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as values that `json.dumps` takes."""
    match explanation:
        case ModelExplanation():
            return _model(explanation)
        case LayerExplanation():
            return _layer(explanation)
        case WeightExplanation():
            return _weight(explanation)


def _model(explanation: ModelExplanation) -> dict[str, Any]:
    mistaken = None
    if explanation.mistaken is not None:
        place, layer, weight = explanation.mistaken
        mistaken = {"place": place, "layer": layer.name, "weight": weight.path}
    return {
        **model_document(explanation.model),
        "owners": {str(arrays): layers for arrays, layers in explanation.facts.owners.items()},
        "coincidence": mistaken,
        "one_dimensional": dict(explanation.flat),
        "layers": [_layer(layer) for layer in explanation.layers],
    }


def _layer(explanation: LayerExplanation) -> dict[str, Any]:
    arrivals = [
        {
            "layer": arrival.layer.name if arrival.layer else None,
            "shape": None if arrival.shape is None else list(arrival.shape),
        }
        for arrival in explanation.arrivals
    ]
    return {
        **layer_document(explanation.layer),
        "number": explanation.number,
        "reads": arrivals if explanation.connected else None,
        "read_by": [reader.name for reader in explanation.readers] if explanation.connected else None,
        "is_output": explanation.ends if explanation.connected else None,
        "sizes": [asdict(size) for size in explanation.sizes],
        **({"layers": [_layer(inner) for inner in explanation.layers]} if explanation.layer.is_model else {}),
        **({} if explanation.layer.is_model else {"weights": [_weight(weight) for weight in explanation.weights]}),
    }


def _weight(explanation: WeightExplanation) -> dict[str, Any]:
    document = weight_document(explanation.weight)
    axes = [
        {**axis, "meaning": told.meaning, "cause": told.cause or None, **_blocks(told.labels)}
        for axis, told in zip(document["axes"], explanation.axes, strict=True)
    ]
    known = explanation.weight.bound is not None
    return {
        **document,
        "axes": axes,
        "holds": explanation.does if known else None,
        "part": explanation.part or None,
        "arithmetic": explanation.arithmetic.formula or None,
        "training": explanation.training.value,
        "merged": [_merged(merged) for merged in explanation.merged],
    }


def _blocks(labels: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"blocks": dict(labels)} if labels else {}


def _merged(merged: Merged) -> dict[str, Any]:
    return {
        "dimension": merged.dimension,
        "size": merged.size,
        "axes": [factor.name for factor in merged.factors],
        "output_of": merged.source.name if merged.source else None,
        "example": {"place": merged.place, "formula": merged.formula or None, "coordinates": dict(merged.coordinates)},
    }

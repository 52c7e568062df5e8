"""What the one screen says of a model besides its layers: the counts, and why arrays and layers are not the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from weightwise.model import Evidence, Layer, Model, Weight
from weightwise.records import dataclass
from weightwise.stored import Addressing


@dataclass(frozen=True)
class Overview:
    """The counts of a model."""

    layers: int
    arrays: int
    parameters: int
    trainable: int
    optimizer: int
    nbytes: int
    """Bytes of all weights."""
    evidence: dict[Evidence, int]
    """The number of arrays by what their names rest on."""
    owners: dict[int, int]
    """How many layers own how many arrays; a model inside the model counts as the layers in it."""


def overview(model: Model) -> Overview:
    """Return the counts of a model."""
    leaves = [layer for layer in model.walk() if not layer.is_model]
    return Overview(
        len(model.layers),
        len(model.weights),
        model.parameters,
        model.trainable_parameters,
        model.optimizer_parameters,
        sum(weight.stored.nbytes for weight in model.weights if not weight.stored.tied),
        dict(Counter(weight.evidence for weight in model.weights)),
        dict(Counter(len(layer.weights) for layer in leaves)),
    )


def coincidence(model: Model) -> tuple[int, Layer, Weight] | None:
    """Return the first place where layer and array of one number do not belong together, if their counts are equal.

    Eight layers and eight arrays invite the mistake that array `[2]` is the third layer's. Where the file does not tell
    the order of the layers there is no such place.
    """
    in_path_order = model.stored.addressing is Addressing.PATH and not all(
        layer.stored.configured for layer in model.layers
    )
    if len(model.layers) != len(model.weights) or in_path_order:
        return None
    for place, (layer, weight) in enumerate(zip(model.layers, model.weights, strict=True)):
        if not layer.weights and weight.layer != layer.name:
            return place, layer, weight
    return None


def numbered(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield every layer with its number; the layers of the third, a model, are `3.1`, `3.2` …"""
    for place, layer in enumerate(layers, 1):
        number = f"{prefix}{place}"
        yield number, layer
        yield from numbered(layer.layers, f"{number}.")

"""The sample files, and what the frameworks that wrote them say of them (`facts.json`)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from weightwise.stored import StoredArray, StoredLayer, StoredModel

SAMPLES = Path(__file__).parent
CORPUS = Path(os.environ.get("WEIGHTWISE_CORPUS") or SAMPLES.parents[2] / "shared" / "corpus") / "files"
"""Real files by other hands, which are not part of the project."""
FACTS: dict[str, Any] = json.loads((SAMPLES / "facts.json").read_text())
FILES: dict[str, Any] = {file: facts for facts in FACTS.values() for file in facts["files"]}
"""The facts of each file that holds a model of Keras."""


def layers(layer: StoredLayer) -> Iterator[StoredLayer]:
    """Yields a layer and all layers in it."""
    yield layer
    for inner in layer.layers:
        yield from layers(inner)


def arrays(model: StoredModel) -> dict[str, StoredArray]:
    """Returns the weights of a model by their paths, those of shared layers once."""
    return {array.path: array for layer in layers(model.root) for array in layer.arrays}


def everything(model: StoredModel) -> list[StoredArray]:
    """Returns all arrays of a file."""
    return [*arrays(model).values(), *model.optimizer, *model.state]


def checksum(values: numpy.ndarray) -> str:
    """Returns the SHA-256 of values in order; every NaN counts as the same."""
    if values.dtype.kind == "f":
        values = numpy.where(numpy.isnan(values), numpy.array(numpy.nan, values.dtype), values)
    return hashlib.sha256(numpy.ascontiguousarray(values).tobytes()).hexdigest()

"""Cases of Keras's layers with several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from tests.oracles.case import Case, Input


def together(built: Any, tensors: Sequence[Any]) -> Any:
    """Return the output of a layer that takes its inputs as one list."""
    return built(list(tensors))


def merge(name: str, layer: Any, *shapes: tuple[int, ...]) -> Case:
    """Return a case with an input of each shape."""
    return Case(name, layer, [Input(shape) for shape in shapes], together)


SAME = (2, 3, 4)

CASES = [
    merge("Add", lambda: layers.Add(), SAME, SAME),
    merge("Add of one", lambda: layers.Add(), SAME),
    merge("Add of three", lambda: layers.Add(), SAME, SAME, SAME),
    merge("Add, repeating rows", lambda: layers.Add(), SAME, (2, 1, 4)),
    merge("Add, repeating both", lambda: layers.Add(), (2, 3, 1), (2, 1, 4)),
    merge("Add of fewer axes", lambda: layers.Add(), SAME, (2, 4)),
    merge("Add of fewer axes first", lambda: layers.Add(), (2, 4), (2, 3, 2, 4), (2, 2, 1)),
    merge("Subtract", lambda: layers.Subtract(), SAME, SAME),
    merge("Subtract, repeating", lambda: layers.Subtract(), (2, 1, 4), SAME),
    merge("Multiply", lambda: layers.Multiply(), SAME, SAME, SAME),
    merge("Multiply by channel", lambda: layers.Multiply(), (2, 3, 4, 2), (2, 1, 1, 2)),
    merge("Average", lambda: layers.Average(), SAME, SAME, SAME),
    merge("Maximum", lambda: layers.Maximum(), SAME, SAME, SAME),
    merge("Minimum", lambda: layers.Minimum(), SAME, (2, 3, 1)),
    merge("Concatenate", lambda: layers.Concatenate(), SAME, (2, 3, 2)),
    merge("Concatenate of three", lambda: layers.Concatenate(), (2, 3), (2, 1), (2, 4)),
    merge("Concatenate along the first", lambda: layers.Concatenate(axis=1), SAME, (2, 2, 4)),
    merge("Concatenate from the end", lambda: layers.Concatenate(axis=-2), (2, 3, 1, 2), (2, 3, 2, 2)),
    merge("Dot", lambda: layers.Dot(axes=1), (3, 4), (3, 4)),
    merge("Dot of sequences", lambda: layers.Dot(axes=(2, 1)), SAME, (2, 4, 5)),
    merge("Dot of sequences along the first", lambda: layers.Dot(axes=(1, 2)), SAME, (2, 5, 3)),
    merge("Dot of sequences along the last", lambda: layers.Dot(axes=-1), SAME, (2, 5, 4)),
    merge("Dot of a sequence and a vector", lambda: layers.Dot(axes=(2, 1)), SAME, (2, 4)),
    merge("Dot of a vector and a sequence", lambda: layers.Dot(axes=(1, 2)), (2, 4), SAME),
    merge("Dot of images", lambda: layers.Dot(axes=(3, 2)), (2, 3, 2, 4), (2, 2, 4, 3)),
    merge("Dot of cosines", lambda: layers.Dot(axes=2, normalize=True), SAME, (2, 5, 4)),
    merge("Dot of one cosine", lambda: layers.Dot(axes=1, normalize=True), (3, 4), (3, 4)),
]

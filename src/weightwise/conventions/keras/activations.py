"""Activation layers of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/activations)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.keras.configuration import activation
from weightwise.conventions.keras.functions import LAYERS
from weightwise.conventions.keras.normalization import axes_of
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.activation import Activation, PReLU, Softmax
from weightwise.ops.features import feature_names
from weightwise.ops.operation import ShapeError


def _slopes(config: Config, inputs: Shapes) -> tuple[int, ...]:
    """Return the axes that have slopes of their own, the last of which is -1 if it is the only one."""
    if not inputs:
        raise ShapeError("the slopes of a PReLU follow from the shape of its input, which is not known")
    shared = config.get("shared_axes") or ()
    rank = len(inputs[0])
    if not all(isinstance(axis, int) and 0 < axis < rank for axis in shared):
        raise ShapeError(f"expected shared axes from 1 to {rank - 1}, found {shared!r}")
    return axes_of([axis for axis in range(1, rank) if axis not in shared], inputs)


def _slope_names(config: Config, inputs: Shapes) -> Mapping[str, str]:
    """Return the axes of alpha, which has length one along the axes that share a slope."""
    axes = _slopes(config, inputs)
    rank = len(inputs[0])
    names = dict(zip((axis % rank for axis in axes), feature_names(axes), strict=True))
    return {"slopes": " ".join(names.get(axis, "1") for axis in range(1, rank))}


ROWS = (Row("PReLU", "alpha", role="slope", axes="...slopes", expand=_slope_names),)


def _activation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Activation:
    return Activation(activation(config))


def _prelu(config: Config, inputs: Shapes, parts: Sequence[Description]) -> PReLU:
    return PReLU(_slopes(config, inputs))


def _softmax(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Softmax:
    return Softmax(axes_of(config.get("axis", -1), inputs))


def _function(class_name: str) -> Rule:
    return Rule(lambda config, inputs, parts: Activation(LAYERS[class_name](config)))


RULES = {
    "Activation": Rule(_activation),
    "Softmax": Rule(_softmax),
    "PReLU": Rule(_prelu),
    **{class_name: _function(class_name) for class_name in LAYERS},
}

"""Layers of Keras that rearrange or pass on (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/reshaping)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.keras.rule import Rule, activation, channels_first
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.ops.activation import Activation
from weightwise.ops.operation import ShapeError
from weightwise.ops.reshaping import Flatten, Identity, Input

ROWS: tuple[Row, ...] = ()


def _input(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Input:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, (list, tuple)):
        raise ShapeError(f"expected the shape of the input, found {shape!r}")
    return Input(tuple(shape))


def _dropout(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Identity:
    return Identity(f"sets {config['rate']:.0%} of its inputs to zero while training, and passes them on afterwards")


def _flatten(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Flatten:
    return Flatten(channels_first(config))


def _activation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Activation:
    return Activation(activation(config))


RULES = {
    "InputLayer": Rule(_input),
    "Dropout": Rule(_dropout),
    "Flatten": Rule(_flatten),
    "Activation": Rule(_activation),
}

"""Dense layers of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/core)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.keras.rule import Rule, activation, use_bias
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.ops.dense import Dense

ROWS = (
    Row("Dense", "kernel", role="kernel", axes="in out"),
    Row("Dense", "bias", role="bias", axes="out", when=use_bias),
)


def _dense(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Dense:
    return Dense(config["units"], use_bias(config), activation(config))


RULES = {"Dense": Rule(_dense)}

"""Keras's conventions: what each class stores, in which order and with which axes.

The order is that of `Layer.weights`: a layer's own trainable variables, its own non-trainable ones, then those of the
layers inside it (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/layer.py).
"""

from __future__ import annotations

from weightwise.conventions.keras import (
    activations,
    attention,
    convolution,
    dense,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    spatial,
)
from weightwise.conventions.keras.rule import Rule
from weightwise.conventions.keras.table import Table
from weightwise.conventions.row import Row, Slot

_WINGS = (
    dense,
    reshaping,
    merging,
    activations,
    normalization,
    convolution,
    pooling,
    spatial,
    preprocessing,
    recurrent,
    attention,
)

RULES: dict[str, Rule] = {name: rule for wing in _WINGS for name, rule in wing.RULES.items()}
ROWS: tuple[Row, ...] = tuple(row for wing in _WINGS for row in wing.ROWS)

TABLE = Table(RULES, ROWS)
"""Keras 3's."""

describe = TABLE.describe

__all__ = ["ROWS", "RULES", "Slot", "describe"]

"""Keras's conventions: what each class stores, in which order and with which axes.

The order is that of `Layer.weights`: a layer's own trainable variables, its own non-trainable ones, then those of the
layers inside it (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/layer.py).
"""

from weightwise.conventions.keras.wings import WINGS
from weightwise.conventions.table import Table
from weightwise.conventions.wings import Rules

RULES = Rules(WINGS)
rows_for, all_rows = WINGS.rows_for, WINGS.all_rows
TABLE = Table(RULES, rows_for)
"""Keras 3's."""

describe = TABLE.describe

__all__ = ["RULES", "TABLE", "all_rows", "describe", "rows_for"]

"""Keras's conventions: what each class stores, in which order and with which axes.

The order is that of `Layer.weights`: a layer's own trainable variables, its own non-trainable ones, then those of the
layers inside it (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/layer.py).
"""

from weightwise.conventions.keras.wings import Rules, all_rows, rows_for
from weightwise.conventions.table import Table

RULES = Rules()
TABLE = Table(RULES, rows_for)
"""Keras 3's."""

describe = TABLE.describe

__all__ = ["RULES", "TABLE", "all_rows", "describe", "rows_for"]

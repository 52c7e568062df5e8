"""Layers of Keras that prepare data (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/preprocessing).

Those that look words up or hash them are left out: what they compute lies outside of their arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.categories import Binning, Encoding
from weightwise.ops.operation import ShapeError

ROWS: tuple[Row, ...] = ()


def _encoding(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Encoding:
    return Encoding(config["num_tokens"], config.get("output_mode", "multi_hot"))


def _binning(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Binning:
    boundaries = config["bin_boundaries"]
    if not isinstance(boundaries, (list, tuple)):
        raise ShapeError(f"expected the boundaries of the bins, found {boundaries!r}")
    return Binning(len(boundaries) + 1, config.get("output_mode", "int"), tuple(map(float, boundaries)))


RULES = {"CategoryEncoding": Rule(_encoding), "Discretization": Rule(_binning)}

"""Layers of Keras with several inputs (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/merging)."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.keras.rule import Rule, sizes_of
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.ops.merge import Concatenate, Dot, Merge

ROWS: tuple[Row, ...] = ()


def _merge(how: str) -> Rule:
    return Rule(lambda config, inputs, parts: Merge(how))


def _concatenate(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Concatenate:
    return Concatenate(config.get("axis", -1))


def _dot(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Dot:
    one, other = sizes_of(config["axes"], 2)
    return Dot((one, other), bool(config.get("normalize", False)))


RULES = {
    **{how.capitalize(): _merge(how) for how in ("add", "subtract", "multiply", "average", "maximum", "minimum")},
    "Concatenate": Rule(_concatenate),
    "Dot": Rule(_dot),
}

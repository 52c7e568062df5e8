"""Layers of Keras with several inputs (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/merging).

Keras 3 writes `a + b` and `2 * a` in a functional model as functions among the layers, known here by their module.
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.merge import Concatenate, Dot, Merge
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.rescaling import Rescaling

ROWS: tuple[Row, ...] = ()


def _merge(how: str) -> Rule:
    return Rule(lambda config, inputs, parts: Merge(how))


def _concatenate(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Concatenate:
    return Concatenate(config.get("axis", -1))


def _dot(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Dot:
    one, other = sizes_of(config["axes"], 2)
    return Dot((one, other), bool(config.get("normalize", False)))


def _operator(how: str) -> Rule:
    """Return the rule of a function of `keras.ops`, of two tensors or of one and a number among its arguments."""

    def operation(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
        numbers = {key: config[key] for key in ("0", "1") if isinstance(config.get(key), (int, float))}
        if len(inputs) == 1 and len(numbers) == 1:
            return _with_number(how, float(*numbers.values()), "0" in numbers)
        if len(inputs) != 2 or len(inputs[0]) != len(inputs[1]):
            # Functions line tensors of fewer axes up from the end, where layers do so from the batch.
            raise ShapeError("it computes with an array, or with tensors of different numbers of axes")
        return Merge(how)

    return Rule(operation)


def _with_number(how: str, number: float, first: bool) -> Rescaling:
    """Return a function of a tensor and a number, `number - x` where the number stands first."""
    if how == "multiply":
        return Rescaling(number)
    if how == "add":
        return Rescaling(1.0, number)
    return Rescaling(-1.0, number) if first else Rescaling(1.0, -number)


RULES = {
    **{f"keras.src.ops.numpy.{how.capitalize()}": _operator(how) for how in ("add", "subtract", "multiply")},
    **{how.capitalize(): _merge(how) for how in ("add", "subtract", "multiply", "average", "maximum", "minimum")},
    "Concatenate": Rule(_concatenate),
    "Dot": Rule(_dot),
}

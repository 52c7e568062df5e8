"""Phrases that several explanations share."""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.answers.arithmetic import Arithmetic
from weightwise.model import Layer
from weightwise.ops.dense import Dense
from weightwise.ops.spatial import Filtering


def joined(names: Sequence[str], word: str) -> str:
    """Return names with a word before the last: `a, b and c`."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


def class_text(layer: Layer) -> str:
    """Return the layer's class."""
    return layer.class_name or "class unknown"


def does_text(layer: Layer) -> str:
    """Return what the layer does, as a clause whose subject it is; empty where that is not known."""
    return f"{layer.operation.sentence()}{_activation(layer)}" if layer.operation else layer.purpose


def _activation(layer: Layer) -> str:
    operation = layer.operation
    if not isinstance(operation, Filtering | Dense) or operation.activation == "linear":
        return ""
    return f", and applies {operation.activation} to the sums"


def product_text(sums: Arithmetic) -> str:
    """Return the product of one array's sizes with what it makes; a single size is its own product."""
    return str(sums) if "·" in sums.formula else f"{sums.parameters:,}"


def parameters_text(sums: Arithmetic) -> str:
    """Return the arithmetic with its noun: `(3·3·1 + 1)·32 = 320 parameters`."""
    return f"{sums} {'parameter' if sums.parameters == 1 else 'parameters'}"

"""Keras's conventions: what each class stores, in which order and with which axes.

The order is that of `Layer.weights`: a layer's own trainable variables, its own non-trainable ones, then those of the
layers inside it (https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/layer.py).
"""

from __future__ import annotations

from dataclasses import replace

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
from weightwise.conventions.keras.rule import Rule, joined, rows_of, slots_of
from weightwise.conventions.row import Config, Description, Row, Shapes, Slot

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


def describe(class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what Keras stores for a layer of this class and configuration; None for a class without a rule.

    `inputs` are the input shapes, empty when they are not known. Raises `ShapeError` or `KeyError` when the
    configuration is not one that Keras writes.
    """
    rule = RULES.get(class_name)
    if rule is None:
        return None
    parts = rule.parts(config, inputs)
    described = [describe(part.class_name, part.config, part.inputs) for part in parts]
    whole = [description for description in described if description is not None]
    if len(whole) < len(parts):
        missing = next(part.class_name for part, found in zip(parts, described, strict=True) if found is None)
        return Description(None, (), f"it contains a {missing}, a class that weightwise does not know")
    if note := next((description.note for description in whole if description.operation is None), ""):
        return Description(None, (), note)
    operation = rule.operation(config, inputs, whole)
    slots = list(slots_of(rows_of(class_name, ROWS, config), operation, config, inputs))
    for part, description in zip(parts, whole, strict=True):
        trainable = bool(part.config.get("trainable", True))
        slots += [
            replace(
                slot,
                key=joined(part.key, slot.key),
                name=joined(part.prefix, slot.name),
                role=joined(part.role, slot.role),
                scope=joined(part.key, slot.scope),
                trainable=slot.trainable and trainable,
            )
            for slot in description.slots
        ]
    return Description(operation, tuple(rule.arrange(slots)), "")


__all__ = ["ROWS", "RULES", "Slot", "describe"]

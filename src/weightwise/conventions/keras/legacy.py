"""Keras 2 and tf.keras: what they wrote, in the spelling of Keras 3, and the classes that Keras 3 no longer has.

A layer whose arrays and arithmetic are those of Keras 3 has no rows here: its class and configuration are spelled as
Keras 3 would, and the rows are the same. The source is https://github.com/keras-team/tf-keras/tree/v2.21.0/tf_keras/src/layers
and, for Keras before it became a part of TensorFlow, https://github.com/keras-team/keras/tree/2.3.1/keras/layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.conventions import keras
from weightwise.conventions.keras import all_rows, legacy_layers, rows_for
from weightwise.conventions.keras.wings import WINGS
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.conventions.table import Table
from weightwise.conventions.wings import Rules
from weightwise.ops.einsum import Einsum
from weightwise.ops.operation import Operation, ShapeError

CLASSES: Mapping[str, str] = {
    "SyncBatchNormalization": "BatchNormalization",
    "BatchNormalizationV1": "BatchNormalization",
}
"""Classes that Keras 3 calls otherwise; the second name is that of tf.keras 1."""
FUNCTIONS: Mapping[str, str] = {"hard_sigmoid": "hard_sigmoid_5"}
"""Functions that Keras 3 defines otherwise under the same name, by their neutral names."""
ACTIVATIONS = ("activation", "recurrent_activation")


def modern(class_name: str, config: Config) -> tuple[str, Config]:
    """Return a class and its configuration as Keras 3 would write them, with those of all layers inside."""
    return CLASSES.get(class_name, class_name), {key: _value(key, value) for key, value in config.items()}


def _value(key: str, value: Any) -> Any:
    """Return one value of a configuration as Keras 3 would write it."""
    if key in ACTIVATIONS:
        value = _function(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return [_value("", item) for item in value]
    return value


def _function(value: Any) -> Any:
    """Return the neutral name of a function that is another in Keras 3, or the value as it is."""
    name = value.get("config") if isinstance(value, Mapping) and value.get("class_name") == "function" else value
    return FUNCTIONS.get(name, value) if isinstance(name, str) else value


def _object(value: Mapping[str, Any]) -> Any:
    """Return a layer, a shape or an array that was written as an object."""
    if value.get("class_name") in ("__tuple__", "TensorShape"):
        return _value("", value.get("items"))
    if value.get("type") == "ndarray" and "value" in value:
        return value["value"]
    name, config = value.get("class_name"), value.get("config")
    if isinstance(name, str) and isinstance(config, Mapping):
        name, config = modern(name, config)
        return {**value, "class_name": name, "config": config}
    return value


def _older(row: Row) -> Row:
    """Return a row as Keras 2 has it, where it names or stores the array otherwise."""
    if row.layer.startswith("DepthwiseConv") and row.name == "kernel":
        return replace(row, name="depthwise_kernel")
    return replace(row, inside=row.formerly, formerly="") if row.formerly else row


def _layer_norm(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    axes = config.get("axis", -1)
    if isinstance(axes, (list, tuple)) and list(axes) != sorted(axes):
        # Keras 2 gives gamma the sizes in the order that is written, and reads its values in the order of the input.
        raise ShapeError(f"expected axes in ascending order, found {axes!r}")
    return keras.RULES["LayerNormalization"].operation(config, inputs, parts)


def _einsum(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    """Return the operation with the open axes of its output, which TensorFlow takes from the input."""
    operation = keras.RULES["EinsumDense"].operation(config, inputs, parts)
    if not isinstance(operation, Einsum) or not inputs or "..." in operation.equation:
        return operation
    entering, _, leaving = re.split(",|->", operation.equation)
    sizes = dict(zip(entering, inputs[0], strict=False))
    output = (
        sizes.get(letter) if size is None else size for letter, size in zip(leaving[1:], operation.output, strict=True)
    )
    return replace(operation, output=tuple(output))


OWN_RULES = {
    **legacy_layers.RULES,
    "LayerNormalization": Rule(_layer_norm),
    "EinsumDense": Rule(_einsum),
}


def _rows(class_name: str) -> list[Row]:
    """Return the rows among which those of a class are, as Keras 2 has them."""
    return [*map(_older, rows_for(class_name)), *legacy_layers.ROWS]


RULES = Rules(WINGS, OWN_RULES)
TABLE = Table(RULES, _rows)
_NEWER = (
    "AdditiveAttention Attention Conv1DTranspose ConvLSTM1D ConvLSTM3D DepthwiseConv1D EinsumDense GroupNormalization "
    "GroupQueryAttention GroupedQueryAttention LayerNormalization MultiHeadAttention Normalization RMSNormalization "
    "ReversibleEmbedding SpectralNormalization"
)
NEWER = frozenset(_NEWER.split())
"""Classes with arrays that Keras did not have before it became tf.keras."""
AMBIGUOUS = frozenset(["LocallyConnected1D"])
"""The arrays of MaxoutDense have the same names and as many axes
(https://github.com/keras-team/keras/blob/2.3.1/keras/legacy/layers.py)."""


def legacy_rows() -> tuple[Row, ...]:
    """Return the rows of every class, as Keras 2 has them."""
    return (*map(_older, all_rows()), *legacy_layers.ROWS)


def own_rows() -> tuple[Row, ...]:
    """Return the rows that are not those of Keras 3."""
    return tuple(row for row in legacy_rows() if row not in all_rows())


def describe(class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what Keras 2 or tf.keras stores for a layer; None for a class without a rule."""
    return described(TABLE, class_name, config, inputs)


def table_on_theano() -> Table:
    """Return the table of Keras 2 on Theano."""
    from weightwise.conventions.keras.theano import RulesOnTheano, turned

    return Table(RulesOnTheano(RULES), lambda name: [turned(row) for row in _rows(name)])


def described(table: Table, class_name: str, config: Config, inputs: Shapes) -> Description | None:
    """Return what a table of Keras 2 says of a layer; None for a class without a rule."""
    return trained_first(table.describe(*modern(class_name, config), inputs), config)


def trained_first(description: Description | None, config: Config) -> Description | None:
    """Return a description in the order of Keras 1 and 2: what is trained, also in layers inside, and then the rest.

    A layer that is frozen as a whole keeps its order.
    """
    if description is None or not config.get("trainable", True):
        return description
    slots = sorted(description.slots, key=lambda slot: not slot.trainable)
    return replace(description, slots=tuple(slots))

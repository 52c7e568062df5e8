"""Normalizations as layers of Keras (https://keras.io/api/layers/normalization_layers/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightwise.conventions.keras.spelling.steps import chain, layer, refuse
from weightwise.conventions.spelling import Feed, Filled, Spelled
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm, Standardization, UnitNorm
from weightwise.ops.operation import Shape

FLOAT32_EPSILON = 2.0**-23
"""The least number that 32 bits add to 1."""


def _axis(operation: Norm) -> int | list[int]:
    return operation.axes[0] if len(operation.axes) == 1 else list(operation.axes)


def _one_axis(operation: Norm) -> int:
    refuse(len(operation.axes) != 1, "its weights run along several axes, and Keras's along one")
    return operation.axes[0]


def _learned(operation: Norm) -> dict[str, Any]:
    return {"epsilon": operation.epsilon, "center": operation.center, "scale": operation.scale}


def spelled_batch(operation: BatchNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the batch normalization."""
    refuse(not operation.tracked, "it takes the statistics of the batch that it reads, at inference too")
    axis, momentum = _one_axis(operation), operation.momentum
    if momentum is not None:
        return chain(layer("BatchNormalization", axis=axis, momentum=momentum, **_learned(operation)))
    note = "its momentum is Keras's own, 0.99, which only training reads"
    return chain(layer("BatchNormalization", axis=axis, **_learned(operation)), notes=[note])


def spelled_layer(operation: LayerNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer normalization."""
    plain = LayerNorm(operation.over or operation.axes, operation.epsilon, operation.scale, operation.center)
    learned = operation.scale or operation.center
    other = operation.over is not None and _places(operation.over, inputs) != _places(operation.axes, inputs)
    refuse(other and learned, "its statistics are over other axes than its weights run along")
    if operation.centered:
        return chain(layer("LayerNormalization", axis=_axis(plain), **_learned(operation)))
    refuse(
        operation.center or not operation.scale, "it does not take the mean off, which Keras does without beta alone"
    )
    return chain(layer("LayerNormalization", axis=_axis(plain), epsilon=operation.epsilon, rms_scaling=True))


def _places(axes: Sequence[int], inputs: Sequence[Shape]) -> list[int]:
    rank = len(inputs[0]) if inputs else 0
    return sorted(axis % rank for axis in axes) if rank else sorted(axes)


def spelled_rms(operation: RMSNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the RMS normalization, whose scale Keras always has, along the last axes."""
    refuse(operation.center, "Keras's RMS normalization adds no beta")
    refuse(not _along_last(operation.axes, inputs), "Keras scales along the last axes alone")
    other = operation.over is not None and _places(operation.over, inputs) != _places(operation.axes, inputs)
    refuse(other, "its mean square is over other axes than its weights run along")
    feeds: dict[str, Feed] = {} if operation.scale else {"gamma": Filled(1.0, "the source does not scale")}
    epsilon = FLOAT32_EPSILON if operation.least else operation.epsilon
    notes = ["its epsilon is that of float32, and the source's that of its input's dtype"] if operation.least else []
    return chain(layer("RMSNormalization", "", feeds, axis=_axis(operation), epsilon=epsilon), notes=notes)


def _along_last(axes: Sequence[int], inputs: Sequence[Shape]) -> bool:
    rank = len(inputs[0]) if inputs else 0
    return _places(axes, inputs) == list(range(rank - len(axes), rank))


def spelled_group(operation: GroupNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the group normalization; -1 makes every channel a group, which is an instance normalization."""
    groups = -1 if operation.groups is None else operation.groups
    return chain(layer("GroupNormalization", groups=groups, axis=_one_axis(operation), **_learned(operation)))


def spelled_unit(operation: UnitNorm, inputs: Sequence[Shape]) -> Spelled:
    """Return the unit normalization."""
    refuse(operation.epsilon != 1e-12, "Keras's unit normalization has another epsilon")
    return chain(layer("UnitNormalization", axis=_axis(operation)))


def spelled_standardization(operation: Standardization, inputs: Sequence[Shape]) -> Spelled:
    """Return the normalization by statistics that were measured or given."""
    refuse(operation.epsilon != 1e-7, "Keras divides by no deviation below 1e-7")
    given = operation.given or (None, None)
    mean, variance = given
    return chain(
        layer("Normalization", axis=list(operation.axes), mean=mean, variance=variance, invert=operation.invert)
    )

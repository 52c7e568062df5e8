"""Normalizations of Keras (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/normalization).

Normalization, which is measured before the training, is one of the preprocessing layers
(https://github.com/keras-team/keras/blob/v3.15.1/keras/src/layers/preprocessing/normalization.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from weightwise.axes import parse
from weightwise.conventions.keras.configuration import class_of
from weightwise.conventions.row import Config, Description, Part, Row, Shapes, Slot
from weightwise.conventions.rule import Rule
from weightwise.ops.features import feature_names
from weightwise.ops.norm import BatchNorm, Constant, GroupNorm, LayerNorm, RMSNorm, Standardization, UnitNorm
from weightwise.ops.operation import Operation, ShapeError


def axes_of(value: Any, inputs: Shapes) -> tuple[int, ...]:
    """Return the axes that Keras writes as a number or a list, ascending and counted from the front.

    Where the last axis is the only one it is -1; where the input's shape is not known the axes are as they are written.
    """
    axes = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(axis, int) for axis in axes):
        raise ShapeError(f"expected one or several axes, found {value!r}")
    if len({axis < 0 for axis in axes}) > 1:
        # Keras sorts them as they are written, so that the sizes of gamma come in an order that is not the input's.
        raise ShapeError(f"expected axes that are all counted from the same end, found {value!r}")
    if not inputs:
        return tuple(sorted(axes))
    rank = len(inputs[0])
    if not all(-rank <= axis < rank for axis in axes):
        raise ShapeError(f"expected axes of an input of shape {inputs[0]}, found {value!r}")
    counted = tuple(sorted(axis % rank for axis in axes))
    return (-1,) if counted == (rank - 1,) else counted


def _axes(config: Config, inputs: Shapes) -> tuple[int, ...]:
    return axes_of(config.get("axis", -1), inputs)


def _feature_names(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"features": " ".join(feature_names(_axes(config, inputs)))}


def _scale(config: Config) -> bool:
    return bool(config.get("scale", True)) or _rms_scaling(config)


def _center(config: Config) -> bool:
    return bool(config.get("center", True)) and not _rms_scaling(config)


def _rms_scaling(config: Config) -> bool:
    return bool(config.get("rms_scaling", False))


def _renorm(config: Config) -> bool:
    return bool(config.get("renorm", False))


def _adapted(config: Config) -> bool:
    return config.get("mean") is None


ROWS = (
    Row("BatchNormalization GroupNormalization", "gamma", role="gamma", axes="features", when=_scale),
    Row("BatchNormalization GroupNormalization", "beta", role="beta", axes="features", when=_center),
    Row("BatchNormalization", "moving_mean", role="mean", axes="features", trainable=False),
    Row("BatchNormalization", "moving_variance", role="variance", axes="features", trainable=False),
    Row("BatchNormalization", "moving_stddev", role="-", axes="features", when=_renorm, trainable=False),
    Row("BatchNormalization", "renorm_mean", role="-", axes="features", when=_renorm, trainable=False),
    Row("BatchNormalization", "renorm_stddev", role="-", axes="features", when=_renorm, trainable=False),
    Row("LayerNormalization", "gamma", role="gamma", axes="...features", when=_scale, expand=_feature_names),
    Row("LayerNormalization", "beta", role="beta", axes="...features", when=_center, expand=_feature_names),
    Row("RMSNormalization", "scale", role="gamma", axes="...features", expand=_feature_names),
    Row("Normalization", "mean", "mean", "...features", when=_adapted, trainable=False, expand=_feature_names),
    Row("Normalization", "variance", "variance", "...features", when=_adapted, trainable=False, expand=_feature_names),
    Row("Normalization", "count", role="-", axes="", when=_adapted, trainable=False),
    Row("SpectralNormalization", "vector_u", role="-", axes="1 ...columns", trainable=False, slot=1),
)


def _one_axis(config: Config, inputs: Shapes) -> tuple[int, ...]:
    axes = _axes(config, inputs)
    if len(axes) != 1:
        raise ShapeError(f"expected one axis, found {axes}")
    return axes


def _batch(config: Config, inputs: Shapes, parts: Sequence[Description]) -> BatchNorm:
    axis, epsilon = _one_axis(config, inputs), config.get("epsilon", 1e-3)
    return BatchNorm(axis, epsilon, _scale(config), _center(config), momentum=config.get("momentum"))


def _layer(config: Config, inputs: Shapes, parts: Sequence[Description]) -> LayerNorm:
    axes, epsilon = _axes(config, inputs), config.get("epsilon", 1e-3)
    return LayerNorm(axes, epsilon, _scale(config), _center(config), centered=not _rms_scaling(config))


def _rms(config: Config, inputs: Shapes, parts: Sequence[Description]) -> RMSNorm:
    axes = _axes(config, inputs)
    rank = len(inputs[0]) if inputs else 0
    if axes not in (tuple(range(rank - len(axes), rank)), (-1,)):
        # Keras multiplies the scale along the last axes, whichever it has normalized.
        raise ShapeError(f"expected the last axes, along which Keras multiplies the scale, found {axes}")
    return RMSNorm(axes, config.get("epsilon", 1e-6))


def _group(config: Config, inputs: Shapes, parts: Sequence[Description]) -> GroupNorm:
    groups = config.get("groups", 32)
    axes, epsilon = _one_axis(config, inputs), config.get("epsilon", 1e-3)
    return GroupNorm(axes, epsilon, _scale(config), _center(config), None if groups == -1 else groups)


def _unit(config: Config, inputs: Shapes, parts: Sequence[Description]) -> UnitNorm:
    return UnitNorm(_axes(config, inputs))


def _standardization(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Standardization:
    given = None if _adapted(config) else (_constant(config["mean"]), _constant(config["variance"]))
    return Standardization(_axes(config, inputs), invert=bool(config.get("invert", False)), given=given)


def _constant(value: Any) -> Constant:
    """Return numbers as nested tuples; raises `ShapeError` for anything else."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_constant, value))
    if not isinstance(value, (int, float)):
        raise ShapeError(f"expected numbers as mean and variance, found {value!r}")
    return float(value)


def _inner(config: Config, inputs: Shapes) -> tuple[Part, ...]:
    layer = config["layer"]
    return (Part("layer", class_of(layer), layer["config"], inputs),)


def _spectral(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operation:
    operation = parts[0].operation
    if operation is None or class_of(config["layer"]) == "Embedding":
        raise ShapeError("Keras rounds the vectors of a spectrally normalized embedding to whole numbers")
    return operation


def _kernel_twice(slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots in Keras's order: the wrapper counts the kernel inside as its own first array.

    So the file has it twice, and `vector_u` has one number for each column of it, which is its last axis.
    """
    vector, kernel, *others = slots
    column = str(parse(kernel.axes).terms[-1])
    return [
        replace(kernel, key="0", copies=(kernel.key,)),
        replace(vector, axes=str(parse(vector.axes).expand(columns=column))),
        *others,
    ]


RULES = {
    "BatchNormalization": Rule(_batch),
    "LayerNormalization": Rule(_layer),
    "RMSNormalization": Rule(_rms),
    "GroupNormalization": Rule(_group),
    "UnitNormalization": Rule(_unit),
    "Normalization": Rule(_standardization),
    "SpectralNormalization": Rule(_spectral, _inner, _kernel_twice),
}

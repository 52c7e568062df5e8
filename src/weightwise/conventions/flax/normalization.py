"""Normalizations of Flax, and PReLU, whose one slope all values share.

https://github.com/google/flax/blob/v0.12.8/flax/linen/normalization.py and flax/nnx/nn/normalization.py. The statistics
of a BatchNorm are in a collection of their own, `batch_stats`, in linen, and beside the others in nnx.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.flax.settings import either, numbers, use_bias, use_scale
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.activation import PReLU
from weightwise.ops.features import feature_names
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, RMSNorm
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.uncomputed import Uncomputed

Parts = Sequence[Description]


def axes_of(value: Any, inputs: Shapes) -> tuple[int, ...]:
    """Return axes ascending and counted from the front, the last one alone as -1; raises `ShapeError`.

    Where the input's shape is not known they are as they are written.
    """
    axes = numbers(value)
    if not inputs:
        return tuple(sorted(axes))
    rank = len(inputs[0])
    if not all(-rank <= axis < rank for axis in axes):
        raise ShapeError(f"expected axes of an input of shape {inputs[0]}, found {value!r}")
    counted = tuple(sorted({axis % rank for axis in axes}))
    return (-1,) if counted == (rank - 1,) else counted


def _axes(config: Config, inputs: Shapes) -> tuple[int, ...]:
    """Return the axes of the scale and the bias."""
    return axes_of(config.get("axis", config.get("feature_axes", -1)), inputs)


def _names(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"features": " ".join(feature_names(_axes(config, inputs)))}


_NORMS = either("BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm")

ROWS = (
    Row(either("BatchNorm"), "mean", role="mean", axes="...features", trainable=False, expand=_names),
    Row(either("BatchNorm"), "var", role="variance", axes="...features", trainable=False, expand=_names),
    Row(_NORMS, "scale", role="gamma", axes="...features", when=use_scale, expand=_names),
    Row(_NORMS, "bias", role="beta", axes="...features", when=use_bias, expand=_names),
    Row(either("RMSNorm"), "scale", role="gamma", axes="...features", when=use_scale, expand=_names),
    Row(either("PReLU"), "negative_slope", role="slope", axes=""),
)


LEAST = "least"
"""Stands for an epsilon that is the least number that the dtype adds to 1, which code gives as that."""


def _epsilon(config: Config, default: float = 1e-6) -> float:
    return float(config.get("epsilon", default))


def _batch(config: Config, inputs: Shapes, parts: Parts) -> BatchNorm:
    axes, epsilon = _axes(config, inputs), _epsilon(config, 1e-5)
    return BatchNorm(axes, epsilon, use_scale(config), use_bias(config), momentum=config.get("momentum"))


def _layer(config: Config, inputs: Shapes, parts: Parts) -> LayerNorm:
    axes, over = _axes(config, inputs), _reduced(config, inputs)
    return LayerNorm(axes, _epsilon(config), use_scale(config), use_bias(config), over=over)


def _rms(config: Config, inputs: Shapes, parts: Parts) -> RMSNorm:
    axes, over = _axes(config, inputs), _reduced(config, inputs)
    if config.get("epsilon") == LEAST:
        return RMSNorm(axes, scale=use_scale(config), over=over, least=True)
    return RMSNorm(axes, _epsilon(config), use_scale(config), over=over)


def _reduced(config: Config, inputs: Shapes) -> tuple[int, ...]:
    return axes_of(config.get("reduction_axes", -1), inputs)


def _instance(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return the normalization over all axes but the batch and the features."""
    axes, common = _axes(config, inputs), (_epsilon(config), use_scale(config), use_bias(config))
    if len(axes) == 1:
        return GroupNorm(axes, *common)
    if not inputs:
        return Uncomputed(LayerNorm(axes, *common), "the axes of its statistics follow from its input")
    over = tuple(axis for axis in range(1, len(inputs[0])) if axis not in axes)
    return LayerNorm(axes, *common, over=over)


def _group(config: Config, inputs: Shapes, parts: Parts) -> Operation:
    """Return the normalization of groups of channels, of which Flax is told the number or the size."""
    size = config.get("group_size")
    channels = inputs[0][-1] if inputs else None
    groups = config.get("num_groups", 32)
    if groups is None and size and channels:
        groups = channels // size
    operation = GroupNorm((-1,), _epsilon(config), use_scale(config), use_bias(config), groups)
    if groups is None and size != 1:
        return Uncomputed(operation, f"how many groups of {size} channels it has follows from its input")
    reduced = config.get("reduction_axes")
    if reduced is not None and (not inputs or _counted(reduced, inputs) != list(range(1, len(inputs[0])))):
        return Uncomputed(operation, f"its statistics are over the axes {reduced} alone")
    return operation


def _counted(axes: Any, inputs: Shapes) -> list[int]:
    return sorted(axis % len(inputs[0]) for axis in numbers(axes))


def _prelu(config: Config, inputs: Shapes, parts: Parts) -> PReLU:
    return PReLU(())


_BUILD = {
    "BatchNorm": _batch,
    "LayerNorm": _layer,
    "RMSNorm": _rms,
    "InstanceNorm": _instance,
    "GroupNorm": _group,
    "PReLU": _prelu,
}

RULES = {f"{api}.{name}": Rule(build) for api in ("linen", "nnx") for name, build in _BUILD.items()}

"""Normalizations of PyTorch.

https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules: batchnorm.py, instancenorm.py, normalization.py

The channels are the axis behind the batch. A normalization that tracked no statistics takes those of what it reads, at
inference too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.pytorch.settings import bias, channel_axis, count, has, number
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.features import feature_names
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm
from weightwise.ops.operation import ShapeError

Parts = Sequence[Description]

_BATCH = "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm"
_INSTANCE = "InstanceNorm1d InstanceNorm2d InstanceNorm3d"
_CHANNELS = f"{_BATCH} {_INSTANCE} GroupNorm"
_SHAPED = "LayerNorm RMSNorm"


def _last_names(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"features": " ".join(feature_names(_last_axes(config, inputs)))}


_scale = has("weight")
_tracked = has("running_mean")

ROWS = (
    Row(_CHANNELS, "weight", role="gamma", axes="features", when=_scale),
    Row(_CHANNELS, "bias", role="beta", axes="features", when=bias),
    Row(_SHAPED, "weight", role="gamma", axes="...features", when=_scale, expand=_last_names),
    Row("LayerNorm", "bias", role="beta", axes="...features", when=bias, expand=_last_names),
    Row(f"{_BATCH} {_INSTANCE}", "running_mean", role="mean", axes="features", when=_tracked, trainable=False),
    Row(f"{_BATCH} {_INSTANCE}", "running_var", role="variance", axes="features", when=_tracked, trainable=False),
    Row(f"{_BATCH} {_INSTANCE}", "num_batches_tracked", "-", "", when=has("num_batches_tracked"), trainable=False),
)


def _channels(config: Config, inputs: Shapes) -> Mapping[str, Any]:
    """Return the attributes of a normalization of channels."""
    axis = channel_axis(len(inputs[0]) if inputs else None)
    return {"axes": (axis,), "epsilon": number(config, "eps"), "scale": _scale(config), "center": bias(config)}


def _batch(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return BatchNorm(**_channels(config, inputs), tracked=_tracked(config))


def _instance(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    options = _channels(config, inputs)
    return BatchNorm(**options) if _tracked(config) else GroupNorm(**options)


def _group(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return GroupNorm(**_channels(config, inputs), groups=count(config, "num_groups"))


def _last_axes(config: Config, inputs: Shapes) -> tuple[int, ...]:
    """Return the last axes, of which there are as many as normalized sizes, counted from the front if known."""
    shape = config["normalized_shape"]
    if not isinstance(shape, (list, tuple)) or not shape:
        raise ShapeError(f"expected the sizes of the last axes as its normalized_shape, found {shape!r}")
    rank = len(inputs[0]) if inputs and len(shape) > 1 else 0
    return tuple(range(rank - len(shape), rank))


def _layer(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return LayerNorm(_last_axes(config, inputs), number(config, "eps"), _scale(config), bias(config))


def _rms(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    axes, scale = _last_axes(config, inputs), _scale(config)
    if config["eps"] is None:
        return RMSNorm(axes, scale=scale, least=True)
    return RMSNorm(axes, number(config, "eps"), scale)


RULES = {
    **dict.fromkeys(_BATCH.split(), Rule(_batch)),
    **dict.fromkeys(_INSTANCE.split(), Rule(_instance)),
    "GroupNorm": Rule(_group),
    "LayerNorm": Rule(_layer),
    "RMSNorm": Rule(_rms),
}

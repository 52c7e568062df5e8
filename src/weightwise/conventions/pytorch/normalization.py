"""Normalizations of PyTorch.

https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules: batchnorm.py, instancenorm.py, normalization.py

The channels are the axis behind the batch. A normalization that tracked no statistics takes those of what it reads, at
inference too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from weightwise.conventions.pytorch.rows import BATCH, INSTANCE, last_axes, scale, tracked
from weightwise.conventions.pytorch.settings import bias, channel_axis, count, number
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm

Parts = Sequence[Description]


def _channels(config: Config, inputs: Shapes) -> Mapping[str, Any]:
    """Return the attributes of a normalization of channels."""
    axis = channel_axis(len(inputs[0]) if inputs else None)
    return {"axes": (axis,), "epsilon": number(config, "eps"), "scale": scale(config), "center": bias(config)}


def _batch(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return BatchNorm(**_channels(config, inputs), tracked=tracked(config), momentum=_kept(config))


def _kept(config: Config) -> float | None:
    """Return how much of its averages it keeps, of PyTorch's momentum, which is how much of a batch enters them."""
    momentum = config.get("momentum")
    return round(1 - momentum, 12) if isinstance(momentum, (int, float)) else None


def _instance(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    options = _channels(config, inputs)
    return BatchNorm(**options) if tracked(config) else GroupNorm(**options)


def _group(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return GroupNorm(**_channels(config, inputs), groups=count(config, "num_groups"))


def _layer(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    return LayerNorm(last_axes(config, inputs), number(config, "eps"), scale(config), bias(config))


def _rms(config: Config, inputs: Shapes, parts: Parts) -> Norm:
    axes, scaled = last_axes(config, inputs), scale(config)
    if config["eps"] is None:
        return RMSNorm(axes, scale=scaled, least=True)
    return RMSNorm(axes, number(config, "eps"), scaled)


RULES = {
    **dict.fromkeys(BATCH.split(), Rule(_batch)),
    **dict.fromkeys(INSTANCE.split(), Rule(_instance)),
    "GroupNorm": Rule(_group),
    "LayerNorm": Rule(_layer),
    "RMSNorm": Rule(_rms),
}

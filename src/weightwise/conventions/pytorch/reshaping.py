"""Modules of PyTorch that rearrange values, or pass them on at inference.

https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules: flatten.py, pixelshuffle.py, dropout.py …
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightwise.conventions.pytorch.settings import count
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.operation import ShapeError
from weightwise.ops.reshaping import Flatten, Identity, Unflatten
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle

Parts = Sequence[Description]


def _flatten(config: Config, inputs: Shapes, parts: Parts) -> Flatten:
    return Flatten(start=_whole(config["start_dim"]), end=_whole(config["end_dim"]))


def _unflatten(config: Config, inputs: Shapes, parts: Parts) -> Unflatten:
    sizes = config["unflattened_size"]
    if not isinstance(sizes, (list, tuple)):
        raise ShapeError(f"expected sizes as its unflattened_size, found {sizes!r}")
    return Unflatten(_whole(config["dim"]), tuple(map(_whole, sizes)))


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ShapeError(f"expected a whole number, found {value!r}")
    return value


def _pixel_shuffle(config: Config, inputs: Shapes, parts: Parts) -> PixelShuffle:
    return PixelShuffle(count(config, "upscale_factor"), channels_first=True)


def _pixel_unshuffle(config: Config, inputs: Shapes, parts: Parts) -> PixelUnshuffle:
    return PixelUnshuffle(count(config, "downscale_factor"), channels_first=True)


def _channel_shuffle(config: Config, inputs: Shapes, parts: Parts) -> ChannelShuffle:
    return ChannelShuffle(count(config, "groups"))


def _passes(text: str) -> Rule:
    """Return the rule of a class that passes its input on at inference, its sentence with the settings put in."""
    return Rule(lambda config, inputs, parts: Identity(text.format_map(config)))


_AFTERWARDS = "while training, and passes them on afterwards"

RULES = {
    "ChannelShuffle": Rule(_channel_shuffle),
    "Flatten": Rule(_flatten),
    "PixelShuffle": Rule(_pixel_shuffle),
    "PixelUnshuffle": Rule(_pixel_unshuffle),
    "Unflatten": Rule(_unflatten),
    "Identity": _passes("passes its input on unchanged"),
    "Dropout": _passes(f"sets {{p:.0%}} of its inputs to zero {_AFTERWARDS}"),
    **{f"Dropout{rank}d": _passes(f"sets {{p:.0%}} of its channels to zero {_AFTERWARDS}") for rank in (1, 2, 3)},
    "AlphaDropout": _passes(f"sets {{p:.0%}} of its inputs to the lowest value of a SELU {_AFTERWARDS}"),
    "FeatureAlphaDropout": _passes(f"sets {{p:.0%}} of its channels to the lowest value of a SELU {_AFTERWARDS}"),
}

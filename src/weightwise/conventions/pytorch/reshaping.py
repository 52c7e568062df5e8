"""Modules of PyTorch that rearrange values, or pass them on at inference.

https://github.com/pytorch/pytorch/tree/v2.13.0/torch/nn/modules: flatten.py, pixelshuffle.py, dropout.py …
"""

from __future__ import annotations

from collections.abc import Sequence

from weightwise.conventions.pytorch.settings import count, number, whole
from weightwise.conventions.row import Config, Description, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.operation import ShapeError
from weightwise.ops.reshaping import Flatten, Identity, Unflatten, dropping
from weightwise.ops.shuffling import ChannelShuffle, PixelShuffle, PixelUnshuffle

Parts = Sequence[Description]


def _flatten(config: Config, inputs: Shapes, parts: Parts) -> Flatten:
    return Flatten(start=whole(config["start_dim"]), end=whole(config["end_dim"]))


def _unflatten(config: Config, inputs: Shapes, parts: Parts) -> Unflatten:
    sizes = config["unflattened_size"]
    if not isinstance(sizes, (list, tuple)):
        raise ShapeError(f"expected sizes as its unflattened_size, found {sizes!r}")
    return Unflatten(whole(config["dim"]), tuple(map(whole, sizes)))


def _pixel_shuffle(config: Config, inputs: Shapes, parts: Parts) -> PixelShuffle:
    return PixelShuffle(count(config, "upscale_factor"), channels_first=True)


def _pixel_unshuffle(config: Config, inputs: Shapes, parts: Parts) -> PixelUnshuffle:
    return PixelUnshuffle(count(config, "downscale_factor"), channels_first=True)


def _channel_shuffle(config: Config, inputs: Shapes, parts: Parts) -> ChannelShuffle:
    return ChannelShuffle(count(config, "groups"))


def _passes(text: str) -> Rule:
    """Return the rule of a class that passes its input on at inference, its sentence with the settings put in."""
    return Rule(lambda config, inputs, parts: Identity(text.format_map(config)))


def _drops(channels: bool) -> Rule:
    """Return the rule of a class that sets values, or whole channels, to zero while training."""
    return Rule(lambda config, inputs, parts: dropping(number(config, "p"), channels))


_AFTERWARDS = "while training, and passes them on afterwards"

RULES = {
    "ChannelShuffle": Rule(_channel_shuffle),
    "Flatten": Rule(_flatten),
    "PixelShuffle": Rule(_pixel_shuffle),
    "PixelUnshuffle": Rule(_pixel_unshuffle),
    "Unflatten": Rule(_unflatten),
    "Identity": _passes("passes its input on unchanged"),
    "Dropout": _drops(channels=False),
    **{f"Dropout{rank}d": _drops(channels=True) for rank in (1, 2, 3)},
    "AlphaDropout": _passes(f"sets {{p:.0%}} of its inputs to the lowest value of a SELU {_AFTERWARDS}"),
    "FeatureAlphaDropout": _passes(f"sets {{p:.0%}} of its channels to the lowest value of a SELU {_AFTERWARDS}"),
}

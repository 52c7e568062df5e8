"""Layers of Keras that pad, cut, resize or rescale images, sequences and volumes.

https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/reshaping and, of the preprocessing layers, those
without random numbers and without state,
https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/preprocessing/image_preprocessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightwise.conventions.keras.configuration import channels_first
from weightwise.conventions.keras.convolution import count, ranked
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule, sizes_of
from weightwise.ops.operation import Operation, ShapeError
from weightwise.ops.padding import Cropping, ZeroPadding
from weightwise.ops.rescaling import Factor, Rescaling
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling

ROWS: tuple[Row, ...] = ()


def _padding(config: Config, rank: int) -> Operation:
    return ZeroPadding(_edges(config["padding"], rank), channels_first=channels_first(config))


def _cropping(config: Config, rank: int) -> Operation:
    return Cropping(_edges(config["cropping"], rank), channels_first=channels_first(config))


def _edges(value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Return the elements before and after each axis; one number stands for all, and one of an axis for both."""
    if rank == 1:
        value = [value]
    elif isinstance(value, int):
        value = [value] * rank
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        raise ShapeError(f"expected the edges of {rank} axes, found {value!r}")
    pairs = (sizes_of(edges, 2) for edges in value)
    return tuple((before, after) for before, after in pairs)


def _upsampling(config: Config, rank: int) -> Operation:
    factors = sizes_of(config["size"], rank)
    return UpSampling(factors, config.get("interpolation", "nearest"), channels_first=channels_first(config))


def _resizing(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Resizing:
    fits = {"crop_to_aspect_ratio": "crop", "pad_to_aspect_ratio": "pad"}
    return Resizing(
        _target(config),
        config.get("interpolation", "bilinear"),
        next((fit for key, fit in fits.items() if config.get(key)), "stretch"),
        config.get("fill_value", 0.0),
        bool(config.get("antialias", False)),
        channels_first=channels_first(config),
    )


def _center_crop(config: Config, inputs: Shapes, parts: Sequence[Description]) -> CenterCrop:
    return CenterCrop(_target(config), channels_first=channels_first(config))


def _target(config: Config) -> tuple[int, int]:
    return count(config, "height"), count(config, "width")


def _rescaling(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Rescaling:
    return Rescaling(_factor(config["scale"]), _factor(config.get("offset", 0.0)))


def _factor(value: Any) -> Factor:
    """Return the number, or the numbers for the last axis, that Keras writes plainly or as a NumPy array."""
    if isinstance(value, dict):
        value = value.get("config", {}).get("value")
    numbers = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise ShapeError(f"expected a number, or one for each channel, found {value!r}")
    return tuple(map(float, numbers)) if isinstance(value, (list, tuple)) else float(value)


RULES = {
    **{f"ZeroPadding{rank}D": ranked(_padding, rank) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": ranked(_cropping, rank) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": ranked(_upsampling, rank) for rank in (1, 2, 3)},
    "Resizing": Rule(_resizing),
    "CenterCrop": Rule(_center_crop),
    "Rescaling": Rule(_rescaling),
}

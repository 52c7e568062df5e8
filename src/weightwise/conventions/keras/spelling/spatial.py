"""Layers that pad, cut, enlarge or resize images, as layers of Keras (https://keras.io/api/layers/reshaping_layers/)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weightwise.conventions.keras.spelling.convolution import crop_settings
from weightwise.conventions.keras.spelling.edges import named_again, padded
from weightwise.conventions.keras.spelling.steps import chain, layer, refuse, spatial_sizes
from weightwise.conventions.spelling import Spelled, Step
from weightwise.ops.operation import Shape
from weightwise.ops.padding import Cropping, Padding, ZeroPadding
from weightwise.ops.resampling import Resampling
from weightwise.ops.resizing import CenterCrop, Resizing, UpSampling


def spelled_zeros(operation: ZeroPadding, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that adds zeros."""
    return chain(*named_again(padded(operation.around, "zeros", inputs), ""))


def spelled_padding(operation: Padding, inputs: Sequence[Shape]) -> Spelled:
    """Return what adds a number, or more of the input."""
    return chain(*named_again(padded(operation.around, operation.beyond, inputs, operation.value), ""))


def spelled_cropping(operation: Cropping, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that cuts edges off."""
    return chain(layer(f"Cropping{operation.rank}D", **crop_settings(operation.around)))


def spelled_upsampling(operation: UpSampling, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that makes every axis larger by a whole factor."""
    return chain(_larger(operation.factors, operation.interpolation))


def _larger(factors: Sequence[int], interpolation: str) -> Step:
    if len(factors) == 2:
        settings: dict[str, Any] = {
            "size": list(factors),
            "data_format": "channels_last",
            "interpolation": interpolation,
        }
        return layer("UpSampling2D", **settings)
    refuse(interpolation != "nearest", "Keras enlarges images alone by interpolation")
    if len(factors) == 1:
        return layer("UpSampling1D", size=factors[0])
    return layer("UpSampling3D", size=list(factors), data_format="channels_last")


def spelled_resampling(operation: Resampling, inputs: Sequence[Shape]) -> Spelled:
    """Return a layer that enlarges by whole factors, or resizes images."""
    refuse(operation.corners, "it lays the corners of its output on those of its input, which Keras has not")
    factors = _whole_factors(operation, inputs)
    if factors is not None and operation.interpolation != "linear":
        return chain(_larger(factors, "nearest"))
    refuse(operation.rank != 2, "Keras resamples images alone, and others by whole factors")
    if factors is not None:
        return chain(_larger(factors, "bilinear"))
    refuse(operation.interpolation == "nearest", "the places that it calls the nearest are others in Keras")
    height, width = _target(operation, inputs)
    kind = "bilinear" if operation.interpolation == "linear" else "nearest"
    return chain(layer("Resizing", height=height, width=width, interpolation=kind, data_format="channels_last"))


def _whole_factors(operation: Resampling, inputs: Sequence[Shape]) -> tuple[int, ...] | None:
    """Return the whole numbers by which all axes grow; None where they are not."""
    if operation.factors is not None:
        whole = all(factor == int(factor) for factor in operation.factors)
        return tuple(map(int, operation.factors)) if whole else None
    sizes = spatial_sizes(inputs, operation.rank)
    wanted = operation.size or ()
    if any(size is None or target % size for size, target in zip(sizes, wanted, strict=True)):
        return None
    return tuple(target // (size or 1) for size, target in zip(sizes, wanted, strict=True))


def _target(operation: Resampling, inputs: Sequence[Shape]) -> tuple[int, int]:
    """Return the sizes of the output, where the distance of two places follows from them."""
    sizes = spatial_sizes(inputs, 2)
    height, width = operation.spatial_sizes(sizes)
    refuse(height is None or width is None, "the size of its output depends on that of its input, which is open")
    if operation.factors is not None and not operation.whole:
        known = [(size or 0, target or 1) for size, target in zip(sizes, (height, width), strict=True)]
        exact = all(size == target / f for (size, target), f in zip(known, operation.factors, strict=True))
        refuse(not exact, "its places are as far apart as its factor says, and not the sizes")
    return height or 0, width or 0


def spelled_resizing(operation: Resizing, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that brings images to one size."""
    refuse(operation.rank != 2, "Keras brings images alone to any size, and no sequences or volumes")
    height, width = operation.size
    settings: dict[str, Any] = {
        "height": height,
        "width": width,
        "interpolation": operation.interpolation,
        "crop_to_aspect_ratio": operation.fit == "crop",
        "pad_to_aspect_ratio": operation.fit == "pad",
        "fill_value": operation.fill,
        "antialias": operation.antialias,
        "data_format": "channels_last",
    }
    return chain(layer("Resizing", **settings))


def spelled_center(operation: CenterCrop, inputs: Sequence[Shape]) -> Spelled:
    """Return the layer that keeps the middle of images."""
    height, width = operation.size
    return chain(layer("CenterCrop", height=height, width=width, data_format="channels_last"))

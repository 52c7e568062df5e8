"""Cases of Keras's normalizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from tests.oracles.case import Case, Input

IMAGES = [Input((2, 3, 4, 2))]
SEQUENCES = [Input((3, 4, 5))]
BARE = {"center": False, "scale": False}
JAX = "jax"
"""PyTorch's backend normalizes the last axis only, whichever one is asked for."""


def batch(**settings: Any) -> Any:
    """Return what builds a BatchNormalization."""
    return lambda: layers.BatchNormalization(**settings)


def layer(**settings: Any) -> Any:
    """Return what builds a LayerNormalization."""
    return lambda: layers.LayerNormalization(**settings)


def group(groups: int, **settings: Any) -> Any:
    """Return what builds a GroupNormalization."""
    return lambda: layers.GroupNormalization(groups, **settings)


def rms(**settings: Any) -> Any:
    """Return what builds an RMSNormalization."""
    return lambda: layers.RMSNormalization(**settings)


def measured(**settings: Any) -> Any:
    """Return what builds a Normalization."""
    return lambda: layers.Normalization(**settings)


def refreshed(built: Any, tensors: Sequence[Any]) -> Any:
    """Return the output of a Normalization after it has read its variables again, as it does when a file is loaded."""
    built.finalize_state()
    return built(*tensors)


def spectral(inner: Any) -> Any:
    """Return what builds a SpectralNormalization."""
    return lambda: layers.SpectralNormalization(inner())


CASES = [
    Case("BatchNormalization", batch(), [Input((3, 4))]),
    Case("BatchNormalization of images", batch(), IMAGES),
    Case("BatchNormalization of sequences", batch(epsilon=0.1), SEQUENCES),
    Case("BatchNormalization of channels first", batch(axis=1), IMAGES),
    Case("BatchNormalization of channels last by number", batch(axis=3), IMAGES),
    Case("BatchNormalization in the middle", batch(axis=-2), SEQUENCES),
    Case("BatchNormalization without beta", batch(center=False), [Input((3, 4))]),
    Case("BatchNormalization without gamma", batch(scale=False), [Input((3, 4))]),
    Case("BatchNormalization with neither", batch(**BARE), IMAGES),
    Case("BatchNormalization renormed", batch(renorm=True), [Input((3, 4))]),
    Case("BatchNormalization renormed without gamma", batch(renorm=True, scale=False), [Input((3, 4))]),
    Case("LayerNormalization", layer(), [Input((3, 4))]),
    Case("LayerNormalization of sequences", layer(epsilon=0.1), SEQUENCES),
    Case("LayerNormalization along the first", layer(axis=1), SEQUENCES, backend=JAX),
    Case("LayerNormalization along one, as a list", layer(axis=[2]), SEQUENCES, backend=JAX),
    Case("LayerNormalization along two", layer(axis=[1, 2]), SEQUENCES, backend=JAX),
    Case("LayerNormalization along two, square", layer(axis=[1, 2]), [Input((3, 4, 4))], backend=JAX),
    Case("LayerNormalization along two from the end", layer(axis=[-2, -1]), IMAGES, backend=JAX),
    Case("LayerNormalization along two apart", layer(axis=[1, 3]), IMAGES, backend=JAX),
    Case("LayerNormalization along two apart, square", layer(axis=[3, 1]), [Input((2, 3, 4, 3))], backend=JAX),
    Case("LayerNormalization along two, out of order", layer(axis=[2, 1]), IMAGES, backend=JAX),
    Case("LayerNormalization along all", layer(axis=[1, 2, 3]), IMAGES, backend=JAX),
    Case("LayerNormalization along all, square", layer(axis=[1, 2, 3]), [Input((2, 3, 3, 3))], backend=JAX),
    Case("LayerNormalization without beta", layer(center=False), SEQUENCES),
    Case("LayerNormalization without gamma", layer(scale=False, axis=[1, 2]), SEQUENCES, backend=JAX),
    Case("LayerNormalization with neither", layer(**BARE), SEQUENCES),
    Case("LayerNormalization by the deviation", layer(rms_scaling=True), SEQUENCES),
    Case(
        "LayerNormalization by the deviation along two",
        layer(rms_scaling=True, scale=False, axis=[1, 2]),
        IMAGES,
        backend=JAX,
    ),
    Case("GroupNormalization", group(2), [Input((2, 3, 3, 4))]),
    Case("GroupNormalization of channels first", group(2, axis=1), [Input((2, 4, 3, 2))]),
    Case("GroupNormalization of sequences", group(3, epsilon=0.1), [Input((2, 4, 6))]),
    Case("GroupNormalization in the middle", group(2, axis=2), [Input((2, 3, 4, 3))]),
    Case("GroupNormalization of vectors", group(2), [Input((3, 6))]),
    Case("GroupNormalization of one group", group(1), IMAGES),
    Case("GroupNormalization of each channel", group(-1), IMAGES),
    Case("GroupNormalization without beta", group(2, center=False), IMAGES),
    Case("GroupNormalization without gamma", group(2, scale=False), IMAGES),
    Case("GroupNormalization with neither", group(2, **BARE), IMAGES),
    Case("RMSNormalization", rms(), [Input((3, 4))]),
    Case("RMSNormalization of sequences", rms(epsilon=0.1), SEQUENCES),
    Case("RMSNormalization along one by number", rms(axis=2), SEQUENCES, backend=JAX),
    Case("RMSNormalization along two", rms(axis=[-2, -1]), IMAGES, backend=JAX),
    Case("RMSNormalization along two, square", rms(axis=[1, 2]), [Input((3, 4, 4))], backend=JAX),
    Case("UnitNormalization", lambda: layers.UnitNormalization(), SEQUENCES),
    Case("UnitNormalization along the first", lambda: layers.UnitNormalization(axis=1), SEQUENCES),
    Case("UnitNormalization along two", lambda: layers.UnitNormalization(axis=[-2, -1]), SEQUENCES),
    Case("Normalization", measured(), [Input((3, 4))], refreshed),
    Case("Normalization of images", measured(), IMAGES, refreshed),
    Case("Normalization of all", measured(axis=None), SEQUENCES, refreshed),
    Case("Normalization along the first", measured(axis=1), SEQUENCES, refreshed),
    Case("Normalization along two", measured(axis=[1, 2]), SEQUENCES, refreshed),
    Case("Normalization along two, square", measured(axis=[-2, -1]), [Input((3, 4, 4))], refreshed),
    Case("Normalization along two apart", measured(axis=[3, 1]), IMAGES, refreshed),
    Case("Normalization undone", measured(invert=True), SEQUENCES, refreshed),
    Case("Normalization with given numbers", measured(mean=0.5, variance=2.0), SEQUENCES),
    Case("Normalization with given numbers of all", measured(axis=None, mean=0.5, variance=2.0), SEQUENCES),
    Case("Normalization with a given list", measured(mean=[0.5, -1, 2, 0, 1], variance=[2, 3, 0.5, 1, 4]), SEQUENCES),
    Case(
        "Normalization with a given table",
        measured(axis=(1, 2), mean=[[1, 2], [3, 4], [5, 6]], variance=[[2, 1], [1, 3], [4, 2]], invert=True),
        [Input((2, 3, 2))],
    ),
    Case(
        "Normalization with a given list for two",
        measured(axis=(1, 2), mean=[1.0, 2], variance=[2.0, 1]),
        [Input((2, 3, 2))],
    ),
    Case("SpectralNormalization", spectral(lambda: layers.Dense(5)), [Input((2, 7))]),
    Case("SpectralNormalization, square", spectral(lambda: layers.Dense(4)), [Input((2, 4))]),
    Case("SpectralNormalization without bias", spectral(lambda: layers.Dense(5, use_bias=False)), [Input((2, 7))]),
    Case("SpectralNormalization of a convolution", spectral(lambda: layers.Conv2D(4, (3, 2))), [Input((2, 4, 5, 3))]),
    Case(
        "SpectralNormalization of a grouped convolution",
        spectral(lambda: layers.Conv1D(4, 2, groups=2)),
        [Input((2, 4, 6))],
    ),
    Case(
        "SpectralNormalization of a transposed convolution",
        spectral(lambda: layers.Conv1DTranspose(4, 2)),
        [Input((2, 4, 3))],
    ),
    Case(
        "SpectralNormalization of an einsum",
        spectral(lambda: layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 5), bias_axes="e")),
        [Input((2, 3, 4))],
    ),
]

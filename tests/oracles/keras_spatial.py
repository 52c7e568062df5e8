"""Cases of Keras's layers that pad, cut, resize or rescale."""

from __future__ import annotations

from dataclasses import replace

import numpy

from tests.oracles.case import Input
from tests.oracles.keras_convolution import FIRST, case

EDGES = [
    case("ZeroPadding1D", (4, 3), 2),
    case("ZeroPadding1D uneven", (4, 3), (1, 3)),
    case("ZeroPadding1D channels_first", (3, 4), (1, 3), **FIRST),
    case("ZeroPadding2D", (2, 3, 2), 1),
    case("ZeroPadding2D two numbers", (2, 3, 2), (1, 2)),
    case("ZeroPadding2D uneven", (2, 3, 2), ((1, 0), (2, 3))),
    case("ZeroPadding2D channels_first", (2, 2, 3), ((1, 0), (2, 3)), **FIRST),
    case("ZeroPadding3D", (1, 2, 1, 2), 1),
    case("ZeroPadding3D uneven", (1, 2, 1, 2), ((1, 0), (0, 2), (2, 1))),
    case("ZeroPadding3D channels_first", (2, 1, 2, 1), ((1, 0), (0, 2), (2, 1)), **FIRST),
    case("Cropping1D", (7, 3), 2),
    case("Cropping1D uneven", (7, 3), (0, 3)),
    case("Cropping2D", (5, 6, 3), 1),
    case("Cropping2D two numbers", (5, 6, 3), (1, 2)),
    case("Cropping2D uneven", (5, 6, 3), ((1, 0), (2, 3))),
    case("Cropping2D channels_first", (3, 5, 6), ((1, 2), (0, 3)), **FIRST),
    case("Cropping3D", (4, 5, 3, 2), 1),
    case("Cropping3D uneven", (4, 5, 3, 2), ((1, 0), (0, 2), (2, 0))),
    case("Cropping3D channels_first", (2, 4, 5, 3), ((1, 2), (0, 2), (1, 0)), **FIRST),
]

SIZES = [
    case("UpSampling1D", (4, 3), 3),
    case("UpSampling2D", (2, 3, 2), (3, 2)),
    case("UpSampling2D channels_first", (2, 2, 3), (3, 2), **FIRST),
    case("UpSampling2D bilinear", (2, 3, 2), (3, 2), interpolation="bilinear"),
    case("UpSampling2D bilinear channels_first", (2, 3, 2), (2, 3), interpolation="bilinear", **FIRST),
    case("UpSampling3D", (2, 1, 2, 2), (2, 3, 1)),
    case("UpSampling3D channels_first", (2, 2, 1, 2), (1, 3, 2), **FIRST),
    case("Resizing", (4, 5, 2), 6, 4),
    case("Resizing of JAX", (4, 5, 2), 7, 3, backend="jax"),
    case("Resizing smaller", (7, 8, 2), 3, 5),
    case("Resizing antialias", (7, 8, 2), 3, 5, antialias=True),
    case("Resizing antialias of JAX", (7, 4, 2), 3, 5, antialias=True, backend="jax"),
    case("Resizing nearest", (4, 5, 2), 6, 3, interpolation="nearest"),
    case("Resizing nearest of JAX", (6, 4, 2), 9, 3, interpolation="nearest", backend="jax"),
    case("Resizing crop", (5, 8, 2), 3, 4, crop_to_aspect_ratio=True),
    case("Resizing crop high", (8, 5, 2), 3, 4, crop_to_aspect_ratio=True),
    case("Resizing pad", (4, 7, 2), 5, 4, pad_to_aspect_ratio=True, fill_value=0.5),
    case("Resizing pad high", (7, 4, 2), 4, 5, pad_to_aspect_ratio=True),
    case("Resizing channels_first", (2, 4, 5), 6, 3, **FIRST),
    # Thirds never lie in the middle between two whole numbers, where noise would decide how they are rounded.
    replace(case("Resizing whole numbers", (4, 5, 2), 12, 3), inputs=[Input((2, 4, 5, 2), 256)]),
    case("CenterCrop", (6, 7, 2), 3, 5),
    case("CenterCrop odd", (5, 8, 2), 2, 3),
    case("CenterCrop channels_first", (2, 6, 7), 3, 4, **FIRST),
    case("CenterCrop above the input", (3, 6, 2), 4, 5),
]

VALUES = [
    case("Rescaling", (3, 4), 1 / 255),
    case("Rescaling offset", (2, 3, 2), 1 / 127.5, -1),
    case("Rescaling of each channel", (2, 3, 2), [0.5, 2.0], [1.0, -1.0]),
    case("Rescaling of each channel by an array", (2, 3, 2), numpy.array([0.5, 2.0]), numpy.array([1.0, -1.0])),
    replace(case("Rescaling whole numbers", (2, 3), 1 / 255), inputs=[Input((2, 2, 3), 256)]),
]

CASES = EDGES + SIZES + VALUES

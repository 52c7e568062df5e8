"""Cases of Keras's convolutions: plain, transposed, depthwise and separable.

In a square case all sizes of a kernel coincide, so that every exchange of two of its axes binds and must be found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from keras import layers

from tests.oracles.case import Case, Input


def case(
    name: str,
    shape: Sequence[int],
    *arguments: Any,
    backend: str = "torch",
    tolerance: float = 1e-10,
    symmetries: Mapping[str, Sequence[str]] | None = None,
    **options: Any,
) -> Case:
    """Return the case of a layer whose class is the first word of the name, on a batch of two."""
    build = partial(getattr(layers, name.split()[0]), *arguments, **options)
    return Case(name, build, [Input((2, *shape))], backend=backend, symmetries=symmetries or {}, tolerance=tolerance)


FIRST = {"data_format": "channels_first"}

# With one filter for each channel the axis `mult` has one element, and may stand anywhere.
ONE = {"bias": ["(mult in)"]}
ONE_1D = {"pointwise_kernel": ["mult (in 1) out", "1 (mult in) out"]}
ONE_2D = {"pointwise_kernel": ["mult 1 (in 1) out", "1 mult (in 1) out", "1 1 (mult in) out"]}

PLAIN = [
    case("Conv1D", (7, 3), 5, 3),
    case("Conv1D square", (5, 3), 3, 3),
    case("Conv1D same", (7, 3), 4, 4, padding="same"),
    case("Conv1D same strides", (8, 3), 4, 3, strides=3, padding="same"),
    case("Conv1D strides", (8, 3), 4, 3, strides=2),
    case("Conv1D dilation", (9, 3), 4, 3, dilation_rate=2),
    case("Conv1D causal", (6, 3), 4, 3, padding="causal"),
    case("Conv1D causal dilation", (8, 3), 4, 3, padding="causal", dilation_rate=2),
    case("Conv1D causal strides", (8, 3), 4, 3, padding="causal", strides=3),
    case("Conv1D causal channels_first", (3, 7), 4, 2, padding="causal", **FIRST),
    case("Conv1D groups", (7, 4), 6, 3, groups=2),
    case("Conv1D groups square", (6, 4), 4, 2, groups=2),
    case("Conv1D channels_first", (3, 7), 5, 3, **FIRST),
    case("Conv1D without bias", (7, 3), 5, 3, use_bias=False),
    case("Conv1D relu", (7, 3), 5, 3, activation="relu"),
    case("Conv2D", (5, 6, 3), 5, (3, 2)),
    case("Conv2D square", (5, 5, 3), 3, 3),
    case("Conv2D groups", (5, 4, 4), 6, (3, 2), groups=2),
    case("Conv2D groups square", (4, 4, 4), 4, 2, groups=2),
    case("Conv2D depthwise by groups", (5, 4, 3), 6, (3, 2), groups=3),
    case("Conv2D same", (5, 4, 3), 3, (4, 3), padding="same"),
    case("Conv2D same strides", (6, 7, 3), 5, (3, 2), strides=2, padding="same"),
    case("Conv2D same strides of two kinds", (7, 8, 2), 3, (4, 3), strides=(3, 2), padding="same"),
    case("Conv2D same strides above the window", (7, 8, 2), 3, (2, 3), strides=(3, 4), padding="same"),
    case("Conv2D strides", (8, 7, 3), 4, (3, 2), strides=(2, 3)),
    case("Conv2D dilation", (8, 7, 3), 4, (3, 2), dilation_rate=(2, 3)),
    case("Conv2D same dilation", (5, 6, 3), 2, (3, 2), dilation_rate=(1, 3), padding="same"),
    case("Conv2D channels_first", (3, 5, 6), 4, (3, 2), **FIRST),
    case("Conv2D channels_first groups same", (4, 5, 4), 4, (3, 2), groups=2, padding="same", strides=2, **FIRST),
    case("Conv2D without bias", (5, 6, 3), 4, (3, 2), use_bias=False),
    case("Conv2D tanh", (5, 6, 3), 3, (3, 2), activation="tanh"),
    # The softmax goes over the last axis of what the layer returns, which is here the width.
    case("Conv2D channels_first softmax", (3, 5, 6), 3, (3, 2), activation="softmax", **FIRST),
    case("Conv3D", (3, 5, 4, 2), 3, (2, 3, 2)),
    case("Conv3D square", (3, 3, 3, 2), 2, 2),
    case("Conv3D groups", (3, 4, 3, 4), 6, (2, 3, 2), groups=2),
    case("Conv3D groups square", (3, 3, 3, 4), 4, 2, groups=2),
    case("Conv3D same strides", (5, 4, 3, 2), 3, (3, 2, 2), strides=(2, 1, 2), padding="same"),
    case("Conv3D dilation", (5, 4, 5, 2), 2, (2, 3, 2), dilation_rate=(2, 1, 3)),
    case("Conv3D channels_first", (2, 3, 5, 4), 3, (2, 3, 2), **FIRST),
    case("Conv3D without bias", (4, 4, 4, 2), 3, (2, 3, 2), use_bias=False, activation="sigmoid"),
]

# A low-rank pair is kept in 32 bits.
ADAPTED = [
    case("Conv1D adapted", (7, 3), 5, 3, lora_rank=2, tolerance=1e-5),
    case("Conv1D adapted square", (5, 3), 3, 3, lora_rank=3, use_bias=False, tolerance=1e-5),
    case("Conv2D adapted", (5, 4, 3), 4, (3, 2), lora_rank=2, lora_alpha=5, tolerance=1e-5),
    case("Conv2D adapted groups", (4, 4, 4), 6, (3, 2), groups=2, lora_rank=3, tolerance=1e-5),
    case("Conv2D adapted groups square", (3, 3, 4), 4, 2, groups=2, lora_rank=2, tolerance=1e-5),
    case("Conv3D adapted", (3, 4, 3, 3), 3, (2, 3, 2), lora_rank=2, tolerance=1e-5),
    case("Conv3D adapted square", (2, 3, 3, 2), 2, 2, lora_rank=2, tolerance=1e-5),
]

TRANSPOSED = [
    case("Conv1DTranspose", (5, 3), 4, 3),
    case("Conv1DTranspose square", (4, 3), 3, 3),
    case("Conv1DTranspose strides above the window", (4, 3), 3, 2, strides=3),
    case("Conv1DTranspose same", (5, 3), 4, 4, strides=2, padding="same"),
    case("Conv1DTranspose same strides above the window", (4, 3), 3, 2, strides=5, padding="same"),
    case("Conv1DTranspose output_padding", (5, 3), 4, 3, strides=3, output_padding=2),
    case("Conv1DTranspose same output_padding", (5, 3), 4, 4, strides=3, padding="same", output_padding=1),
    case("Conv1DTranspose dilation", (5, 3), 4, 3, dilation_rate=2),
    case("Conv1DTranspose same dilation", (5, 3), 4, 4, dilation_rate=3, padding="same"),
    case("Conv1DTranspose channels_first", (3, 5), 4, 3, strides=2, **FIRST),
    case("Conv1DTranspose without bias", (5, 3), 4, 3, use_bias=False, activation="relu"),
    case("Conv2DTranspose", (3, 4, 3), 2, (3, 2)),
    case("Conv2DTranspose square", (3, 3, 3), 3, 3),
    case("Conv2DTranspose square same", (3, 3, 2), 2, 2, padding="same"),
    case("Conv2DTranspose strides", (2, 3, 3), 2, (3, 4), strides=(2, 3)),
    case("Conv2DTranspose same strides", (3, 2, 3), 2, (3, 4), strides=(2, 3), padding="same"),
    case("Conv2DTranspose same strides of JAX", (3, 2, 3), 2, (3, 5), strides=(2, 3), padding="same", backend="jax"),
    case("Conv2DTranspose output_padding", (3, 2, 3), 2, (3, 2), strides=(2, 3), output_padding=(1, 0)),
    case(
        "Conv2DTranspose same output_padding",
        (3, 2, 3),
        2,
        (5, 3),
        strides=(3, 2),
        padding="same",
        output_padding=(2, 1),
    ),
    case(
        "Conv2DTranspose same output_padding of JAX",
        (3, 2, 3),
        2,
        (4, 3),
        strides=(3, 2),
        padding="same",
        output_padding=(0, 1),
        backend="jax",
    ),
    case("Conv2DTranspose dilation", (3, 2, 3), 2, (3, 2), dilation_rate=(2, 3)),
    case("Conv2DTranspose channels_first", (3, 2, 4), 2, (3, 2), strides=2, padding="same", **FIRST),
    case("Conv2DTranspose without bias", (3, 3, 2), 3, (3, 2), use_bias=False),
    case("Conv2DTranspose softmax", (3, 3, 2), 3, (3, 2), activation="softmax"),
    case("Conv3DTranspose", (1, 2, 2, 2), 3, (2, 3, 2)),
    case("Conv3DTranspose square", (2, 2, 2, 2), 2, 2),
    case("Conv3DTranspose strides", (1, 2, 2, 3), 2, (2, 3, 2), strides=(3, 1, 2)),
    case("Conv3DTranspose same strides", (1, 2, 2, 3), 2, (2, 3, 4), strides=(1, 2, 3), padding="same"),
    case("Conv3DTranspose output_padding", (1, 2, 1, 3), 2, (2, 3, 2), strides=(2, 2, 3), output_padding=(1, 0, 2)),
    case("Conv3DTranspose dilation", (1, 2, 1, 3), 2, (2, 3, 2), dilation_rate=(2, 1, 2)),
    case("Conv3DTranspose channels_first", (2, 1, 3, 2), 2, (2, 3, 2), **FIRST),
    case("Conv3DTranspose without bias", (1, 1, 2, 2), 3, (2, 3, 2), use_bias=False),
]

DEPTHWISE = [
    case("DepthwiseConv1D", (7, 4), 3, depth_multiplier=2),
    case("DepthwiseConv1D square", (6, 3), 3, depth_multiplier=3),
    case("DepthwiseConv1D without multiplier", (6, 4), 3, symmetries=ONE),
    case("DepthwiseConv1D same strides", (8, 3), 4, strides=3, padding="same", depth_multiplier=2),
    case("DepthwiseConv1D dilation", (8, 3), 3, dilation_rate=2, depth_multiplier=2),
    case("DepthwiseConv1D channels_first", (4, 7), 3, depth_multiplier=2, **FIRST),
    case("DepthwiseConv1D without bias", (7, 4), 3, depth_multiplier=2, use_bias=False, activation="relu"),
    case("DepthwiseConv2D", (5, 4, 4), (3, 2), depth_multiplier=2),
    case("DepthwiseConv2D square", (4, 4, 3), 3, depth_multiplier=3),
    case("DepthwiseConv2D without multiplier", (5, 4, 4), (3, 2), symmetries=ONE),
    case("DepthwiseConv2D same strides", (5, 6, 3), (3, 4), strides=2, padding="same", depth_multiplier=2),
    case("DepthwiseConv2D dilation", (6, 5, 3), (3, 2), dilation_rate=(2, 3), depth_multiplier=2),
    case("DepthwiseConv2D channels_first", (4, 5, 4), (3, 2), depth_multiplier=2, **FIRST),
    case("DepthwiseConv2D without bias", (5, 4, 4), (3, 2), depth_multiplier=2, use_bias=False, activation="tanh"),
    case("SeparableConv1D", (7, 4), 5, 3, depth_multiplier=2),
    case("SeparableConv1D square", (6, 3), 3, 3, depth_multiplier=3),
    case("SeparableConv1D without multiplier", (6, 4), 5, 3, symmetries=ONE_1D),
    case("SeparableConv1D same strides", (8, 3), 4, 4, strides=3, padding="same", depth_multiplier=2),
    case("SeparableConv1D dilation", (8, 3), 4, 3, dilation_rate=2, depth_multiplier=2),
    case("SeparableConv1D channels_first", (4, 7), 5, 3, depth_multiplier=2, **FIRST),
    case("SeparableConv1D without bias", (7, 4), 5, 3, depth_multiplier=2, use_bias=False, activation="relu"),
    case("SeparableConv2D", (5, 4, 4), 5, (3, 2), depth_multiplier=2),
    case("SeparableConv2D square", (4, 4, 3), 3, 3, depth_multiplier=3),
    case("SeparableConv2D without multiplier", (5, 4, 4), 3, (3, 2), symmetries=ONE_2D),
    case("SeparableConv2D same strides", (5, 6, 3), 4, (3, 4), strides=2, padding="same", depth_multiplier=2),
    case("SeparableConv2D dilation", (6, 5, 3), 4, (3, 2), dilation_rate=(2, 3), depth_multiplier=2),
    case("SeparableConv2D channels_first", (4, 5, 4), 5, (3, 2), depth_multiplier=2, **FIRST),
    case("SeparableConv2D without bias", (5, 4, 4), 5, (3, 2), depth_multiplier=2, use_bias=False),
]

CASES = PLAIN + ADAPTED + TRANSPOSED + DEPTHWISE

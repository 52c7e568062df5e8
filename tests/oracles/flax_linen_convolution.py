"""Cases of linen's convolutions; in a square case all sizes coincide, so that every exchange of two axes binds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import linen

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import linen_layer


def case(name: str, shape: Sequence[int], *arguments: Any, **options: Any) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    return Case(name, linen_layer(getattr(linen, name.split()[1]), *arguments, **options), [Input((2, *shape))])


VALID = {"padding": "VALID"}

PLAIN = [
    case("linen Conv 1D", (7, 3), 5, (3,)),
    case("linen Conv 1D square", (5, 3), 3, (3,)),
    case("linen Conv 1D of a number", (7, 3), 5, 4),
    case("linen Conv 1D valid strides", (8, 3), 4, (3,), strides=2, **VALID),
    case("linen Conv 1D causal", (6, 3), 4, (3,), padding="CAUSAL"),
    case("linen Conv 1D causal dilation strides", (8, 3), 4, (3,), padding="CAUSAL", kernel_dilation=2, strides=3),
    case("linen Conv 1D circular", (6, 3), 4, (4,), padding="CIRCULAR"),
    case("linen Conv 1D reflect strides", (7, 3), 4, (4,), padding="REFLECT", strides=2),
    case("linen Conv 1D groups square", (6, 4), 4, (2,), feature_group_count=2),
    case("linen Conv 2D", (5, 6, 3), 5, (3, 2)),
    case("linen Conv 2D square", (5, 5, 3), 3, (3, 3)),
    case("linen Conv 2D valid", (5, 6, 3), 4, (3, 2), **VALID),
    case("linen Conv 2D groups", (5, 4, 4), 6, (3, 2), feature_group_count=2),
    case("linen Conv 2D groups square", (4, 4, 4), 4, (2, 2), feature_group_count=2, **VALID),
    case("linen Conv 2D depthwise by groups", (5, 4, 3), 6, (3, 2), feature_group_count=3),
    case("linen Conv 2D same strides", (7, 8, 2), 3, (4, 3), strides=(3, 2)),
    case("linen Conv 2D dilation", (8, 7, 3), 4, (3, 2), kernel_dilation=(2, 3), **VALID),
    case("linen Conv 2D padding of one number", (5, 4, 3), 2, (3, 2), padding=2),
    case("linen Conv 2D padding of numbers", (5, 4, 3), 2, (3, 2), padding=(1, 2)),
    case("linen Conv 2D padding of pairs", (5, 4, 3), 2, (3, 2), padding=((1, 0), (2, 3))),
    case("linen Conv 2D circular dilation", (5, 6, 2), 3, (3, 2), padding="CIRCULAR", kernel_dilation=(2, 1)),
    case("linen Conv 2D circular square", (3, 3, 2), 2, (2, 2), padding="CIRCULAR"),
    case("linen Conv 2D reflect", (5, 6, 2), 3, (3, 4), padding="REFLECT"),
    case("linen Conv 2D without bias", (5, 6, 3), 4, (3, 2), use_bias=False),
    case("linen Conv 3D", (3, 5, 4, 2), 3, (2, 3, 2)),
    case("linen Conv 3D square", (3, 3, 3, 2), 2, (2, 2, 2), **VALID),
    case("linen Conv 3D groups square", (3, 3, 3, 4), 4, (2, 2, 2), feature_group_count=2, **VALID),
    case("linen Conv 3D strides", (5, 4, 3, 2), 3, (2, 3, 2), strides=(2, 1, 2)),
]

TRANSPOSED = [
    case("linen ConvTranspose 1D", (5, 3), 4, (3,)),
    case("linen ConvTranspose 1D square", (4, 3), 3, (3,)),
    case("linen ConvTranspose 1D turned", (5, 3), 4, (3,), transpose_kernel=True),
    case("linen ConvTranspose 1D turned square", (4, 3), 3, (3,), transpose_kernel=True),
    case("linen ConvTranspose 1D even window", (5, 3), 2, (4,)),
    case("linen ConvTranspose 1D strides", (5, 3), 2, (4,), strides=(2,)),
    case("linen ConvTranspose 1D strides of the window", (4, 3), 2, (3,), strides=(3,)),
    case("linen ConvTranspose 1D strides above the window", (4, 3), 2, (2,), strides=(5,)),
    case("linen ConvTranspose 1D valid strides above the window", (4, 3), 2, (2,), strides=(5,), **VALID),
    case("linen ConvTranspose 1D dilation", (5, 3), 2, (3,), strides=(2,), kernel_dilation=(2,)),
    case("linen ConvTranspose 1D turned strides", (5, 3), 2, (4,), strides=(2,), transpose_kernel=True),
    case("linen ConvTranspose 1D circular", (4, 3), 2, (4,), strides=(2,), padding="CIRCULAR"),
    case("linen ConvTranspose 1D circular long window", (3, 3), 2, (7,), padding="CIRCULAR"),
    case("linen ConvTranspose 1D circular large strides", (3, 3), 2, (2,), strides=(4,), padding="CIRCULAR"),
    case("linen ConvTranspose 1D circular odd", (5, 3), 2, (4,), padding="CIRCULAR"),
    case("linen ConvTranspose 1D circular turned", (5, 3), 2, (4,), padding="CIRCULAR", transpose_kernel=True),
    case("linen ConvTranspose 2D", (3, 4, 3), 2, (3, 2)),
    case("linen ConvTranspose 2D square", (3, 3, 3), 3, (3, 3)),
    case("linen ConvTranspose 2D valid square", (3, 3, 2), 2, (2, 2), **VALID),
    case("linen ConvTranspose 2D turned", (3, 4, 3), 2, (3, 2), transpose_kernel=True),
    case("linen ConvTranspose 2D turned square", (3, 3, 3), 3, (3, 3), transpose_kernel=True, **VALID),
    case("linen ConvTranspose 2D strides", (3, 2, 3), 2, (3, 5), strides=(2, 3)),
    case("linen ConvTranspose 2D padding of pairs", (3, 2, 3), 2, (3, 2), strides=(2, 1), padding=((2, 1), (0, 3))),
    case("linen ConvTranspose 2D padding of a number", (3, 2, 3), 2, (3, 2), padding=1, transpose_kernel=True),
    case("linen ConvTranspose 2D circular", (3, 2, 3), 2, (3, 2), strides=(2, 3), padding="CIRCULAR"),
    case("linen ConvTranspose 2D without bias", (3, 3, 2), 3, (3, 2), use_bias=False),
    case("linen ConvTranspose 3D", (1, 2, 2, 2), 3, (2, 3, 2), strides=(1, 2, 1)),
    case("linen ConvTranspose 3D square", (2, 2, 2, 2), 2, (2, 2, 2), **VALID),
    case("linen ConvTranspose 3D turned square", (2, 2, 2, 2), 2, (2, 2, 2), transpose_kernel=True),
]

LOCAL = [
    case("linen ConvLocal 1D", (6, 3), 4, (2,)),
    case("linen ConvLocal 1D square", (4, 3), 3, (3,), strides=2),
    case("linen ConvLocal 2D", (4, 5, 3), 2, (3, 2), **VALID),
    case("linen ConvLocal 2D square", (2, 2, 2), 2, (2, 2)),
    case("linen ConvLocal 2D strides dilation", (6, 5, 2), 3, (3, 2), strides=(2, 1), kernel_dilation=(1, 2)),
    case("linen ConvLocal 2D circular", (3, 4, 2), 2, (2, 3), padding="CIRCULAR"),
    case("linen ConvLocal 2D without bias", (4, 3, 2), 3, (3, 2), use_bias=False, **VALID),
]

CASES = PLAIN + TRANSPOSED + LOCAL

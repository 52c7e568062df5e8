"""Cases of the convolutions of nnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import nnx

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import nnx_layer


def case(name: str, shape: Sequence[int], *arguments: Any, **options: Any) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    build = nnx_layer(getattr(nnx, name.split()[1]), shape[-1], *arguments, **options)
    return Case(name, build, [Input((2, *shape))])


VALID = {"padding": "VALID"}

CASES = [
    case("nnx Conv 1D", (7, 3), 5, (3,)),
    case("nnx Conv 1D square", (5, 3), 3, 3, **VALID),
    case("nnx Conv 1D causal", (8, 3), 4, (3,), padding="CAUSAL", kernel_dilation=2),
    case("nnx Conv 2D", (5, 6, 3), 5, (3, 2)),
    case("nnx Conv 2D square", (5, 5, 3), 3, (3, 3)),
    case("nnx Conv 2D groups square", (4, 4, 4), 4, (2, 2), feature_group_count=2, **VALID),
    case("nnx Conv 2D strides", (7, 8, 2), 3, (4, 3), strides=(3, 2)),
    case("nnx Conv 2D padding of pairs", (5, 4, 3), 2, (3, 2), padding=((1, 0), (2, 3))),
    case("nnx Conv 2D circular", (5, 6, 2), 3, (3, 2), padding="CIRCULAR", kernel_dilation=(2, 1)),
    case("nnx Conv 2D reflect", (5, 6, 2), 3, (3, 4), padding="REFLECT"),
    case("nnx Conv 2D without bias", (5, 6, 3), 4, (3, 2), use_bias=False),
    case("nnx Conv 3D square", (3, 3, 3, 2), 2, (2, 2, 2), **VALID),
    case("nnx ConvTranspose 1D square", (4, 3), 3, 3),
    case("nnx ConvTranspose 1D turned square", (4, 3), 3, (3,), transpose_kernel=True),
    case("nnx ConvTranspose 1D circular", (4, 3), 2, (4,), strides=2, padding="CIRCULAR"),
    case("nnx ConvTranspose 1D circular turned", (5, 3), 2, (4,), padding="CIRCULAR", transpose_kernel=True),
    case("nnx ConvTranspose 2D", (3, 4, 3), 2, (3, 2)),
    case("nnx ConvTranspose 2D square", (3, 3, 3), 3, (3, 3), **VALID),
    case("nnx ConvTranspose 2D turned", (3, 4, 3), 2, (3, 2), transpose_kernel=True, strides=(2, 3)),
    case("nnx ConvTranspose 2D dilation", (3, 2, 3), 2, (3, 2), kernel_dilation=(2, 3), **VALID),
    case("nnx ConvTranspose 2D padding of pairs", (3, 2, 3), 2, (3, 2), strides=(2, 1), padding=((2, 1), (0, 3))),
    case("nnx ConvTranspose 2D without bias", (3, 3, 2), 3, (3, 2), use_bias=False),
    case("nnx ConvTranspose 3D square", (2, 2, 2, 2), 2, (2, 2, 2), **VALID),
]

"""Cases of Keras's poolings."""

from __future__ import annotations

from tests.oracles.keras_convolution import FIRST, case

PADDED = {"padding": "same", "backend": "jax"}
"""In PyTorch's backend an average takes repeated edges for padding where the edges differ; TensorFlow's does not."""


WINDOWS = [
    made
    for kind in ("Max", "Average")
    for made in (
        case(f"{kind}Pooling1D", (7, 3), 3),
        case(f"{kind}Pooling1D strides", (8, 3), 3, 2),
        case(f"{kind}Pooling1D same", (7, 3), 3, **PADDED),
        case(f"{kind}Pooling1D same strides above the window", (8, 3), 2, 3, **PADDED),
        case(f"{kind}Pooling1D channels_first", (3, 7), 2, **FIRST),
        case(f"{kind}Pooling2D", (6, 7, 3), (2, 3)),
        case(f"{kind}Pooling2D strides", (5, 6, 2), (2, 3), (1, 2)),
        case(f"{kind}Pooling2D same", (5, 6, 2), (4, 3), (2, 1), **PADDED),
        case(f"{kind}Pooling2D same channels_first", (2, 5, 6), (2, 4), **FIRST, **PADDED),
        case(f"{kind}Pooling2D channels_first", (3, 6, 7), (2, 3), **FIRST),
        case(f"{kind}Pooling3D", (4, 5, 4, 2), (2, 3, 2)),
        case(f"{kind}Pooling3D strides", (4, 5, 4, 2), 2, (2, 3, 1)),
        case(f"{kind}Pooling3D same", (3, 4, 5, 2), (2, 3, 4), **PADDED),
        case(f"{kind}Pooling3D channels_first", (2, 4, 5, 4), (2, 3, 2), **FIRST),
    )
]

SHAPES = {1: (5, 3), 2: (4, 5, 3), 3: (2, 4, 3, 2)}
FIRST_SHAPES = {rank: (shape[-1], *shape[:-1]) for rank, shape in SHAPES.items()}

GLOBAL = [
    made
    for kind in ("GlobalMax", "GlobalAverage")
    for rank in SHAPES
    for made in (
        case(f"{kind}Pooling{rank}D", SHAPES[rank]),
        case(f"{kind}Pooling{rank}D keepdims", SHAPES[rank], keepdims=True),
        case(f"{kind}Pooling{rank}D channels_first", FIRST_SHAPES[rank], **FIRST),
        case(f"{kind}Pooling{rank}D channels_first keepdims", FIRST_SHAPES[rank], keepdims=True, **FIRST),
    )
]

ADAPTIVE = [
    made
    for kind in ("AdaptiveMax", "AdaptiveAverage")
    for made in (
        case(f"{kind}Pooling1D", (7, 3), 3),
        case(f"{kind}Pooling1D above the input", (3, 2), 5),
        case(f"{kind}Pooling1D channels_first", (3, 8), 3, **FIRST),
        case(f"{kind}Pooling2D", (5, 7, 3), (2, 4)),
        case(f"{kind}Pooling2D of JAX", (7, 8, 3), (3, 2), backend="jax"),
        case(f"{kind}Pooling2D channels_first", (3, 5, 7), 3, **FIRST),
        case(f"{kind}Pooling3D", (4, 5, 3, 2), (2, 3, 2)),
        case(f"{kind}Pooling3D channels_first", (2, 4, 5, 3), 2, **FIRST),
    )
]

CASES = WINDOWS + GLOBAL + ADAPTIVE

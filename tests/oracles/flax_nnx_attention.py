"""Cases of the attention of nnx, where several heads of queries may share one of keys and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flax import nnx

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import nnx_layer
from tests.oracles.flax_linen_attention import KEY_BIAS


def attended(layer: Any, tensors: Sequence[Any]) -> Any:
    """Return the attention in float64, which nnx computes only where it keeps the weights of the averages too."""
    return layer(*tensors, sow_weights=True)


def masked(layer: Any, tensors: Sequence[Any]) -> Any:
    """Return the attention of the first tensor to itself, where the second is not zero."""
    return layer(tensors[0], mask=tensors[1], sow_weights=True)


def case(
    name: str, *shapes: Sequence[int], symmetries: Mapping[str, Sequence[str]] | None = None, **options: Any
) -> Case:
    """Return the case of an attention on a batch of two."""
    build = nnx_layer(nnx.MultiHeadAttention, in_features=shapes[0][-1], decode=False, **options)
    return Case(name, build, [Input((2, *shape)) for shape in shapes], call=attended, symmetries=symmetries or {})


CASES = [
    case("nnx MultiHeadAttention of itself", (3, 6), num_heads=2),
    case("nnx MultiHeadAttention of two", (3, 6), (4, 5), num_heads=3, in_kv_features=5),
    case("nnx MultiHeadAttention of three", (3, 6), (4, 5), (4, 5), num_heads=2, in_kv_features=5),
    case("nnx MultiHeadAttention square", (3, 2), symmetries=KEY_BIAS, num_heads=2, qkv_features=4),
    case("nnx MultiHeadAttention sizes", (3, 4), num_heads=2, qkv_features=6, out_features=7),
    case("nnx MultiHeadAttention without bias", (3, 4), num_heads=2, use_bias=False),
    case("nnx MultiHeadAttention normalized square", (3, 3), num_heads=3, qkv_features=9, normalize_qk=True),
    case("nnx MultiHeadAttention shared heads", (3, 8), num_heads=4, num_kv_heads=2, qkv_features=12),
    case(
        "nnx MultiHeadAttention shared heads square",
        (3, 2),
        symmetries=KEY_BIAS,
        num_heads=4,
        num_kv_heads=2,
        qkv_features=8,
    ),
    case("nnx MultiHeadAttention one shared head", (3, 4), num_heads=2, num_kv_heads=1, use_bias=False),
    # JAX itself computes attention in float32.
    Case(
        "nnx MultiHeadAttention in 32 bits",
        nnx_layer(nnx.MultiHeadAttention, num_heads=4, num_kv_heads=2, in_features=8, decode=False),
        [Input((2, 4, 8))],
        symmetries=KEY_BIAS,
        tolerance=1e-5,
    ),
    Case(
        "nnx MultiHeadAttention masked",
        nnx_layer(nnx.MultiHeadAttention, num_heads=2, in_features=6, decode=False),
        [Input((2, 4, 6)), Input((2, 2, 4, 4), below=5)],
        call=masked,
        arguments={"mask": True},
    ),
]

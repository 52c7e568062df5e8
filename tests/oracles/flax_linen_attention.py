"""Cases of linen's attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flax import linen

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import linen_layer

MANY = "MultiHeadDotProductAttention"

# What the key's bias adds to the scores of a query is the same for all keys, and the softmax takes it away.
KEY_BIAS = {"key/bias": ["head_dim heads", "head_dim kv_heads"]}


def case(
    name: str, *shapes: Sequence[int], symmetries: Mapping[str, Sequence[str]] | None = None, **options: Any
) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    build = linen_layer(getattr(linen, name.split()[1]), **options)
    return Case(name, build, [Input((2, *shape)) for shape in shapes], symmetries=symmetries or {})


def masked(layer: Any, tensors: Sequence[Any]) -> Any:
    """Return the attention of the first tensor to itself, where the second is not zero."""
    return layer(tensors[0], mask=tensors[1])


CASES = [
    case(f"linen {MANY} of itself", (3, 6), num_heads=2),
    case(f"linen {MANY} of itself square", (3, 4), num_heads=2, qkv_features=8),
    case(f"linen {MANY} of two", (3, 6), (4, 5), num_heads=3),
    case(f"linen {MANY} of three", (3, 6), (4, 5), (4, 7), num_heads=2),
    case(f"linen {MANY} of three square", (3, 2), (3, 2), (3, 2), symmetries=KEY_BIAS, num_heads=2, qkv_features=4),
    case(f"linen {MANY} sizes", (3, 4), (4, 5), num_heads=2, qkv_features=6, out_features=7),
    case(f"linen {MANY} without bias", (3, 4), num_heads=2, use_bias=False),
    case(f"linen {MANY} normalized", (3, 6), num_heads=2, normalize_qk=True),
    case(f"linen {MANY} normalized square", (3, 3), num_heads=3, qkv_features=9, normalize_qk=True),
    case(f"linen {MANY} on images", (2, 3, 4), symmetries=KEY_BIAS, num_heads=2),
    Case(
        f"linen {MANY} masked",
        linen_layer(linen.MultiHeadDotProductAttention, num_heads=2),
        [Input((2, 4, 6)), Input((2, 2, 4, 4), below=5)],
        call=masked,
        arguments={"mask": True},
    ),
    case("linen MultiHeadAttention", (3, 6), num_heads=2),
    case("linen MultiHeadAttention normalized", (3, 6), num_heads=2, normalize_qk=True),
    case("linen SelfAttention", (3, 6), num_heads=2),
    case("linen SelfAttention normalized", (3, 6), num_heads=2, normalize_qk=True),
]

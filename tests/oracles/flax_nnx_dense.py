"""Cases of the dense layers, embeddings and low-rank layers of nnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import nnx

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import nnx_layer


def case(name: str, shape: Sequence[int], *arguments: Any, **options: Any) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    return Case(name, nnx_layer(getattr(nnx, name.split()[1]), *arguments, **options), [Input((2, *shape))])


def linear(size: int, features: int, **options: Any) -> nnx.Linear:
    """Return a dense layer that computes in float64."""
    return nnx.Linear(size, features, param_dtype=float, rngs=nnx.Rngs(1), **options)


CASES = [
    case("nnx Linear", (3,), 3, 5),
    case("nnx Linear square", (4,), 4, 4),
    case("nnx Linear on images", (3, 4, 5), 5, 2),
    case("nnx Linear without bias", (3,), 3, 5, use_bias=False),
    case("nnx LinearGeneral", (3,), 3, 5),
    case("nnx LinearGeneral several features", (3,), 3, (4, 5)),
    case("nnx LinearGeneral several features square", (3,), 3, (3, 3)),
    case("nnx LinearGeneral several axes", (3, 4, 5), (4, 5), 6, axis=(-2, -1)),
    case("nnx LinearGeneral several axes square", (3, 3), (3, 3), 3, axis=(-1, 1)),
    case("nnx LinearGeneral without bias", (3, 4), (3, 4), (2, 5), axis=(1, 2), use_bias=False),
    case("nnx LinearGeneral batch", (3, 4), 4, 5, batch_axis={0: 2}),
    case("nnx LinearGeneral batch square", (2, 2), 2, (2, 2), batch_axis={0: 2, 1: 2}),
    case("nnx Einsum", (4, 3), "abc,cde->abde", (3, 5, 2), (5, 2)),
    case("nnx Einsum square", (3, 3), "abc,cde->abed", (3, 3, 3), (3, 3)),
    case("nnx Einsum with places of their own", (4, 3), "abc,bcd->abd", (4, 3, 5), (4, 5)),
    case("nnx Einsum without bias", (4, 3), "...c,cd->...d", (3, 5)),
    Case("nnx Embed", nnx_layer(nnx.Embed, 6, 4), [Input((2, 3), below=6)]),
    Case("nnx Embed square", nnx_layer(nnx.Embed, 4, 4), [Input((2, 5), below=4)]),
    case("nnx LoRA", (3,), 3, 2, 5),
    case("nnx LoRA square", (3,), 3, 3, 3),
    case("nnx LoRA of a layer", (3,), 3, 2, 5, base_module=linear(3, 5)),
    case("nnx LoRA of a layer square", (4, 3), 3, 3, 3, base_module=linear(3, 3, use_bias=False)),
    case("nnx LoRALinear", (3,), 3, 5, lora_rank=2, lora_param_dtype=float),
    case("nnx LoRALinear square", (3,), 3, 3, lora_rank=3, lora_param_dtype=float),
    case("nnx LoRALinear without bias", (3,), 3, 4, lora_rank=2, lora_param_dtype=float, use_bias=False),
]

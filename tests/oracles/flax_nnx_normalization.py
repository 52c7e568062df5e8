"""Cases of the normalizations of nnx and of PReLU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flax import nnx

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import NnxLayer, nnx_layer


def case(
    name: str,
    shape: Sequence[int],
    size: int | tuple[int, ...],
    arguments: Mapping[str, Any] | None = None,
    **options: Any,
) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    build = nnx_layer(getattr(nnx, name.split()[1]), size, **options)
    return Case(name, build, [Input((2, *shape))], arguments=arguments or {})


TRAINED = {"use_running_average": True}

CASES = [
    case("nnx BatchNorm", (3, 4, 5), 5, TRAINED),
    case("nnx BatchNorm along another axis square", (3, 3), 3, TRAINED, axis=1, epsilon=0.1),
    case("nnx BatchNorm without bias", (3, 4), 4, TRAINED, use_bias=False),
    case("nnx BatchNorm bare", (3, 4), 4, use_scale=False, use_bias=False, use_running_average=True),
    case("nnx LayerNorm", (3, 5), 5),
    case("nnx LayerNorm over two axes", (3, 4, 5), 5, reduction_axes=(1, 2), epsilon=0.1),
    case("nnx LayerNorm without bias", (3, 5), 5, use_bias=False),
    case("nnx LayerNorm without scale", (3, 5), 5, use_scale=False),
    case("nnx RMSNorm", (3, 5), 5),
    case("nnx RMSNorm over two axes", (3, 4), 4, reduction_axes=(1, 2)),
    case("nnx RMSNorm without scale", (3, 4), 4, use_scale=False),
    case("nnx GroupNorm", (3, 4, 6), 6, num_groups=3),
    case("nnx GroupNorm size of groups", (3, 6), 6, num_groups=None, group_size=2),
    case("nnx GroupNorm without bias", (3, 4), 4, num_groups=2, use_bias=False),
    case("nnx GroupNorm without scale", (3, 4), 4, num_groups=2, use_scale=False),
    case("nnx InstanceNorm", (3, 4, 5), 5),
    case("nnx InstanceNorm without bias", (3, 4), 4, use_bias=False),
    case("nnx InstanceNorm without scale", (3, 4), 4, use_scale=False),
    Case("nnx PReLU", lambda: NnxLayer(nnx.PReLU(param_dtype=float)), [Input((2, 3, 4))]),
]

"""Cases of linen's normalizations and of PReLU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flax import linen

from tests.oracles.case import Case, Input
from tests.oracles.flax_layer import linen_layer


def case(name: str, shape: Sequence[int], arguments: Mapping[str, Any] | None = None, **options: Any) -> Case:
    """Return the case of a module whose class is the second word of the name, on a batch of two."""
    build = linen_layer(getattr(linen, name.split()[1]), **options)
    return Case(name, build, [Input((2, *shape))], arguments=arguments or {})


TRAINED = {"use_running_average": True}

CASES = [
    case("linen BatchNorm", (3, 4, 5), TRAINED),
    case("linen BatchNorm on rows", (4,), TRAINED, epsilon=0.1),
    case("linen BatchNorm along another axis", (3, 4), TRAINED, axis=1),
    case("linen BatchNorm along another axis square", (3, 3), TRAINED, axis=1),
    case("linen BatchNorm along two axes", (3, 4, 5), TRAINED, axis=(-1, 1)),
    case("linen BatchNorm along two axes square", (3, 4, 3), TRAINED, axis=(1, 3)),
    case("linen BatchNorm without bias", (3, 4), TRAINED, use_bias=False),
    case("linen BatchNorm without scale", (3, 4), TRAINED, use_scale=False),
    case("linen BatchNorm bare", (3, 4), use_scale=False, use_bias=False, use_running_average=True),
    case("linen LayerNorm", (3, 5)),
    case("linen LayerNorm slow variance", (3, 5), use_fast_variance=False, epsilon=0.1),
    case("linen LayerNorm over two axes", (3, 4, 5), reduction_axes=(1, 2)),
    case("linen LayerNorm along two axes", (3, 4, 5), reduction_axes=(2, 3), feature_axes=(3, 1)),
    case("linen LayerNorm along two axes square", (3, 4, 3), reduction_axes=-1, feature_axes=(-3, -1)),
    case("linen LayerNorm along the first axis", (3, 4), feature_axes=1),
    case("linen LayerNorm without bias", (3, 5), use_bias=False),
    case("linen LayerNorm without scale", (3, 5), use_scale=False),
    case("linen RMSNorm", (3, 5)),
    case("linen RMSNorm over two axes", (3, 4), reduction_axes=(1, 2), epsilon=0.1),
    case("linen RMSNorm along two axes", (3, 4, 5), feature_axes=(1, 3)),
    case("linen RMSNorm along two axes square", (3, 4, 3), feature_axes=(1, 3)),
    case("linen RMSNorm without scale", (3, 5), use_scale=False),
    case("linen GroupNorm", (3, 4, 6), num_groups=3),
    case("linen GroupNorm size of groups", (3, 6), num_groups=None, group_size=2, epsilon=0.1),
    case("linen GroupNorm groups of one", (3, 4), num_groups=None, group_size=1),
    case("linen GroupNorm named axes", (3, 4), num_groups=2, reduction_axes=(-2, -1)),
    case("linen GroupNorm without bias", (3, 4), num_groups=2, use_bias=False),
    case("linen GroupNorm without scale", (3, 4), num_groups=2, use_scale=False),
    case("linen InstanceNorm", (3, 4, 5)),
    case("linen InstanceNorm along another axis", (3, 4, 2), feature_axes=1),
    case("linen InstanceNorm along two axes", (3, 4, 5), feature_axes=(1, 3)),
    case("linen InstanceNorm along two axes square", (3, 4, 3), feature_axes=(1, 3)),
    case("linen InstanceNorm bare", (3, 4), use_scale=False, use_bias=False),
    case("linen PReLU", (3, 4)),
]
